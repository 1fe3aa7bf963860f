from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright.measure.onsets import Curve
from stemwright.separate import beats
from support import run, run_json

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
    code, document = run_json(capsys, "notes", stems, "--bpm-range", within)
    assert code == 0 and document["result"]["song"]["bpm"]["value"] == bpm


@pytest.mark.parametrize("within", ["fast", "140-70", "120"])
def test_what_is_no_range_is_told(within: str, stems: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "notes", stems, "--bpm-range", within)
    assert code == 2 and "70-140" in err


@pytest.mark.parametrize(("every", "bpm"), [(1, 168), (2, 84)])
def test_a_model_hears_the_beats_also_of_what_was_measured_before(
    every: int, bpm: float, stems: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hear(mono):
        yield from ()
        either = np.zeros((2, len(mono) * 50 // RATE + 1))
        for number, click in enumerate(range(0, 166, every)):
            either[int(number % 4 == 0), round(click * 30 / 84 * 50)] = 1
        return Curve(either[0], 50.0), Curve(either[1], 50.0)

    monkeypatch.setattr(beats, "hearing", {"beat_this": hear}.__getitem__)
    for flags in ([], ["--beats", "beat_this", "--force"]):
        code, document = run_json(capsys, "notes", stems, *flags)
        assert code == 0
    assert document["result"]["song"]["bpm"]["value"] == bpm


@pytest.mark.parametrize(
    ("model", "code", "told"),
    [("beat_this", 1, "stemwright[beats]"), ("htdemucs", 2, "beat_this"), ("x", 2, "beat_this")],
)
def test_what_cannot_hear_beats_is_told(
    model: str, code: int, told: str, stems: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "beat_this" else found(name))
    found_code, _, err = run(capsys, "notes", stems, "--beats", model)
    assert found_code == code and told in err
    assert [path.name for path in stems.iterdir()] == ["Drums.wav"]
