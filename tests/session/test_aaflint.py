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
from support import run


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


def _clip(file: Any) -> Any:
    return _track(file).segment.components[1]


def _two_tops(file: Any) -> None:
    other = file.create.CompositionMob("another")
    other.usage = "Usage_TopLevel"
    file.content.mobs.append(other)


def _offline(file: Any) -> None:
    _clip(file).mob_id = type(_clip(file).mob_id).new()


def _straight_to_the_file(file: Any) -> None:
    _clip(file).mob_id = _source(file).mob_id


def _longer(find: Callable[[Any], Any]) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        find(file).length += 1

    return change


def _set(find: Callable[[Any], Any], name: str, value: object) -> Callable[[Any], None]:
    """What gives an object another attribute, or another property if it is called in capitals."""

    def change(file: Any) -> None:
        if name.islower():
            setattr(find(file), name, value)
        else:
            find(file)[name].value = value

    return change


def _only(wanted: Callable[[Any], bool]) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        _top(file)["Slots"].value = [slot for slot in _top(file).slots if wanted(slot)]

    return change


def _url(text: str) -> Callable[[Any], None]:
    return _set(lambda file: _source(file).descriptor["Locator"].value[0], "URLString", text)


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


BROKEN = {
    "AAF001": _two_tops,
    "AAF002": _set(_top, "name", ""),
    "AAF003": _set(_track, "slot_id", 3),
    "AAF004": _only(lambda slot: slot.slot_id != 1),
    "AAF005": _set(_track, "name", ""),
    "AAF006": _set(_track, "PhysicalTrackNumber", 0),
    "AAF007": _longer(lambda file: _track(file).segment),
    "AAF008": _longer(lambda file: _top(file).slot_at(3).segment.components[0].segments[0]),
    "AAF009": _offline,
    "AAF009 slot": _set(_clip, "slot_id", 9),
    "AAF010": _straight_to_the_file,
    "AAF011": _without("ContainerFormat"),
    "AAF012": _without("Locator"),
    "AAF013": _put("<H", 10, 2),
    "AAF014": _put("<H", 22, 32),
    "AAF016": _summary(lambda data: data.__setitem__(slice(0, 4), b"FORM")),
    "AAF016 rate": _put("<I", 12, 44100),
    "AAF017": _url("/Users/me/My Song/Snare.wav"),
    "AAF017 letters": _url("file:///C:/Søng/Snare.wav"),
    "AAF018": _set(lambda file: _top(file).slot_at(1000).segment.components[0], "DescribedSlots", {77}),
    "AAF020": _url("file:///C%3a/Users/me/Elsewhere.wav"),
    "AAF022": _set(_track, "edit_rate", 25),
    "AAF023": _only(lambda slot: slot.media_kind != "Sound"),
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
    assert run(capsys, "aaf", "lint", good)[:2] == (0, f"{good}: findings: 0\n")
    with aaf2.open(str(good), "r+") as file:
        BROKEN["AAF006"](file)
    code, told, _ = run(capsys, "aaf", "lint", good, "--json")
    assert code == 0 and json.loads(told)["result"]["findings"][0]["rule"] == "AAF006"
    with aaf2.open(str(good), "r+") as file:
        BROKEN["AAF007"](file)
    code, told, _ = run(capsys, "aaf", "lint", good)
    assert code == 1 and "error   AAF007" in told and "consolidate the track" in told
    with pytest.raises(InputError):
        lint_aaf(good.with_name("Snare.wav"))


def test_absent_media_keep_an_aaf_from_opening_unless_they_are_inside(good: Path, tmp_path: Path) -> None:
    for media in good.parent.rglob("*.wav"):
        media.unlink()
    assert {(found.rule, found.severity) for found in lint_aaf(good)} == {("AAF020", "error")}
