"""Which of the two sets of hot loops is taken: `_numba`, which must be loaded and once compiled, or `_numpy`."""

from __future__ import annotations

from types import ModuleType

from stemwright.measure import _numpy

_COMPILES, _LOADS = 100_000_000, 10_000_000
"""Bytes of audio from which on it pays to compile the kernels, and to load what was compiled before."""


def pays(size: int) -> bool:
    """Whether that many bytes of audio are measured sooner by compiled kernels."""
    from stemwright.measure._numba_code import can_be_kept, compiled

    return size >= _LOADS and (compiled() or (size >= _COMPILES and can_be_kept()))


def kernels(fast: bool) -> ModuleType:
    """The compiled kernels if asked for, or else those of numpy, which give the same numbers."""
    if fast:
        try:
            from stemwright.measure import _numba
        except (ImportError, RuntimeError):  # not installed, or LLVM does not know this machine
            return _numpy
        return _numba
    return _numpy
