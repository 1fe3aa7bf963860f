"""Split one song: any rate and channel count in, stems of the same rate, channels and length out.

The source is heard by the network in stereo at the network's rate (mono is doubled and averaged back; more than two
channels go pair by pair, an odd last one as mono) and its stems come back to the source's rate. Raw stems wait in
an unnamed temporary file in the output folder, so that memory does not grow with the song and nothing is left when
the run ends, however it ends. Then the source is read twice more: once for the residual and the peaks, once to
write. At last everything written is read back and compared.
"""

from __future__ import annotations

import io
import math
import os
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from stemwright import units
from stemwright.audio.probe import probe
from stemwright.audio.resample import resampled
from stemwright.audio.stream import Block, blocks
from stemwright.audio.wav import WavWriter
from stemwright.errors import DamagedAudio, OutputError, SettingsError
from stemwright.model import AudioFile, Progress
from stemwright.safety import writable
from stemwright.separate import Loaded, Mix
from stemwright.separate.consistency import Heard, Ints, Peaks, fold, share_residual, to_ints
from stemwright.separate.models import ModelCard

MIX = "mix"
"""Key of the reference mix among the outputs."""
REST = "no_"
"""`no_vocals` is the mix without the vocals."""


class Writer(Protocol):
    """What a stem is written with; `audio.wav.WavWriter` is one."""

    def write(self, samples: Ints) -> None:
        """Append `[channels, n]` integers."""
        ...


MakeWriter = Callable[[str, Path], AbstractContextManager[Writer]]


@dataclass(frozen=True, slots=True)
class SplitResult:
    """What was written and how; enough to do it again."""

    files: tuple[tuple[str, Path], ...]
    """Stem (or `mix`, `no_vocals`) and its file."""
    frames: int
    sums: bool
    """The stems' integers add up to the mix's, sample for sample."""
    gain_db: float
    """The one gain that stems and mix got, 0.0 or less."""
    residual_dbfs: float | None
    """RMS of mix minus raw stems, before it was shared; None when not all stems were made."""
    calmed_frames: int
    """Frames in which stems were turned down because the network put out nonsense; see `consistency.NONSENSE`."""
    model: str
    weights: tuple[tuple[str, str], ...]
    device: str
    versions: tuple[tuple[str, str], ...]
    seconds: float


def selection(
    card: ModelCard, only: tuple[str, ...] = (), without: tuple[str, ...] = (), two_stems: str | None = None
) -> tuple[str, ...]:
    """The keys of the outputs that are asked for, in the card's order. Raises SettingsError for a stem it lacks."""
    for stem in (*only, *without, *((two_stems,) if two_stems else ())):
        if stem not in card.stems:
            raise SettingsError(f"{card.name} has no stem {stem!r}", f"it has: {', '.join(card.stems)}")
    if two_stems:
        return (two_stems, REST + two_stems)
    return tuple(stem for stem in card.stems if (not only or stem in only) and stem not in without)


def split(
    source: AudioFile,
    loaded: Loaded,
    paths: Mapping[str, Path],
    *,
    sum_exact: bool = True,
    bits: int = 24,
    make_writer: MakeWriter | None = None,
) -> Generator[Progress, None, SplitResult]:
    """Write the outputs that `paths` names: stems of the model's card, `mix`, or a stem and `no_<stem>`.

    All stems, or a stem and its rest, add up to the mix exactly unless `sum_exact` is off; a selection of stems is
    written as the model gives it. `make_writer(key, path)` opens a writer for `bits`-bit integers. Existing files
    are replaced. Raises DamagedAudio, SettingsError, OutputError, DiskFull; whatever stops it leaves no file.
    """
    began = time.monotonic()
    if source.path.resolve() in {path.resolve() for path in paths.values()}:
        raise OutputError(f"{source.path}: would be overwritten by its own stem", "give another folder with --out")
    wanted = _wanted(loaded.card, paths)
    rest = REST + wanted[0] in paths
    complete = len(wanted) == len(loaded.card.stems)
    sums = sum_exact and (complete or rest)
    with ExitStack() as stack:
        heard, spools = _listen(source), []
        for pair in (range(c, min(c + 2, source.format.channels)) for c in range(0, source.format.channels, 2)):
            spools.append(stack.enter_context(_Spool(next(iter(paths.values())).parent, len(wanted), len(pair))))
            yield from _separate(source, loaded, wanted, slice(pair.start, pair.stop), spools[-1])

        def read(start: int, end: int) -> Block:
            return np.concatenate([spool.read(start, end) for spool in spools], axis=1)

        calmed = 0

        def passes(step: str) -> Iterator[tuple[Progress, Block, Block, Block]]:
            nonlocal calmed
            done = calmed = 0
            for mix, raw, calm, shared in share_residual(read, blocks(source), heard):
                calmed += int(((calm != raw).any(axis=(0, 1)) & mix.any(axis=0)).sum()) if sums else 0
                stems = (shared if complete else calm) if sums else raw
                done += mix.shape[1]
                if rest:
                    stems = np.concatenate([stems[:1], mix[None] - stems[:1]])
                yield Progress(step, done, source.frames, "frames"), mix, raw, stems

        peaks, squares = Peaks(), 0.0
        for progress, mix, raw, stems in passes("check"):
            peaks.add(stems, mix if sums or MIX in paths else mix[:0])
            squares += float(((mix - raw.sum(axis=0)).astype(np.float64) ** 2).sum())
            yield progress
        gain = peaks.gain(bits)
        keys = [*wanted, *([REST + wanted[0]] if rest else []), *([MIX] if MIX in paths else [])]
        files = tuple((key, paths[key]) for key in keys)
        written = False
        try:
            with ExitStack() as outputs:
                open_writer = make_writer or _plain_writer(source, bits)
                writers = [outputs.enter_context(open_writer(key, path)) for key, path in files]
                for progress, mix, _, stems in passes("write"):
                    if sums:
                        parts, whole = fold(stems, mix, gain, bits, carrier=1 if rest else None)
                    else:
                        parts, whole = to_ints(stems, gain, bits), to_ints(mix, gain, bits)
                    for writer, samples in zip(writers, [*parts, whole], strict=False):
                        writer.write(samples)
                    yield progress
                written = True
            yield from _verify(source, files, gain, bits, sums)
        except BaseException:
            for _, path in files if written else ():
                path.unlink(missing_ok=True)
            raise
    size = source.frames * source.format.channels
    residual = units.db(math.sqrt(squares / size)) if complete else None
    return SplitResult(
        files,
        source.frames,
        sums,
        units.db(gain),
        residual,
        calmed,
        loaded.card.name,
        loaded.weights,
        loaded.device,
        loaded.versions,
        time.monotonic() - began,
    )


def _wanted(card: ModelCard, paths: Mapping[str, Path]) -> tuple[str, ...]:
    """The stems that the model has to make."""
    stems = tuple(stem for stem in card.stems if stem in paths)
    rests = tuple(stem for stem in card.stems if REST + stem in paths)
    known = len(stems) + len(rests) + (MIX in paths)
    if not stems or known < len(paths) or (rests and (rests != stems or len(stems) > 1)):
        raise SettingsError(
            f"{card.name} cannot write {', '.join(paths)}",
            f"ask for any of {', '.join(card.stems)}, or for one stem and no_<stem>",
        )
    return stems


def _listen(source: AudioFile) -> Heard:
    """One look at the source. Raises DamagedAudio for samples that are no numbers, and for no samples at all."""
    heard = Heard()
    for block in blocks(source):
        if not np.isfinite(block).all():
            raise DamagedAudio(f"{source.path}: holds samples that are no numbers", "export it again from the DAW")
        heard.add(block)
    heard.close()
    if not heard.frames:
        raise DamagedAudio(f"{source.path}: holds no audio", "export it again")
    return heard


def _separate(
    source: AudioFile, loaded: Loaded, stems: tuple[str, ...], channels: slice, spool: _Spool
) -> Iterator[Progress]:
    """One pair of channels (or a single one) of the source through the model into the spool."""
    rate, model_rate = source.format.sample_rate, loaded.card.sample_rate
    length = max(1, units.rescale(source.frames, rate, model_rate))

    def stereo() -> Iterator[Block]:
        for block in blocks(source):
            yield np.ascontiguousarray(np.broadcast_to(block[channels], (2, block.shape[1])))

    def mix() -> Iterator[Block]:
        return resampled(stereo(), rate, model_rate, length)

    said: list[Progress] = []

    def raw() -> Iterator[Block]:
        for item in loaded.separate(Mix(mix, length), stems):
            if isinstance(item, Progress):
                said.append(item)
            else:
                made = item if channels.stop - channels.start == 2 else item.mean(axis=1, keepdims=True)
                yield made.reshape(-1, made.shape[-1])

    for block in resampled(raw(), model_rate, rate, source.frames):
        spool.append(block)
        yield from said
        said.clear()
    yield from said


class _Spool:
    """Raw stems on disk: float32, one frame after the other, in a file that has no name."""

    def __init__(self, folder: Path, stems: int, channels: int) -> None:
        self._folder, self._stems, self._channels = folder, stems, channels
        self._file: io.FileIO

    def __enter__(self) -> _Spool:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)
        except OSError as error:
            raise writable(error, self._folder) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, block: Block) -> None:
        """Add `[stems * channels, n]` frames. Raises DiskFull or OutputError."""
        left = memoryview(np.ascontiguousarray(block.T, np.float32).tobytes())
        try:
            self._file.seek(0, os.SEEK_END)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise writable(error, self._folder) from error

    def read(self, start: int, end: int) -> Block:
        """Frames [start, end) as `[stems, channels, n]`."""
        width = self._stems * self._channels
        self._file.seek(start * width * 4)
        data = np.frombuffer(self._file.read((end - start) * width * 4), np.float32)
        return data.reshape(-1, width).T.reshape(self._stems, self._channels, -1)


def _plain_writer(source: AudioFile, bits: int) -> MakeWriter:
    form = source.format
    return lambda _, path: WavWriter(path, form.sample_rate, form.channels, bits, channel_mask=form.channel_mask)


def _verify(
    source: AudioFile, files: tuple[tuple[str, Path], ...], gain: float, bits: int, sums: bool
) -> Iterator[Progress]:
    """Read everything back: lengths equal the source's, the mix is the source, the stems sum to it."""
    made = [probe(path) for _, path in files]
    for file in made:
        if (file.frames, file.format.sample_rate) != (source.frames, source.format.sample_rate):
            raise OutputError(
                f"{file.path}: {file.frames} frames, not {source.frames}", "run it again; is the disk sound?"
            )
    done = 0
    for original, *parts in zip(blocks(source), *(blocks(file) for file in made), strict=True):
        whole = to_ints(original, gain, bits)
        stems = [to_ints(part, 1.0, bits) for (key, _), part in zip(files, parts, strict=True) if key != MIX]
        mixes = [to_ints(part, 1.0, bits) for (key, _), part in zip(files, parts, strict=True) if key == MIX]
        if any((mix != whole).any() for mix in mixes) or (sums and (np.sum(stems, axis=0) != whole).any()):
            raise OutputError("what was written does not add up to the mix", "run it again; is the disk sound?")
        done += original.shape[1]
        yield Progress("verify", done, source.frames, "frames")
