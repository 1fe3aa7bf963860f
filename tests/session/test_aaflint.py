from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aaf2
import numpy as np
import pytest
import soundfile
from session_kit import band

from stemwright.errors import InputError
from stemwright.session.arrange import arrange
from stemwright.session.formats import aaf
from stemwright.session.formats.aaf.lint import RULES, lint_aaf


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """An AAF of ours with linked media, which has no findings."""
    session = arrange(band(tmp_path))
    aaf.write(replace(session, tracks=tuple(t for t in session.tracks if not t.is_group)), tmp_path / "s.aaf", {})
    assert lint_aaf(tmp_path / "s.aaf") == ()
    return tmp_path / "s.aaf"


def codes(path: Path) -> list[str]:
    return [finding.rule for finding in lint_aaf(path)]


def _top(file: Any) -> Any:
    return next(file.content.toplevel())


def _track(file: Any) -> Any:
    return _top(file).slot_at(4)


def _source(file: Any) -> Any:
    return next(mob for mob in file.content.sourcemobs() if mob.name == "Snare")


def _two_tops(file: Any) -> None:
    other = file.create.CompositionMob("another")
    other.usage = "Usage_TopLevel"
    file.content.mobs.append(other)


def _no_timecode(file: Any) -> None:
    slots = [slot for slot in _top(file).slots if slot.slot_id != 1]
    _top(file)["Slots"].value = slots


def _stretched(file: Any) -> None:
    _track(file).segment.length += 1


def _offline(file: Any) -> None:
    clip = _track(file).segment.components[1]
    clip.mob_id = type(clip.mob_id).new()


def _wrong_slot(file: Any) -> None:
    _track(file).segment.components[1].slot_id = 9


def _straight_to_the_file(file: Any) -> None:
    _track(file).segment.components[1].mob_id = _source(file).mob_id


def _url(text: str) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        _source(file).descriptor["Locator"].value[0]["URLString"].value = text

    return change


def _summary(change: Callable[[bytearray], Any]) -> Callable[[Any], None]:
    def apply(file: Any) -> None:
        descriptor = _source(file).descriptor
        summary = bytearray(descriptor["Summary"].value)
        change(summary)
        descriptor["Summary"].value = summary

    return apply


def _put(form: str, at: int, value: int) -> Callable[[Any], None]:
    return _summary(lambda data: struct.pack_into(form, data, data.index(b"fmt ") + at, value))


def _without(*names: str) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        for name in names:
            del _source(file).descriptor[name]

    return change


def _longer_input(file: Any) -> None:
    group = _top(file).slot_at(3).segment.components[0]
    group.segments[0].length += 1


def _unnamed(file: Any) -> None:
    _top(file).name = ""


def _unnamed_track(file: Any) -> None:
    _track(file).name = ""


def _number(file: Any) -> None:
    _track(file)["PhysicalTrackNumber"].value = 0


def _same_number(file: Any) -> None:
    _track(file).slot_id = 3


def _marker(file: Any) -> None:
    _top(file).slot_at(1000).segment.components[0]["DescribedSlots"].value = {77}


def _frames(file: Any) -> None:
    _track(file).edit_rate = 25


def _silent(file: Any) -> None:
    _top(file)["Slots"].value = [slot for slot in _top(file).slots if slot.media_kind != "Sound"]


BROKEN = {
    "AAF001": _two_tops,
    "AAF002": _unnamed,
    "AAF003": _same_number,
    "AAF004": _no_timecode,
    "AAF005": _unnamed_track,
    "AAF006": _number,
    "AAF007": _stretched,
    "AAF008": _longer_input,
    "AAF009": _offline,
    "AAF009 slot": _wrong_slot,
    "AAF010": _straight_to_the_file,
    "AAF011": _without("ContainerFormat"),
    "AAF012": _without("Locator"),
    "AAF013": _put("<H", 10, 2),
    "AAF014": _put("<H", 22, 32),
    "AAF016": _summary(lambda data: data.__setitem__(slice(0, 4), b"FORM")),
    "AAF016 rate": _put("<I", 12, 44100),
    "AAF017": _url("/Users/me/My Song/Snare.wav"),
    "AAF017 letters": _url("file:///C:/Søng/Snare.wav"),
    "AAF018": _marker,
    "AAF020": _url("file:///C%3a/Users/me/Elsewhere.wav"),
    "AAF022": _frames,
    "AAF023": _silent,
}


@pytest.mark.parametrize("case", BROKEN)
def test_each_rule_finds_its_fault(good: Path, case: str) -> None:
    with aaf2.open(str(good), "r+") as file:
        BROKEN[case](file)
    findings = lint_aaf(good)
    found = next(finding for finding in findings if finding.rule == case[:6])
    assert found.subject == good and found.severity == RULES[found.rule][0] and found.fix
    order = ["error", "warning", "info"]
    assert [f.severity for f in findings] == sorted((f.severity for f in findings), key=order.index)


def test_each_rule_is_tried_somewhere() -> None:
    assert {case[:6] for case in BROKEN} | {"AAF015", "AAF019", "AAF021"} == set(RULES)


def test_embedded_audio_that_is_cut(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    aaf.write(session, tmp_path / "s.aaf", {"embed": True})
    assert lint_aaf(tmp_path / "s.aaf") == ()
    with aaf2.open(str(tmp_path / "s.aaf"), "r+") as file:
        _source(file).descriptor["Length"].value += 1
        _source(file).descriptor["QuantizationBits"].value = 32
    assert codes(tmp_path / "s.aaf") == ["AAF014", "AAF015"]


def test_mixed_rates(good: Path) -> None:
    with aaf2.open(str(good), "r+") as file:
        _source(file).descriptor["SampleRate"].value = 44100
        _put("<I", 12, 44100)(file)
    assert codes(good) == ["AAF019"]


def test_audio_of_more_than_two_gigabytes(tmp_path: Path) -> None:
    aaf.write(arrange(band(tmp_path)), tmp_path / "s.aaf", {"embed": True})
    with (tmp_path / "s.aaf").open("r+b") as file:
        file.truncate((2 << 30) + 4096)  # a hole
    assert codes(tmp_path / "s.aaf") == ["AAF021"]


def test_moved_together_nothing_is_wrong(good: Path, tmp_path: Path) -> None:
    there = tmp_path / "elsewhere"
    there.mkdir()
    shutil.move(tmp_path / "Audio Files", there)
    shutil.move(good, there)
    assert lint_aaf(there / "s.aaf") == ()


def test_an_export_of_pyaaf2_is_refused(tmp_path: Path) -> None:
    """`import_audio_essence`: what Pro Tools fails to open (pyaaf2 issues 46, 101, 103)."""
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 48000, subtype="PCM_16")
    with aaf2.open(str(tmp_path / "bad.aaf"), "w") as file:
        master, top = file.create.MasterMob("a"), file.create.CompositionMob("top")
        file.content.mobs.append(master)
        file.content.mobs.append(top)
        source = master.import_audio_essence(str(tmp_path / "a.wav"))
        top.usage = "Usage_TopLevel"
        top.create_sound_slot(48000).segment.components.append(master.create_source_clip(source.slot_id, length=90))
    findings = {finding.rule: finding for finding in lint_aaf(tmp_path / "bad.aaf")}
    assert {"AAF004", "AAF005", "AAF006", "AAF007", "AAF011"} <= findings.keys()
    for name in ("ContainerFormat", "SequenceOffset", "Locked", "ElectroSpatial"):
        assert name in findings["AAF011"].message


def test_real_exports_of_avid_and_pro_tools_pass(shared: Path) -> None:
    """Their media are elsewhere and some tracks have no name; nothing else would keep them from opening."""
    folder = shared / "material/sessions/aaf"
    for name in ("otio/multitrack", "otio/one_audio_clip", "otio/simple", "otio/utf8"):
        assert set(codes(folder / f"{name}.aaf")) == {"AAF005", "AAF020", "AAF022"}
    assert set(codes(folder / "pyaaf2/sector_size_512.aaf")) == {"AAF020"}
    for name in ("otio/marker-over-audio", "pyaaf2/empty"):
        assert codes(folder / f"{name}.aaf") == ["AAF001"]


def test_command(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from stemwright.cli import main

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["aaf", "lint", *arguments])
        return int(ended.value.code or 0), capsys.readouterr().out

    assert run(str(good)) == (0, f"{good}: findings: 0\n")
    with aaf2.open(str(good), "r+") as file:
        _number(file)
    code, told = run(str(good), "--json")
    assert code == 0 and json.loads(told)["result"]["findings"][0]["rule"] == "AAF006"
    with aaf2.open(str(good), "r+") as file:
        _stretched(file)
    code, told = run(str(good))
    assert code == 1 and "error   AAF007" in told and "consolidate the track" in told
    with pytest.raises(InputError):
        lint_aaf(good.with_name("Snare.wav"))


def test_absent_media_keep_an_aaf_from_opening_unless_they_are_inside(good: Path, tmp_path: Path) -> None:
    for media in good.parent.rglob("*.wav"):
        media.unlink()
    assert {(found.rule, found.severity) for found in lint_aaf(good)} == {("AAF020", "error")}
