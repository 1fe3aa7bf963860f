"""Stems in, session out: order, groups, colours, positions, markers; the same for every DAW.

The timeline begins with the earliest stem. A stem with a TimeReference lies where that says, every other one at
frame 0; a TimeReference of 0 among later ones is none when no stem is long enough to reach them. `Song.downbeat_frame`
and the song's markers count from the start of the timeline.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from stemwright.errors import SessionError
from stemwright.model import AudioFile, Clip, Marker, Session, Song, Stem, StemSet, Track, end_of
from stemwright.naming import half as half_of
from stemwright.naming import natural, one_line, role_order, unique
from stemwright.session.grid import bar_start
from stemwright.session.layout import Group, Place, home, load_layout
from stemwright.units import FRAME_RATES, camelot, clock, frames, rescale, short_key, spell_key

SURE_NOTE = " sure)"
"""End of the notes of our sessions about tempo and key."""


def arrange(
    stems: StemSet, template: str = "mix-engineer", *, mixed_rates: bool = False, frame_rate: str = ""
) -> Session:
    """The session of a set of stems, laid out as `templates/sessions/<template>.toml` says.

    The reference mix is muted, on top unless the template says otherwise; a group gets a bus from `bus_from` tracks
    on; `Stem.gain_db` is undone by clip gain. With `mixed_rates` files of another rate than most are let in, for DAWs
    that convert on playback; clips count in frames of the session. `frame_rate` is one of
    `FRAME_RATES`, and that of the template unless it is given. Raises SessionError for a set without stems or
    with mixed sample rates, SettingsError for a broken template.
    """
    if not stems.stems:
        raise SessionError("there are no stems to build a session from", "give the folder that holds the stems")
    layout = load_layout(template)
    rate = _common_rate([stem.file for stem in stems.everything], mixed_rates)
    starts = _starts([stem.file for stem in stems.everything], rate)
    origin = min((at for at in starts if at is not None), default=0)
    names = unique(stem.name for stem in stems.everything)
    halves = _halves(stems)
    tracks = [
        _track(stem, name, rate, 0 if at is None else at - origin, halves.get(stem.file.path, 0.0))
        for stem, name, at in zip(stems.everything, names, starts, strict=True)
    ]
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
    end = end_of(ordered)
    fps, drop = FRAME_RATES[frame_rate or str(layout.frame_rate)]
    return Session(
        song=song,
        tracks=tuple(ordered),
        sample_rate=rate,
        frames=end,
        markers=_markers(song, layout.markers, end),
        frame_rate=fps,
        drop_frame=drop,
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
    held = sum(any(homes[track.name] is inner for inner in group.all()) for track in tracks)
    if not held or not bus_from or held < bus_from:
        bus, lines = parent, []
    else:
        bus = unique([*taken, group.name])[-1]
        taken.append(bus)
        lines = [Track(bus, next(iter(group.parts), "other"), group=parent, is_group=True, colour=group.colour)]
    for track in own:
        colour, mute = track.colour or group.colour, track.mute or group.mute
        lines.append(replace(track, group=bus, colour=colour, gain_db=float(group.gain_db), mute=mute))
    for child in group.groups:
        lines += _lines(child, tracks, homes, bus_from, bus, taken)
    return lines


def _order(track: Track) -> tuple[object, ...]:
    return role_order(track.role), natural(track.name)


def _starts(files: list[AudioFile], rate: int) -> list[int | None]:
    """The TimeReferences in frames at the session rate."""
    starts = [None if f.start_frame is None else rescale(f.start_frame, f.format.sample_rate, rate) for f in files]
    later = min((at for at in starts if at), default=0)
    longest = max(rescale(file.frames, file.format.sample_rate, rate) for file in files)
    return [None if at == 0 and later > longest else at for at in starts]


def _halves(stems: StemSet) -> dict[Path, float]:
    """The pan of files that are surely the two sides of one stereo track."""
    sides = {
        (half.base.lower(), half.left, stem.file.frames): stem.file.path
        for stem in stems.stems
        if stem.file.format.channels == 1 and (half := half_of(stem.file.path.stem)) and half.sure
    }
    both = ((path, left) for (base, left, frames), path in sides.items() if (base, not left, frames) in sides)
    return {path: -1.0 if left else 1.0 for path, left in both}


def _track(stem: Stem, name: str, rate: int, at: int, pan: float) -> Track:
    length = rescale(stem.file.frames, stem.file.format.sample_rate, rate)
    clip = Clip(stem.file, at, length, gain_db=-stem.gain_db if stem.gain_db else 0.0)
    effects = f"Printed effects: {stem.printed_effects}" if stem.printed_effects else ""
    comment = one_line(". ".join(filter(None, (effects, stem.comments))))
    # A second mix among the stems would double everything: it stays muted as the first does.
    return Track(name, stem.role, (clip,), colour=stem.colour, pan=pan, mute=stem.role == "mix", comment=comment)


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


def _markers(song: Song, places: tuple[Place, ...], end: int) -> tuple[Marker, ...]:
    own = [Marker(0, f"Key: {spell_key(song.key.value)}")] if song.key else []
    if song.bpm:
        own.append(Marker(song.downbeat_frame, "Bar 1"))
        bars = [(frames(bar_start(song, place.bar), song.sample_rate), place) for place in places]
        own += [Marker(at, place.name, 0, place.colour) for at, place in bars if at < end]
    return tuple(sorted((*own, *song.markers), key=lambda marker: marker.at))


def _notes(song: Song) -> tuple[str, ...]:
    lines = [f"{song.artist} - {song.title}" if song.artist else song.title]
    if song.bpm:
        lines.append(f"BPM: {song.bpm.value:g} ({song.bpm.source}, {song.bpm.confidence:.0%}{SURE_NOTE}")
        lines.append(f"Bar 1 starts at {clock(song.downbeat_frame, song.sample_rate)} (frame {song.downbeat_frame})")
    if song.key:
        key, sure = song.key.value, f"({song.key.source}, {song.key.confidence:.0%}{SURE_NOTE}"
        lines.append(f"Key: {spell_key(key)} = {short_key(key)} = {camelot(key)} {sure}")
    lines.append(f"Sample rate: {song.sample_rate} Hz")
    return tuple(lines)
