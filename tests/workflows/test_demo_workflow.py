"""The newcomer's first command, with and without weights, and with the genuine ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stemwright.audio.probe import probe
from stemwright.audio.stream import read_all
from stemwright.errors import WeightsUnavailable
from stemwright.workflows import demo, separation
from stemwright.workflows.prep import PrepOptions
from support import finish


def test_demo_without_weights_goes_on_from_its_true_stems(
    tmp_path: Path, free_engine: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(card, **_):
        yield from ()
        raise WeightsUnavailable("nothing can be had", "ask someone")

    monkeypatch.setattr(separation, "ready", lambda options: refuse(None))
    outcome = finish(demo.demo(PrepOptions(out=tmp_path)))
    assert "was not split" in outcome.warnings[0] and outcome.result.complete
    assert outcome.result.separation is None and len(outcome.result.stems) == 4


def test_demo_with_a_free_engine(tmp_path: Path, free_engine: list[str]) -> None:
    outcome = finish(demo.demo(PrepOptions(out=tmp_path)))
    assert outcome.result.folder == tmp_path / "Demo_120_Am" and outcome.result.separation
    assert not [finding for finding in outcome.result.findings if finding.severity == "error"]
    again = finish(demo.demo(PrepOptions(out=tmp_path)))
    assert len(again.skipped) == len(again.result.plan) and free_engine == ["Demo_FullMix.wav"]


@pytest.mark.weights
def test_demo_with_genuine_weights_read_by_other_readers(tmp_path: Path, genuine_weights: tuple[Path, ...]) -> None:
    """The whole main job: the voice lands in the vocals, and independent parsers find every stem at sample 0."""
    outcome = finish(demo.demo(PrepOptions(out=tmp_path)))
    folder, frames = outcome.result.folder, 16 * 44_100
    voice = {
        name: read_all(probe(path))[0].astype(np.float64)
        for name, path in (("true", tmp_path / "demo-song/Demo_Vocals.wav"), ("split", folder / "Demo_Vocals.wav"))
    }
    noise = ((voice["true"] - voice["split"]) ** 2).sum()
    assert 10 * np.log10((voice["true"] ** 2).sum() / noise) > 6
    assert not outcome.result.findings

    rpp, otio = pytest.importorskip("rpp"), pytest.importorskip("opentimelineio")
    project = rpp.loads((folder / "Demo_120_Am.rpp").read_text(encoding="utf-8"))
    items = [track.find("ITEM") for track in project.iterfind("TRACK")]
    assert len(items) == 5
    for item in items:
        position, length = (float(item.find(name)[1]) for name in ("POSITION", "LENGTH"))
        assert (position, round(length * 44_100)) == (0, frames)
        assert probe(folder / item.find("SOURCE").find("FILE")[1]).frames == frames
    timeline = otio.adapters.read_from_file(str(folder / "Demo_120_Am.aaf"))
    tracks = [track for track in timeline.tracks if track.kind == "Audio"]
    assert [track.name for track in tracks] == ["FullMix", "Drums", "Bass", "Vocals", "Other"]
    for track in tracks:
        assert [(type(part).__name__, part.duration().value, part.duration().rate) for part in track] == [
            ("Stack", frames, 44_100)
        ]
