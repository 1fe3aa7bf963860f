"""Proof that a split is right: no stem comes late, and what lies on the disk is what it should be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.audio.probe import probe
from stemwright.audio.stream import Block, pcm_blocks
from stemwright.errors import OutputError, StemwrightError
from stemwright.model import Progress
from stemwright.separate.consistency import CHUNK, to_ints
from stemwright.separate.plan import MIX

if TYPE_CHECKING:
    from torch import Tensor

_LIKE = 0.5
"""Below this correlation the two are too different to tell a delay."""
_CLEAR = 1.02
"""By how much the correlation at a delay has to be above that at none."""
_REACH = 4096
"""Frames to either side in which a delay is looked for; and the shortest song in which it is."""


class Lag:
    """Keeps the loudest of every eighth chunk of a song and tells the delay between two versions of it."""

    def __init__(self) -> None:
        self._loudest, self._seen = 0.0, 0
        self._pair: tuple[Tensor, Tensor] | None = None

    def add(self, made: Tensor, heard: Tensor) -> None:
        """Take in a chunk of both, `[channels, n]`."""
        self._seen += 1
        power = float(heard.square().sum()) if self._seen % 8 == 1 else 0.0
        if power > self._loudest and heard.shape[1] >= _REACH:
            self._loudest, self._pair = power, (made.mean(0), heard.mean(0))

    def frames(self) -> int:
        """The delay in frames, by the clear peak of the cross-correlation; 0 when there is none.

        Of differences from frame to frame, because low tones hardly change with the delay.
        """
        import torch

        if self._pair is None:
            return 0
        made, heard = (side.diff() for side in self._pair)
        size = 2 * max(len(heard), 2 * _REACH)
        spectrum = torch.fft.rfft(made, size) * torch.fft.rfft(heard, size).conj()
        around = torch.fft.irfft(spectrum).roll(_REACH)[: 2 * _REACH + 1]
        at = int(around.argmax())
        found, none, scale = float(around[at]), float(around[_REACH]), float(made.norm() * heard.norm())
        return at - _REACH if found > _LIKE * scale > 0 and found > _CLEAR * none else 0

    def check(self, name: str) -> None:
        """Raise StemwrightError when there is a delay."""
        if found := self.frames():
            raise StemwrightError(
                f"the stems of {name} come {found} frames late; nothing was written",
                "take another model, and tell the maker of this one's card",
            )


def verify(
    files: tuple[tuple[str, Path], ...],
    sample_rate: int,
    frames: int,
    mix: Iterable[Block],
    gain: float,
    bits: int,
    *,
    sums: bool,
) -> Iterator[Progress]:
    """Read everything back: lengths and rates are right, the mix is the source's, the stems sum to it (`sums`).

    `mix` is the source in chunks. Raises OutputError.
    """
    import torch

    made = [probe(path) for _, path in files]
    for file in made:
        if (file.frames, file.format.sample_rate) != (frames, sample_rate):
            raise OutputError(f"{file.path}: {file.frames} frames, not {frames}", "run it again; is the disk sound?")
    if bits == 32:
        return
    done = 0
    for original, *parts in zip(mix, *(pcm_blocks(file, CHUNK) for file in made), strict=True):
        whole = to_ints(torch.from_numpy(original), gain, bits).numpy()
        stems = [part for (key, _), part in zip(files, parts, strict=True) if key != MIX]
        mixes = [part for (key, _), part in zip(files, parts, strict=True) if key == MIX]
        if any((written != whole).any() for written in mixes) or (sums and (sum(stems[1:], stems[0]) != whole).any()):
            raise OutputError("what was written does not add up to the mix", "run it again; is the disk sound?")
        done += original.shape[1]
        yield Progress("verify", done, frames, "frames")
