"""A hundred tracks with everything that a session can hold and that a format could get wrong, always the same."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

from stemwright.audio.chunks import Bext
from stemwright.audio.probe import probe
from stemwright.audio.wav import WavWriter
from stemwright.model import (
    AudioFile,
    Clip,
    Estimate,
    Marker,
    MeterChange,
    Session,
    Song,
    Stem,
    StemSet,
    TempoChange,
    Track,
)
from stemwright.session.arrange import arrange
from stemwright.session.formats import formats, write_session

TRACKS = 100
FRAMES = 2400

NAMES = (
    "Kick",
    "kick",
    "Größe & Übermut <ß>",
    "Bläser 🎺🔥",
    'He said "no"',
    "It's",
    "back`tick",
    "all \"three' `kinds",
    "x" * 200,
    "ÄÖÜ" * 66,
    "Café",
    "Cafe\u0301",  # the same in another spelling of Unicode
    "日本語の歌",
    "a/b\\c:d*e?f|g",
    "CON",
    "50% wet #1 + ; @ ~",
    "two  spaces, a comma",
    "עברית",
    "(brackets) [and] {braces}",
    "dots...",
)
FILES = {
    "kick": "more/kick",
    "a/b\\c:d*e?f|g": "a_b",
    "all \"three' `kinds": "two' `kinds",
    'He said "no"': "He said 'no'",
    "Größe & Übermut <ß>": "Größe & Übermut ß",
    "ÄÖÜ" * 66: "ÄÖÜ" * 30,
    "dots...": "dots",
}
"""Where a file cannot be called like its track, or could be on some systems only."""

COLOURS = ("#ff0000", "#00ff7f", "#0102fe", None)
GROUPS = ("BAND", 'Drums "all" 🥁', "Kicks' `in`")
"""One inside the other."""


def stem(folder: Path, number: int, rate: int) -> Stem:
    """Mono and stereo, one with six channels, a FLAC and an AIFF; every third one with a TimeReference of its own."""
    plain = NAMES[number % len(NAMES)]
    name = plain if number < len(NAMES) else f"{plain[:190]} {number}"
    path = folder / f"{FILES.get(plain, plain)[:190]}{'' if number < len(NAMES) else f' {number}'}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = 6 if number == 42 else 1 + number % 2
    noise = np.random.default_rng(number).integers(-(1 << 19), 1 << 19, (channels, FRAMES + number), dtype=np.int32)
    if number in (50, 51):
        path = path.with_suffix((".flac", ".aiff")[number - 50])
        soundfile.write(path, noise.T << 8, rate, "PCM_24")
        return Stem(probe(path), "other", name)
    bext = Bext(date="2024-02-29", clock="12:00:00", time_reference=3600 * rate + 37 * number)
    with WavWriter(path, rate, channels, bext=None if number % 3 else bext) as writer:
        writer.write(noise)
    return Stem(probe(path), "other", name, None, "plate\nand  1/4 delay" if number % 5 == 0 else "")


def song(rate: int) -> Song:
    """120, then 95.5 BPM, then 7/8; bar 1 after a lead-in; markers and regions, some with a colour."""
    return Song(
        "Grüße \"an\" 'alle' 🎶",
        rate,
        'The `Bänd` & "Söhne"',
        Estimate(120.0, 0.9, "measured"),
        (TempoChange(Fraction(1, 2), 95.5),),
        (MeterChange(Fraction(0), 4, 4), MeterChange(Fraction(4), 7, 8)),
        Estimate("D# minor", 0.8, "measured"),
        rate // 8 + 7,
        (
            Marker(1, "Strophe ä 🎤", 0, "#ff8000"),
            Marker(FRAMES // 2, "Refrain \"a\" 'b'", FRAMES // 3, "#0080ff"),
            Marker(FRAMES - 1, "Ende `c`", 1),
            Marker(FRAMES, "x" * 200),
        ),
    )


def plan(folder: Path, rate: int = 48_000, count: int = TRACKS) -> Session:
    """The set of `count` stems in `folder`, whose files are written there, as a session that uses every field."""
    stems = StemSet(song(rate), tuple(stem(folder, number, rate) for number in range(count)))
    made = arrange(stems)
    tracks = [_dressed(number, track) for number, track in enumerate(t for t in made.tracks if not t.is_group)]
    groups = [
        Track(name, group=parent, is_group=True, colour="#123456", gain_db=-1.5, solo=parent is None, comment="bus\nä")
        for name, parent in zip(GROUPS, (None, *GROUPS), strict=False)
    ]
    levels = [
        [replace(t, group=group.name) for t in tracks[count // 5 * at :][: count // 5]]
        for at, group in enumerate(groups)
    ]
    inside = [track for group, members in zip(groups, levels, strict=True) for track in (group, *members)]
    return replace(
        made,
        frame_rate=Fraction(30000, 1001),
        drop_frame=True,
        tracks=(*inside, *(replace(track, group=None) for track in tracks[count // 5 * 3 :])),
    )


def _dressed(number: int, track: Track) -> Track:
    """Gain, pan, mute, solo, clip gain and fades; some tracks have their file in two clips."""
    (clip,) = track.clips
    clip = replace(clip, gain_db=-2.25 * (number % 4), fade_in=240 * (number % 3), fade_out=101 * (number % 2))
    clips: tuple[Clip, ...] = (clip,)
    if number % 7 == 0:
        half = clip.length // 2
        late = replace(clip, at=clip.at + half + 333, source_from=half + 11, length=clip.length - half - 11, fade_in=0)
        clips = (replace(clip, length=half, fade_out=0), replace(late, gain_db=3.0))
    return replace(
        track,
        clips=clips,
        colour=COLOURS[number % len(COLOURS)],
        gain_db=-0.75 * (number % 5),
        pan=(number % 11 - 5) / 5 if clip.file.format.channels < 3 else 0.0,
        mute=number % 13 == 0,
        solo=number % 17 == 16,
        comment=track.comment and f"{track.comment}\nsecond line – ü",
    )


def files(session: Session) -> dict[Path, AudioFile]:
    """Every file of a session, by its path."""
    return {clip.file.path: clip.file for track in session.tracks for clip in track.clips}


def write_all(folder: Path, rate: int) -> None:
    """Make the set in `folder` and write it beside itself in every format."""
    made = plan(folder, rate)
    for name in formats():
        write_session(name, made, folder / "Song")
