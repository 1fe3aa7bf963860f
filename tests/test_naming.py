"""Names as people write them mean the right role, and names as we write them work everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemwright import naming, resources
from stemwright.errors import SettingsError

ROLES = """
drums.kick: Kick_In KickIn BD-03 sounding_kick Piano_Man_Kick 808Kick Kick-Drum kickdrum
drums.snare: Snare_Top SnareBtm SD rim01 snare_rim01 Clap
drums.hats: HiHat HH Hat_o Closed_HihHat hihat
drums.toms: Tom1 FloorTom Tom_2_L
drums.cymbals: OH_L Overheads Ride
drums.room: DrumRoom
drums.percussion: Perc_Loop Shaker Tambourine
drums: DRUMS BassDrums30 Drum_Mix Drums_master Drumset
bass: Bass BassGuitar Sub_Bass 808 SynthBass Bass_DI Bass_bounce Acoustic_Bass
vocals.lead: LeadVox_dbl Song_LeadVox lead_vocals VOX_LEAD LV LdVox MainVox LeadVocal2 vocals.lead
vocals.backing: BGVs BVs_L BV1 Vox_BG Choir Harm_1 backing
vocals: Vocals Vox vocals_htdemucs Vocals_Mix Vox_original LVox
guitars.acoustic: AcGtr Gtr_Ac AC_Guitar
guitars.lead: LeadGtr leadguitar
guitars: Gtr EGtr_L Rhythm_Gtr_L Guitar1
keys.piano: Piano E-Piano Rhodes_DI
keys: Keys PianoSynth30 Pad Lead_Synth Organ_B3 clav
strings: Strings_(high) Violin
brass: horns Sax_1
fx: FX Riser Vocal_FX Noise
click: Click_track
dialogue: VO Voice_Over
instrumental: Instrumental No_Vocals instrumental_mix
mix: Mix FullMix Rough_Mix_v3 Song_Mix_v2 Song_-_Master_24bit Song_bounce MixBus 2mix Original
other: Other Default_preset remix Lead Misc Backing_Track x
"""
CASES = [(word, role) for role, words in re.findall(r"(\S+): (.+)", ROLES) for word in words.split()]


@pytest.mark.parametrize(("name", "role"), CASES)
def test_roles_of_real_names(name: str, role: str) -> None:
    assert naming.guess_role(name) == role
    assert naming.guess_role(name.replace("_", " ")) == role


def test_every_role_has_a_label_that_means_it() -> None:
    for role, known in naming.roles().items():
        assert naming.guess_role(naming.label(role)) == role == naming.guess_role(known.words[0])
        assert naming.safe_name(known.label) == known.label
    assert [naming.role_order(role) for role in ("mix", "drums.kick", "nothing")] == [0, 2, len(naming.roles())]
    assert naming.label("choir.old men") == "ChoirOldMen"


@given(st.text())
def test_any_text_has_a_role(text: str) -> None:
    assert naming.guess_role(text) in naming.roles()


@given(st.text(), st.integers(1, 60))
def test_safe_names_are_safe(text: str, limit: int) -> None:
    name = naming.safe_name(text, limit)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", name) and len(name) <= max(limit, len("Untitled")) + 1
    assert not re.fullmatch(r"(?i)con|prn|aux|nul|com\d|lpt\d", name)
    assert naming.safe_name(name, limit + 10) == name


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("F# minor", "Fsharp_minor"),
        ("Größe ß", "Grosse_ss"),
        ("AUX", "AUX_"),
        ("a/../b", "a_b"),
        ("日本", "Untitled-c7b7cdcc"),
    ],
)
def test_safe_names_keep_their_sense(text: str, safe: str) -> None:
    assert naming.safe_name(text) == safe


@pytest.mark.parametrize(
    ("name", "bpm", "key", "rest"),
    [
        ("Song_93.5bpm_F#m", 93.5, "F# minor", "Song"),
        ("My_Song_120_Am", 120, "A minor", "My_Song"),
        ("Song 128 BPM C# minor", 128, "C# minor", "Song"),
        ("Fsharpm_Song_120bpm", 120, "F# minor", "Song"),
        ("Song-bpm120-Gmaj", 120, "G major", "Song"),
        ("Song_174.61_Bb", 174.61, "A# major", "Song"),
        ("Song Amaj", None, "A major", "Song Amaj"),
        ("Who I Am", None, None, "Who I Am"),
        ("99 Problems", None, None, "99 Problems"),
        ("1999", None, None, "1999"),
        ("Song_999bpm", None, None, "Song_999bpm"),
        ("Take 120bpm two", 120, None, "Take two"),
    ],
)
def test_tempo_and_key_in_names(name: str, bpm: float | None, key: str | None, rest: str) -> None:
    assert naming.bpm_and_key_in(name) == (bpm, key)
    assert naming.without_bpm_and_key(name) == rest


def test_default_names_are_known() -> None:
    assert all(naming.DEFAULT_NAME.fullmatch(name) for name in ("Audio 1", "track_12", "Bounce", "Stereo Out"))
    assert not any(naming.DEFAULT_NAME.fullmatch(name) for name in ("Audio Kick", "Bass", "Tracking Room"))


def test_own_roles_with_a_mistake_are_a_settings_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "user_folder", lambda: tmp_path)
    (tmp_path / "names").mkdir()
    for text in ('drums = "kick"', "[drums]\nlabel = 'Drums'"):
        (tmp_path / "names" / "roles.toml").write_text(text)
        naming.roles.cache_clear()
        with pytest.raises(SettingsError, match=r"roles\.toml"):
            naming.roles()
    naming.roles.cache_clear()


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("My_Song_120_Am", "My Song"),
        ("My Song - FullMix", "My Song"),
        ("Demo_FullMix", "Demo"),
        ("Song (Full Mix)", "Song (Full Mix)"),
        ("Mix", "Mix"),
        ("Mixtape", "Mixtape"),
        ("My_Song_93.5bpm_F#m_master", "My Song"),
        ("", ""),
    ],
)
def test_title_of_a_song(name: str, title: str) -> None:
    assert naming.title_of(name) == title
