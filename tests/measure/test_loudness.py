"""Loudness: EBU Tech 3341 and 3342, channel weights, jumps; and agreement with other people's meters on real files."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from measured import FLOAT, of

from stemwright.audio.probe import probe
from stemwright.audio.stream import read_all
from stemwright.measure import levels
from stemwright.measure.loudness import channel_weights
from stemwright.model import AudioFormat, Loudness

FAST = pytest.mark.parametrize("fast", [False, True], ids=["numpy", "numba"])
C3341 = {
    "1": (-23.0, [(-23, 20)]),
    "2": (-33.0, [(-33, 20)]),
    "3": (-23.0, [(-36, 10), (-23, 60), (-36, 10)]),
    "4": (-23.0, [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)]),
    "5": (-23.0, [(-26, 20), (-20, 20.1), (-26, 20)]),
}
C3342 = {
    "1": (10, [(-20, 20), (-30, 20)]),
    "2": (5, [(-20, 20), (-15, 20)]),
    "3": (20, [(-40, 20), (-20, 20)]),
    "4": (15, [(-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)]),
}


def tone(parts: Sequence[tuple[float, float]], rate: int = 48_000) -> np.ndarray:
    """1 kHz in stretches of (dBFS, seconds)."""
    gains = np.concatenate([np.full(round(seconds * rate), 10 ** (level / 20)) for level, seconds in parts])
    return gains * np.sin(2 * np.pi * 1000 * np.arange(len(gains)) / rate)


def loudness(samples: np.ndarray, fast: bool, rate: int = 48_000) -> Loudness:
    return of(samples, replace(FLOAT, sample_rate=rate), fast=fast).loudness


@FAST
@pytest.mark.parametrize("case", C3341)
@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_ebu_3341_integrated(case: str, rate: int, fast: bool) -> None:
    expected, parts = C3341[case]
    found = loudness(np.tile(tone(parts, rate), (2, 1)), fast, rate)
    assert found.integrated_lufs == pytest.approx(expected, abs=0.1)
    if case in "12":
        assert found.momentary_max_lufs == pytest.approx(expected, abs=0.1)
        assert found.short_term_max_lufs == pytest.approx(expected, abs=0.1)


@FAST
def test_ebu_3341_case_6_counts_surrounds_1_41_fold(fast: bool) -> None:
    samples = np.stack([tone([(level, 20)]) for level in (-28, -28, -24, -30, -30)])
    assert loudness(samples, fast).integrated_lufs == pytest.approx(-23, abs=0.1)


@FAST
def test_ebu_3341_case_9_short_term(fast: bool) -> None:
    found = loudness(np.tile(tone([(-20, 1.34), (-30, 1.66)] * 5), (2, 1)), fast)
    assert found.short_term_max_lufs == pytest.approx(-23, abs=0.1)
    assert found.momentary_max_lufs == pytest.approx(-20, abs=0.1)


@FAST
@pytest.mark.parametrize("case", C3342)
def test_ebu_3342_range(case: str, fast: bool) -> None:
    expected, parts = C3342[case]
    assert loudness(np.tile(tone(parts), (2, 1)), fast).range_lu == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 88_200, 96_000, 192_000])
def test_every_rate_hears_the_same(rate: int) -> None:
    assert loudness(np.tile(tone([(-23, 5)], rate), (2, 1)), False, rate).integrated_lufs == pytest.approx(-23, abs=0.2)


@pytest.mark.parametrize(
    ("channels", "mask", "expected"),
    [
        (1, 0, "1"),
        (2, 0, "11"),
        (4, 0, "11ss"),
        (5, 0, "111ss"),
        (6, 0, "1110ss"),
        (6, 0x3F, "1110ss"),
        (6, 0x60F, "1110ss"),
        (8, 0x63F, "111011ss"),
        (8, 0, "11111111"),
        (3, 0x3F, "111"),
    ],
)
def test_channel_weights(channels: int, mask: int, expected: str) -> None:
    form = AudioFormat("wav", "pcm", 24, 48_000, channels, mask)
    weights = {"1": 1.0, "0": 0.0, "s": 10**0.15}
    assert channel_weights(form) == pytest.approx([weights[one] for one in expected])


def test_too_short_and_silent_have_no_loudness() -> None:
    assert loudness(np.tile(tone([(-10, 0.39)]), (2, 1)), False) == Loudness()
    second = loudness(np.tile(tone([(-10, 1)]), (2, 1)), False)
    assert second.integrated_lufs == pytest.approx(-10, abs=0.1)
    assert second.short_term_max_lufs == -math.inf


def test_a_jump_is_told_where_it_is() -> None:
    found = loudness(np.tile(tone([(-40, 5), (-20, 5), (-33, 5), (-70, 5)]), (2, 1)), False)
    (jump,) = found.jumps
    assert (jump.start + jump.end) / 2 == pytest.approx(240_000, abs=4800)
    assert loudness(np.tile(tone([(-30, 5), (-20, 5)]), (2, 1)), False).jumps == ()


# ---- other people's meters ------------------------------------------------------------------------------------


def real(shared: Path) -> list[Path]:
    """Music and exports of many kinds that ffmpeg and sox read, too."""
    names = (
        *("music/midi_daybreak/*.flac", "music/ghostpines30/*", "music/lmms_capdan-reggaetry/*.flac"),
        *("music/mdn_boas/horns.mp3", "music/fof_*/guitar.ogg", "exports/wavinfo/sounddevices/A101_1.WAV"),
        *("exports/pydub/test1-24bit.wav", "exports/wavinfo/nuendo/*5.1.wav"),
    )
    return sorted(path for name in names for path in (shared / "material").glob(name) if path.suffix != ".txt")


def test_agrees_with_ffmpeg(shared: Path) -> None:
    if not shutil.which("ffmpeg"):
        pytest.skip("no ffmpeg")
    files = [path for path in real(shared) if path.suffix in (".flac", ".wav", ".WAV")]
    assert len(files) >= 10
    for path in files:
        run = ("ffmpeg", "-nostdin", "-i", str(path), "-af", "ebur128=peak=true", "-f", "null", "-")
        said = subprocess.run(run, capture_output=True, text=True, check=True).stderr.rpartition("Summary:")[2]
        theirs = {key: float(value) for key, value in re.findall(r"(I|LRA|Peak):\s+(-?[\d.]+|-inf)", said)}
        ours = levels.measure(probe(path))
        if theirs["I"] > -70:
            assert ours.loudness.integrated_lufs == pytest.approx(theirs["I"], abs=0.1), path
            assert ours.true_peak_dbtp == pytest.approx(theirs["Peak"], abs=0.2), path
        if theirs["LRA"] > 0:
            assert ours.loudness.range_lu == pytest.approx(theirs["LRA"], abs=0.3), path  # of a histogram


LIBEBUR128 = r"""
#include <ebur128.h>
#include <stdio.h>
#include <stdlib.h>
int main(int c, char **v) {
  int channels = atoi(v[2]);
  ebur128_state *s = ebur128_init(channels, atoi(v[1]), EBUR128_MODE_I);
  float block[4096]; size_t n; double found;
  while ((n = fread(block, 4 * channels, 4096 / channels, stdin)) > 0) ebur128_add_frames_float(s, block, n);
  ebur128_loudness_global(s, &found); printf("%f", found); ebur128_destroy(&s);
}
"""


def test_agrees_with_libebur128(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "meter.c").write_text(LIBEBUR128)
    build = ["cc", str(tmp_path / "meter.c"), "-lebur128", "-o", str(tmp_path / "meter")]
    if not shutil.which("cc") or subprocess.run(build, capture_output=True).returncode:
        pytest.skip("no compiler or no libebur128")
    for path in real(shared):
        file = probe(path)
        run = [tmp_path / "meter", str(file.format.sample_rate), str(file.format.channels)]
        samples = read_all(file).T.astype("<f4").tobytes()
        theirs = float(subprocess.run(run, input=samples, capture_output=True, check=True).stdout)
        if math.isfinite(theirs):
            assert levels.measure(file).loudness.integrated_lufs == pytest.approx(theirs, abs=0.01), path


def test_agrees_with_sox(shared: Path) -> None:
    if not shutil.which("sox"):
        pytest.skip("no sox")
    for path in real(shared):
        if path.suffix not in (".flac", ".wav", ".WAV") or probe(path).format.encoding != "pcm":
            continue
        said = subprocess.run(("sox", str(path), "-n", "stats"), capture_output=True, text=True).stderr
        theirs = dict(re.findall(r"^(\S+(?: \w+)*) +(\S+)", said, re.M))
        ours = levels.measure(probe(path))
        if theirs["Pk lev dB"] != "-inf":
            assert ours.sample_peak_dbfs == pytest.approx(float(theirs["Pk lev dB"]), abs=0.006), path
            assert ours.rms_dbfs == pytest.approx(float(theirs["RMS lev dB"]), abs=0.006), path
            assert (ours.lowest, ours.highest) == pytest.approx(
                (float(theirs["Min level"]), float(theirs["Max level"])), abs=1e-6
            ), path
            assert ours.words.used_bits == int(theirs["Bit-depth"].partition("/")[2]), path
