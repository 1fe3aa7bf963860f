from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from session_kit import band, song, wav

from stemwright import resources
from stemwright.errors import SessionError, SettingsError
from stemwright.model import MeterChange, Stem, StemSet, TempoChange
from stemwright.session.arrange import arrange
from stemwright.session.formats import write_session
from stemwright.session.grid import bar_start
from stemwright.session.layout import load_layout

NESTED = """
bus_from = 1
mix_last = true
[[group]]
name = "BAND"
parts = ["bass"]
colour = "#010203"
gain_db = -6
[[group.group]]
name = "KIT"
parts = ["drums"]
colour = "#040506"
[[group.group.group]]
name = "SKINS"
parts = ["drums.kick", "drums.snare"]
colour = "#070809"
gain_db = 1.5
[[marker]]
bar = 2
name = "Second"
colour = "#ff0000"
"""


def test_groups_nest_and_the_one_that_names_most_of_a_role_wins(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(NESTED)
    stems = band(tmp_path)
    hats = Stem(wav(tmp_path / "Hats.wav", 200_000), "drums.hats", "Hats")
    session = arrange(replace(stems, stems=(*stems.stems, hats)), str(tmp_path / "t.toml"))
    assert [(t.name[:8], t.group, t.gain_db, t.colour) for t in session.tracks] == [
        ("BAND", None, 0, "#010203"),
        ("Bass", "BAND", -6, "#010203"),
        ("KIT", "BAND", 0, "#040506"),
        ("Hats", "KIT", 0, "#040506"),
        ("SKINS", "KIT", 0, "#070809"),
        ("Kick 🥁", "SKINS", 1.5, "#070809"),
        ("xxxxxxxx", "SKINS", 1.5, "#070809"),
        ("Lead 'Vo", None, 0, "#a0a0a0"),
        ("FullMix", None, 0, "#808080"),
    ]
    second = next(m for m in session.markers if m.name == "Second")
    assert second.at == round(24577 + 4 * 60 / 93.5 * 48000) and second.colour == "#ff0000"


def test_bars_follow_tempo_and_metre() -> None:
    moving = song(
        tempo_map=(TempoChange(Fraction(8), 60.0),),
        meter_map=(MeterChange(Fraction(0), 4, 4), MeterChange(Fraction(8), 7, 8)),
    )
    downbeat, beat = Fraction(24577, 48000), Fraction(60 * 2, 187)
    assert bar_start(moving, 1) == downbeat and bar_start(moving, 3) == downbeat + 8 * beat
    assert bar_start(moving, 5) == downbeat + 8 * beat + 7
    assert bar_start(song(downbeat_frame=5), 3) == 8 * beat  # too short a lead-in: the grid begins at frame 0


@pytest.mark.parametrize("name", ["mix-engineer", "remix", "mastering", "film-tv", "practice"])
def test_templates_that_ship_hold_every_role_once(name: str, tmp_path: Path) -> None:
    assert load_layout(name).groups
    roles = [role for role in resources.load("names", "roles") if role != "mix"]
    stems = tuple(Stem(wav(tmp_path / f"s{i}.wav", 10), role, role) for i, role in enumerate(roles))
    tracks = [t for t in arrange(StemSet(song(), stems), name).tracks if not t.is_group]
    assert sorted(t.name for t in tracks) == sorted(roles)


@pytest.mark.parametrize(
    "broken",
    [
        '[[group]]\nname = "X"\nparts = []\ncolour = "#000000"',
        '[[group]]\nname = "X"\nparts = ["x"]\ncolour = "#000000"\ngain_db = "loud"',
        '[[group]]\nname = "X"\nparts = ["x"]\ncolour = "#000000"\nheight = 3',
        '[[marker]]\nbar = 0\nname = "X"',
        'mix_last = "yes"',
        "group = [3]",
        "surprise = 1",
    ],
)
def test_a_broken_template_is_told(broken: str, tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(broken)
    with pytest.raises(SettingsError):
        load_layout(str(tmp_path / "t.toml"))


def test_mixed_rates_go_where_the_daw_converts_and_nowhere_else(tmp_path: Path) -> None:
    stems = band(tmp_path)
    odd = Stem(wav(tmp_path / "Odd.wav", 44100, rate=44100, start=2 * 3600 * 44100), "fx", "Odd")
    mixed = replace(stems, stems=(*stems.stems, odd))
    session = arrange(mixed, mixed_rates=True)
    clip = next(t for t in session.tracks if t.name == "Odd").clips[0]
    assert (clip.at, clip.length, session.sample_rate) == (3600 * 48000, 48000, 48000)
    text = write_session("reaper", session, tmp_path / "s").outputs[0].path.read_text()
    assert "LENGTH 1.000000000000000" in text
    with pytest.raises(SessionError, match=r"AAF cannot hold files of another rate.*Odd\.wav"):
        write_session("aaf", session, tmp_path / "s")


def test_a_bar_that_the_next_metre_cuts_short_is_a_bar() -> None:
    cut = song(bpm=None, meter_map=(MeterChange(Fraction(0), 4, 4), MeterChange(Fraction(6), 3, 4)))
    one = Fraction(60) / 120
    assert [bar_start(cut, bar) / one for bar in range(1, 7)] == [0, 4, 6, 9, 12, 15]


def test_the_click_is_muted_but_for_practice(tmp_path: Path) -> None:
    stems = StemSet(song(), (Stem(wav(tmp_path / "Click.wav"), "click", "Click"),))
    for name in ("mix-engineer", "remix", "mastering", "film-tv", "practice"):
        assert arrange(stems, name).tracks[-1].mute == (name != "practice"), name


def test_markers_behind_the_end_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(NESTED.replace("bar = 2", "bar = 200"))
    assert not any(m.name == "Second" for m in arrange(band(tmp_path), str(tmp_path / "t.toml")).markers)
