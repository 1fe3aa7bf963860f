"""The measuring sticks measure what they say."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from fake_engine import GAINS, STEMS
from stemwright.errors import InputError, SettingsError
from stemwright.measure import sdr as maths
from stemwright.separate import stock
from stemwright.workflows import bench, quality
from stemwright.workflows.separation import SplitOptions
from support import finish, pulse_song, tone, write_stems, write_wav


def speed(song: Path | None = None, rows: tuple[str, ...] = (), model: str = "htdemucs"):
    return finish(bench.speed(song, 8, rows, "cpu", model, tiny=True))


def test_network_rows_compare_ours_with_demucs(tmp_path: Path) -> None:
    """The same small network on a mono song at 48 kHz, by demucs's own loop and by ours: the same sound."""
    pytest.importorskip("demucs.api")
    song = write_wav(tmp_path / "song.wav", tone(220, 9, channels=1))
    outcome = speed(song, ("engine",))
    theirs, ours = outcome.result
    assert not outcome.failed and theirs.ratio is None
    assert ours.snr_db > 120 and ours.name.endswith("batch 1")
    assert ours.ratio == theirs.seconds / ours.seconds and ours.realtime == pytest.approx(8 / ours.seconds)
    assert ours.cpu_s > 0 and 0.1 < ours.rss_gib < 8


def test_host_rows_tell_the_parts_of_a_split() -> None:
    pytest.importorskip("demucs.api")
    from stemwright.separate.bench import DEVICE, HOST

    outcome = speed(rows=("host",))
    theirs, spread, other = outcome.result
    assert not outcome.failed and not theirs.parts
    assert theirs.residual_dbfs > -100 and spread.residual_dbfs == other.residual_dbfs == -math.inf
    for row in (spread, other):
        assert {*HOST, *DEVICE, "network", "rest"} == set(row.parts) and min(row.parts.values()) >= -1e-3
        assert row.host_s == pytest.approx(sum(row.parts[part] for part in HOST)) and row.device_s > 0
        assert row.ratio == theirs.cpu_s / row.cpu_s


def test_what_fails_is_told_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole programs: one that fails, and one that takes 300 MB."""
    pytest.importorskip("demucs.api")

    def jobs(*_):
        for code in ("raise SystemExit('no such luck')", "x = bytes(range(256)) * (300 * 4096)"):
            yield bench._Job("cold", code, 8.0, {"do": "command", "argv": [sys.executable, "-c", code]})

    monkeypatch.setattr(bench, "_jobs", jobs)
    outcome = speed()
    assert len(outcome.failed) == 1 and "no such luck" in outcome.failed[0]
    assert 0.29 < outcome.result[0].rss_gib < 0.4


def test_what_cannot_be_measured() -> None:
    for wrong in ({"rows": ("host", "speed")}, {"model": "mid_side"}, {"model": "mdx_extra"}):
        with pytest.raises(SettingsError):
            speed(**wrong)


@pytest.mark.usefixtures("free_engine")
def test_ratios_of_a_network_whose_stems_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives fixed shares of the mix; `demucs` is made to be perfect."""
    song = pulse_song(4.0)
    song["Drums"][1] *= 0.5  # or it would be dual mono
    folder = write_stems(tmp_path / "True", song)
    true = {"drums": song["Drums"], "bass": song["Bass"], "other": song["Keys"]}
    mix = sum(true.values())
    perfect = np.stack([true.get(stem, 0 * mix) for stem in STEMS])
    monkeypatch.setattr(stock, "repo", lambda *_, **__: None)
    monkeypatch.setattr(stock, "applied", lambda *_: lambda: __import__("torch").from_numpy(perfect))
    outcome = finish(quality.score(folder, SplitOptions(model="fake", precision="exact")))
    assert len(outcome.warnings) == 1 and "vocals" in outcome.warnings[0]
    found = {score.outputs: score.by for score in outcome.result}
    assert set(found) == set(true)
    tilt = np.float32([[1.0], [0.9]])
    for name, by in found.items():
        share = GAINS[STEMS.index(name)] * tilt * mix
        assert set(by) == {"raw", "shared", "other", "demucs", "mix"}
        assert by["raw"].sdr == pytest.approx(maths.sdr(true[name], share), abs=1e-3)
        assert by["raw"].si_sdr == pytest.approx(maths.si_sdr(true[name], share), abs=1e-3)
        assert by["mix"].sdr == pytest.approx(maths.sdr(true[name], mix), abs=1e-3)
        assert by["demucs"].sdr > 100
        rest = mix - sum(GAINS[STEMS.index(key)] * tilt * mix for key in STEMS if key != "other")
        want = maths.sdr(true[name], rest if name == "other" else share)
        assert by["other"].sdr == pytest.approx(want, abs=1e-3)
        assert by["shared"].sdr != pytest.approx(by["raw"].sdr, abs=1e-3)


@pytest.mark.usefixtures("free_engine")
def test_a_folder_without_a_second_of_music(tmp_path: Path) -> None:
    folder = write_stems(tmp_path / "Short", pulse_song(2.0))
    with pytest.raises(InputError, match="less than a second"):
        finish(quality.score(folder, SplitOptions(model="fake"), (1.5, 9.0)))


def test_true_stems_stand_for_outputs() -> None:
    """Names that cover several outputs, or that only the rest can hold."""
    grouped = quality._grouped
    assert grouped(["Vocals30", "BassDrums30", "Guitar30"], STEMS) == [
        ([0], ["vocals"]),
        ([1], ["drums", "bass"]),
        ([2], ["other"]),
    ]
    assert grouped(["Bass Guitar", "Bass Drum", "LeadVox"], STEMS) == [
        ([0], ["bass"]),
        ([1], ["drums"]),
        ([2], ["vocals"]),
    ]
    assert grouped(["Drums", "Drums and Bass", "Bass"], STEMS) == [([0, 1, 2], ["drums", "bass"])]
    assert grouped(["Bass", "Vox"], ("vocals", "instrumental")) == [([0], ["instrumental"]), ([1], ["vocals"])]
    assert grouped(["Piano", "Gtr"], ("guitar", "piano", "other")) == [([0], ["piano"]), ([1], ["guitar"])]
    with pytest.raises(SettingsError, match="stands for none"):
        grouped(["Strings"], ("drums", "bass"))
