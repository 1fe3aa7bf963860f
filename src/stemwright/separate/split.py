"""Split one song by a plan: any rate and channel count in, stems of the same rate, channels and length out.

Each network hears the song (or a stem that an earlier one made) at its own rate; what it makes comes back to the
source's rate, is made consistent with what was heard, and waits in a spool. When all peaks are known, one pass
writes every output. At last everything written is read back and compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from stemwright import units
from stemwright.audio.stream import Block, blocks
from stemwright.errors import DamagedAudio, OutputError, SettingsError, StemwrightError
from stemwright.model import AudioFile, Progress, Workflow
from stemwright.separate.consistency import CHUNK, Heard, Peaks, fold, to_ints
from stemwright.separate.engine import Engine, enough_memory
from stemwright.separate.hearing import Manner, Source, hear, spooled
from stemwright.separate.plan import MIX, Node, Plan
from stemwright.separate.proof import Lag, verify
from stemwright.separate.routing import mono
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
    silent: tuple[str, ...]
    """Stems in which there is nothing, though there is in the mix."""


def split(
    source: AudioFile,
    plan: Plan,
    engines: Mapping[str, Engine],
    paths: Mapping[str, Path],
    make_writer: MakeWriter,
    manner: Manner = Manner(),  # noqa: B008
) -> Workflow[SplitResult]:
    """Write the outputs that `paths` names: stems of the plan, and `mix`.

    A complete plan's stems add up to the mix exactly, unless they are left unshared or written as float; a
    selection of stems is written as the networks give it. `make_writer(key, path)` opens a writer. Existing files
    are replaced. Raises DamagedAudio, SettingsError, OutputError, DiskFull; whatever stops it leaves no file.
    """
    if source.path.resolve() in {path.resolve() for path in paths.values()}:
        raise OutputError(f"{source.path}: would be overwritten by its own stem", "give another folder with --out")
    left = source.frames - manner.start
    frames = left if manner.frames is None else min(manner.frames, left)
    if manner.start < 0 or frames <= 0:
        raise SettingsError(f"{source.path}: there is nothing at that place", "give a stretch within the song")
    channels = 1 if manner.stereo == "mono" else source.format.channels

    def read(before: int = 0, after: int = 0) -> Iterator[Block]:
        found = blocks(source, CHUNK, manner.start - before, before + frames + after)
        return map(mono, found) if manner.stereo == "mono" else found

    heard = _listen(source, read(), channels)
    sources = {MIX: Source(read, heard, source.format.sample_rate, (manner.start, left - frames))}
    sounding = _Sounding(set(paths))
    made: dict[str, tuple[Spool, int]] = {}
    with ExitStack() as stack:
        for number, node in enumerate(plan.nodes):
            engine, folder = engines[node.model], next(iter(paths.values())).parent
            spool = stack.enter_context(Spool(folder, frames, len(node.outputs), channels, engine.device))
            ears = {name: Heard(channels) for name in node.outputs if any(n.source == name for n in plan.nodes)}
            for done in _node(engine, node, sources[node.source], manner, spool, ears, sounding):
                seconds = (number * frames + done) / source.format.sample_rate
                yield Progress("split", seconds, len(plan.nodes) * frames / source.format.sample_rate, "s")
            made |= {name: (spool, index) for index, name in enumerate(node.outputs)}
            for name, ear in ears.items():
                ear.close()
                sources[name] = Source(spooled(*made[name], frames), ear, source.format.sample_rate)
        sums = plan.complete and manner.share and manner.bits < 32 and set(plan.stems) <= set(paths)
        if sums or MIX in paths:
            sounding.peaks.add_mix(heard)
        gain = 1.0 if manner.bits == 32 else sounding.peaks.gain(manner.bits, _SPARE if sums else 0)
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
    dual_mono = heard.dual_mono and heard.high > heard.low
    heights = {name: sounding.heights.get(name, 0.0) for name in plan.stems}
    silent = tuple(name for name, height in heights.items() if height < _NOTHING < max(heard.high, -heard.low))
    gained = units.db(gain)
    return SplitResult(files, frames, sums, gained, sounding.residual_dbfs, sounding.calmed, dual_mono, silent)


_SPARE = 4
"""Steps beyond full scale that a stem may have before everything is lowered; the other stems take them."""


_NOTHING = 1e-5
"""Peak, -100 dBFS, below which there is nothing in a stem."""


class _Sounding:
    """What is learnt while networks are at work."""

    def __init__(self, delivered: set[str]) -> None:
        self.delivered, self.peaks, self.calmed = delivered, Peaks(), 0
        self.residual_dbfs: float | None = None
        self.heights: dict[str, float] = {}
        """Peaks of the delivered stems, full scale 1.0."""


def _node(
    engine: Engine,
    node: Node,
    source: Source,
    manner: Manner,
    spool: Spool,
    ears: Mapping[str, Heard],
    sounding: _Sounding,
) -> Iterator[int]:
    """Let one network work into its spool, and yield how many frames are done."""
    card = engine.network.card
    whole = set(node.give.values()) == set(card.stems) and card.sums and len(card.stems) > 1
    lag, squares, done = Lag(), 0.0, 0
    with enough_memory(card.name):
        for chunk in hear(engine, node, source, manner):
            if not bool(chunk.stems.sum().isfinite()):
                raise StemwrightError(f"{card.name} made samples that are no numbers", "try --precision exact")
            spool.append(chunk.stems)
            for index, name in enumerate(node.outputs):
                if name in ears:
                    ears[name].add(chunk.stems[index].cpu().numpy())
                elif name in sounding.delivered:
                    height = sounding.peaks.add(chunk.stems[index])
                    sounding.heights[name] = max(height, sounding.heights.get(name, 0.0))
            lag.add(chunk.raw_sum, chunk.mix)
            squares += float((chunk.mix - chunk.raw_sum).square().sum()) if whole else 0.0
            sounding.calmed += chunk.calmed
            done += chunk.mix.shape[-1]
            yield done
    lag.check(card.name)
    if whole and node.source == MIX:
        sounding.residual_dbfs = units.db(math.sqrt(squares / (done * source.heard.channels)))


def _listen(source: AudioFile, mix: Iterable[Block], channels: int) -> Heard:
    """One look at the source. Raises DamagedAudio for samples that are no numbers."""
    heard = Heard(channels)
    for block in mix:
        heard.add(block)
        if not heard.finite:
            raise DamagedAudio(f"{source.path}: holds samples that are no numbers", "export it again from the DAW")
    heard.close()
    return heard


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
