"""The frame rate of timecode: as the layout or the user says, and as each format writes it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import aaf2
import pytest
from session_kit import band

from stemwright.errors import SettingsError
from stemwright.session.arrange import arrange
from stemwright.session.formats import formats, read_session, write_session
from stemwright.session.layout import load_layout
from stemwright.session.verify import prove, verify_session
from stemwright.units import FRAME_RATES, spell_frame_rate

KEEPERS = [name for name, module in formats().items() if "frame_rate" in module.EXPRESSES]


def test_the_layout_says_it_and_the_user_knows_better(tmp_path: Path) -> None:
    stems = band(tmp_path)
    assert arrange(stems).frame_rate == 30 and arrange(stems, "film-tv").frame_rate == 24
    made = arrange(stems, "film-tv", frame_rate="29.97df")
    assert (made.frame_rate, made.drop_frame) == (Fraction(30000, 1001), True)
    for wrong in ("26", '"df"', "true", "[24]"):
        own = tmp_path / "own.toml"
        own.write_text(f"frame_rate = {wrong}")
        with pytest.raises(SettingsError, match=r"29\.97df"):
            load_layout(str(own))


def test_they_are_called_as_people_call_them() -> None:
    for name, rate in FRAME_RATES.items():
        assert spell_frame_rate(*rate) == name and abs(float(rate[0]) - float(name.removesuffix("df"))) < 0.001
    assert spell_frame_rate(Fraction(60000, 1001), True) == "59.9401df"


def test_these_formats_keep_it() -> None:
    assert KEEPERS == ["aaf", "ardour", "otio", "reaper"]


@pytest.mark.parametrize("rate", FRAME_RATES)
@pytest.mark.parametrize("name", KEEPERS)
def test_it_comes_back(tmp_path: Path, name: str, rate: str) -> None:
    planned = arrange(band(tmp_path), frame_rate=rate)
    written = write_session(name, planned, tmp_path / "s")
    path = written.outputs[0].path
    assert prove(path, planned).ok
    read = read_session(path, tmp_path).session
    told = spell_frame_rate(read.frame_rate, read.drop_frame)
    if (name, rate) == ("reaper", "30df"):
        assert told == "30" and "drops frames at 29.97 only" in written.told
    else:
        assert told == rate and "29.97 only" not in written.told
    if "start_timecode" in formats()[name].EXPRESSES:  # to the nearest timecode frame
        assert abs(read.start_frame - planned.start_frame) * read.frame_rate <= Fraction(planned.sample_rate, 2) + 1


def test_a_wrong_rate_is_a_difference(tmp_path: Path) -> None:
    planned = arrange(band(tmp_path), frame_rate="29.97df")
    path = write_session("reaper", planned, tmp_path / "s").outputs[0].path
    path.write_text(path.read_text("utf-8").replace("TIMEMODE 1 5 -1 30 1 0 -1", "TIMEMODE 1 5 -1 30 2 0 -1"), "utf-8")
    (found,) = verify_session(path, planned).differences
    assert (found.field, found.planned, found.found) == ("frame_rate", "29.97df", "29.97")


def test_ardour_says_when_it_has_no_such_rate(tmp_path: Path) -> None:
    planned = replace(arrange(band(tmp_path)), frame_rate=Fraction(48))
    written = write_session("ardour", planned, tmp_path / "s")
    assert "Ardour has no such frame rate" in written.told and prove(written.outputs[0].path, planned).ok


@pytest.mark.parametrize(
    ("rate", "nominal", "start", "day"),
    [
        ("23.976", 24, 86314, 2073600),  # one hour of the clock is 3600 * 24000 / 1001 frames
        ("25", 25, 90000, 2160000),
        ("29.97", 30, 107892, 2592000),
        ("29.97df", 30, 107892, 2589408),  # 01:00:00;00: 108000 numbers less 108 that are left out
        ("30df", 30, 108000, 2589408),
    ],
)
def test_aaf_timecode(tmp_path: Path, rate: str, nominal: int, start: int, day: int) -> None:
    planned = arrange(band(tmp_path), frame_rate=rate)
    assert planned.start_frame == 3600 * planned.sample_rate
    path = write_session("aaf", planned, tmp_path / "s").outputs[0].path
    with aaf2.open(str(path)) as file:
        slots = [slot for slot in next(file.content.toplevel()).slots if slot.name == "Timecode"]
        (code,) = (slot.segment for slot in slots)
        assert Fraction(slots[0].edit_rate) == FRAME_RATES[rate][0]
        assert (code.fps, code["Drop"].value, code.start, code.length) == (nominal, rate.endswith("df"), start, day)
