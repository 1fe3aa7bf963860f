from __future__ import annotations

from pathlib import Path

import pytest
from session_kit import wav

from stemwright.errors import SettingsError
from stemwright.model import Clip, Track
from stemwright.session.filling.match import Slot, match
from stemwright.session.filling.rules import Rules, load_rules, mapping, rules_for

RULES = """# where my mix template wants things
[stems]
"Kick*" = "KICK"
"Lead 'Vox' 🎤" = "VOX MAIN"

[roles]
"vocals" = "V *"
"vocals.backing" = "BV *"
"""


def stem(folder: Path, name: str, role: str = "other") -> Track:
    return Track(name, role, (Clip(wav(folder / f"{abs(hash(name))}.wav", 10), 0, 10),))


def test_rules_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "mix.RPP.toml").write_text(RULES, encoding="utf-8")
    rules = rules_for(tmp_path / "mix.RPP")
    stems = [
        stem(tmp_path, "kick in", "drums.kick"), stem(tmp_path, "Kick out", "drums.kick"),
        stem(tmp_path, "Lead 'Vox' 🎤", "vocals.lead"), stem(tmp_path, "Oohs", "vocals.backing"),
        stem(tmp_path, "Dbl", "vocals.double"), stem(tmp_path, "Pad", "synth"),
    ]  # fmt: skip
    found = mapping(rules, stems, {})
    assert found == {"kick in": "KICK", "Lead 'Vox' 🎤": "VOX MAIN", "Oohs": "BV *", "Dbl": "V *"}
    slots = [Slot(name) for name in ("V 1", "BV 1", "BV 2", "KICK", "VOX MAIN", "Kick 2", "PAD")]
    placed = {slots[number].name: track.name for number, track in match(slots, stems, found).items()}
    assert placed == {
        "V 1": "Dbl", "BV 1": "Oohs", "KICK": "kick in", "VOX MAIN": "Lead 'Vox' 🎤", "Kick 2": "Kick out",
        "PAD": "Pad",
    }  # fmt: skip


def test_what_is_said_wins(tmp_path: Path) -> None:
    rules = Rules((("Kick*", "KICK"), ("Sub", "LOW")))
    stems = [stem(tmp_path, "Kick"), stem(tmp_path, "Sub"), stem(tmp_path, "808")]
    assert mapping(rules, stems, {"808": "LOW", "Kick": "K2"}) == {"808": "LOW", "Kick": "K2"}


def test_no_file_is_no_rule_but_a_named_one_must_be_there(tmp_path: Path) -> None:
    assert rules_for(tmp_path / "mix.RPP") == Rules()
    with pytest.raises(SettingsError, match=r"mine\.toml"):
        rules_for(tmp_path / "mix.RPP", tmp_path / "mine.toml")
    (tmp_path / "mine.toml").write_text('[stems]\n"A" = "B"\n')
    assert rules_for(tmp_path / "mix.RPP", tmp_path / "mine.toml").stems == (("A", "B"),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[stems]\n"A" = \n', "line 2"),
        ('[stems]\n"A" = "B"\n[tracks]\n"C" = "D"\n', r"'tracks' is no table.*line 3"),
        ('stems = "A"\n', "line 1"),
        ('[stems]\n"A" = "B"\n"C" = 3\n', r"'C' names no track.*line 3"),
        ('[stems]\n"A" = ""\n', "line 2"),
        ('\n[roles]\n"kazoo.lead" = "X"\n', r"no role 'kazoo\.lead'.*line 3"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(SettingsError, match=words) as caught:
        load_rules(tmp_path / "r.toml")
    assert "r.toml" in caught.value.message and caught.value.hint
