"""A REAPER project read back: what a Session holds of it, and a warning for what it has no place for.

Folders are groups; one that holds items of its own gets them as its first member. Loops become one clip after
another, tempo ramps the steps that reach the next point at the same time, notes of items the comment of their track.
Only the take that plays is read; what else changes the sound is told, see `left_out`. A track that is sent neither
to the master nor to its folder nor to another track is muted.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from stemwright.audio.probe import probe
from stemwright.errors import InputError, OutputError, SessionError
from stemwright.model import Marker, Session, Track, end_of
from stemwright.naming import guess_role, one_line, unique
from stemwright.safety import read_bytes
from stemwright.session.formats import Opened
from stemwright.session.formats.reaper.chunks import Chunk, number, parse, whole
from stemwright.session.formats.reaper.items import Reading, clips_of, sources
from stemwright.session.formats.reaper.left_out import PROJECT, TRACK, tell
from stemwright.session.grid import is_meter, is_tempo, points_of, song_from
from stemwright.session.media import Media, Roots, find_media, is_rate
from stemwright.session.told import Told
from stemwright.units import gain


def read(path: Path, roots: Roots) -> Opened:
    """Read a project. Raises InputError for what is none, SessionError for a damaged one."""
    project = parse(read_bytes(path), path)
    reading = Reading(path, Media(roots, Told()), _rate(project, roots))
    tell(project, PROJECT, "", reading.told)
    markers = tuple(_markers(project, reading))
    tracks = _tracks(project, reading)
    start = reading.time(project.line("PROJOFFS"), 0)
    if start < 0:
        reading.told.tell("the project starts before 0:00 of timecode, which is read as 0:00")
    mode = project.line("TIMEMODE")
    rate = Fraction(min(max(whole(mode, 3, 30), 1), 1000))
    session = Session(
        song=song_from(
            markers,
            points_of(tempos(project, reading)),
            reading.rate,
            one_line(" ".join(project.line("TITLE"))) or one_line(path.stem),
            one_line(" ".join(project.line("AUTHOR"))),
        ),
        tracks=tracks,
        sample_rate=reading.rate,
        frames=end_of(tracks) or max((marker.end for marker in markers), default=0),
        markers=markers,
        frame_rate=rate * 1000 / 1001 if whole(mode, 4) in (1, 2) else rate,
        drop_frame=whole(mode, 4) == 1,
        start_frame=max(start, 0),
        notes=tuple(one_line(line) for notes in project.chunks("NOTES") for line in notes.text()),
    )
    return Opened(session, reading.told.lines())


def _rate(project: Chunk, roots: Roots) -> int:
    """The rate the project asks for; when it goes with the audio device, that of most of its media."""
    words = project.line("SAMPLERATE")
    rate = whole(words, 0)
    rate = rate if is_rate(rate) else 44100
    if whole(words, 1):
        return rate
    found: Counter[int] = Counter()
    items = (item for track in project.chunks("TRACK") for item in track.chunks("ITEM"))
    names = {source.line("FILE")[0] for item in items for source in sources(item) if source.line("FILE")}
    for media in filter(None, (find_media(name, roots) for name in sorted(names))):
        with suppress(InputError, OutputError):
            found[probe(media).format.sample_rate] += 1
    return found.most_common(1)[0][0] if found else rate


def tempos(project: Chunk, reading: Reading) -> Iterator[tuple[Fraction, Fraction, tuple[int, int]]]:
    """Quarters, BPM and metre of every step; a ramp is a step of its mean tempo."""
    words = project.line("TEMPO")
    bpm, meter = _bpm(words, 0, reading), (whole(words, 1, 4), whole(words, 2, 4))
    meter = meter if is_meter(*meter) else (4, 4)
    at = quarters = Fraction(0)
    rows = [row for envelope in project.chunks("TEMPOENVEX") for row in envelope.lines("PT")]
    yield quarters, bpm, meter
    for row, following in zip(rows, (*rows[1:], []), strict=False):
        reading.time(row, 0)
        here = Fraction(row[0]) if number(row, 0) > 0 else Fraction(0)
        quarters += max(here - at, Fraction(0)) * bpm / 60
        snapped = Fraction(round(quarters * 5760), 5760)  # a whole 64th or its triplet, where it is meant to be one
        quarters = snapped if abs(snapped - quarters) < Fraction(1, 10**8) else quarters
        at, bpm = max(here, at), _bpm(row, 1, reading)
        if whole(row, 2, 1) == 0 and following and _bpm(following, 1, reading) != bpm:
            bpm = (bpm + _bpm(following, 1, reading)) / 2
            reading.told.tell("tempo ramps are read as steps")
        signature = whole(row, 3)
        if signature > 0 and whole(row, 5, 1) & 1 and is_meter(signature & 0xFFFF, signature >> 16):
            meter = signature & 0xFFFF, signature >> 16
        yield quarters, bpm, meter


def _bpm(words: list[str], index: int, reading: Reading) -> Fraction:
    value = number(words, index, 120.0)
    if not is_tempo(value):
        raise SessionError(f"{reading.path}: {value:g} BPM is no tempo", "look at the tempo envelope in REAPER")
    return Fraction(str(value))


def _markers(project: Chunk, reading: Reading) -> Iterator[Marker]:
    """Markers and regions in their order; the end of a region is a second line of the same number."""
    rows = list(project.lines("MARKER"))
    ends: dict[str, deque[int]] = {}
    starts: list[tuple[int, list[str]]] = []
    is_open: set[str] = set()
    for row in rows:
        at, identity = max(reading.time(row, 1), 0), row[0] if row else ""
        if whole(row, 3) & 1 and identity in is_open:
            is_open.remove(identity)
            ends[identity].append(at)
        else:
            starts.append((at, row))
            if whole(row, 3) & 1:
                is_open.add(identity)
                ends.setdefault(identity, deque())
    for at, row in starts:
        end = ends[row[0]].popleft() if whole(row, 3) & 1 and ends[row[0]] else at
        blue_first = len(row) > 6 and row[6] == "B"
        yield Marker(at, one_line(row[2]) if len(row) > 2 else "", max(end - at, 0), _colour(row, 4, blue_first))


def _colour(words: list[str], index: int, blue_first: bool = False) -> str | None:
    """A colour number as #rrggbb; red is its lowest byte unless `blue_first`."""
    value = whole(words, index)
    if not value & 0x1000000:
        return None
    parts = (value & 0xFFFFFF).to_bytes(3, "big")
    return f"#{(parts if blue_first else parts[::-1]).hex()}"


def _tracks(project: Chunk, reading: Reading) -> tuple[Track, ...]:
    chunks = list(project.chunks("TRACK"))
    folders = [whole(chunk.line("ISBUS"), 0) == 1 for chunk in chunks[:-1]] + [False] * bool(chunks)
    inner = [chunk for chunk, folder in zip(chunks, folders, strict=True) if folder and any(chunk.chunks("ITEM"))]
    names = unique(name_of(chunk) for chunk in (*chunks, *inner))
    inner_names = iter(names[len(chunks) :])
    tracks: list[Track] = []
    groups: list[str] = []
    sent = {whole(row, 0, -1) for chunk in chunks for row in chunk.lines("AUXRECV")}
    for number_of, (chunk, name, folder) in enumerate(zip(chunks, names, folders, strict=False)):
        silent = not whole(chunk.line("MAINSEND"), 0, 1) and number_of not in sent and not any(chunk.lines("HWOUT"))
        track = _track(chunk, name, groups[-1] if groups else None, silent, reading)
        if folder:
            comment = "" if track.clips else track.comment
            tracks.append(replace(track, clips=(), is_group=True, comment=comment))
            if any(chunk.chunks("ITEM")):
                own = Track(
                    next(inner_names), track.role, track.clips, name, colour=track.colour, comment=track.comment
                )
                tracks += [own] if own.clips else []
            groups.append(name)
            continue
        tracks.append(track)
        if (step := whole(chunk.line("ISBUS"), 1)) < 0:
            del groups[max(len(groups) + step, 0) :]
    return tuple(tracks)


def name_of(chunk: Chunk) -> str:
    """A track's name; one that holds all kinds of quotes stands in a chunk of its own."""
    whole_name = next(chunk.chunks("NAME"), None)
    return "".join(whole_name.text()) if whole_name else " ".join(chunk.line("NAME"))


def _track(chunk: Chunk, name: str, group: str | None, silent: bool, reading: Reading) -> Track:
    tell(chunk, TRACK, name, reading.told)
    volume, mutesolo = chunk.line("VOLPAN"), chunk.line("MUTESOLO")
    if number(volume, 0, 1.0) < 0:
        reading.told.tell("inverted polarity of tracks is not read", name)
    if silent:
        reading.told.tell("tracks that are sent nowhere are read as muted", name)
    items = list(chunk.chunks("ITEM"))
    notes = (one_line(" ".join(part.text())).strip() for item in items for part in item.chunks("NOTES"))
    return Track(
        name,
        guess_role(name),
        tuple(clip for item in items for clip in clips_of(item, name, reading)),
        group,
        colour=_colour(chunk.line("PEAKCOL"), 0),
        gain_db=gain(number(volume, 0, 1.0)),
        pan=min(max(number(volume, 1), -1.0), 1.0),
        mute=whole(mutesolo, 0) > 0 or silent,
        solo=whole(mutesolo, 1) > 0,
        comment="; ".join(filter(None, notes)),
    )
