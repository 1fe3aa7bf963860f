"""Findings as markers: what an audit found, on the timeline of a DAW where it can be heard.

Stems lie as `session.arrange` puts them. Findings that lie within a second of each other are one marker; one that
lasts is a region. What has no place in time stands in the comment of its track, or in the session's notes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from stemwright.measure.spans import joined
from stemwright.model import Finding, Marker, Session, StemSet, Track
from stemwright.naming import one_line
from stemwright.session.arrange import arrange

_COLOURS = {"error": "#d0342c", "warning": "#e0a030", "info": "#4080c0"}


def session_of(stems: StemSet, findings: tuple[Finding, ...], template: str = "mix-engineer") -> Session:
    """The session of audited stems, with every finding that is not waived.

    Subjects of findings may be named as seen from `stems.folder`. Raises SessionError as `arrange` does, for a set
    without stems.
    """
    session = arrange(stems, template, mixed_rates=True)  # mixed rates are a finding of their own
    tracks = {clip.file.path: track for track in session.tracks for clip in track.clips}
    markers, notes = list(session.markers), list(session.notes)
    comments = {track.name: [track.comment] if track.comment else [] for track in session.tracks}
    for found in findings:
        track = tracks.get(subject(stems, found)) if found.subject else None
        if found.waived:
            continue
        if found.spans and (track or found.subject is None):
            markers += _markers(found, track, session.sample_rate)
        elif track:
            comments[track.name].append(one_line(f"{found.rule}: {found.message}"))
        else:
            notes.append(one_line(" ".join(filter(None, (found.rule, str(found.subject or ""), found.message)))))
    return replace(
        session,
        tracks=tuple(replace(track, comment="; ".join(comments[track.name])) for track in session.tracks),
        markers=tuple(sorted(markers, key=lambda marker: marker.at)),
        notes=tuple(notes),
    )


def subject(stems: StemSet, found: Finding) -> Path:
    """The file that a finding is about."""
    return (stems.folder or Path()) / (found.subject or "")


def _markers(found: Finding, track: Track | None, rate: int) -> Iterator[Marker]:
    """One for every place; spans of the whole set count from the start of the timeline."""
    name = one_line(f"{found.rule} {track.name if track else 'All stems'}: {found.message}")
    for place, count in joined(found.spans, rate):
        length = place.end - place.start
        yield Marker(
            place.start + (track.clips[0].at if track else 0),
            f"{name} ({count} places here)" if count > 1 else name,
            length if length > rate // 100 else 0,
            _COLOURS[found.severity],
        )
