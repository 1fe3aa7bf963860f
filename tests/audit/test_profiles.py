"""Profiles, selection and the manual: what a user types is understood, or named when it is wrong."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from stemwright import audit
from stemwright.errors import SettingsError
from stemwright.model import AudioFile, AudioFormat, Levels, Song, Stem, StemSet

HOT = Levels(
    sample_peak_dbfs=-2.0, channel_peaks_dbfs=(-2.0,), rms_dbfs=-20.0, dc_offset=0.0, used_bits=24, first_sound=0
)


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
    assert found(profile(tmp_path, "")) == found()


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
    findings = audit.audit(both, profile(tmp_path, "rules.NAM002 = 'error'\nrules.LVL001 = 'info'"))
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
    assert text.startswith("LVL001 (warning): A stem peaks above")
    assert all(f"\n{heading}\n    " in text for heading in audit.HEADINGS)
    assert "limit_dbfs = -3.0" in text
    assert "Options" not in audit.explain("INT001")
    with pytest.raises(SettingsError, match="LVL9") as error:
        audit.explain("LVL9")
    assert "LVL001" in error.value.hint
