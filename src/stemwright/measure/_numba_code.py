"""The machine code of the kernels: compiled once by numba, kept in the user's cache folder, loaded without numba.

To load numba and what it compiled takes 0.4 s, a third of the audit of a song; llvmlite, on which numba stands, takes
0.05 s. The code belongs to one processor and one state of the kernels' source.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any

from stemwright.errors import OutputError
from stemwright.safety import write_bytes

KERNELS = {
    "unpack24": "I* B* q q R* R* q q*",
    "floats": "R* q q q q*",
    "cells": "R* q q q q R* R* R* i* B* d* d*",
    "apart": "R* q q q d*",
    "weighted": "R* q q q* q q d* d* d* d* q* d* d* d* d*",
    "heights": "R* q* q d* q q f* d d f* f* d* d* q* d*",
}
"""What each function that is compiled is given, in the letters of `struct`; R are samples, `*` is an address."""

PIECE = 1024
"""Frames unpacked at once: what stays in the processor's cache."""
LEAP = 512
"""Frames over which the states of a filter are found at once."""
TILE, LANES = 64, 56
"""Frames of so many parts of a file that are filtered at once: what stays in the processor's cache."""

_TYPES = {"B": "uint8", "I": "uint32", "i": "int32", "q": "int64", "f": "float32", "d": "float64"}
_SEAL_BYTES = 32
"""Of the digest that a file of code begins with."""
_MONTH_S = 30 * 24 * 3600
_lock = Lock()


def compiled() -> bool:
    """Whether the kernels as they are were compiled before, on this machine or one that shares its home."""
    return any(_folder().glob("*.o"))


def can_be_kept() -> bool:
    """Whether there is a folder for the code that may be written to."""
    with suppress(OSError):
        _folder().mkdir(parents=True, exist_ok=True)
        return os.access(_folder(), os.W_OK)
    return False


@cache
def code(real: str) -> Any:
    """The kernels by name, for samples "float32" or "float64"; they take addresses and release the GIL.

    Raises ImportError without numba.
    """
    if find_spec("numba") is None:
        raise ImportError("numba is not installed")
    with _lock:
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        cpu, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
        options = {"cpu": cpu, "features": features, "opt": 3, "jit": True, "codemodel": "jitdefault"}
        machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(**options)
        state = f"{real} {sys.platform} {llvm.llvm_version_info} {cpu} {features}"
        path = _folder() / f"{hashlib.blake2b(state.encode(), digest_size=12).hexdigest()}.o"
        data = _kept(path)
        if data is None:
            data = _compiled(machine, real)
            with suppress(OutputError):
                write_bytes(path, _seal(data) + data)
            _forget_old()
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        engine.add_object_file(llvm.ObjectFileRef.from_data(data))
        engine.finalize_object()
    made = {name: _prototype(taken)(engine.get_function_address(name)) for name, taken in KERNELS.items()}
    return SimpleNamespace(**made, engine=engine)


def _kept(path: Path) -> bytes | None:
    """The code in a file, if that is as it was written: code that was harmed could do anything."""
    with suppress(OSError):
        kept = path.read_bytes()
        seal, data = kept[:_SEAL_BYTES], kept[_SEAL_BYTES:]
        return data if seal == _seal(data) else None
    return None


def _forget_old() -> None:
    """Remove code of other states of the kernels that nobody has loaded for a month."""
    for path in _folder().parent.glob("*/*.o"):
        with suppress(OSError):
            last = max(path.stat().st_atime, path.stat().st_mtime)
            if path.parent != _folder() and time.time() - last > _MONTH_S:
                path.unlink()
                path.parent.rmdir()  # refused unless it is empty


def _seal(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_SEAL_BYTES).digest()


def _prototype(taken: str) -> Callable[[int], Any]:
    kinds: dict[str, Any] = {"q": ctypes.c_int64, "d": ctypes.c_double}
    return ctypes.CFUNCTYPE(None, *(kinds.get(word, ctypes.c_void_p) for word in taken.split()))


def _folder() -> Path:
    import platformdirs

    names = ("_numba_code.py", "_numba_samples.py", "_numba_filters.py", "_numpy.py")
    source = b"".join(Path(__file__).with_name(name).read_bytes() for name in names)
    digest = hashlib.blake2b(source, digest_size=12).hexdigest()
    return Path(platformdirs.user_cache_path("stemwright")) / "kernels" / digest


def _compiled(machine: Any, real: str) -> bytes:
    """An object file."""
    import llvmlite.binding as llvm

    with _no_scipy():
        from numba import cfunc, types

        from stemwright.measure import _numba_filters, _numba_samples
    source = {**vars(_numba_samples), **vars(_numba_filters)}
    whole = llvm.parse_assembly("")
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    for name, taken in KERNELS.items():
        kinds = [getattr(types, _TYPES.get(word[0], real)) for word in taken.split()]
        kinds = [types.CPointer(k) if "*" in word else k for k, word in zip(kinds, taken.split(), strict=True)]
        made = cfunc(types.void(*kinds), error_model="numpy")(source[name])
        module = llvm.parse_assembly(made.inspect_llvm())
        for value in (*module.functions, *module.global_variables):
            if not value.is_declaration:
                value.linkage = "external" if value.name == made.native_name else "internal"
        module.get_function(made.native_name).name = name
        whole.link_in(module)
    builder.getModulePassManager().run(whole, builder)  # also takes out what nothing calls, and what that would need
    found: bytes = machine.emit_object(whole)
    return found


@contextmanager
def _no_scipy() -> Iterator[None]:
    """Numba loads scipy where it is installed, for a linear algebra that is not used here."""
    hidden = "scipy" not in sys.modules
    if hidden:
        sys.modules["scipy"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if hidden:
            del sys.modules["scipy"]
