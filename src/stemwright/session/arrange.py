"""Stems in, session out: order, groups, colours, positions, markers; the same for every DAW.

The timeline begins with the earliest stem. A stem with a TimeReference lies where that says, every other one at
frame 0. `Song.downbeat_frame` and the song's markers count from the start of the timeline.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from stemwright import resources
from stemwright.errors import SessionError, SettingsError
from stemwright.model import AudioFile, Clip, Marker, Session, Song, Stem, StemSet, Track
from stemwright.naming import role_order
from stemwright.units import camelot, clock, rescale, short_key, spell_key

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def arrange(stems: StemSet, template: str = "mix-engineer") -> Session:
    """The session of a set of stems, laid out as `templates/sessions/<template>.toml` says.

    The reference mix is the first track and muted; a group gets a bus from `bus_from` tracks on; `Stem.gain_db` is
    undone by clip gain. Raises SessionError for a set without stems or with mixed sample rates, SettingsError for a
    broken template.
    """
    if not stems.stems:
        raise SessionError("there are no stems to build a session from", "give the folder that holds the stems")
    layout = _layout(template)
    rate = _common_rate([stem.file for stem in stems.everything])
    origin = min((s.file.start_frame for s in stems.everything if s.file.start_frame is not None), default=0)
    names = unique(stem.name for stem in stems.everything)
    tracks = [_track(stem, name, origin) for stem, name in zip(stems.everything, names, strict=True)]
    ordered: list[Track] = []
    if stems.mix:
        mix = tracks.pop()
        ordered.append(replace(mix, mute=True, colour=mix.colour or layout["mix_colour"]))
    grouped = {part for group in layout["group"] for part in group["parts"]}
    rest = {"name": "", "parts": {_part(t) for t in tracks} - grouped, "colour": layout["other_colour"]}
    for group in (*layout["group"], rest):
        members = sorted((t for t in tracks if _part(t) in group["parts"]), key=lambda t: role_order(t.role))
        bus = None
        if group["name"] and len(members) >= layout["bus_from"]:
            bus = unique([*names, group["name"]])[-1]
            ordered.append(Track(bus, group["parts"][0], is_group=True, colour=group["colour"]))
        ordered += [replace(t, group=bus, colour=t.colour or group["colour"]) for t in members]
    song = _at_rate(stems.song, rate)
    return Session(
        song=song,
        tracks=tuple(ordered),
        sample_rate=rate,
        frames=max(clip.at + clip.length for track in ordered for clip in track.clips),
        markers=_markers(song),
        start_frame=origin,
        notes=_notes(song),
    )


def one_line(text: str) -> str:
    """Text without control characters, line breaks and what no file can hold (lone surrogates)."""
    return _UNPRINTABLE.sub(" ", text).encode("utf-8", "replace").decode()


def unique(names: Iterable[str]) -> list[str]:
    """Names on one line each; a repeated one gets ` (2)`, ` (3)`, ... so that DAWs and people can tell tracks apart."""
    taken: dict[str, None] = {}
    for name in names:
        plain = candidate = one_line(name).strip() or "Track"
        count = 1
        while candidate in taken:
            count += 1
            candidate = f"{plain} ({count})"
        taken[candidate] = None
    return list(taken)


def _part(track: Track) -> str:
    return track.role.partition(".")[0]


def _track(stem: Stem, name: str, origin: int) -> Track:
    at = 0 if stem.file.start_frame is None else stem.file.start_frame - origin
    clip = Clip(stem.file, at, stem.file.frames, gain_db=-stem.gain_db if stem.gain_db else 0.0)
    comment = f"Printed effects: {one_line(stem.printed_effects)}" if stem.printed_effects else ""
    # A second mix among the stems would double everything: it stays muted as the first does.
    return Track(name, stem.role, (clip,), colour=stem.colour, mute=stem.role == "mix", comment=comment)


def _common_rate(files: list[AudioFile]) -> int:
    rates = Counter(file.format.sample_rate for file in files)
    rate = rates.most_common(1)[0][0]
    strange = [f"{f.path.name} ({f.format.sample_rate} Hz)" for f in files if f.format.sample_rate != rate]
    if strange:
        raise SessionError(
            f"the stems have mixed sample rates: {', '.join(strange)}; the others have {rate} Hz",
            f"bounce them again at {rate} Hz, the rate of most files; a session has one rate",
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


def _markers(song: Song) -> tuple[Marker, ...]:
    own = [Marker(0, f"Key: {spell_key(song.key.value)}")] if song.key else []
    if song.bpm:
        own.append(Marker(song.downbeat_frame, "Bar 1"))
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


def _layout(template: str) -> dict[str, Any]:
    """A session template with every field there and of the right kind."""
    layout: dict[str, Any] = {"bus_from": 2, "mix_colour": "#808080", "other_colour": "#a0a0a0", "group": []}
    layout |= resources.load("sessions", template)
    groups = layout["group"]
    fine = isinstance(layout["bus_from"], int) and isinstance(groups, list)
    fine = fine and all(
        isinstance(g, dict) and g.keys() == {"name", "parts", "colour"} and isinstance(g["name"], str) and g["parts"]
        for g in groups
    )
    colours = (layout["mix_colour"], layout["other_colour"], *(g["colour"] for g in groups)) if fine else ("",)
    if not all(isinstance(colour, str) and _COLOUR.fullmatch(colour) for colour in colours):
        raise SettingsError(
            f"session template {template!r}: each [[group]] needs name, parts and colour; colours are written #rrggbb",
            "compare it with templates/sessions/mix-engineer.toml",
        )
    return layout
