"""Do one treatment: write the file, then prove from what was written that no sample was lost.

The proof reads both files anew. Every frame of the source either stands in the result, in its place, channel by
channel, or is digital silence; everything else of the result is digital silence, too; a channel that was left out is
silent or a copy of one that stayed. Of a lossy treatment only the shape can be proved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stemwright.audio.probe import probe
from stemwright.audio.resample import resampled
from stemwright.audio.stream import BLOCK, blocks, quantise
from stemwright.audio.wav import WavWriter
from stemwright.errors import OutputError
from stemwright.model import AudioFile
from stemwright.repair import carried
from stemwright.repair.treatment import Treatment
from stemwright.safety import copy_file
from stemwright.units import linear

Samples = NDArray[np.floating[Any]]
"""float32 or, where something was computed, float64 `[channels, n]`."""


def render(t: Treatment, target: Path) -> str:
    """Write `target`; returns the BLAKE2b hash of its decoded samples, or nothing where the file was just copied.

    Raises OutputError when the result is not what was promised (nothing is left then), DiskFull, DamagedAudio,
    NotFoundInput.
    """
    if not t.rewrite:
        copy_file(t.stem.file.path, target)
        return ""
    mask = t.stem.file.format.channel_mask if len(t.channels) > 2 else 0
    with WavWriter(
        *(target, t.rate, len(t.channels), t.bits, t.encoding),
        bext=carried.bext(t),
        channel_mask=mask,
        chunks=carried.others(t),
    ) as out:
        for block in _made(t):
            out.write(block.astype(np.float32) if t.encoding == "float" else quantise(block, t.bits))
    made = probe(target)
    try:
        if made.damage or (made.frames, made.format.channels) != (t.frames, len(t.channels)):
            raise _broken(t, "has another length or other channels than planned")
        return _digest(blocks(made)) if t.lossy else _prove(t, made)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _made(t: Treatment) -> Iterator[Samples]:
    """The samples of the result."""
    stream: Iterable[Samples] = (block if min(t.signs) > 0 else block * _column(t.signs) for block in _taken(t))
    if t.offset:
        stream = _without_offset(t, stream)
    if t.scale != 1:
        floats = (block.astype(np.float32) for block in stream)
        stream = resampled(floats, t.stem.file.format.sample_rate, t.rate, t.body)
    if t.fade:
        stream = _faded(t, stream)
    for block in _placed(t, stream):
        loud = block * linear(t.gain_db) if t.gain_db else block
        if t.lossy and t.encoding == "pcm" and np.abs(loud).max(initial=0) > 1:
            hint = "lower all stems first (--lossy --select LVL), or leave this repair out with --ignore"
            raise OutputError(f"{t.stem.file.path}: its repair would clip", hint)
        yield loud


def _taken(t: Treatment, start: int = 0, frames: int | None = None) -> Iterator[Samples]:
    """The channels that stay, of all frames of the source or some."""
    for parts in zip(*(blocks(stem.file, start=start, frames=frames) for stem in t.sources), strict=True):
        block = np.concatenate(parts) if len(parts) > 1 else parts[0]
        kept = block[list(t.channels)]
        for gone in set(range(len(block))) - set(t.channels):
            if block[gone].any() and not any(np.array_equal(block[gone], row) for row in kept):
                raise _broken(t, f"would lose channel {gone + 1}")
        yield kept


def _without_offset(t: Treatment, stream: Iterable[Samples]) -> Iterator[Samples]:
    at = 0
    for block in stream:
        sounding = np.ones(block.shape[1])
        for span in t.levels.silences.spans:
            sounding[max(0, span.start - at) : max(0, span.end - at)] = 0
        yield block - _column(t.offset) * sounding
        at += block.shape[1]


def _faded(t: Treatment, stream: Iterable[Samples]) -> Iterator[Samples]:
    left = t.body
    for block in stream:
        yield block * np.clip((left - 1 - np.arange(block.shape[1])) / t.fade, 0, 1)
        left -= block.shape[1]


def _placed(t: Treatment, stream: Iterable[Samples]) -> Iterator[Samples]:
    """The stream with `head` frames put in front or taken off, and cut or filled up to `frames`."""
    yield from _silence(t, min(max(0, t.head), t.frames))
    skip, left = max(0, -t.head), t.frames - max(0, t.head)
    for block in stream:
        part = block[:, skip : skip + max(0, left)]
        skip, left = max(0, skip - block.shape[1]), left - part.shape[1]
        if part.shape[1]:
            yield part
    yield from _silence(t, left)


def _silence(t: Treatment, frames: int) -> Iterator[Samples]:
    for at in range(0, frames, BLOCK):
        yield np.zeros((len(t.channels), min(BLOCK, frames - at)), np.float32)


def _prove(t: Treatment, made: AudioFile) -> str:
    source = t.stem.file
    before, front = max(0, -t.head), max(0, t.head)
    count = max(0, min(source.frames - before, t.frames - front))
    sounds = (
        *(
            blocks(stem.file, start=at, frames=n)
            for stem in t.sources
            for at, n in _around(source.frames, before, count)
        ),
        *(blocks(made, start=at, frames=n) for at, n in _around(made.frames, front, count)),
    )
    if any(block.any() for stream in sounds for block in stream):
        raise _broken(t, "would lose or add sound at its start or end")
    found = (block * _column(t.signs) for block in blocks(made, start=front, frames=count))
    if _digest(_taken(t, before, count)) != _digest(found):
        raise _broken(t, "does not hold the samples of the original")
    return _digest(blocks(made))


def _around(frames: int, start: int, count: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """(start, frames) of what lies before and behind a stretch."""
    return (0, min(start, frames)), (start + count, max(0, frames - start - count))


def _digest(stream: Iterable[Samples]) -> str:
    """Of float32 samples frame by frame, so that it does not depend on where blocks are cut; -0.0 counts as 0.0."""
    made = hashlib.blake2b(digest_size=16)
    for block in stream:
        made.update(np.ascontiguousarray(block.T.astype(np.float32) + np.float32(0)).data)
    return made.hexdigest()


def _column(values: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(values, np.float32)[:, None]


def _broken(t: Treatment, what: str) -> OutputError:
    hint = "nothing was changed; leave this repair out with --ignore, and please report it"
    return OutputError(f"{t.stem.file.path}: its repair {what}", hint)
