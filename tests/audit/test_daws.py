"""DAW guides: each says something about every topic that rules use, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from stemwright import audit, resources
from stemwright.audit import daws
from stemwright.errors import SettingsError

TOPICS = {
    *("bit-depth", "dither", "equal-length", "start", "split-mono", "normalise", "headroom", "names", "master-bus"),
    *("sample-rate", "file-format", "tail", "mono"),
}
PACKAGED = ("ableton_live", "cubase", "fl_studio", "logic", "pro_tools", "reaper", "studio_one")


def test_the_daws_stand_in_order() -> None:
    assert [title for title, _ in daws.guides()] == [
        "Pro Tools",
        "Logic Pro",
        "Ableton Live",
        "REAPER",
        "Cubase / Nuendo",
        "Studio One",
        "FL Studio",
    ]


@pytest.mark.parametrize("name", PACKAGED)
def test_a_guide_speaks_of_every_topic_or_says_why_not(name: str) -> None:
    guide = resources.load("daws", name)
    steps, reasons = guide["steps"], guide.get("not_applicable", {})
    assert steps.keys() | reasons.keys() == TOPICS
    assert not steps.keys() & reasons.keys()
    assert all(text.endswith(".") and 1 <= text.count(". ") + 1 <= 2 for text in (*steps.values(), *reasons.values()))


def test_every_topic_of_a_rule_is_known() -> None:
    assert {rule.daw for rule in audit.catalogue().values()} - {""} <= TOPICS


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_most_daws_can_answer_a_topic(topic: str) -> None:
    assert len(daws.steps(topic)) >= 3


def test_the_manual_of_a_rule_tells_the_steps() -> None:
    text = audit.explain("NAM001")
    assert "\nIn Pro Tools\n    Double-click the track name" in text
    assert text.index("In Pro Tools") < text.index("In FL Studio")
    assert daws.steps("") == ()


def test_a_broken_guide_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "user_folder", lambda: tmp_path)
    (tmp_path / "daws").mkdir()
    (tmp_path / "daws" / "mine.toml").write_text('title = "Mine"\nsteps = "none"')
    daws.guides.cache_clear()
    with pytest.raises(SettingsError, match="mine") as error:
        daws.guides()
    assert "[steps]" in error.value.hint
    daws.guides.cache_clear()
