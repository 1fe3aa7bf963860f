"""What `split` asks, remembers and says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import mutagen
import numpy as np
import pytest

from fake_engine import fake_card, free
from stemwright.audio.probe import probe
from stemwright.errors import DamagedAudio, SettingsError
from stemwright.handover.manifest import read
from stemwright.separate import engine, plan, weights
from stemwright.workflows.facts import Given
from stemwright.workflows.prep import PrepOptions, prep
from stemwright.workflows.separation import SplitOptions
from stemwright.workflows.split import split
from support import finish, pulse_song, write_wav

TAGS = {"title": "Tune", "artist": "Duo", "bpm": "64", "initialkey": "C", "isrc": "QZ1", "album": "LP"}


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Stereo FLAC with tags."""
    import soundfile

    mix = sum(pulse_song(8).values())
    mix = mix * np.float32([[0.5], [0.45]])
    path = tmp_path / "in" / "Tune.flac"
    path.parent.mkdir()
    soundfile.write(path, mix.T, 44_100, subtype="PCM_24")
    tags = mutagen.File(path)
    tags.update(TAGS)
    tags.save()
    return path


def stem_tags(path: Path) -> dict[str, str]:
    return {name: str(value) for name, value in mutagen.File(path).items()}


def test_the_key_holds_what_changes_the_result_and_nothing_else(song, free_engine, monkeypatch) -> None:
    asked = SplitOptions()
    assert not finish(split(song, asked)).skipped and len(free_engine) == 1
    same = (asked, replace(asked, device="cpu"), replace(asked, offline=True))
    for options in same:
        assert finish(split(song, options)).skipped == ("stems",)
    other = (replace(asked, overlap=0.5), replace(asked, residual="off"), replace(asked, shifts=2), asked)
    for number, options in enumerate(other, 2):
        assert not finish(split(song, options)).skipped and len(free_engine) == number
    for module in (plan, engine):
        monkeypatch.setattr(module, "card", lambda name: fake_card(name=name, segment=50_000))
    engine.resident.cache_clear()
    assert not finish(split(song, asked)).skipped, "another segment on the card makes other stems"


def test_other_presets_and_stretches_lie_beside(song, free_engine) -> None:
    kinds = (SplitOptions(), SplitOptions(preset="2_tracks"), SplitOptions(selection=(1, 2)), SplitOptions(preview_s=2))
    kinds += (SplitOptions(two_stems="vocals"), SplitOptions(without=("bass",), bit_depth="32f"))
    folders = [finish(split(song, options)).result.folder for options in kinds]
    names = ["Tune_stems", "Tune_stems_2_tracks", "Tune_stems_1s-2s", "Tune_stems_Preview"]
    names += ["Tune_stems_vocals", "Tune_stems_32f_no_bass"]
    assert [folder.name for folder in folders] == names
    assert all(len(list(folder.glob("*.wav"))) in (3, 4, 5) for folder in folders)
    part = probe(folders[2] / "Tune_Vocals.wav")
    assert (part.frames, part.start_frame) == (44_100, 44_100)


def test_tags_are_those_of_the_song_as_it_is_known(song, free_engine) -> None:
    folder = finish(split(song, SplitOptions(), given=Given(bpm=128))).result.folder
    tags = stem_tags(folder / "Tune_Drums.wav")
    assert (tags["TIT2"], tags["TPE1"], tags["TALB"]) == ("Tune - Drums", "Duo", "LP")
    assert (tags["TBPM"], tags["TKEY"]) == ("128", "C") and "TSRC" not in tags
    made = finish(prep(song, PrepOptions(given=Given(bpm=93.5, key="F#m"), to=("midi",)))).result.folder
    tags = stem_tags(made / "Tune_Drums.wav")
    assert (tags["TBPM"], tags["TKEY"]) == ("93.5", "F#m")
    count = len(free_engine)
    finish(prep(song, PrepOptions(given=Given(bpm=94, key="F#m"), to=("midi",))))
    assert len(free_engine) == count, "a corrected tempo splits nothing again"


def test_the_manifest_says_what_was_asked(song, free_engine) -> None:
    outcome = finish(split(song, SplitOptions(preset="", model="htdemucs", bit_depth="32f")))
    facts = outcome.result.facts
    assert facts.shared and not facts.exact_sum and not facts.preset and not outcome.warnings
    found = read(outcome.result.folder / "manifest.json")
    assert found and found.options["model"] == "htdemucs" and found.options["preset"] == ""


@pytest.mark.parametrize(
    "options", [SplitOptions(selection=(30, 40)), SplitOptions(preset="6_tracks", quality="draft")]
)
def test_what_cannot_be_leaves_nothing(song, free_engine, options) -> None:
    with pytest.raises(SettingsError):
        finish(split(song, options))
    assert list(song.parent.iterdir()) == [song]


@pytest.mark.parametrize("options", [SplitOptions(), SplitOptions(preview_s=3)])
def test_a_song_without_samples(tmp_path: Path, free_engine, options) -> None:
    empty = write_wav(tmp_path / "Empty.wav", np.zeros((2, 0), np.float32))
    with pytest.raises(DamagedAudio, match="no audio"):
        finish(split(empty, options))


def test_a_stem_with_nothing_in_it_is_told(song, free_engine, monkeypatch) -> None:
    mute = free((0.4, 0.35, 0.25, 0.0), tilt=1.0)
    monkeypatch.setattr(engine, "resident", lambda *_: mute)
    assert finish(split(song, SplitOptions())).warnings == ("There is nothing in Vocals.",)


def test_a_dry_run_tells_what_would_be_fetched(song, free_engine, monkeypatch) -> None:
    state = SimpleNamespace(name="kim", ready=False, bytes=913_000_000)
    monkeypatch.setattr(weights, "status", lambda card: state)
    outcome = finish(split(song, SplitOptions(), dry_run=True))
    assert outcome.warnings == ("kim is not here and would be fetched (913 MB)",)
    assert list(song.parent.iterdir()) == [song]


def test_a_network_is_loaded_once_for_a_song(song, free_engine) -> None:
    for work in (split(song, SplitOptions()), prep(song, PrepOptions(given=Given(bpm=64, key="C"), to=("midi",)))):
        assert [event.step for event in work].count("load model") == 1
