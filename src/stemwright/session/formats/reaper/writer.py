"""Writing a REAPER project, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from stemwright.errors import SessionError
from stemwright.model import AudioFile, Clip, Loss, Marker, Session, Track
from stemwright.naming import one_line
from stemwright.safety import write_text
from stemwright.session.formats import Written, folders, stable_id
from stemwright.session.formats.reaper.chunks import has_all_quotes, quote
from stemwright.session.grid import GridPoint, grid, lead_in_of
from stemwright.session.media import foreign, relative
from stemwright.units import FRAME_RATES, linear

_VERSION = "7.41/win64"
_WAV_24 = "ZXZhdxgAAA=="
"""RENDER_CFG: "evaw" (WAV), 24-bit."""

_SOURCES = {"flac": "FLAC", "mp3": "MP3", "ogg": "VORBIS", "wavpack": "WAVPACK"}
"""REAPER's source types by container; it calls everything of the WAV and AIFF kind WAVE."""

_TAKEN = frozenset({"wav", "rf64", "bw64", "w64", "aiff", "caf", "flac", "ogg", "opus", "wavpack"})
"""Containers that REAPER itself reads; others it leaves to decoders of the system."""


def write(session: Session, path: Path, options: Mapping[str, Any]) -> Written:
    """Write the project. Raises SessionError for a media path that a project cannot name and for cyclic groups."""
    song, points = session.song, grid(session.song)
    lead_in, bar_one = lead_in_of(song)
    rate = session.sample_rate
    write_text(path, "".join(f"{line}\n" for line in (
        f"<REAPER_PROJECT 0.1 {quote(_VERSION)} 0",
        "  <NOTES 0 2",
        *(f"    |{one_line(line)}" for line in session.notes),
        "  >",
        f"  TITLE {quote(song.title)}",
        f"  AUTHOR {quote(song.artist)}",
        "  RIPPLE 0 0",
        "  PANLAW 1",
        f"  PROJOFFS {_seconds(session.start_frame, rate)} {-lead_in} 0",
        f"  TIMEMODE 1 5 -1 {round(session.frame_rate)} {_pulled(session)} 0 -1",
        "  PANMODE 3",
        '  RECORD_PATH "Media" ""',
        '  RENDER_FILE "Renders"',
        '  RENDER_PATTERN "$project"',
        "  RENDER_FMT 0 2 0",
        "  RENDER_RANGE 1 0 0 18 1000",
        "  RENDER_STEMS 0",
        "  RENDER_DITHER 0",
        "  TIMELOCKMODE 1",
        "  TEMPOENVLOCKMODE 1",
        f"  SAMPLERATE {rate} 1 0",
        "  <RENDER_CFG",
        f"    {_WAV_24}",
        "  >",
        f"  TEMPO {float(bar_one.bpm):.12g} {bar_one.meter[0]} {bar_one.meter[1]} 0",
        *_tempo_envelope(session, points),
        *(line for number, marker in enumerate(session.markers, 1) for line in _marker(session, number, marker)),
        *(line for track, step in folders(session.tracks) for line in _track(session, track, step, path.parent)),
        ">",
    )))  # fmt: skip
    return Written((), tuple(_losses(session)))


def held(session: Session) -> Session:
    """The session as REAPER holds it: it drops frames at 29.97 only."""
    return replace(session, drop_frame=_pulled(session) == 1)


def _pulled(session: Session) -> int:
    """REAPER's flag beside the nominal frame rate: 0 as it is, 1 drop-frame at 29.97, 2 slower by 1000/1001."""
    rate = session.frame_rate
    return 1 if session.drop_frame and rate == FRAME_RATES["29.97df"][0] else 2 * (rate.denominator == 1001)


def _losses(session: Session) -> Iterator[Loss]:
    if held(session) != session:
        yield Loss("song", "frame_rate", "REAPER drops frames at 29.97 only")
    yield from foreign(session, _TAKEN, "REAPER on some systems")
    members = {track.group for track in session.tracks}
    for track in session.tracks:
        if track.is_group and track.name not in members:
            yield Loss(track.name, "groups", "an empty folder is a plain track in REAPER")
    for marker in session.markers:
        if has_all_quotes(marker.name):
            yield Loss(marker.name, "markers" if not marker.length else "regions", "its backticks became apostrophes")


def _seconds(frames: int, rate: int) -> str:
    return f"{frames / rate:.15f}"


def _guid(session: Session, *parts: object) -> str:
    return f"{{{stable_id(session, *parts)}}}".upper()


def _colour(colour: str | None) -> int:
    """REAPER's colour number, red in the lowest byte; 0 is "none"."""
    red, green, blue = bytes.fromhex(colour[1:]) if colour else (0, 0, 0)
    return 0x1000000 | blue << 16 | green << 8 | red if colour else 0


def _tempo_envelope(session: Session, points: tuple[GridPoint, ...]) -> Iterator[str]:
    """The envelope that overrides TEMPO; square points, the metre where it changes."""
    yield "  <TEMPOENVEX"
    yield f"    EGUID {_guid(session, 'tempo')}"
    yield from ("    ACT 1 -1", "    VIS 1 0 1", "    LANEHEIGHT 0 0", "    ARM 0", "    DEFSHAPE 1 -1 -1")
    meter = None
    for point in points:
        place = f"    PT {float(point.at):.15f} {float(point.bpm):.12g} 1"
        changes = point.meter != meter
        meter = point.meter
        yield f"{place} {65536 * meter[1] + meter[0]} 0 1" if changes else place
    yield "  >"


def _marker(session: Session, number: int, marker: Marker) -> Iterator[str]:
    at, colour = _seconds(marker.at, session.sample_rate), _colour(marker.colour)
    region = int(marker.length > 0)
    yield f"  MARKER {number} {at} {quote(marker.name)} {region} {colour} 1 R {_guid(session, 'marker', number)} 0"
    if region:
        yield f'  MARKER {number} {_seconds(marker.end, session.sample_rate)} "" 1'


def _track(session: Session, track: Track, step: int, base: Path) -> Iterator[str]:
    guid = _guid(session, "track", track.name)
    yield f"  <TRACK {guid}"
    yield f"    NAME {quote(track.name)}"
    if has_all_quotes(track.name):
        yield from ("    <NAME", f"      |{one_line(track.name)}", "    >")
    yield f"    PEAKCOL {_colour(track.colour) or 16576}"
    yield "    BEAT 0"
    yield "    AUTOMODE 0"
    yield f"    VOLPAN {linear(track.gain_db):.15g} {track.pan:.15g} -1 -1 1"
    yield f"    MUTESOLO {int(track.mute)} {int(track.solo)} 0"
    yield "    IPHASE 0"
    yield f"    ISBUS {'1 1' if step > 0 else f'2 {step}' if step < 0 else '0 0'}"
    yield f"    NCHAN {max(2, track.channels + track.channels % 2)}"
    yield "    FX 1"
    yield f"    TRACKID {guid}"
    yield "    MAINSEND 1 0"
    for number, clip in enumerate(track.clips):
        yield from item(session, track, number, clip, base)
    if track.comment and not track.clips:  # an empty item, with which people write on REAPER's timeline
        yield from ("    <ITEM", "      POSITION 0", f"      LENGTH {_seconds(session.frames, session.sample_rate)}")
        yield f"      IGUID {_guid(session, 'item', track.name, 0)}"
        yield from ("      <NOTES", f"        |{one_line(track.comment)}", "      >", "    >")
    yield "  >"


def item(session: Session, track: Track, number: int, clip: Clip, base: Path) -> Iterator[str]:
    """The lines of the item of a clip, the track's `number`th, in a project in the folder `base`."""
    rate = session.sample_rate
    yield "    <ITEM"
    yield f"      POSITION {_seconds(clip.at, rate)}"
    yield "      SNAPOFFS 0"
    yield f"      LENGTH {_seconds(clip.length, rate)}"
    yield "      LOOP 0"
    yield "      ALLTAKES 0"
    yield f"      FADEIN 0 {_seconds(clip.fade_in, rate)} 0 0 0 0"
    yield f"      FADEOUT 0 {_seconds(clip.fade_out, rate)} 0 0 0 0"
    yield "      BEAT 0"
    yield "      MUTE 0 0"
    yield "      SEL 0"
    yield f"      IGUID {_guid(session, 'item', track.name, number)}"
    if track.comment and number == 0:
        yield from ("      <NOTES", f"        |{one_line(track.comment)}", "      >")
    yield f"      NAME {quote(track.name)}"
    yield f"      VOLPAN {linear(clip.gain_db):.15g} 0 1 -1"
    yield f"      SOFFS {_seconds(clip.source_from, rate)}"
    yield "      PLAYRATE 1 1 0 -1 0 0.0025"
    yield "      CHANMODE 0"
    yield f"      GUID {_guid(session, 'take', track.name, number)}"
    yield f"      <SOURCE {_SOURCES.get(clip.file.format.container, 'WAVE')}"
    yield f"        FILE {_file(clip.file, base)}"
    yield "      >"
    yield "    >"


def _file(file: AudioFile, base: Path) -> str:
    name = relative(file.path, base)
    if one_line(name) != name or has_all_quotes(name):
        raise SessionError(f"{file.path}: a REAPER project cannot hold this file name", "rename the file")
    return quote(name)
