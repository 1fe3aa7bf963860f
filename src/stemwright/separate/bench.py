"""One figure of a benchmark, taken in a process of its own: `workflows.bench` puts them side by side.

`python -m stemwright.separate.bench '{"do": ..., ...}'` prints what a job found as one JSON object: seconds and
CPU seconds are medians of `runs` passes after one that warms up (with `runs` 0, those of the first pass), the device
synchronised before and after; `rss_gib` is the peak of the process until then, `device_gib` that of torch on CUDA.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stemwright import safety
from stemwright.audio.probe import probe
from stemwright.audio.stream import blocks, read_all
from stemwright.audio.wav import WavWriter
from stemwright.measure.sdr import sdr
from stemwright.separate import (
    Mix,
    Network,
    Setup,
    consistency,
    engine,
    family,
    hearing,
    models,
    proof,
    split,
    spool,
    stock,
    weights,
)
from stemwright.separate import plan as plans
from stemwright.separate.families.demucs import assemble
from stemwright.separate.precision import best_precision
from stemwright.units import db

if TYPE_CHECKING:
    from torch import Tensor

Found = dict[str, Any]
HOST = ("decode", "look", "cut", "batch", "write", "verify")
"""Parts of a split that the host does in any case."""
DEVICE = ("overlap-add", "share", "peaks", "lag", "spool", "round")
"""Parts that run where the network runs; `spool` is memory there and a file on a CPU."""
_WATCHED: tuple[tuple[str, Any, str], ...] = (
    *(("decode", split, "blocks"), ("look", split, "_listen"), ("cut", engine, "cut")),
    *(("batch", engine.Engine, "_forward"), ("write", WavWriter, "write"), ("verify", split, "verify")),
    *(("overlap-add", engine, "overlap_add"), ("share", hearing, "consistent"), ("round", split, "_samples")),
    *(("spool", spool.Spool, "append"), ("spool", spool.Spool, "chunk"), ("peaks", consistency.Peaks, "add")),
    *(("lag", proof.Lag, "add"), ("lag", proof.Lag, "check")),
)


def precisions(device: str) -> tuple[Any, ...]:
    """Those that a device is used with."""
    return tuple(dict.fromkeys(("exact", best_precision(device))))


def ours_files(song: Path, out: Path, model: str, residual: str, runs: int, **how: Any) -> Found:
    """A file split by `separate.split` into files, the network being in memory."""
    plan, source, resident = plans.of_model(model), probe(song), _engine(model, **how)
    plan = plan if residual == "spread" else plans.with_residual(plan, residual)
    paths = {key: out / f"{key}.wav" for key in plan.stems}  # as demucs does: the mix is not written again

    def work() -> None:
        deque(split.split(source, plan, {model: resident}, paths, writer), 0)

    def writer(_: str, path: Path) -> WavWriter:
        return WavWriter(path, source.format.sample_rate, source.format.channels)

    found = _timed(work, how["device"], runs)
    found["residual_dbfs"] = _residual(song, [paths[stem] for stem in plan.stems])
    if how["net"] == "free" and runs:
        watch, began = _Watch(resident), time.process_time()
        for _ in range(runs):
            work()
        rest = time.process_time() - began - sum(watch.spent.values())
        found["parts"] = {part: spent / runs for part, spent in (*watch.spent.items(), ("rest", rest))}
    return found


def demucs_files(song: Path, out: Path, repo: Path, runs: int, device: str, net: str) -> Found:
    """The same by demucs."""
    found = _timed(stock.files(repo, song, out, device, costless=net == "free"), device, runs)
    return found | {"residual_dbfs": _residual(song, [*out.glob("*.wav")])}


def ours_network(song: Path, against: Path, runs: int, **how: Any) -> Found:
    """The engine alone, from samples in memory to stems on the device, normalised as demucs does it."""
    import torch

    resident, audio = _engine(**how), read_all(probe(song))
    mono, mix = torch.from_numpy(audio).mean(0), Mix(lambda: [audio], audio.shape[1])

    def heard() -> Iterator[Tensor]:
        statistics = (float(mono.mean()), float(mono.std() + 1e-8))
        return resident.separate(mix, resident.network.card.stems, statistics)

    found = _timed(lambda: deque(heard(), 0), how["device"], runs)
    return found | {"batch": resident.batch, "snr_db": _snr(against, heard())}


def demucs_network(song: Path, repo: Path, keep: Path, runs: int, device: str) -> Found:
    """`apply_model` alone, from samples in memory to stems in memory, which are kept in a file."""
    heard = stock.applied(repo, read_all(probe(song)), device)
    np.save(keep, heard().numpy())
    return _timed(heard, device, runs)


def unblend_network(song: Path, repo: Path, against: Path, runs: int, device: str) -> Found:
    """unblend, from and to memory."""
    heard = stock.unblended(repo, song, device)
    return _timed(heard, device, runs) | {"snr_db": _snr(against, [heard()])}


def command(argv: list[str]) -> Found:
    """A program from its start to its end, once."""
    began = time.perf_counter()
    done = safety.child(argv, timeout_s=3600)
    seconds, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace")[-300:])
    return {"seconds": seconds, "cpu_s": used.ru_utime + used.ru_stime, "rss_gib": _gib(used), "device_gib": None}


def _engine(model: str, net: str, device: str, precision: Any = "exact", batch: int = 0) -> engine.Engine:
    card, setup = models.card(model), Setup(device, precision)
    if net == "free":
        made = Network(card, setup, (), (), stock.free)
    elif net == "tiny":
        made = assemble(card, setup, [stock.tiny().to(device) for _ in card.members], ())
    else:
        made = family(card).load(card, weights.paths(card), setup)
    return engine.Engine(made, batch=batch or None)


def _timed(work: Callable[[], object], device: str, runs: int) -> Found:
    import torch

    wait: Any = torch.cuda.synchronize if device == "cuda" else lambda: None
    taken = []
    for _ in range(1 + runs):
        wait()
        began, cpu = time.perf_counter(), time.process_time()
        work()
        wait()
        taken.append((time.perf_counter() - began, time.process_time() - cpu))
    seconds, cpu = (statistics.median(column) for column in zip(*taken[min(1, runs) :], strict=True))
    peak = torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else None
    return {"seconds": seconds, "cpu_s": cpu, "rss_gib": _peak_gib(), "device_gib": peak}


def _gib(used: resource.struct_rusage) -> float:
    return used.ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)  # bytes there, KiB elsewhere


def _peak_gib() -> float:
    """Of this process; Linux's `ru_maxrss` starts from what its parent took."""
    if sys.platform == "linux":
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**20
    return _gib(resource.getrusage(resource.RUSAGE_SELF))


def _residual(song: Path, stems: list[Path]) -> float:
    """RMS in dBFS of what is left of a song without its stems."""
    power, count = 0.0, 0
    for mix, *parts in zip(*(blocks(probe(path)) for path in (song, *stems)), strict=True):
        power += float(np.square(mix - np.sum(parts, axis=0, dtype=np.float64)).sum())
        count += mix.size
    return db((power / count) ** 0.5)


def _snr(against: Path, made: Iterable[Tensor]) -> float:
    stems = np.concatenate([block.cpu().numpy() for block in made], -1)
    return sdr(np.load(against), stems)


class _Watch:
    """CPU seconds of each thread, charged to the innermost part of a split that is at work in it."""

    def __init__(self, resident: engine.Engine) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._here = threading.local()
        for part, home, name in _WATCHED:
            setattr(home, name, self._watched(part, getattr(home, name)))
        resident.network = replace(resident.network, forward=self._watched("network", resident.network.forward))

    def _turn(self, part: str = "") -> None:
        """Another part begins, or the innermost ends."""
        now, inner = time.thread_time(), self._here.__dict__.setdefault("inner", [])
        if inner:
            self.spent[inner[-1]] += now - self._here.since
        inner.append(part) if part else inner.pop()
        self._here.since = now

    def _watched(self, part: str, function: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            self._turn(part)
            try:
                made = function(*arguments, **named)
            finally:
                self._turn()
            return flow(made) if isinstance(made, Iterator) else made

        def flow(source: Iterator[Any]) -> Iterator[Any]:
            while True:
                self._turn(part)
                try:
                    item = next(source)
                except StopIteration:
                    return
                finally:
                    self._turn()
                yield item

        return call


def main(given: str) -> None:
    """Do one job."""
    paths = ("song", "out", "repo", "against", "keep")
    job: Found = {name: Path(value) if name in paths else value for name, value in json.loads(given).items()}
    if threads := job.pop("threads", 0):
        import torch

        torch.set_num_threads(threads)
    sys.stdout.write(json.dumps(globals()[job.pop("do")](**job)))


if __name__ == "__main__":
    main(sys.argv[1])
