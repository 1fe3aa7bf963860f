"""Where a rule about samples is milder, graver, or says that it cannot tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import synth
from confusion import measure

from stemwright import audit


@pytest.mark.parametrize(
    ("changes", "code", "severity", "verdict"),
    [
        ({"full_scale": [[50000, 3, 5000000], [50100, 3, 5000000]]}, "CLP002", "error", "fail"),
        ({"full_scale": [[50000, 3, 4000000], [50100, 3, 4000000]]}, "CLP002", "info", "undetermined"),
        ({"peak_dbfs": -12.0, "clip": 0.02}, "CLP006", "info", "fail"),
        ({"last_bit": "shaped"}, "BIT011", "warning", "fail"),
        ({"last_bit": "shaped", "used_bits": 20}, "BIT011", "error", "fail"),
        ({"noise_dbfs": -80.0}, "BIT013", "info", "undetermined"),
    ],
)
def test_how_grave_it_is(tmp_path: Path, changes: dict[str, Any], code: str, severity: str, verdict: str) -> None:
    synth.build(tmp_path / "Song", {"stems": {"Bass": changes}})
    (finding,) = audit.audit(measure(tmp_path / "Song"), select=[code])
    assert (finding.severity, finding.verdict) == (severity, verdict)


def test_programmed_waves_are_neither_limited_nor_clipped_nor_cut(tmp_path: Path) -> None:
    t = np.arange(4 * 48_000) / 48_000
    saw, gate = 0.5 * (2 * ((220.3 * t) % 1) - 1), (4 * t) % 1 < 0.5
    waves = {"Saw": saw, "Gated": saw * gate, "Sine": 0.5 * np.sin(2 * np.pi * 220.3 * t), "Square": 0.5 * np.sign(saw)}
    for name, wave in waves.items():
        soundfile.write(tmp_path / f"{name}.wav", wave, 48_000, subtype="PCM_24")
    findings = audit.audit(measure(tmp_path), select=["CLP002", "CLP006", "SRC005", "TIM005"])
    assert not {"CLP002", "SRC005", "TIM005"} & {finding.rule for finding in findings}


def test_nothing_but_nan_has_no_level(tmp_path: Path) -> None:
    """LVL002 once told that the loudest stem peaks at −inf dBFS."""
    for name in ("Kick", "Bass"):
        soundfile.write(tmp_path / f"{name}.wav", np.full((4800, 2), np.nan, "f4"), 48_000, subtype="FLOAT")
    findings = audit.audit(measure(tmp_path), select=["LVL", "INT018"])
    assert {finding.rule for finding in findings} == {"INT018"}
