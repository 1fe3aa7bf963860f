"""The newcomer's first command, with and without weights, and with the genuine ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import finish

from stemwright.errors import WeightsUnavailable
from stemwright.workflows import demo, stems
from stemwright.workflows.prep import PrepOptions


def test_demo_without_weights_goes_on_from_its_true_stems(
    tmp_path: Path, free_engine: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(card, **_):
        yield from ()
        raise WeightsUnavailable("nothing can be had", "ask someone")

    monkeypatch.setattr(stems, "ready", lambda options: refuse(None))
    outcome = finish(demo.demo(PrepOptions(out=tmp_path)))
    assert "was not split" in outcome.warnings[0] and outcome.result.complete
    assert outcome.result.separation is None and len(outcome.result.stems) == 4


def test_demo_with_a_free_engine(tmp_path: Path, free_engine: list[str]) -> None:
    outcome = finish(demo.demo(PrepOptions(out=tmp_path)))
    assert outcome.result.folder == tmp_path / "Demo_120_Am" and outcome.result.separation
    assert not [finding for finding in outcome.result.findings if finding.severity == "error"]
    again = finish(demo.demo(PrepOptions(out=tmp_path)))
    assert len(again.skipped) == len(again.result.plan) and free_engine == ["htdemucs"]
