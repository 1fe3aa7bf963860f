"""bench: how fast, how lean and how good splitting is, beside demucs 4.1's own code in the same run."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stemwright import demo, safety
from stemwright.audio.resample import resampled
from stemwright.audio.stream import Block, blocks, quantise
from stemwright.audio.wav import WavWriter
from stemwright.errors import WrongOption
from stemwright.model import AudioFile, Outcome, Progress, Workflow
from stemwright.workflows import separation

ROWS = ("host", "demucs", "engine", "precision", "batch", "memory", "unblend")
RATE = 44_100
_CHILD = (sys.executable, "-m", "stemwright.separate.bench")
_LONGEST_S = 3600.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of `bench split`; the first of each group is demucs's."""

    group: str
    name: str
    seconds: float
    realtime: float
    """Seconds of audio a second."""
    cpu_s: float
    rss_gib: float
    device_gib: float | None
    snr_db: float | None
    """Against demucs's `apply_model(shifts=0)`."""
    residual_dbfs: float | None
    """RMS of the song minus the written stems."""
    ratio: float | None
    """demucs's figure divided by this one: of CPU seconds (host), RSS (memory), or seconds."""
    parts: dict[str, float] = field(default_factory=dict)
    """CPU seconds of the parts of a split around a network that costs nothing."""
    host_s: float | None = None
    """What the host does of that in any case."""
    device_s: float | None = None
    """What runs where the network runs."""


@dataclass(frozen=True, slots=True)
class _Job:
    group: str
    name: str
    audio_s: float
    given: dict[str, Any]


def speed(
    song: Path | None, seconds: float, rows: tuple[str, ...], device: str, model: str, tiny: bool
) -> Workflow[Outcome[tuple[Row, ...]]]:
    """Measure, each figure in a process of its own. Raises WrongOption, MissingExtra, WeightsError, InputError."""
    from stemwright import separate
    from stemwright.separate import models, stock, weights

    if unknown := set(rows) - set(ROWS):
        raise WrongOption(f"there are no rows {', '.join(sorted(unknown))}", f"take some of: {', '.join(ROWS)}")
    device, card, rows = separate.choose_device(device), models.card(model), rows or ROWS
    if card.family != "demucs" or len(card.stems) != 4 or (tiny and model != "htdemucs"):
        raise WrongOption(f"{model} cannot be measured so", "take htdemucs, or without --tiny another 4-stem demucs")
    separate.family(card)
    if not tiny:
        yield from weights.pull(card)
    done: list[Row] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        samples = _song(song, seconds)
        source = _written(scratch / "song.wav", samples, samples.shape[1])
        (scratch / "repo").mkdir()
        stock.repo(scratch / "repo", card, small=tiny)
        jobs = list(_jobs(scratch, source, samples.shape[1] / RATE, rows, device, model, tiny))
        for number, job in enumerate(jobs):
            yield Progress(f"{job.group}: {job.name}", number, len(jobs), "rows")
            (scratch / "out").mkdir()
            if job.group.startswith("memory"):
                _written(scratch / "long.wav", samples, round(job.audio_s * RATE))
            ended = safety.child([*_CHILD, json.dumps(job.given)], timeout_s=_LONGEST_S)
            shutil.rmtree(scratch / "out")
            if ended.returncode:
                failed.append(f"{job.group}: {job.name}: {ended.stderr.decode(errors='replace').strip()[-300:]}")
            else:
                done.append(_row(job, json.loads(ended.stdout.splitlines()[-1]), done))
    return Outcome((), tuple(done), failed=tuple(failed))


def _row(job: _Job, found: dict[str, Any], before: list[Row]) -> Row:
    from stemwright.separate.bench import DEVICE, HOST

    first = next((row for row in before if row.group == job.group), None)
    kind = {"host": "cpu_s", "memory": "rss_gib"}.get(job.group.split()[0], "seconds")
    ratio = getattr(first, kind) / found[kind] if first and first.name.startswith("demucs") else None
    name = job.name + (f", batch {found['batch']}" if "batch" in found else "")
    figures = (found["seconds"], job.audio_s / found["seconds"], found["cpu_s"], found["rss_gib"], found["device_gib"])
    sound = (found.get("snr_db"), found.get("residual_dbfs"))
    parts = found.get("parts", {})
    sums = [sum(parts[part] for part in side) if parts else None for side in (HOST, DEVICE)]
    return Row(job.group, name, *figures, *sound, ratio, parts, *sums)


def _jobs(
    scratch: Path, song: Path, audio_s: float, rows: tuple[str, ...], device: str, model: str, tiny: bool
) -> Iterator[_Job]:
    """What is to be run, in order; `keep` of the first network row is what the others are compared with."""
    from stemwright.separate.bench import precisions
    from stemwright.separate.stock import REPO

    net, repo, out = "tiny" if tiny else "genuine", str(scratch / "repo"), str(scratch / "out")
    kept = str(scratch / "stock.npy")
    here = {"device": device, "song": str(song), "runs": 3}
    ours, theirs = {**here, "model": model, "out": out}, {**here, "repo": repo, "out": out}
    free = {"net": "free", "threads": 1}
    if "host" in rows:
        yield _Job("host", "demucs, 1 thread", audio_s, {"do": "demucs_files", **theirs, **free})
        for residual in ("spread", "other"):
            job = {"do": "ours_files", **ours, **free, "residual": residual}
            yield _Job("host", f"ours, residual {residual}, 1 thread", audio_s, job)
    if "demucs" in rows:
        yield _Job("warm", "demucs, files to files", audio_s, {"do": "demucs_files", **theirs, "net": net})
        for precision in precisions(device):
            job = {"do": "ours_files", **ours, "net": net, "residual": "spread", "precision": precision}
            yield _Job("warm", f"ours, files to files, {precision}", audio_s, job)
    if "demucs" in rows and not tiny:  # our command line knows no small random network
        run, flags = [sys.executable, "-m"], ["-d", device, "--int24", "-o", out, str(song)]
        argv = [*run, "demucs", "-n", REPO, "--repo", repo, *flags]
        yield _Job("cold", "demucs's command line", audio_s, {"do": "command", "argv": argv})
        argv = [*run, "stemwright", "split", str(song), "-o", out, "--model", model, "--device", device, "--offline"]
        yield _Job("cold", "our command line", audio_s, {"do": "command", "argv": argv})
    asked = [("exact", 0)] if "engine" in rows else []
    asked += [(precision, 0) for precision in precisions(device) if "precision" in rows]
    sizes = (1, 2, 4, 8, 16) if device == "cuda" else ()  # a CPU is not quicker with more than one
    asked += [(precision, size) for precision in precisions(device) for size in sizes if "batch" in rows]
    if asked or "unblend" in rows:
        job = {"do": "demucs_network", **here, "repo": repo, "keep": kept}
        yield _Job("network", "demucs's apply_model", audio_s, job)
    for precision, size in dict.fromkeys(asked):
        job = {"do": "ours_network", **here, "model": model, "net": net, "against": kept}
        yield _Job("network", f"ours, {precision}", audio_s, {**job, "precision": precision, "batch": size})
    if "unblend" in rows and importlib.util.find_spec("unblend") and model == "htdemucs":
        job = {"do": "unblend_network", **here, "repo": repo, "against": kept}
        yield _Job("network", "unblend, its defaults", audio_s, job)
    if "memory" in rows:
        long = {"song": str(scratch / "long.wav"), "runs": 0, "net": "free"}
        for minutes in (1, 4) if tiny else (1, 4, 10, 60):
            if minutes < 10:
                job = {"do": "demucs_files", **theirs, **long}
                yield _Job(f"memory {minutes} min", "demucs", 60.0 * minutes, job)
            job = {"do": "ours_files", **ours, **long, "residual": "spread"}
            yield _Job(f"memory {minutes} min", "ours", 60.0 * minutes, job)


def _song(given: Path | None, seconds: float) -> Block:
    """What is split: the beginning of a song, or our own composition over and over; 44.1 kHz stereo."""
    frames = round(seconds * RATE)
    if given is None:
        composed = np.sum(list(demo.compose(RATE).values()), axis=0)
        return np.tile(composed, -(-frames // composed.shape[1]))[:, :frames]
    return stereo(separation.song_file(given), RATE, (0.0, seconds))


def stereo(file: AudioFile, rate: int, span: tuple[float, float] | None) -> Block:
    """A file, or what lies between two seconds of it, `[2, frames]` at `rate`; a mono one on both channels."""
    own = file.format.sample_rate
    start, end = (round(at * own) for at in span) if span else (0, file.frames)
    length = max(0, min(end, file.frames) - start)
    frames = round(length * rate / own)
    found = resampled((block[[0, -1]] for block in blocks(file, start=start, frames=length)), own, rate, frames)
    return np.concatenate([*found, np.zeros((2, 0), np.float32)], axis=1)


def _written(path: Path, samples: Block, frames: int) -> Path:
    """A 24-bit WAV of `frames` frames: the samples, over and over."""
    whole = quantise(samples)
    with WavWriter(path, RATE, 2) as out:
        for at in range(0, frames, whole.shape[1]):
            out.write(whole[:, : frames - at])
    return path
