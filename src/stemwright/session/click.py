"""A click track: one short tone at every beat of a song, exactly at its frame, higher where a bar begins.

It begins with bar 1, or so many whole bars earlier as a count-in where the lead-in has room: stems are never moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.chunks import Bext
from stemwright.audio.stream import BLOCK, quantise
from stemwright.audio.wav import WavWriter
from stemwright.measure.beats import beats
from stemwright.model import Session, Song
from stemwright.units import linear, seconds

_TONES = {True: (1760.0, -12.0), False: (1174.66, -18.0)}
"""Whether a bar begins: Hz (A6, D6) and dBFS."""
_LENGTH_S, _DECAY_S = 0.04, 0.006


@dataclass(frozen=True, slots=True)
class Click:
    """What was written: how many bars of count-in, and the first click."""

    count_in: int
    first: int
    """Frame."""


def write_click(path: Path, session: Session, *, count_in: int = 0) -> Click:
    """Write a mono click track as long as the session and in the format of most of its files.

    `count_in` bars go before bar 1 as far as whole ones fit. The file gets a TimeReference when others have one.
    Raises OutputError and DiskFull; ValueError for a session without a tempo.
    """
    rate, files = session.sample_rate, session.files
    forms = {(file.format.encoding, file.format.bits) for file in files}
    depth = forms.pop() if len(forms) == 1 else ("pcm", 24)
    told = any(file.start_frame is not None for file in files)
    places, bars = _places(session.song, session.frames, rate, count_in)
    bext = Bext("Click", time_reference=session.start_frame) if told else None
    with WavWriter(path, rate, 1, 16 if depth == ("pcm", 16) else 24, bext=bext) as out:
        for block in _blocks(places, session.frames, rate):
            out.write(quantise(block, out.bits))
    return Click(bars, places[0][0] if places else 0)


def _places(song: Song, frames: int, rate: int, count_in: int) -> tuple[list[tuple[int, bool]], int]:
    """(frame, whether a bar begins) of every click that ends with the track, and the bars of count-in among them."""
    every = [beat for beat in beats(song, Fraction(0), seconds(frames, rate)) if beat.at >= 0]
    before = sum(beat.bar < 1 and beat.number == 1 for beat in every)
    bars = min(count_in, before)
    found = [(beat.frame(rate), beat.number == 1) for beat in every if beat.bar >= 1 - bars]
    return [(frame, one) for frame, one in found if frame + round(_LENGTH_S * rate) <= frames], bars


def _blocks(places: list[tuple[int, bool]], frames: int, rate: int) -> Iterator[NDArray[np.float32]]:
    """The track `[1, n]`, block by block; a click that a block cuts goes on in the next."""
    tones = {one: _tone(*tone, rate) for one, tone in _TONES.items()}
    length = len(tones[True])
    first = 0
    for start in range(0, frames, BLOCK):
        block = np.zeros((1, min(BLOCK, frames - start)), np.float32)
        while first < len(places) and places[first][0] + length <= start:
            first += 1
        for frame, one in places[first:]:
            if frame >= start + block.shape[1]:
                break
            begin, end = max(frame, start), min(frame + length, start + block.shape[1])
            block[0, begin - start : end - start] += tones[one][begin - frame : end - frame]
        yield block


def _tone(hertz: float, level_dbfs: float, rate: int) -> NDArray[np.float32]:
    """A decaying sine whose first sample is not zero, and whose last ones fade to it."""
    time = np.arange(1, round(_LENGTH_S * rate) + 1) / rate
    tone = np.sin(2 * np.pi * hertz * time) * np.exp(-time / _DECAY_S)
    return np.asarray(tone * linear(level_dbfs) / np.abs(tone).max(), np.float32)
