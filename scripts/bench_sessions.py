"""Time of every session format for 100 and 1,000 tracks of short stems, and the peak memory of a process each.

Formats that copy their media (AAF, DAWproject, Ardour) are timed with files of a hundredth of a second, so that the
session and not the disk is measured; how much the audio itself takes is its copy. `--big` writes an AAF of 3 GiB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

COUNTS = (100, 1000)


def make(folder: Path, count: int) -> None:
    """Stems that are named as stems are, mono and stereo."""
    from stemwright.audio.wav import WavWriter

    words = ("Kick", "Snare", "Bass", "LeadVox", "Piano", "Gtr", "Strings", "FX")
    for number in range(count):
        with WavWriter(folder / f"{words[number % 8]}_{number:04d}.wav", 48000, 1 + number % 2) as writer:
            writer.write(np.full((1 + number % 2, 480), number, dtype=np.int32))


def one(folder: Path, name: str) -> None:
    """Write one session in this process; print seconds without imports and the peak memory in MiB."""
    from stemwright.audio.folder import read_stems
    from stemwright.session.arrange import arrange
    from stemwright.session.formats import write_session

    session = arrange(read_stems(folder))
    with TemporaryDirectory() as out:
        began = time.perf_counter()
        write_session(name, session, Path(out) / "Song")
        print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def big() -> None:
    """Write and read back an AAF of 3 GiB with its audio inside; print times and the peak memory in MiB."""
    from stemwright.audio.folder import read_stems
    from stemwright.audio.wav import WavWriter
    from stemwright.session.arrange import arrange
    from stemwright.session.formats import write_session
    from stemwright.session.verify import prove

    noise = np.random.default_rng(1).integers(-(1 << 23), 1 << 23, (2, 1 << 20), dtype=np.int32)
    with TemporaryDirectory() as folder, TemporaryDirectory() as out:
        for number in range(4):
            with WavWriter(Path(folder) / f"Stem_{number}.wav", 48000, 2) as writer:
                for turn in range(128):
                    writer.write(np.roll(noise, turn + number, axis=1))
        session, path = arrange(read_stems(Path(folder))), Path(out) / "Song.aaf"
        peak = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]
        began = time.perf_counter()
        write_session("aaf", session, path, embed=True)
        seconds, size = time.perf_counter() - began, path.stat().st_size / (1 << 30)
        peak.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        print(f"{size:.2f} GiB written in {seconds:.1f} s, peak {peak[1]:.0f} MiB (before: {peak[0]:.0f})", flush=True)
        began = time.perf_counter()
        found = prove(path, session)
        peak.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        seconds = time.perf_counter() - began
        print(f"verified in {seconds:.1f} s, peak {peak[2]:.0f} MiB, {found.residual_dbfs} dBFS left")


def main() -> None:
    """The table; with --big, a large AAF instead."""
    from stemwright.session.formats import formats

    if sys.argv[1:] == ["--big"]:
        big()
        return
    if len(sys.argv) == 3:
        one(Path(sys.argv[1]), sys.argv[2])
        return
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in formats()}
    for count in COUNTS:
        with TemporaryDirectory() as folder:
            make(Path(folder), count)
            for name, row in rows.items():
                run = [sys.executable, __file__, folder, name]
                done = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
                row.append((float(done[0]), float(done[1])))
    print(f"{'format':12} {'100 tracks':>11} {'1,000 tracks':>13} {'ratio':>7} {'peak MiB':>9}")
    for name, ((small, _), (large, memory)) in rows.items():
        print(f"{name:12} {small:9.3f} s {large:11.3f} s {large / small:7.1f} {memory:9.0f}")
    small, large = (sum(row[at][0] for row in rows.values()) for at in range(2))
    print(f"{'all':12} {small:9.3f} s {large:11.3f} s")


if __name__ == "__main__":
    main()
