"""Profiles, selection and the manual: what a user types is understood, or named when it is wrong."""

from __future__ import annotations

import itertools
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stemwright import audit, resources
from stemwright.errors import SettingsError
from stemwright.model import (
    Across,
    AudioFile,
    AudioFormat,
    Clipping,
    Dither,
    Estimate,
    Levels,
    Runs,
    Song,
    Span,
    Stem,
    StemSet,
    Words,
)

HOT = Levels(-2.0, (-2.0,), rms_dbfs=-20.0, dc_offset=0.0, dither=Dither("absent"), first_sound=0)


def a_set(name: str = "Bass DI.wav") -> StemSet:
    """One stem by hand: a space in its name (NAM002), no bext (MET001), 1 dB too hot (LVL001)."""
    file = AudioFile(Path(name), AudioFormat("wav", "pcm", 24, 48_000, 1), 48_000)
    return StemSet(Song("Song", 48_000), (Stem(file, "bass", "Bass", HOT),))


def found(profile: str = "protools", **choice: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in audit.audit(a_set(), profile, **choice)]


def profile(tmp_path: Path, text: str, name: str = "mine") -> str:
    path = tmp_path / f"{name}.toml"
    path.write_text(text)
    return str(path)


def test_protools_and_generic_differ() -> None:
    assert found() == [("LVL001", "warning"), ("MET001", "warning"), ("NAM002", "warning")]
    assert found("generic") == [("MET001", "info")]


def test_select_and_ignore_by_prefix() -> None:
    assert found(select=("nam", "LVL001")) == [("LVL001", "warning"), ("NAM002", "warning")]
    assert found(ignore=("NAM", "MET0")) == [("LVL001", "warning")]
    assert found(select=("L",), ignore=("LVL",)) == []


def test_a_full_code_runs_even_where_the_profile_turned_it_off() -> None:
    assert found("generic", select=("NAM",)) == []
    assert found("generic", select=("NAM002",)) == [("NAM002", "warning")]


PROFILES = ("protools", "genesis", "strict-6dB", "mastering", "film-tv", "atmos", "netflix", "dj", "archive", "generic")
MATRIX = {  # rule, delivery: what the profiles make of it, in that order; "=" is as protools, "-" is nothing
    ("FMT002", "flac"): "w - = = = = = - = -",
    ("FMT002", "aiff"): "w e = = = = = - = -",
    ("FMT003", "16 bits"): "e = = = = = = - = =",
    ("FMT004", "float"): "w = = - = = e i i i",
    ("FMT013", "32 bits"): "w = = i = = = i i i",
    ("FMT009", "96 kHz"): "- = = = = = = e = =",
    ("FMT009", "176.4 kHz"): "- e = = = e = e = =",
    ("FMT010", "96 kHz"): "- = = = e = e = = =",
    ("FMT011", "7.1.2"): "w = = = = - = = = =",
    ("SET014", "half a bar"): "- = = = = = = i = =",
    ("SET015", "hot together"): "- = w w = = = = = =",
    ("LVL001", "-2 dBFS"): "w = e e = = = - - -",
    ("LVL001", "-0.5 dBFS"): "w = e e = = = - - i",
    ("LVL001", "-4 dBFS"): "- = e = = = = = = =",
    ("LVL002", "-8 dBFS"): "i = - - = = = - - -",
    ("LVL003", "-2 dBFS"): "- = w w = = = = = =",
    ("LVL003", "-1.5 dBFS"): "- = w w w = e = = =",
    ("LVL003", "-0.5 dBFS"): "w = = = = e e - = -",
    ("BIT010", "dither"): "w = = = = = = i = i",
    ("CLP005", "clipped"): "- = = = = = e = = =",
    ("CHN001", "-95 dBFS"): "w = = = = e = = = =",
    ("NAM002", "a space"): "w = = = = = = - = -",
    ("NAM008", "no song"): "- = = = i i i = i =",
    ("MET001", "no stamp"): "w - = = e e e - e i",
    ("MET002", "no hour"): "- = = = w = w = = =",
    ("MET006", ""): "- = = = = = = = i =",
    ("MET008", ""): "- = = = i = = w = =",
    ("PKG001", ""): "w = e = = = = - e i",
    ("PKG002", "notes"): "w = = - = = - i = i",
    ("PKG007", ""): "i = w w w = w - = =",
    ("PKG011", ""): "- = = = = = = i = =",
    ("PKG012", ""): "- = = = = = = = w =",
}


def delivery(what: str) -> StemSet:
    """Two Broadcast WAVs of one song, an hour after midnight, with one thing about them."""
    form = AudioFormat("wav", "pcm", 24, 48_000, 2)
    form = {
        "flac": replace(form, container="flac"),
        "aiff": replace(form, container="aiff"),
        "16 bits": replace(form, bits=16),
        "32 bits": replace(form, bits=32),
        "float": replace(form, encoding="float", bits=32),
        "96 kHz": replace(form, sample_rate=96_000),
        "176.4 kHz": replace(form, sample_rate=176_400),
        "7.1.2": replace(form, channels=10),
    }.get(what, form)
    peak = float(what.removesuffix(" dBFS")) if what.endswith("dBFS") else -5.0
    levels = Levels(peak, (peak,), peak - 15, 0.0, true_peak_dbtp=peak, words=Words(24, False), first_sound=0)
    levels = {
        "dither": replace(levels, dither=Dither("present", "TPDF", 24, 9)),
        "clipped": replace(levels, clipping=Clipping(louder_than_0_45=Runs(1, (Span(9, 12),)))),
    }.get(what, levels)
    start = {"no stamp": None, "no hour": 0}.get(what, 3600 * 48_000)
    names = {"a space": ("Song Kick", "Song Bass"), "no song": ("Kick", "Bass")}.get(what, ("Song_Kick", "Song_Bass"))
    files = [AudioFile(Path(f"{name}.wav"), form, 48_000, start) for name in names]
    stems = tuple(Stem(file, "other", file.path.stem, levels) for file in files)
    notes = "120 BPM, 48 kHz, 24 bit, reverb on the vocals" * (what == "notes")
    song = Song("Song", 48_000, bpm=Estimate(120.0, 1.0, "user") if what == "half a bar" else None)
    across = Across(sum_peak_dbfs=1.0 if what == "hot together" else None)
    return StemSet(song, stems, folder=Path("Song"), notes=notes, across=across)


@pytest.mark.parametrize(("code", "what"), MATRIX)
def test_what_profiles_make_of_a_delivery(code: str, what: str) -> None:
    stems, cells = delivery(what), MATRIX[code, what].split()
    expected = [cells[0] if cell == "=" else cell for cell in cells]
    found = [[finding for finding in audit.audit(stems, name) if finding.rule == code] for name in PROFILES]
    assert [findings[0].severity[0] if findings else "-" for findings in found] == expected


def test_no_two_profiles_ask_for_the_same() -> None:
    columns = list(zip(*(cells.split() for cells in MATRIX.values()), strict=True))
    assert len(columns) == len(set(columns)) == len(PROFILES)
    assert set(resources.names("profiles")) == set(PROFILES)


@pytest.mark.parametrize("name", PROFILES)
def test_a_packaged_profile_says_whom_it_is_for(name: str) -> None:
    text = resources.find("profiles", name).read_text("utf-8")
    head = list(itertools.takewhile(lambda line: line.startswith("#"), text.splitlines()))
    assert 1 <= len(head) <= 3
    assert audit.load_profile(name).title == resources.load("profiles", name)["title"]


@pytest.mark.parametrize("choice", ["select", "ignore"])
@pytest.mark.parametrize("prefix", ["XYZ", "LVL999", ""])
def test_unknown_prefix_is_named(choice: str, prefix: str) -> None:
    with pytest.raises(SettingsError, match=repr(prefix)) as error:
        found(**{choice: (prefix,)})
    assert "LVL001" in error.value.hint


def test_own_profile_over_a_packaged_one(tmp_path: Path) -> None:
    own = 'extends = "protools"\n[rules]\nLVL001 = {limit_dbfs = -1}\nNAM002 = "off"\nMET001 = {severity = "error"}'
    assert found(profile(tmp_path, own)) == [("MET001", "error")]


def test_a_profile_without_rules_runs_all_with_their_defaults(tmp_path: Path) -> None:
    choice = ("LVL", "MET001", "NAM002")
    assert found(profile(tmp_path, ""), select=choice) == found(select=choice)
    assert ("MET008", "info") in found(profile(tmp_path, ""))


def test_a_profile_in_the_user_folder_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stemwright.resources.user_folder", lambda: tmp_path)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "strict.toml").write_text('extends = "generic"\nrules.LVL001.limit_dbfs = -6.0')
    assert found("strict", select=("LVL",)) == [("LVL001", "info")]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[rules]\nLVL999 = 'error'", "LVL999"),
        ("[rules]\nLVL001 = {limit = -3.0}", "'limit'"),
        ("[rules]\nLVL001 = {limit_dbfs = 'loud'}", "'loud'"),
        ("[rules]\nNAM004 = {characters = true}", "True"),
        ("[rules]\nFMT009 = {rates = ['48000']}", "rates"),
        ("[rules]\nFMT009 = {rates = 48000}", "48000"),
        ("[rules]\nLVL001 = 'fatal'", "'fatal'"),
        ("[rules]\nLVL001 = 3", "3"),
        ("rules = 1", "'rules'"),
        ("extends = 1", "'extends'"),
        ("severity = 'error'", "'severity'"),
        ("extends = 'nowhere'", "'nowhere'"),
        ("[rules", "mine.toml"),
    ],
)
def test_what_is_wrong_in_a_profile_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named) as error:
        found(profile(tmp_path, text))
    assert error.value.hint


def test_a_circle_of_profiles_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    profile(tmp_path, "extends = 'b.toml'", "a")
    profile(tmp_path, "extends = 'a.toml'", "b")
    with pytest.raises(SettingsError, match="extends itself"):
        audit.load_profile("a.toml")


def test_two_rules_of_one_code_are_refused() -> None:
    modules = []
    for name in ("one", "two"):

        def check(stems: StemSet) -> Iterator[audit.Found]:
            yield from ()

        check.__module__ = name
        modules.append(types.ModuleType(name))
        vars(modules[-1])["check"] = audit.rule("XYZ001", severity="info")(check)
    assert list(audit.collect(modules[:1])) == ["XYZ001"]
    with pytest.raises(SettingsError, match="XYZ001: one and two"):
        audit.collect(modules)


def test_findings_are_sorted_by_severity_file_and_code(tmp_path: Path) -> None:
    stems = a_set("b b.wav").stems + a_set("a a.wav").stems
    both = StemSet(Song("Song", 48_000), stems)
    findings = audit.audit(
        both, profile(tmp_path, "extends = 'protools'\nrules.NAM002 = 'error'\nrules.LVL001 = 'info'")
    )
    assert [(finding.severity[0], str(finding.subject), finding.rule) for finding in findings] == [
        ("e", "a a.wav", "NAM002"),
        ("e", "b b.wav", "NAM002"),
        ("w", "a a.wav", "MET001"),
        ("w", "b b.wav", "MET001"),
        ("i", "a a.wav", "LVL001"),
        ("i", "b b.wav", "LVL001"),
    ]


def test_explain_prints_the_manual_and_the_options() -> None:
    text = audit.explain("lvl001")
    assert text.startswith("LVL001 (warning, exact): A stem peaks above")
    assert all(f"\n{heading}\n    " in text for heading in audit.HEADINGS)
    assert "limit_dbfs = -3.0" in text
    assert "Options" not in audit.explain("INT001")
    with pytest.raises(SettingsError, match="LVL9") as error:
        audit.explain("LVL9")
    assert "LVL001" in error.value.hint


def test_the_options_that_a_manual_shows_can_be_pasted_into_a_profile(tmp_path: Path) -> None:
    for code, found in audit.catalogue().items():
        shown = audit.explain(code).partition("with their defaults")[2]
        profile = tmp_path / f"{code}.toml"
        profile.write_text(f"[rules.{code}]\n{shown}", encoding="utf-8")
        assert audit.load_profile(str(profile)).options.get(code, {}) == dict(found.options)
