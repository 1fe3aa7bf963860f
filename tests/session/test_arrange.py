from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from session_kit import band, song, wav

from stemwright.errors import SessionError, SettingsError
from stemwright.model import Marker, Stem, StemSet
from stemwright.naming import unique
from stemwright.session.arrange import arrange


def test_order_groups_and_colours(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    assert [(t.name[:9], t.group, t.is_group, t.mute) for t in session.tracks] == [
        ("FullMix", None, False, True),
        ("DRUMS", None, True, False),
        ("Kick 🥁", "DRUMS", False, False),
        ("xxxxxxxxx", "DRUMS", False, False),
        ("Bass", None, False, False),  # one member makes no group
        ("Lead 'Vox", None, False, False),
    ]
    drums = next(t.colour for t in session.tracks if t.is_group)
    assert [t.colour == drums for t in session.tracks] == [False, True, True, True, False, False]


def test_positions_gain_comments_length(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    clips = {t.name[:4]: t.clips[0] for t in session.tracks if t.clips}
    assert {name: (clip.at, clip.length) for name, clip in clips.items()} == {
        "Full": (0, 9600), "Kick": (0, 4800), "xxxx": (2401, 4000), "Bass": (0, 4801), "Lead": (0, 9600),
    }  # fmt: skip
    assert (session.frames, session.start_frame, session.sample_rate) == (9600, 3600 * 48000, 48000)
    assert clips["Kick"].gain_db == 3.0 and all(clips[n].gain_db == 0 for n in ("Full", "Bass", "Lead"))
    assert [t.comment for t in session.tracks if t.comment] == ["Printed effects: plate, 1/4 delay"]


def test_numbers_sort_as_people_count_and_lead_vocals_stand_first(tmp_path: Path) -> None:
    named = [("BGV", "vocals.backing"), ("Gtr 10", "guitars"), ("Gtr 2", "guitars"), ("LeadVox", "vocals.lead")]
    stems = tuple(Stem(wav(tmp_path / f"{name}.wav"), role, name) for name, role in named)
    for template in ("mix-engineer", "remix", "practice"):
        names = [t.name for t in arrange(StemSet(song(), stems), template).tracks if not t.is_group]
        assert names.index("Gtr 2") < names.index("Gtr 10") and names.index("LeadVox") < names.index("BGV")


def test_sure_halves_of_a_stereo_track_are_panned(tmp_path: Path) -> None:
    files = ("Kit.L", "Kit.R", "Gtr_L", "Gtr_R", "Tom.L")
    stems = tuple(Stem(wav(tmp_path / f"{name}.wav", channels=1), "drums", name) for name in files)
    pans = {track.name: track.pan for track in arrange(StemSet(song(), stems)).tracks if track.clips}
    assert pans == {"Kit.L": -1.0, "Kit.R": 1.0, "Gtr_L": 0.0, "Gtr_R": 0.0, "Tom.L": 0.0}


def test_a_timereference_of_nought_among_late_ones_is_none(tmp_path: Path) -> None:
    def starts(*stamps: int | None) -> list[int]:
        files = (wav(tmp_path / f"s{n}.wav", 4800, start=at) for n, at in enumerate(stamps))
        stems = tuple(Stem(file, "drums", file.path.stem) for file in files)
        return [track.clips[0].at for track in arrange(StemSet(song(), stems)).tracks if track.clips]

    assert starts(3600 * 48000, 0, 3600 * 48000 + 7) == [0, 0, 7]
    assert starts(0, 2400, 4800) == [0, 2400, 4800]  # an edit that begins at nought


def test_markers_and_notes(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    assert [(m.at, m.name) for m in session.markers] == [
        (0, "Key: F# minor"), (24577, "Bar 1"), (48000, "Verse 🎤"), (60000, "Solo"),
    ]  # fmt: skip
    assert 'The "Band" - My Söng' in session.notes and "BPM: 93.5 (measured, 93% sure)" in session.notes
    bare = arrange(band(tmp_path, bpm=None, key=None, markers=()))
    assert bare.markers == () and not any("BPM" in line or "Key" in line for line in bare.notes)


def test_song_frames_follow_the_session_rate(tmp_path: Path) -> None:
    stems = replace(band(tmp_path, 96000), song=song(48000, downbeat_frame=1000, markers=(Marker(7, "A\nB", 3),)))
    session = arrange(stems)
    assert (session.song.sample_rate, session.song.downbeat_frame) == (96000, 2000)
    assert Marker(14, "A B", 6) in session.markers


def test_mixed_rates_name_the_files_and_the_fix(tmp_path: Path) -> None:
    stems = band(tmp_path)
    odd = Stem(wav(tmp_path / "Odd.wav", rate=44100), "fx", "Odd")
    with pytest.raises(SessionError, match=r"Odd\.wav \(44100 Hz\)") as caught:
        arrange(replace(stems, stems=(*stems.stems, odd)))
    assert "48000 Hz" in caught.value.hint
    with pytest.raises(SessionError, match="no stems"):
        arrange(StemSet(song(), ()))


def test_own_template(tmp_path: Path) -> None:
    template = tmp_path / "mine.toml"
    template.write_text('bus_from = 1\n[[group]]\nname = "Bass"\nparts = ["bass"]\ncolour = "#010203"\n')
    session = arrange(band(tmp_path), str(template))
    assert [t.name[:8] for t in session.tracks][:3] == ["FullMix", "Bass (2)", "Bass"]
    assert session.tracks[2].group == "Bass (2)" and session.tracks[1].colour == "#010203"
    assert len(session.tracks) == 6  # roles that the template does not know follow
    for broken in ('[[group]]\nname = "X"', 'mix_colour = "red"', "group = 3", 'bus_from = "2"', "not toml ["):
        template.write_text(broken)
        with pytest.raises(SettingsError):
            arrange(band(tmp_path), str(template))


@given(st.lists(st.text(max_size=5), max_size=12))
def test_names_are_unique_and_fit_every_file(names: list[str]) -> None:
    found = unique(names)
    assert len(found) == len(names) == len(set(found))
    assert all(name and len(name.splitlines()) == 1 and name.encode() for name in found)
    assert unique(["A", "A", "A (2)", "A"]) == ["A", "A (2)", "A (2) (2)", "A (3)"]
