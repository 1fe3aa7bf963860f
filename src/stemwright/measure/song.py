"""What is known about a song: tempo, key, bar 1 and names, each from its best source.

The user's word goes before a tag, a tag before the file name, and that before what is measured.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import numpy as np

from stemwright.audio.resample import resampled
from stemwright.audio.stream import BLOCK, Block, open_audio
from stemwright.errors import SettingsError
from stemwright.measure.key import estimate_key
from stemwright.measure.onsets import Floats
from stemwright.measure.tempo import estimate_tempo
from stemwright.model import AudioFile, Estimate, Progress, Song
from stemwright.naming import bpm_and_key_in, title_of
from stemwright.units import parse_key, rescale

RATE = 22_050
LONGEST_S = 720
"""Only the first 12 minutes (64 MB) are heard; what comes later changes neither bar 1 nor the tempo before it."""
SLOWEST_BPM, FASTEST_BPM = 20.0, 999.0


def measure_song(
    files: Sequence[AudioFile], *, bpm: float | None = None, key: str | None = None, title: str = "", artist: str = ""
) -> Generator[Progress, None, Song]:
    """The facts of a song from its mix, or from its stems (at least one) heard together; ends in the Song.

    Frames of the song are at the rate of the first file. The beat is fitted to a tempo that is known from elsewhere,
    too; where the music is surely a little off it, the tempo heard is its alternative. Raises SettingsError for a
    `bpm` outside 20 to 999 or a `key` that is none, DamagedAudio and InputError for files that cannot be read.
    """
    rate = files[0].format.sample_rate
    known_bpm, known_key = _known_bpm(files, bpm), _known_key(files, key)
    mono = yield from heard(files)
    tempo = estimate_tempo(mono, RATE, bpm=known_bpm.value if known_bpm else None)
    if tempo and known_bpm:
        known_bpm = Estimate(known_bpm.value, known_bpm.confidence, known_bpm.source, tempo.estimate.alternatives)
    return Song(
        title=title or _title(files),
        sample_rate=rate,
        artist=artist or _tag(files, "artist"),
        bpm=known_bpm or (tempo.estimate if tempo else None),
        key=known_key or estimate_key(mono, RATE),
        downbeat_frame=rescale(tempo.downbeat_frame, RATE, rate) if tempo else 0,
    )


def _known_bpm(files: Sequence[AudioFile], given: float | None) -> Estimate[float] | None:
    if given is not None:
        if not SLOWEST_BPM <= given <= FASTEST_BPM:
            raise SettingsError(f"{given:g} is not a tempo", "give quarter notes a minute, from 20 to 999")
        return Estimate(given, 1.0, "user")
    try:
        tagged = float(_tag(files, "bpm").replace(",", "."))
    except ValueError:
        tagged = 0.0
    if SLOWEST_BPM <= tagged <= FASTEST_BPM:
        return Estimate(tagged, 0.9, "tag")
    named, _ = bpm_and_key_in(files[0].path.stem)
    return Estimate(named, 0.9, "filename") if named else None


def _known_key(files: Sequence[AudioFile], given: str | None) -> Estimate[str] | None:
    if given is not None:
        try:
            return Estimate(parse_key(given), 1.0, "user")
        except ValueError:
            raise SettingsError(f"{given!r} is not a key", "write it like Am, 'F# minor', Bb or 8A") from None
    try:
        return Estimate(parse_key(_tag(files, "key")), 0.9, "tag")
    except ValueError:
        _, named = bpm_and_key_in(files[0].path.stem)
        return Estimate(named, 0.9, "filename") if named else None


def _tag(files: Sequence[AudioFile], name: str) -> str:
    """The first file's tag that is not empty."""
    return next((value for file in files if (value := file.tag(name))), "")


def _title(files: Sequence[AudioFile]) -> str:
    """From the tag or the name of a mix; stems are called after their parts, so their folder names the song."""
    path = files[0].path
    name = path.stem if len(files) == 1 else path.absolute().parent.name
    tagged = files[0].tag("title") if len(files) == 1 else ""
    return tagged or title_of(name)


def heard(files: Sequence[AudioFile]) -> Generator[Progress, None, Floats]:
    """All files together in mono at 22.05 kHz, at most 12 minutes; NaN and infinite samples as silence."""
    spans = [min(file.frames, LONGEST_S * file.format.sample_rate) for file in files]
    ends = [rescale(span, file.format.sample_rate, RATE) for span, file in zip(spans, files, strict=True)]
    mono = np.zeros(max(ends), np.float32)
    done, total = 0, sum(ends)
    for file, span, end in zip(files, spans, ends, strict=True):
        at = 0
        for block in resampled(_mono_blocks(file, span), file.format.sample_rate, RATE, end):
            mono[at : at + block.shape[1]] += block[0]
            at += block.shape[1]
            yield Progress("measure", (done + at) / RATE, total / RATE, "s", subject=file.path.name)
        done += end
    return mono


def _mono_blocks(file: AudioFile, frames: int) -> Iterator[Block]:
    with open_audio(file) as reader:
        while frames > 0 and (block := reader.read(min(BLOCK, frames))).shape[1]:
            frames -= block.shape[1]
            clean = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
            yield clean.mean(axis=0, keepdims=True, dtype=np.float32)
