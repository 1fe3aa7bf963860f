"""Wrong usage: numbers as people write them, and errors that a script can read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import pulse_song, run, write_stems


def test_a_number_may_have_a_decimal_comma(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "Song", pulse_song(4.0))
    code, out, _ = run(capsys, "session", stems, "--bpm", "120,5", "--dry-run")
    assert code == 0 and "120.5 BPM (user)" in out
    for wrong in ("fast", "nan", "0", "999"):
        code, _, err = run(capsys, "session", stems, "--bpm", wrong)
        assert code == 2 and "float" not in err and wrong in err


@pytest.mark.parametrize(
    "argv",
    [
        ("session", "Song", "--bpm", "fast", "--json"),
        ("prep", "--json"),
        ("audit", "--json", "--nonsense"),
    ],
)
def test_wrong_usage_is_json_too(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...]) -> None:
    code, out, err = run(capsys, *argv)
    assert code == 2 and err
    document = json.loads(out)
    assert document["schema"] == "stemwright.error/1" and not document["ok"]
    assert document["error"]["type"] == "UsageError" and document["error"]["message"] in err


def test_the_profile_of_pack_is_the_deliverys(capsys: pytest.CaptureFixture[str]) -> None:
    told = " ".join(run(capsys, "pack", "--help")[1].split())
    assert "(default: the delivery's own)" in told and "default: protools" not in told


def test_settings_that_are_not_set_are_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "config", "show")[1]
    assert "prep.bpm is not set" in out and "None" not in out
