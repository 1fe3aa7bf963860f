"""Split one song by a plan: any rate and channel count in, stems of the same rate, channels and length out.

Each network hears the song (or a stem that an earlier one made) at its own rate; what it makes comes back to the
source's rate, is made consistent with what was heard, and waits in a spool. When all peaks are known, one pass
writes every output. At last everything written is read back and compared.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from stemwright import units
from stemwright.audio.resample import resampled
from stemwright.audio.stream import Block, blocks
from stemwright.errors import DamagedAudio, OutputError, SettingsError
from stemwright.model import AudioFile, Progress
from stemwright.separate import Mix
from stemwright.separate.consistency import AIR_HZ, CHUNK, Heard, Peaks, Shared, consistent, fold, to_ints
from stemwright.separate.engine import Engine
from stemwright.separate.plan import MIX, Node, Plan
from stemwright.separate.proof import Lag, verify
from stemwright.separate.routing import Route, StereoMode, mono, routes
from stemwright.separate.spool import Spool

if TYPE_CHECKING:
    from torch import Tensor


class Writer(Protocol):
    """What a stem is written with; `audio.wav.WavWriter` is one."""

    def write(self, samples: Any) -> None:
        """Append `[channels, n]` integers, or floats for 32 bits."""
        ...


MakeWriter = Callable[[str, Path], AbstractContextManager[Writer]]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a song is heard and written."""

    start: int = 0
    """First frame of the stretch that is wanted."""
    frames: int | None = None
    """Its length; None: to the end."""
    stereo: StereoMode = "stereo"
    bits: int = 24
    """16 or 24: integers; 32: float."""
    share: bool = True
    """Give what networks leave over to the stems; else they stay as they were made."""
    overlap: float | None = None
    """Share of a segment that the next one hears too; None: what the card says."""
    shifts: int = 1


@dataclass(frozen=True, slots=True)
class SplitResult:
    """What was written and how."""

    files: tuple[tuple[str, Path], ...]
    """Stem (or `mix`) and its file."""
    frames: int
    sums: bool
    """The stems' integers add up to the mix's, sample for sample."""
    gain_db: float
    """The one gain that stems and mix got, 0.0 or less."""
    residual_dbfs: float | None
    """RMS of mix minus raw stems of the first network, before it was shared; None when it made not all."""
    calmed_frames: int
    """Frames in which stems were turned down because the network put out nonsense; see `consistency.NONSENSE`."""
    dual_mono: bool
    """Both channels of the source are the same."""
    seconds: float


class _Source(NamedTuple):
    """Something that a network can hear, from its first frame on; what lies around it is context."""

    blocks: Callable[[int, int], Iterable[Block]]
    """Frames before and frames after it (context that is there) to `[channels, n]` blocks."""
    heard: Heard


def split(
    source: AudioFile,
    plan: Plan,
    engines: Mapping[str, Engine],
    paths: Mapping[str, Path],
    make_writer: MakeWriter,
    manner: Manner = Manner(),
) -> Generator[Progress, None, SplitResult]:
    """Write the outputs that `paths` names: stems of the plan, and `mix`.

    A complete plan's stems add up to the mix exactly, unless they are left unshared or written as float; a
    selection of stems is written as the networks give it. `make_writer(key, path)` opens a writer. Existing files
    are replaced. Raises DamagedAudio, SettingsError, OutputError, DiskFull; whatever stops it leaves no file.
    """
    began = time.monotonic()
    if source.path.resolve() in {path.resolve() for path in paths.values()}:
        raise OutputError(f"{source.path}: would be overwritten by its own stem", "give another folder with --out")
    frames = min(source.frames - manner.start, manner.frames or source.frames)
    if frames <= 0:
        raise SettingsError(f"{source.path}: there is nothing at that place", "give a stretch within the song")
    channels = 1 if manner.stereo == "mono" else source.format.channels
    rate = source.format.sample_rate

    def read(before: int = 0, after: int = 0) -> Iterator[Block]:
        found = blocks(source, CHUNK, manner.start - before, before + frames + after)
        return map(mono, found) if manner.stereo == "mono" else found

    heard = _listen(source, read(), channels)
    peaks, calmed, residual = Peaks(), 0, None
    with ExitStack() as stack:
        room = (manner.start, source.frames - manner.start - frames)
        sources = {MIX: _Source(lambda before, after: read(min(before, room[0]), min(after, room[1])), heard)}
        made: dict[str, tuple[Spool, int]] = {}
        for number, node in enumerate(plan.nodes):
            engine = engines[node.model]
            spool = Spool(next(iter(paths.values())).parent, frames, len(node.outputs), channels, engine.device)
            stack.enter_context(spool)
            listeners = {name: Heard(channels) for name in node.outputs if _is_source(name, plan)}
            lag, squares, done = Lag(), 0.0, 0
            context = room if node.source == MIX else (0, 0)
            for chunk in _work(engine, node, sources[node.source], rate, frames, channels, context, manner):
                spool.append(chunk.stems)
                for index, name in enumerate(node.outputs):
                    if name in listeners:
                        listeners[name].add(chunk.stems[index].cpu().numpy())
                    elif name in paths:
                        peaks.add(chunk.stems[index])
                if node.complete and not node.rest:
                    squares += float((chunk.mix - chunk.raw_sum).square().sum())
                    lag.add(chunk.raw_sum, chunk.mix)
                calmed += chunk.calmed if manner.share else 0
                done += chunk.mix.shape[-1]
                total = frames * len(plan.nodes) / rate
                yield Progress("split", (number * frames + done) / rate, total, "s")
            lag.check(engine.network.card.name)
            if number == 0 and node.complete and not node.rest:
                residual = units.db(math.sqrt(squares / (frames * channels)))
            made |= {name: (spool, index) for index, name in enumerate(node.outputs)}
            for name, listener in listeners.items():
                listener.close()
                sources[name] = _Source(_spooled(spool, node.outputs.index(name), frames), listener)
        sums = plan.complete and manner.share and manner.bits < 32 and set(plan.stems) <= set(paths)
        if sums or MIX in paths:
            peaks.add_mix(heard)
        gain = peaks.gain(manner.bits) if manner.bits < 32 else 1.0
        keys = [*(name for name in plan.stems if name in paths), *([MIX] if MIX in paths else [])]
        files = tuple((key, paths[key]) for key in keys)
        written = False
        try:
            with ExitStack() as outputs:
                writers = [outputs.enter_context(make_writer(key, path)) for key, path in files]
                for number, mix in enumerate(read()):
                    stems = _gathered([made[key] for key in keys if key != MIX], number)
                    for writer, samples in zip(writers, _samples(stems, mix, gain, manner.bits, sums), strict=False):
                        writer.write(samples)
                    yield Progress("write", number * CHUNK + mix.shape[1], frames, "frames")
                written = True  # from here on files get their names
            yield from verify(files, source.format.sample_rate, frames, read(), gain, manner.bits, sums=sums)
        except BaseException:
            for _, path in files if written else ():
                path.unlink(missing_ok=True)
            raise
    return SplitResult(
        files,
        frames,
        sums,
        units.db(gain),
        residual,
        calmed,
        heard.dual_mono and heard.high > heard.low,
        time.monotonic() - began,
    )


def _is_source(name: str, plan: Plan) -> bool:
    return any(node.source == name for node in plan.nodes)


def _listen(source: AudioFile, mix: Iterable[Block], channels: int) -> Heard:
    """One look at the source. Raises DamagedAudio for samples that are no numbers, and for no samples at all."""
    heard = Heard(channels)
    for block in mix:
        heard.add(block)
        if not heard.finite:
            raise DamagedAudio(f"{source.path}: holds samples that are no numbers", "export it again from the DAW")
    heard.close()
    if not heard.frames:
        raise DamagedAudio(f"{source.path}: holds no audio", "export it again")
    return heard


def _work(
    engine: Engine,
    node: Node,
    source: _Source,
    rate: int,
    frames: int,
    channels: int,
    context: tuple[int, int],
    manner: Manner,
) -> Iterator[Shared]:
    """What one node makes of its source."""
    import torch

    card = engine.network.card
    model_rate = card.sample_rate or rate
    margin = units.rescale(card.segment, model_rate, rate)
    before, after = (min(margin, there) for there in context)
    runs = routes(channels, manner.stereo, source.heard.dual_mono)
    streams = [_run(engine, node, source, route, (before, frames, after), rate, manner) for route in runs]
    made = _placed(streams, runs, channels)
    if model_rate != rate:
        made = _at_rate(made, model_rate, rate, before + frames + after, engine.device)
    mix = (torch.from_numpy(block).to(engine.device) for block in source.blocks(0, 0))
    how: Any = "rest" if node.rest else "share" if manner.share and node.complete else "raw"
    top = 2.0 if model_rate >= rate else 0.9 * model_rate / rate
    yield from consistent(_middle(made, before, frames), mix, source.heard, how=how, air=(2 * AIR_HZ / rate, top))


def _run(
    engine: Engine,
    node: Node,
    source: _Source,
    route: Route,
    span: tuple[int, int, int],
    rate: int,
    manner: Manner,
) -> Iterator[Tensor]:
    """What the network makes of one route's channels, at its own rate: `[stems, 2, n]`."""
    before, frames, after = span
    model_rate = engine.network.card.sample_rate or rate
    length = max(1, units.rescale(before + frames + after, rate, model_rate))

    def hear() -> Iterator[Block]:
        stereo = (np.ascontiguousarray(route.heard(block)) for block in source.blocks(before, after))
        return resampled(stereo, rate, model_rate, length)

    statistics = source.heard.statistics(route.hear.mean(axis=0))
    stems = tuple(node.give.values())
    first = units.rescale(manner.start - before, rate, model_rate)
    mix = Mix(hear, length)
    return engine.separate(mix, stems, statistics, first=first, overlap=manner.overlap, shifts=manner.shifts)


def _placed(streams: list[Iterator[Tensor]], runs: tuple[Route, ...], channels: int) -> Iterator[Tensor]:
    """The runs' stems in the channels where they belong, `[stems, channels, n]`."""
    if len(runs) == 1 and channels == 2 and np.array_equal(runs[0].give, np.eye(2)):
        yield from streams[0]
        return
    for parts in zip(*streams, strict=True):
        placed = [part.new_tensor(run.give) @ part for run, part in zip(runs, parts, strict=True)]
        yield sum(placed[1:], placed[0])


def _at_rate(made: Iterator[Tensor], from_rate: int, to_rate: int, frames: int, device: str) -> Iterator[Tensor]:
    import torch

    shape: list[int] = []

    def rows() -> Iterator[Block]:
        for block in made:
            shape[:] = block.shape[:2]
            yield block.flatten(0, 1).cpu().numpy()

    for block in resampled(rows(), from_rate, to_rate, frames):
        yield torch.from_numpy(block).to(device).unflatten(0, (shape[0], shape[1]))


def _middle(made: Iterator[Tensor], skip: int, frames: int) -> Iterator[Tensor]:
    """`frames` frames after the first `skip`."""
    for block in made:
        part = block[..., skip : skip + frames]
        skip = max(0, skip - block.shape[-1])
        if part.shape[-1]:
            frames -= part.shape[-1]
            yield part


def _spooled(spool: Spool, index: int, frames: int) -> Callable[[int, int], Iterable[Block]]:
    def read(before: int, after: int) -> Iterator[Block]:
        for number in range(-(-frames // CHUNK)):
            yield spool.chunk(number)[index].cpu().numpy()

    return read


def _gathered(places: list[tuple[Spool, int]], number: int) -> Tensor:
    """One chunk of stems that lie in spools, `[stems, channels, n]`."""
    import torch

    chunks = {spool: spool.chunk(number) for spool, _ in places}
    if len(chunks) == 1 and [index for _, index in places] == list(range(len(chunks[places[0][0]]))):
        return chunks[places[0][0]]
    return torch.stack([chunks[spool][index].to(chunks[places[0][0]].device) for spool, index in places])


def _samples(stems: Tensor, mix: Block, gain: float, bits: int, sums: bool) -> list[Any]:
    """What is written of one chunk: the stems, then the mix."""
    import torch

    whole = torch.from_numpy(mix).to(stems.device)
    if bits < 32 and sums:
        stems, whole = fold(stems, whole, gain, bits)
    elif bits < 32:
        stems, whole = to_ints(stems, gain, bits), to_ints(whole, gain, bits)
    return [*stems.cpu().numpy(), whole.cpu().numpy()]
