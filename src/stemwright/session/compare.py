"""What of a planned session is different in the one that was read back, field by field.

Positions and lengths are exact in frames, gains within 0.001 dB. Only what a format expresses is compared. Where it
has no audio it counts time in ticks: 2 ms are allowed there (half a tick of 960 a quarter is 1.6 ms at 20 BPM), and
for tempo everywhere. Texts are compared as one line; where REAPER cannot quote a backtick, it is an apostrophe.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from stemwright.model import AudioFile, Clip, Marker, Session, Track
from stemwright.naming import one_line, unique
from stemwright.session.grid import GridPoint, grid, point_at, quarters_at
from stemwright.units import clock, rescale, seconds, spell_frame_rate
from stemwright.units import frames as frames_of

GAIN_DB = 0.001
PAN = 0.001

_LATE_S = Fraction(2, 1000)
_DRIFT = Fraction(4, 1_000_000)
"""Of the time elapsed; a tempo in whole microseconds is off by half of one a quarter, at 400 BPM 3.3 millionths."""

_ALWAYS = frozenset({"tracks", "sample_rate"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was planned; `field` is one of `FIELDS`, `tracks` or `sample_rate`."""

    field: str
    subject: str  # track, clip, marker or song
    planned: str
    found: str

    def __str__(self) -> str:
        """In one line."""
        return f"{self.field}: {self.subject}: planned {self.planned}, found {self.found}"


def differences(planned: Session, read: Session, expresses: frozenset[str]) -> tuple[Difference, ...]:
    """Everything in which `read` differs from `planned`, of the fields that its format expresses."""
    found = [*_song(planned, read), *_markers(planned, read, expresses)]
    if expresses & {"tempo", "tempo_map", "meter"}:
        found += _grid(planned, read, expresses)
    if "audio" in expresses:
        if planned.sample_rate != read.sample_rate:
            return (_song_difference("sample_rate", f"{planned.sample_rate} Hz", f"{read.sample_rate} Hz"),)
        found += _tracks(planned, read, "groups" in expresses)
    return tuple(difference for difference in found if difference.field in expresses | _ALWAYS)


def same_file(one: AudioFile, other: AudioFile) -> bool:
    """Whether two clips play the same file on disk."""
    return one.path == other.path or one.path.resolve() == other.path.resolve()


def _song_difference(field: str, planned: object, found: object) -> Difference:
    return Difference(field, "song", str(planned), str(found))


def _song(planned: Session, read: Session) -> Iterator[Difference]:
    keys = [session.song.key.value if session.song.key else "none" for session in (planned, read)]
    if keys[0] != keys[1]:
        yield _song_difference("key", *keys)
    notes = [[_text(line) for line in session.notes] for session in (planned, read)]
    if notes[0] != notes[1]:
        yield _song_difference("notes", *notes)
    rates = [spell_frame_rate(session.frame_rate, session.drop_frame) for session in (planned, read)]
    if rates[0] != rates[1]:
        yield _song_difference("frame_rate", *rates)
    starts = [rescale(session.start_frame, session.sample_rate, planned.sample_rate) for session in (planned, read)]
    if abs(starts[0] - starts[1]) * planned.frame_rate >= planned.sample_rate:  # timecode counts whole frames
        yield _song_difference("start_timecode", *(f"{start} frames" for start in starts))


def _grid(planned: Session, read: Session, expresses: frozenset[str]) -> Iterator[Difference]:
    """Where beats fall at other times, and where the metre is another: the first such place of each."""
    ours, theirs = grid(planned.song), grid(read.song)
    places = sorted({point.at for point in (*ours, *theirs)} | {seconds(planned.frames, planned.sample_rate)})
    soon = _LATE_S / 2
    """A point may stand so much later in one of them; no two points of one grid are that near."""
    if planned.song.bpm and "tempo_map" in expresses:
        for at in (*places, places[-1] + 60):  # both are piecewise linear: they are furthest apart at their corners
            late = (quarters_at(theirs, at) - quarters_at(ours, at)) * 60 / point_at(ours, at).bpm
            if abs(late) > _LATE_S + _DRIFT * at:
                yield Difference("tempo_map" if planned.song.tempo_map else "tempo", f"beat near {_clock(at)}",
                                 *(_beat(points, at) for points in (ours, theirs)))  # fmt: skip
                break
    elif planned.song.bpm:
        bar_1 = seconds(planned.song.downbeat_frame, planned.song.sample_rate) + soon
        tempos = [float(point_at(points, bar_1).bpm) for points in (ours, theirs)]
        if abs(tempos[0] - tempos[1]) > 0.001:
            yield _song_difference("tempo", *(f"{tempo:g} BPM" for tempo in tempos))
    for at in places:
        meters = ["{}/{}".format(*point_at(points, at + soon).meter) for points in (ours, theirs)]
        if meters[0] != meters[1]:
            yield Difference("meter", f"bar at {_clock(at)}", *meters)
            break


def _beat(points: tuple[GridPoint, ...], at: Fraction) -> str:
    return f"quarter {float(quarters_at(points, at)):.3f} at {float(point_at(points, at).bpm):.3f} BPM"


def _clock(at: Fraction) -> str:
    return clock(frames_of(at, 1000), 1000)


def _markers(planned: Session, read: Session, expresses: frozenset[str]) -> Iterator[Difference]:
    late = 0 if "audio" in expresses else _LATE_S * planned.sample_rate
    for field in ("markers", "regions"):
        ours, theirs = (_sorted(session, planned.sample_rate, field == "regions") for session in (planned, read))
        if field == "markers" and "regions" not in expresses:  # a region may have become a marker at its start
            regions = {name for name, _ in _sorted(planned, planned.sample_rate, True)}
            theirs = [pair for pair in theirs if pair in ours or pair[0] not in regions]
        names = [[name for name, _ in pairs] for pairs in (ours, theirs)]
        if names[0] != names[1]:
            yield _song_difference(field, *names)
            continue
        for (name, a), (_, b) in zip(ours, theirs, strict=True):
            if abs(a.at - b.at) > late or abs(a.length - b.length) > late:
                yield Difference(field, name, *(f"{m.at} + {m.length} frames" for m in (a, b)))
            if a.colour and a.colour.lower() != (b.colour or "").lower():
                yield Difference("marker_colours", name, a.colour, b.colour or "none")


def _sorted(session: Session, rate: int, regions: bool) -> list[tuple[str, Marker]]:
    """Markers, or regions, by name; in frames at the given rate."""

    def scaled(marker: Marker) -> Marker:
        at, length = (rescale(frames, session.sample_rate, rate) for frames in (marker.at, marker.length))
        return replace(marker, at=at, length=length)

    made = [(_text(marker.name), scaled(marker)) for marker in session.markers if bool(marker.length) == regions]
    return sorted(made, key=lambda pair: (pair[0], pair[1].at))


def _tracks(planned: Session, read: Session, groups: bool) -> Iterator[Difference]:
    ours, theirs = (_by_name(session, groups) for session in (planned, read))
    for name in ours.keys() - theirs.keys():
        yield Difference("tracks", name, "there", "missing")
    for name in theirs.keys() - ours.keys():
        yield Difference("tracks", name, "none", "there")
    both = [[name for name in tracks if name in ours and name in theirs] for tracks in (ours, theirs)]
    if both[0] != both[1]:
        yield Difference("tracks", "order", ", ".join(both[0]), ", ".join(both[1]))
    for name in both[0]:
        yield from _track(name, ours[name], theirs[name])


def _by_name(session: Session, groups: bool) -> dict[str, Track]:
    tracks = [track for track in session.tracks if groups or not track.is_group]
    return dict(zip(unique(_text(track.name) for track in tracks), tracks, strict=True))


def _track(name: str, a: Track, b: Track) -> Iterator[Difference]:
    for field, planned, found in (
        ("groups", a.is_group, b.is_group),
        ("groups", _text(a.group or "none"), _text(b.group or "none")),
        ("mute", a.mute, b.mute),
        ("solo", a.solo, b.solo),
        ("comments", _text(a.comment), _text(b.comment)),
        ("colours", (a.colour or "").lower(), (b.colour or "").lower() if a.colour else ""),
    ):
        if planned != found:
            yield Difference(field, name, str(planned), str(found))
    if _apart(a.gain_db, b.gain_db, GAIN_DB):
        yield Difference("gain", name, f"{a.gain_db:.3f} dB", f"{b.gain_db:.3f} dB")
    if _apart(a.pan, b.pan, PAN):
        yield Difference("pan", name, f"{a.pan:+.3f}", f"{b.pan:+.3f}")
    if len(a.clips) != len(b.clips):
        yield Difference("audio", name, f"{len(a.clips)} clips", f"{len(b.clips)} clips")
        return
    for number, (one, other) in enumerate(zip(a.clips, b.clips, strict=True), 1):
        yield from _clip(name if len(a.clips) == 1 else f"{name}, clip {number}", one, other)


def _clip(name: str, a: Clip, b: Clip) -> Iterator[Difference]:
    for what in ("at", "length", "source_from"):
        planned, found = getattr(a, what), getattr(b, what)
        if planned != found:
            yield Difference("audio", name, *(f"{what} {frames} frames" for frames in (planned, found)))
    if not same_file(a.file, b.file):  # media that were copied: `verify` compares the samples
        planned, found = (f"{f.format.channels} channels, {f.frames} frames" for f in (a.file, b.file))
        if planned != found:
            yield Difference("audio", name, f"{a.file.path.name}: {planned}", f"{b.file.path.name}: {found}")
    if _apart(a.gain_db, b.gain_db, GAIN_DB):
        yield Difference("clip_gain", name, f"{a.gain_db:.3f} dB", f"{b.gain_db:.3f} dB")
    if (a.fade_in, a.fade_out) != (b.fade_in, b.fade_out):
        yield Difference("fades", name, *(f"{clip.fade_in} in, {clip.fade_out} out" for clip in (a, b)))


def _apart(one: float, other: float, limit: float) -> bool:
    return one != other and not abs(one - other) <= limit


def _text(text: str) -> str:
    return one_line(text).strip().replace("`", "'")
