"""Stems in, session out: order, groups, colours, positions, markers; the same for every DAW.

The timeline begins with the earliest stem. A stem with a TimeReference lies where that says, every other one at
frame 0. `Song.downbeat_frame` and the song's markers count from the start of the timeline.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from stemwright.errors import SessionError
from stemwright.model import AudioFile, Clip, Marker, Session, Song, Stem, StemSet, Track
from stemwright.naming import role_order
from stemwright.session.grid import bar_start
from stemwright.session.layout import Group, Place, home, load_layout
from stemwright.units import camelot, clock, frames, rescale, short_key, spell_key

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def arrange(stems: StemSet, template: str = "mix-engineer", *, mixed_rates: bool = False) -> Session:
    """The session of a set of stems, laid out as `templates/sessions/<template>.toml` says.

    The reference mix is muted, on top unless the template says otherwise; a group gets a bus from `bus_from` tracks
    on; `Stem.gain_db` is undone by clip gain. With `mixed_rates` files of another rate than most are let in, for DAWs
    that convert on playback; clips count in frames of the session. Raises SessionError for a set without stems or
    with mixed sample rates, SettingsError for a broken template.
    """
    if not stems.stems:
        raise SessionError("there are no stems to build a session from", "give the folder that holds the stems")
    layout = load_layout(template)
    rate = _common_rate([stem.file for stem in stems.everything], mixed_rates)
    origin = min((at for s in stems.everything if (at := _reference(s.file, rate)) is not None), default=0)
    names = unique(stem.name for stem in stems.everything)
    tracks = [_track(stem, name, origin, rate) for stem, name in zip(stems.everything, names, strict=True)]
    mix = []
    if stems.mix:
        last = tracks.pop()
        mix = [replace(last, mute=True, colour=last.colour or layout.mix_colour)]
    homes = {track.name: home(track.role, layout.groups) for track in tracks}
    taken = list(names)
    ordered = [line for group in layout.groups for line in _lines(group, tracks, homes, layout.bus_from, None, taken)]
    strays = [track for track in tracks if homes[track.name] is None]
    ordered += [replace(t, colour=t.colour or layout.other_colour) for t in sorted(strays, key=_order)]
    ordered = ordered + mix if layout.mix_last else mix + ordered
    song = _at_rate(stems.song, rate)
    return Session(
        song=song,
        tracks=tuple(ordered),
        sample_rate=rate,
        frames=max(clip.at + clip.length for track in ordered for clip in track.clips),
        markers=_markers(song, layout.markers),
        start_frame=origin,
        notes=_notes(song),
    )


def _lines(
    group: Group,
    tracks: list[Track],
    homes: dict[str, Group | None],
    bus_from: int,
    parent: str | None,
    taken: list[str],
) -> list[Track]:
    """The tracks of a group and of the groups in it, its bus before them when they are enough for one."""
    own = sorted((track for track in tracks if homes[track.name] is group), key=_order)
    inside = sum(len(_lines(child, tracks, homes, len(tracks) + 1, None, [])) for child in group.groups)
    if len(own) + inside < max(bus_from, 1):
        bus, lines = parent, []
    else:
        bus = unique([*taken, group.name])[-1]
        taken.append(bus)
        lines = [Track(bus, next(iter(group.parts), "other"), group=parent, is_group=True, colour=group.colour)]
    lines += [replace(t, group=bus, colour=t.colour or group.colour, gain_db=float(group.gain_db)) for t in own]
    for child in group.groups:
        lines += _lines(child, tracks, homes, bus_from, bus, taken)
    return lines


def _order(track: Track) -> int:
    return role_order(track.role)


def one_line(text: str) -> str:
    """Text without control characters, line breaks and what no file can hold (lone surrogates)."""
    return _UNPRINTABLE.sub(" ", text).encode("utf-8", "replace").decode()


def unique(names: Iterable[str]) -> list[str]:
    """Names on one line each; a repeated one gets ` (2)`, ` (3)`, ... so that DAWs and people can tell tracks apart."""
    taken: dict[str, None] = {}
    counts: dict[str, int] = {}
    for name in names:
        plain = candidate = one_line(name).strip() or "Track"
        while candidate in taken:
            counts[plain] = counts.get(plain, 1) + 1
            candidate = f"{plain} ({counts[plain]})"
        taken[candidate] = None
    return list(taken)


def _reference(file: AudioFile, rate: int) -> int | None:
    """The TimeReference in frames at the session rate."""
    return None if file.start_frame is None else rescale(file.start_frame, file.format.sample_rate, rate)


def _track(stem: Stem, name: str, origin: int, rate: int) -> Track:
    reference = _reference(stem.file, rate)
    at = 0 if reference is None else reference - origin
    length = rescale(stem.file.frames, stem.file.format.sample_rate, rate)
    clip = Clip(stem.file, at, length, gain_db=-stem.gain_db if stem.gain_db else 0.0)
    comment = f"Printed effects: {one_line(stem.printed_effects)}" if stem.printed_effects else ""
    # A second mix among the stems would double everything: it stays muted as the first does.
    return Track(name, stem.role, (clip,), colour=stem.colour, mute=stem.role == "mix", comment=comment)


def _common_rate(files: list[AudioFile], mixed: bool) -> int:
    rates = Counter(file.format.sample_rate for file in files)
    rate = rates.most_common(1)[0][0]
    strange = [f"{f.path.name} ({f.format.sample_rate} Hz)" for f in files if f.format.sample_rate != rate]
    if strange and not mixed:
        raise SessionError(
            f"the stems have mixed sample rates: {', '.join(strange)}; the others have {rate} Hz",
            f"bounce them again at {rate} Hz, the rate of most files; a session has one rate. Or give "
            "--allow-mixed-rates for a DAW that converts on playback, such as REAPER",
        )
    return rate


def _at_rate(song: Song, rate: int) -> Song:
    """The song with its frames counted at the session's rate and its texts fit for any file."""

    def scaled(frame: int) -> int:
        return rescale(frame, song.sample_rate, rate)

    markers = (replace(m, at=scaled(m.at), length=scaled(m.length), name=one_line(m.name)) for m in song.markers)
    return replace(
        song,
        title=one_line(song.title),
        artist=one_line(song.artist),
        sample_rate=rate,
        downbeat_frame=scaled(song.downbeat_frame),
        markers=tuple(markers),
    )


def _markers(song: Song, places: tuple[Place, ...]) -> tuple[Marker, ...]:
    own = [Marker(0, f"Key: {spell_key(song.key.value)}")] if song.key else []
    if song.bpm:
        own.append(Marker(song.downbeat_frame, "Bar 1"))
        own += [Marker(frames(bar_start(song, p.bar), song.sample_rate), p.name, 0, p.colour) for p in places]
    return tuple(sorted((*own, *song.markers), key=lambda marker: marker.at))


def _notes(song: Song) -> tuple[str, ...]:
    lines = [f"{song.artist} - {song.title}" if song.artist else song.title]
    if song.bpm:
        lines.append(f"BPM: {song.bpm.value:g} ({song.bpm.source}, {song.bpm.confidence:.0%} sure)")
        lines.append(f"Bar 1 starts at {clock(song.downbeat_frame, song.sample_rate)} (frame {song.downbeat_frame})")
    if song.key:
        key, sure = song.key.value, f"({song.key.source}, {song.key.confidence:.0%} sure)"
        lines.append(f"Key: {spell_key(key)} = {short_key(key)} = {camelot(key)} {sure}")
    lines.append(f"Sample rate: {song.sample_rate} Hz")
    return tuple(lines)
