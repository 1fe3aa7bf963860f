"""Real singing, for networks with genuine weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stemwright.audio.probe import probe
from stemwright.audio.resample import resampled
from stemwright.audio.stream import Block, read_all


@pytest.fixture(scope="session")
def singing(shared: Path) -> tuple[Block, Block]:
    """(mix, vocals) of 8 s at 48 kHz; the MP3 stems add up to more than full scale, so all get the same gain."""
    files = sorted((shared / "material/music/ghostpines30").glob("*.mp3"))
    parts = {path.stem: read_all(probe(path))[:, 96_000:480_000] * np.float32(0.35) for path in files}
    return sum(parts.values()), parts["Vocals30"]


@pytest.fixture(scope="session")
def singing_44(singing: tuple[Block, Block]) -> tuple[Block, ...]:
    """The same at 44.1 kHz."""
    return tuple(np.concatenate(list(resampled([x], 48_000, 44_100, 352_800)), axis=1) for x in singing)
