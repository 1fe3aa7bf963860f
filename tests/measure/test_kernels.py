"""The two sets of kernels give the same numbers: integers exactly, floats to 1e-9; and those of plain definitions."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stemwright.measure import _numba_code, _numpy, kernels, truepeak
from stemwright.measure.loudness import coefficients

_numba = pytest.importorskip("stemwright.measure._numba", exc_type=ImportError)

KINDS = {"u8": "u1", "i16": "<i2", "i24": "", "i32": "<i4", "f32": "<f4", "f64": "<f8"}
SEEDS = st.integers(0, 1 << 30)


def raw(kind: str, seed: int, channels: int, frames: int) -> np.ndarray:
    """A block as it stands in a file: interleaved, of odd alignment where it is of 24 bits."""
    rng = np.random.default_rng(seed)
    if kind == "i24":
        data = rng.integers(0, 256, 1 + 3 * channels * frames, dtype=np.uint8)
        data[1:][rng.random(len(data) - 1) < 0.3] = 0
        return np.ndarray((channels, frames), "<i4", np.append(data, np.zeros(4, np.uint8)), 0, (3, 3 * channels))
    if kind[0] != "f":
        return (
            rng.integers(0, 256, (frames * channels * int(KINDS[kind][-1])), dtype=np.uint8)
            .view(KINDS[kind])
            .reshape(frames, channels)
            .T
        )
    values = rng.normal(0, 10 ** rng.uniform(-3, 2), (frames, channels)).astype(KINDS[kind])
    if rng.random() < 0.5:
        values = np.round(values * 2**15) / 2**15
    odd = rng.choice([math.nan, math.inf, -math.inf, 1e-40, 1e30, 0.0], 5)
    values.ravel()[rng.integers(0, values.size, 5)] = odd if rng.random() < 0.5 else 0.0
    return values.astype(KINDS[kind]).T


@settings(deadline=None)
@given(st.sampled_from(list(KINDS)), SEEDS, st.integers(1, 6), st.sampled_from([1, 7, 64, 1000, 1024, 1025, 5000]))
def test_unpack(kind: str, seed: int, channels: int, frames: int) -> None:
    block = raw(kind, seed, channels, frames)
    kept = block.copy()
    x, y = (np.empty(block.shape, np.float64 if kind in ("i32", "f64") else np.float32) for _ in range(2))
    one, other = _numpy.unpack(block, kind, x), _numba.unpack(block, kind, y)
    assert (x == y).all()
    assert (block.tobytes() == kept.tobytes()) and np.isfinite(x).all()
    assert one[:6] == other[:6]
    assert (one.bad is None) == (other.bad is None)
    if one.bad is not None:
        assert (one.bad == other.bad).all()
        assert (one.bad == ~np.isfinite(kept)).all()
    if kind == "i24":
        assert (x == (block >> 8) / 2**23).all()


def samples(seed: int, channels: int, frames: int, kind: type) -> np.ndarray:
    rng = np.random.default_rng(seed)
    made = (
        rng.normal(0, 1, (channels, frames))
        * rng.choice([0, 1e-6, 0.1, 1], (channels, frames // 50 + 1)).repeat(50, axis=1)[:, :frames]
    )
    return np.round(made * 64).astype(kind) / kind(64) if rng.random() < 0.5 else made.astype(kind)


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.integers(1, 5), st.integers(1, 40), st.sampled_from([np.float32, np.float64]))
def test_cells(seed: int, channels: int, count: int, kind: type) -> None:
    x = samples(seed, channels, 70 + 64 * count, kind)
    one, other = _numpy.cells(x, 6, count), _numba.cells(x, 6, count)
    split = x[:, 6 : 6 + 64 * count].reshape(channels, count, 64)
    assert (one.low == split.min(axis=2)).all()
    assert (one.zeros == (split == 0).sum(axis=2)).all()
    for name in ("low", "high", "bend", "zeros", "level"):
        assert (getattr(one, name) == getattr(other, name)).all(), name
    assert one.total == pytest.approx(other.total, rel=1e-9, abs=1e-9)
    assert one.energy == pytest.approx(other.energy, rel=1e-9)
    if channels == 2:
        assert _numpy.apart(x, 6, 64 * count) == pytest.approx(_numba.apart(x, 6, 64 * count), rel=1e-9)


def by_definition(line: np.ndarray, rate: int) -> np.ndarray:
    """The two biquads, one after the other."""
    b0, b1, b2, a1, a2, c1, c2 = coefficients(rate)
    out = []
    x1 = x2 = y1 = y2 = z1 = z2 = 0.0
    for x in line.tolist():
        y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
        z = y - 2 * y1 + y2 - c1 * z1 - c2 * z2
        x1, x2, y1, y2, z1, z2 = x, x1, y, y1, z, z1
        out.append(z)
    return np.array(out)


@settings(deadline=None, max_examples=30)
@given(
    SEEDS,
    st.integers(1, 4),
    st.sampled_from([8000, 44_100, 48_000, 192_000]),
    st.lists(st.integers(1, 2999), max_size=4),
    st.integers(0, 40),
)
def test_weighted(seed: int, channels: int, rate: int, cuts: list[int], alike: int) -> None:
    x = samples(seed, channels, 3000, np.float32)
    edges = np.array(sorted({0, 3000, *(cuts if alike < 5 else range(min(cuts, default=0), 3000, 3000 // alike))}))
    states = [np.zeros((channels, 4)) for _ in range(2)]
    one, other = _numpy.weighted(x, rate, states[0], edges), _numba.weighted(x, rate, states[1], edges)
    assert one == pytest.approx(other, rel=1e-9, abs=1e-9 * one.max())
    exact = np.array([np.add.reduceat(by_definition(line, rate) ** 2, edges[:-1]) for line in x])
    assert one == pytest.approx(exact, rel=1e-6, abs=1e-9)


def test_places_may_be_numbers_of_32_bits() -> None:
    """As they are on Windows with numpy 1."""
    x, edges = samples(5, 2, 9600, np.float32), np.arange(0, 9601, 1200)
    wide, narrow = (_numba.weighted(x, 48_000, np.zeros((2, 4)), edges.astype(kind)) for kind in (np.int64, np.int32))
    assert (wide == narrow).all()


@pytest.mark.parametrize("loops", [_numpy, _numba])
def test_weighted_goes_on_where_it_stopped(loops: object) -> None:
    x = samples(5, 2, 96_000, np.float32)
    state = np.zeros((2, 4))
    whole = loops.weighted(x, 48_000, state.copy(), np.arange(0, 96_001, 32_000))  # type: ignore[attr-defined]
    parts = [
        loops.weighted(x, 48_000, state, np.arange(first, end + 1, 4000)).sum(axis=1)  # type: ignore[attr-defined]
        for first, end in ((0, 32_000), (32_000, 64_000), (64_000, 96_000))
    ]
    assert np.stack(parts, axis=1) == pytest.approx(whole, rel=1e-9)


@settings(deadline=None, max_examples=40)
@given(
    SEEDS, st.integers(1, 3), st.integers(1, 100), st.sampled_from([0, 1]), st.sampled_from([np.float32, np.float64])
)
def test_heights(seed: int, channels: int, count: int, which: int, kind: type) -> None:
    rng = np.random.default_rng(seed)
    x = samples(seed, channels, 700, kind)
    rows, starts = rng.integers(0, channels, count), rng.integers(64, 500, count)
    bank = truepeak.banks()[which]
    size = bank.taps.shape[1]
    near = np.lib.stride_tricks.sliding_window_view(x, size, axis=1).astype(np.float64)
    cells = [near[row, start - size // 2 + 1 :][:64] @ bank.taps.T for row, start in zip(rows, starts, strict=True)]
    exact = np.array([np.abs(cell).max() for cell in cells])
    for above in (-1.0, 0.5 * exact.max(), 0.9 * exact.max()):
        one, other = (
            loops.heights(x, rows, starts, bank.taps, bank.bends, bank.a, above) for loops in (_numpy, _numba)
        )
        needed = exact > above * 1.00001
        assert one[needed] == pytest.approx(exact[needed], rel=1e-9, abs=1e-15)
        assert other[needed] == pytest.approx(exact[needed], rel=1e-9, abs=1e-15)
        assert (np.maximum(one, other) <= exact * (1 + 1e-9) + 1e-15).all()


def test_without_numba_numpy_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernels.kernels(True) is _numba
    monkeypatch.setitem(sys.modules, "stemwright.measure._numba", None)
    monkeypatch.delattr("stemwright.measure._numba")
    assert kernels.kernels(True) is _numpy


def test_where_no_compiled_code_can_be_kept_numpy_measures(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    code = (
        "import platformdirs\n"
        f"platformdirs.user_cache_path = lambda name: {str(tmp_path / 'file')!r}\n"
        "from stemwright.measure import kernels\n"
        "print(kernels.pays(1_000_000_000))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found == "False\n"


def test_compiled_code_that_was_harmed_is_never_run_but_made_again(tmp_path: Path) -> None:
    """Machine code from a file that is not as it was written could do anything."""
    code = (
        "import platformdirs\n"
        f"platformdirs.user_cache_path = lambda name: {str(tmp_path)!r}\n"
        "import sys\n"
        "import numpy as np\n"
        "from stemwright.measure import _numba\n"
        "x = np.arange(256, dtype=np.float32).reshape(2, 128)\n"
        "print(_numba.apart(x, 6, 64), 'numba' in sys.modules)"
    )

    def run() -> str:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    made, kept_from_before = (f"{64 * 128.0**2} {numba}\n" for numba in (True, False))
    assert run() == made
    (kept,) = tmp_path.rglob("*.o")
    whole = kept.read_bytes()
    for harmed in (whole[:-1000] + bytes([whole[-1000] ^ 1]) + whole[-999:], whole[: len(whole) // 2]):
        kept.write_bytes(harmed)
        assert run() == made
        assert run() == kept_from_before


def test_old_compiled_code_is_removed_when_new_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of other states of the kernels only what was loaded within a month stays; other files are none of ours."""
    _numba_code.code("float32")
    machine_code = next(filter(None, map(_numba_code._kept, _numba_code._folder().glob("*.o"))))
    days = {"old/one.o": 31, "old/two.o": 31, "half/one.o": 31, "half/two.o": 29, "shared/one.o": 31}
    for name, age in days.items():
        path = tmp_path / "kernels" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"code")
        os.utime(path, (time.time() - age * 86400,) * 2)
    (tmp_path / "kernels" / "shared" / "note.txt").write_text("mine")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path)
    monkeypatch.setattr(_numba_code, "_compiled", lambda *_: machine_code)
    assert _numba_code.code.__wrapped__("float32").engine
    assert not (tmp_path / "kernels" / "old").exists()
    left = {path.parent.name: path.name for path in tmp_path.glob("kernels/*/*")}
    assert left.pop("half") == "two.o" and left.pop("shared") == "note.txt" and len(left) == 1


def test_compiled_code_is_loaded_without_numba_and_pays_sooner() -> None:
    code = "from stemwright.measure import kernels\nkernels.kernels(True)\nimport sys\nprint('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    assert kernels.pays(50_000_000)
    assert not kernels.pays(1_000_000)
