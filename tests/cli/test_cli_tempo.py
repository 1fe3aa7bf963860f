from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright.cli import main

RATE = 22_050


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    """A minute of clicks at 84 BPM with softer ones between, which may be counted at 168 too."""
    (tmp_path / "Song").mkdir()
    x = np.zeros(60 * RATE)
    burst = np.random.default_rng(1).standard_normal(RATE // 20) * np.exp(-np.arange(RATE // 20) / 200)
    for n in range(166):
        at = round(n * 30 / 84 * RATE)
        x[at : at + len(burst)] += (0.25 if n % 2 else 0.5) * burst
    soundfile.write(tmp_path / "Song" / "Drums.wav", x, RATE, subtype="PCM_24")
    return tmp_path / "Song"


@pytest.mark.parametrize(("within", "bpm"), [("60-100", 84), ("120-200", 168)])
def test_the_range_decides_between_half_and_double_time(
    within: str, bpm: float, stems: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as done:
        main(["notes", str(stems), "--bpm-range", within, "--json"])
    assert done.value.code == 0
    assert json.loads(capsys.readouterr().out)["result"]["song"]["bpm"]["value"] == bpm


@pytest.mark.parametrize("within", ["fast", "140-70", "120"])
def test_what_is_no_range_is_told(within: str, stems: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["notes", str(stems), "--bpm-range", within])
    assert done.value.code == 1 and "70-140" in capsys.readouterr().err
