"""What is known about a song: tempo, key, bar 1 and names, each from its best source.

The user's word goes before a tag, a tag before the file name, and that before what is measured.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from stemwright.audio.resample import resampled
from stemwright.audio.said import said_by
from stemwright.audio.stream import BLOCK, Block, open_audio
from stemwright.errors import SettingsError, WrongOption
from stemwright.measure.heard import Hearing
from stemwright.measure.key import estimate_key, key_markers
from stemwright.measure.onsets import Floats
from stemwright.measure.sections import section_markers
from stemwright.measure.tempo import HEARD_BPM, SHORTEST_S, estimate_tempo
from stemwright.model import AudioFile, Estimate, MeterChange, Progress, Song
from stemwright.naming import bpm_and_key_in, title_of
from stemwright.units import FASTEST_BPM, SLOWEST_BPM, parse_key, rescale

RATE = 22_050
LONGEST_S = 720
"""Only the first 12 minutes (64 MB) are heard; what comes later changes neither bar 1 nor the tempo before it."""


def measure_song(
    files: Sequence[AudioFile],
    *,
    drums: Sequence[AudioFile] = (),
    bpm: float | None = None,
    within: tuple[float, float] = HEARD_BPM,
    key: str | None = None,
    title: str = "",
    artist: str = "",
    sections: bool = True,
    hear: Hearing | None = None,
) -> Generator[Progress, None, Song]:
    """The facts of a song from its mix, or from its stems (at least one) heard together; ends in the Song.

    Frames of the song are at the rate of the first file. With `drums`, the stems of them (of these files or beside a
    mix), the beat comes out finer. The beat is fitted to a tempo that is known from elsewhere, too; where the music is
    surely off it, the tempo heard is its alternative. `within` bounds a tempo that is not known. With `hear`, that
    hears the beats instead of the built-in networks. Where the drums are among the files, the key is heard without
    them. Changes of key that last are markers of the song, and with `sections` its parts that are surely heard. Raises
    SettingsError for a `bpm` outside 20 to 400, an empty range or a `key` that is none, DamagedAudio and InputError
    for files that cannot be read.
    """
    if not SLOWEST_BPM <= within[0] < within[1] <= FASTEST_BPM:
        raise WrongOption(f"{within[0]:g} to {within[1]:g} is no range of tempi", "write it like 70-140")
    rate = files[0].format.sample_rate
    known_bpm, known_key = _known_bpm(files, bpm), _known_key(files, key)
    mono, beaten = yield from _heard_with(files, drums)
    pulse = (yield from hear(mono)) if hear and len(mono) >= SHORTEST_S * RATE else None
    sought = known_bpm.value if known_bpm else None
    tempo = estimate_tempo(mono, RATE, bpm=sought, within=within, drums=beaten, pulse=pulse)
    if known_bpm:
        freely = None if tempo else estimate_tempo(mono, RATE, drums=beaten, pulse=pulse)
        heard_bpm = tempo.estimate.alternatives if tempo else (freely.estimate.value,) if freely else ()
        known_bpm = replace(known_bpm, alternatives=heard_bpm)
    pitched = mono - beaten if beaten is not None and {*drums} < {*files} else mono
    tonality = estimate_key(pitched, RATE)
    song = Song(
        title=title or _title(files),
        sample_rate=rate,
        artist=artist or _tag(files, "artist"),
        bpm=known_bpm or (tempo.estimate if tempo else None),
        tempo_map=tempo.changes if tempo else (),
        meter_map=(MeterChange(Fraction(0), *(tempo.metre if tempo else (4, 4))),),
        key=known_key or (tonality.estimate if tonality else None),
        downbeat_frame=rescale(tempo.downbeat_frame, RATE, rate) if tempo else 0,
        tuning_cents=tonality.tuning_cents if tonality else None,
    )
    markers = section_markers(mono, RATE, song) if sections and tempo else ()
    if tonality and song.key and song.key.value == tonality.estimate.value:
        markers += key_markers(song, [(rescale(frame, RATE, rate), to) for frame, to in tonality.changes])
    return replace(song, markers=tuple(sorted(markers, key=lambda marker: marker.at)))


def _known_bpm(files: Sequence[AudioFile], given: float | None) -> Estimate[float] | None:
    if given is not None:
        if not SLOWEST_BPM <= given <= FASTEST_BPM:
            raise SettingsError(f"{given:g} is not a tempo", "give quarter notes a minute, from 20 to 400")
        return Estimate(given, 1.0, "user")
    if tagged := said_by(files).bpm:
        return tagged
    named, _ = bpm_and_key_in(files[0].path.stem)
    return Estimate(named, 0.9, "filename") if named else None


def _known_key(files: Sequence[AudioFile], given: str | None) -> Estimate[str] | None:
    if given is not None:
        try:
            return Estimate(parse_key(given), 1.0, "user")
        except ValueError:
            raise SettingsError(f"{given!r} is not a key", "write it like Am, 'F# minor', Bb or 8A") from None
    if tagged := said_by(files).key:
        return tagged
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
    mono, _ = yield from _heard_with(files, ())
    return mono


def _heard_with(
    files: Sequence[AudioFile], drums: Sequence[AudioFile]
) -> Generator[Progress, None, tuple[Floats, Floats | None]]:
    """The files together, and the drums together; each file is read once."""
    wanted, drummed = set(files), set(drums)
    files = [*files, *(file for file in drums if file not in wanted)]
    spans = [min(file.frames, LONGEST_S * file.format.sample_rate) for file in files]
    ends = [rescale(span, file.format.sample_rate, RATE) for span, file in zip(spans, files, strict=True)]
    mono, beaten = (np.zeros(max(ends), np.float32) for _ in range(2))
    done, total = 0, sum(ends)
    for file, span, end in zip(files, spans, ends, strict=True):
        at = 0
        for block in resampled(_mono_blocks(file, span), file.format.sample_rate, RATE, end):
            for total_of, those in ((mono, wanted), (beaten, drummed)):
                if file in those:
                    total_of[at : at + block.shape[1]] += block[0]
            at += block.shape[1]
            yield Progress("measure", (done + at) / RATE, total / RATE, "s")
        done += end
    return mono, beaten if drums else None


def _mono_blocks(file: AudioFile, frames: int) -> Iterator[Block]:
    with open_audio(file) as reader:
        while frames > 0 and (block := reader.read(min(BLOCK, frames))).shape[1]:
            frames -= block.shape[1]
            clean = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
            yield clean.mean(axis=0, keepdims=True, dtype=np.float32)
