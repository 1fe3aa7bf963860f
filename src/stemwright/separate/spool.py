"""What networks made waits here until it is written: on the device where that has room, else in a nameless file.

Memory does not grow with the song, and nothing is left when the run ends, however it ends.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.safety import writing
from stemwright.separate.consistency import CHUNK

if TYPE_CHECKING:
    from torch import Tensor


class Spool:
    """float32 chunks of `[rows, channels, CHUNK]` frames, the last one shorter; a context manager."""

    def __init__(self, folder: Path, frames: int, rows: int, channels: int, device: str) -> None:
        self._folder, self._frames, self._shape = folder, frames, (rows, channels)
        self._kept: list[Tensor] | None = [] if _fits(4 * frames * rows * channels, device) else None
        self._file: io.FileIO | None = None

    def __enter__(self) -> Spool:
        """Open the file, if one is needed. Raises DiskFull or OutputError."""
        if self._kept is None:
            with writing(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        """Forget everything."""
        self._kept = None
        if self._file:
            self._file.close()

    def append(self, chunk: Tensor) -> None:
        """Add the next chunk. Raises DiskFull or OutputError."""
        if self._file is None:
            assert self._kept is not None
            self._kept.append(chunk)
            return
        left = memoryview(chunk.contiguous().cpu().numpy()).cast("B")
        with writing(self._folder):
            while left:
                left = left[self._file.write(left) :]

    def chunk(self, number: int) -> Tensor:
        """One of the chunks."""
        if self._file is None:
            assert self._kept is not None
            return self._kept[number]
        import torch

        width = self._shape[0] * self._shape[1]
        self._file.seek(4 * number * CHUNK * width)
        data = torch.empty(min(CHUNK, self._frames - number * CHUNK) * width)
        left = memoryview(data.numpy()).cast("B")
        while left:
            left = left[self._file.readinto(left) :]
        return data.view(*self._shape, -1)


def _fits(size: int, device: str) -> bool:
    if device != "cuda":
        return False
    import torch

    return bool(size < torch.cuda.mem_get_info()[0] // 10)
