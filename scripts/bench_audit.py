"""Speed and memory of `stemwright audit` beside other people's meters, every figure that of whole processes.

Sets are synthesised: 8 stereo 24/48 stems of four minutes, 100 of ten seconds, and if asked 100 of four minutes. CPU
seconds are user + system of the process and its children; programs that are not installed are left out.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stemwright.audio.stream import quantise
from stemwright.audio.wav import WavWriter

RATE = 48_000
NAMES = ("Kick", "Snare", "HiHats", "Bass", "SynthPad", "LeadVox", "Guitar", "Riser")
MINUTE = 60 * RATE
PEER = r"""
#include <ebur128.h>
#include <sndfile.h>
int main(int c, char **v) {
  SF_INFO in = {0}; SNDFILE *f = sf_open(v[1], SFM_READ, &in);
  int asked = EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_TRUE_PEAK;
  ebur128_state *s = ebur128_init(in.channels, in.samplerate, asked);
  static float block[48000 * 8]; sf_count_t n; double i, l, p;
  while ((n = sf_readf_float(f, block, 48000)) > 0) ebur128_add_frames_float(s, block, n);
  ebur128_loudness_global(s, &i); ebur128_loudness_range(s, &l); ebur128_true_peak(s, 0, &p);
  printf("%f %f %f\n", i, l, p);
}
"""


@dataclass(frozen=True)
class Cost:
    """What running programs took."""

    cpu_s: float
    wall_s: float
    rss_mib: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=240, help="length of the 8 stems")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many")
    parser.add_argument("--whole", action="store_true", help="also 100 stems as long as the 8 (7 GB, ten minutes)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stemwright-bench-") as name:
        scratch = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")
        few = stems(scratch / "few", 8, round(asked.seconds * RATE))
        many = stems(scratch / "many", 100, 10 * RATE)
        print(f"compiling the kernels, once: {run(audit(few)).cpu_s:.2f} CPU-s")
        for folder in (few, many):
            compare(folder, asked.rounds, scratch)
        if asked.whole:
            compare(stems(scratch / "whole", 100, round(asked.seconds * RATE)), 1, scratch)
            shutil.rmtree(scratch / "whole")
        small = stems(scratch / "small", 1, RATE)
        print(f"\none stem of a second: {best(asked.rounds, audit(small)).wall_s:.2f} s wall")
        for minutes in (1, 10, 60):
            long = stems(scratch / f"long{minutes}", 1, minutes * MINUTE)
            print(f"{minutes:3} min of audio: peak {run(audit(long)).rss_mib:.0f} MiB")
            shutil.rmtree(long)


def compare(folder: Path, rounds: int, scratch: Path) -> None:
    """One table: our rows, then each peer with how much more CPU it takes."""
    files = sorted(folder.iterdir())
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"\n{len(files)} stems, {size:.0f} MB{'':14} CPU s  wall s  theirs/ours: CPU")
    run(audit(folder))  # what was just written is in memory then, for all
    ours = best(rounds, audit(folder))
    single = best(rounds, audit(folder), STEMWRIGHT_WORKERS="1")
    row("stemwright audit, every rule", ours)
    row("  one worker", single, f"{single.wall_s / ours.wall_s:.2f} x as long as with all of them")
    twice = min(at_once(audit(folder), 2, STEMWRIGHT_WORKERS="1") for _ in range(rounds))
    bring = f"{2 * single.wall_s / twice:.2f} x is what two cores bring"
    print(f"{'  two such audits at once':42}{twice:7.2f}  {bring}")
    run(audit(folder, "--remember"))
    row("  again, nothing changed", best(rounds, audit(folder, "--remember")))
    for name, commands in peers(files, scratch):
        found = best(rounds, *commands)
        wall = f"wall {found.wall_s / ours.wall_s:.1f}"
        row(name, found, f"{found.cpu_s / ours.cpu_s:.1f}, of one worker {found.cpu_s / single.cpu_s:.1f}; {wall}")


def row(name: str, cost: Cost, note: str = "") -> None:
    print(f"{name:34}{cost.cpu_s:7.2f} {cost.wall_s:7.2f}  {note}")


def audit(folder: Path, memory: str = "--no-remember") -> list[str]:
    return [sys.executable, "-m", "stemwright", "audit", memory, str(folder)]


def peers(files: list[Path], scratch: Path) -> Iterator[tuple[str, list[list[str]]]]:
    if ffmpeg := shutil.which("ffmpeg"):
        for asked in ("astats", "ebur128=peak=true", "astats,ebur128=peak=true"):
            play = ["-af", asked, "-f", "null", "-"]
            yield f"ffmpeg {asked}", [[ffmpeg, "-nostdin", "-v", "error", "-i", str(path), *play] for path in files]
    (scratch / "peer.c").write_text("#include <stdio.h>\n" + PEER)
    peer, compiler = str(scratch / "peer"), shutil.which("cc")
    build = [str(compiler), "-O2", str(scratch / "peer.c"), "-lebur128", "-lsndfile", "-o", peer]
    if compiler and not subprocess.run(build, capture_output=True, check=False).returncode:
        yield "libebur128: I, LRA, true peak", [[peer, str(path)] for path in files]
    if sox := shutil.which("sox"):
        yield "sox stats", [[sox, str(path), "-n", "stats"] for path in files]


def best(rounds: int, *commands: list[str], **settings: str) -> Cost:
    return min((run(*commands, **settings) for _ in range(rounds)), key=lambda cost: cost.cpu_s)


def at_once(command: list[str], count: int, **settings: str) -> float:
    """Seconds until so many of one program, started together, have ended."""
    with ThreadPoolExecutor(count) as pool:
        start = time.perf_counter()
        list(pool.map(lambda _: run(command, **settings), range(count)))
        return time.perf_counter() - start


def run(*commands: list[str], **settings: str) -> Cost:
    """Run programs one after the other; ours as it is when installed, compiled once and for all."""
    cpu = rss = 0.0
    environment = {**os.environ, **settings}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    for command in commands:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, env=environment, **quiet)  # type: ignore[call-overload]
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):  # 1: an audit that found something
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
        cpu += used.ru_utime + used.ru_stime
        rss = max(rss, used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10))
    return Cost(cpu, time.perf_counter() - start, rss)


def stems(folder: Path, count: int, frames: int) -> Path:
    """That many 24-bit stereo stems, made in another process: a child's peak memory starts at that of its parent."""
    maker = multiprocessing.get_context("spawn").Process(target=write, args=(folder, count, frames))
    maker.start()
    maker.join()
    os.sync()  # what was written is on the disk before anybody is timed
    return folder


def write(folder: Path, count: int, frames: int) -> None:
    """The third and the sixth of every eight are silent for a quarter of the time."""
    folder.mkdir()
    for number in range(count):
        path = folder / f"Song_{number + 1:03}_{NAMES[number % 8]}.wav"
        with WavWriter(path, RATE, 2) as out:
            for start in range(0, frames, MINUTE):
                samples = sound(number, min(MINUTE, frames - start), start)
                out.write(quantise(samples))


def sound(number: int, frames: int, start: int) -> np.ndarray:
    """A minute of one stem `[2, frames]`: notes of harmonics and noise that die away, peaks below -4 dBFS."""
    rng = np.random.default_rng((number, start))
    kind = number % 8
    t = (start + np.arange(frames)) / RATE
    beat = t * (1, 2, 4, 2, 0.25, 0.5, 4, 0.125)[kind] % 1
    shape = np.exp(-beat * (9, 14, 12, 4, 0.5, 1, 5, 0)[kind]) * np.minimum(1, beat * 40)
    shape = beat**2 if kind == 7 else shape
    pitch = (50, 190, 400, 55, 220, 330, 165, 90)[kind] * (1 + number // 8 % 5 / 12)
    phase = 2 * np.pi * pitch * t + 0.5 * np.sin(2 * np.pi * 5 * t)
    tones = sum(np.sin(h * phase) / h for h in range(1, (2, 4, 2, 9, 7, 24, 15, 4)[kind]))
    noise = rng.standard_normal((2, frames))
    if kind in (2, 7):
        noise[:, 1:] -= noise[:, :-1]  # bright
    air = (0.01, 0.8, 1.2, 0.002, 0.002, 0.05, 0.1, 1.0)[kind]
    made = shape * (tones * np.array([[1.0], [0.8]]) + air * noise)
    if kind in (2, 5):
        made *= t // 8 % 4 != 3
    return (0.6 * made / (np.abs(made).max() + 1e-9)).astype(np.float32)


if __name__ == "__main__":
    main()
