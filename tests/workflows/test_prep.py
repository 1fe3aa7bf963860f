"""prep from end to end with a free engine: what lies in the delivery, resume, options, failures."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright import audit
from stemwright.audio.probe import probe
from stemwright.audio.stream import quantise, read_all
from stemwright.errors import AlreadyThere, DamagedAudio, InputError, OutputError, StemwrightError
from stemwright.handover import manifest
from stemwright.model import Outcome
from stemwright.workflows import batch, facts
from stemwright.workflows.facts import Given
from stemwright.workflows.prep import STEPS, Delivery, PrepOptions, prep
from stemwright.workflows.separation import SplitOptions
from stemwright.workflows.split import split
from support import finish, pulse_song, tone, write_stems, write_wav


@pytest.fixture(scope="module")
def mix() -> np.ndarray:
    return sum(pulse_song().values())


@pytest.fixture
def song(tmp_path: Path, mix: np.ndarray) -> Path:
    return write_wav(tmp_path / "My Song.wav", mix, 44_100)


GIVEN = Given(bpm=120, key="Am")


def deliver(source: Path, **changes: object) -> Outcome[Delivery]:
    return finish(prep(source, replace(PrepOptions(given=GIVEN), **changes)))


def digests(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): manifest.entry(path).sha256 for path in folder.rglob("*") if path.is_file()}


def test_a_mix_is_measured_on_the_tempo_that_the_user_wrote_into_the_delivery(
    song: Path, free_engine: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bar 1 and the parts of the song must lie on its grid."""
    folder = deliver(song, given=Given(), to=("midi",)).result.folder
    (folder / "notes.toml").write_text("bpm = 97.0\nkey = 'Cm'\n")
    asked: list[Given] = []
    measure = facts.measure
    monkeypatch.setattr(facts, "measure", lambda files, given: (asked.append(given), measure(files, given))[1])
    again = deliver(song, given=Given(), to=("midi",)).result.song
    assert [(given.bpm, given.key) for given in asked] == [(97.0, "C minor")]
    assert again.bpm and again.key and (again.bpm.value, again.key.value) == (97.0, "C minor")


def test_song_to_delivery(song: Path, mix: np.ndarray, free_engine: list[str]) -> None:
    before = manifest.entry(song)
    outcome = deliver(song)
    folder = outcome.result.folder
    assert folder == song.parent / "My_Song_120_Am"
    names = {path.name for path in folder.iterdir()}
    wavs = {f"My_Song_{part}.wav" for part in ("Vocals", "Drums", "Bass", "Other", "FullMix")}
    assert wavs | {"report.json", "manifest.json", "My_Song_120_Am_notes.txt", "My_Song_120_Am_notes.md"} <= names
    assert {"My_Song_120_Am.rpp", "My_Song_120_Am.aaf", "My_Song_120_Am.mid"} <= {
        name.lower().replace("my_song_120_am", "My_Song_120_Am") for name in names
    }
    assert manifest.INCOMPLETE not in names and not any(name.startswith(".") for name in names)
    files = {name: probe(folder / name) for name in wavs}
    assert {(f.frames, f.format.sample_rate, f.format.bits, f.format.encoding) for f in files.values()} == {
        (mix.shape[1], 44_100, 24, "pcm")
    }
    ints = {name: quantise(read_all(file)) for name, file in files.items()}
    full = ints.pop("My_Song_FullMix.wav")
    assert (full == quantise(mix)).all() and (sum(ints.values()) == full).all()
    assert all(file.start_frame == 0 and file.tag("bpm") == "120" for file in files.values())
    for output in outcome.outputs:
        assert output.path.is_file()
    assert manifest.entry(song) == before
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["schema"] == "stemwright.report/1" and str(song.parent) not in json.dumps(report)
    assert manifest.read(folder / "manifest.json").complete


def test_second_run_redoes_nothing(song: Path, free_engine: list[str]) -> None:
    folder = deliver(song).result.folder
    before = digests(folder)
    again = deliver(song)
    assert again.skipped == STEPS and free_engine == ["My Song.wav"]
    assert digests(folder) == before


def test_a_changed_option_redoes_what_depends_on_it(song: Path, free_engine: list[str]) -> None:
    deliver(song)
    fewer = deliver(song, to=("reaper",))
    assert fewer.skipped == ("song", "stems", "tags", "guides", "audit")
    assert not list(fewer.result.folder.glob("*.aaf")) and not (fewer.result.folder / "Audio Files").exists()
    faster = deliver(song, given=Given(bpm=121, key="Am"))
    assert faster.result.folder.name == "My_Song_121_Am" and not (song.parent / "My_Song_120_Am").exists()
    assert "stems" in faster.skipped and "sessions" not in faster.skipped
    assert {path.stem for path in faster.result.folder.glob("*.*") if "121" in path.name or "120" in path.name} == {
        "My_Song_121_Am",
        "My_Song_121_Am_notes",
    }
    assert probe(faster.result.folder / "My_Song_Drums.wav").tag("bpm") == "121"
    assert free_engine == ["My Song.wav"]
    deliver(song, given=Given(bpm=121, key="Am"), split=SplitOptions(only=("vocals",)))
    assert free_engine == ["My Song.wav"] * 2
    assert {path.name for path in faster.result.folder.glob("*.wav")} == {"My_Song_Vocals.wav", "My_Song_FullMix.wav"}


def test_a_harmed_or_missing_file_is_made_again(song: Path, free_engine: list[str]) -> None:
    folder = deliver(song).result.folder
    good = digests(folder)
    harmed = bytearray((folder / "My_Song_Bass.wav").read_bytes())
    harmed[5000] ^= 1
    (folder / "My_Song_Bass.wav").write_bytes(harmed)
    (folder / "report.json").unlink()
    again = deliver(song)
    assert "stems" not in again.skipped and free_engine == ["My Song.wav"] * 2
    assert {n: d for n, d in digests(folder).items() if n.endswith(".wav")} == {
        n: d for n, d in good.items() if n.endswith(".wav")
    }


def test_interrupted_run_leaves_whole_files_and_goes_on(song: Path, free_engine: list[str]) -> None:
    """Stop the generator at every step in turn: no part files, and the next run ends in the same bytes."""
    undisturbed = digests(deliver(song).result.folder)
    shutil.rmtree(song.parent / "My_Song_120_Am")
    for stop in ("stems", "split", "write", "verify", "tags", "audit", "sessions", "notes"):
        workflow = prep(song, PrepOptions(given=GIVEN))
        for event in workflow:
            if event.step == stop:
                break
        workflow.close()
        folder = song.parent / "My_Song_120_Am"
        assert (folder / manifest.INCOMPLETE).is_file(), stop
        assert not [path for path in folder.rglob("*") if path.name.startswith(".")], stop
        for path in folder.glob("*.wav"):
            assert not probe(path).damage
    final = deliver(song)
    assert not (folder / manifest.INCOMPLETE).exists() and "stems" in final.skipped
    keep = [name for name in undisturbed if not name.endswith(("manifest.json", ".aaf"))]
    assert {name: digests(folder)[name] for name in keep} == {name: undisturbed[name] for name in keep}


def test_folder_of_stems_is_taken_as_it_is(tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "raw" / "Nice Song_120_Am", pulse_song(4.0))
    originals = {path.name: path.read_bytes() for path in stems.iterdir()}
    outcome = finish(prep(stems, PrepOptions(out=tmp_path)))
    folder = outcome.result.folder
    assert folder == tmp_path / "Nice_Song_120_Am" and outcome.result.song.bpm.source == "filename"
    for name in ("Drums", "Bass", "Keys"):
        source, taken = probe(stems / f"Song_{name}.wav"), probe(folder / f"Nice_Song_{name}.wav")
        assert (read_all(source) == read_all(taken)).all()
    assert {path.name: path.read_bytes() for path in stems.iterdir()} == originals
    assert outcome.result.separation is None


def test_split_options_for_stems_are_told_to_do_nothing(tmp_path: Path) -> None:
    folder = write_stems(tmp_path / "Song_120_Am", {"Drums": tone(100), "Bass": tone(60)}, 48_000)
    asked = SplitOptions(preset="2_tracks", quality="best", two_stems="vocals", preview_s=30, device="cpu")
    warnings = deliver(folder, to=("midi",), split=asked).warnings
    idle = "--preset, --quality, --two-stems, --preview"
    assert warnings[0] == f"stems are taken as they are, so there is nothing to do for {idle}"
    assert (
        "nothing to do for --model" in deliver(folder, split=SplitOptions("", model="hpss"), to=("midi",)).warnings[0]
    )
    assert not any("nothing to do" in text for text in deliver(folder, to=("midi",)).warnings)


def test_delivery_never_lands_in_its_own_source(tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "Song_120_Am", pulse_song(4.0))
    assert finish(prep(stems, PrepOptions())).result.folder == tmp_path / "Song_120_Am_Delivery"


def test_foreign_folder_is_not_touched(song: Path, free_engine: list[str]) -> None:
    foreign = song.parent / "My_Song_120_Am"
    foreign.mkdir()
    (foreign / "My_Song_Vocals.wav").write_bytes(b"someone else's")
    with pytest.raises(AlreadyThere):
        deliver(song)
    assert [path.name for path in foreign.iterdir()] == ["My_Song_Vocals.wav"]
    deliver(song, force=True)
    assert probe(foreign / "My_Song_Vocals.wav").frames


def test_dry_run_writes_nothing_and_says_what_would_run(song: Path, free_engine: list[str]) -> None:
    outcome = deliver(song, dry_run=True)
    assert [planned.action for planned in outcome.result.plan] == ["run"] * len(STEPS)
    assert [path.name for path in song.parent.iterdir()] == ["My Song.wav"]
    deliver(song)
    again = deliver(song, dry_run=True, to=("midi",))
    actions = {planned.step: planned.action for planned in again.result.plan}
    assert actions == dict.fromkeys(STEPS[:5], "done before") | dict.fromkeys(STEPS[5:], "run")


def test_truncated_source_is_refused(song: Path, free_engine: list[str]) -> None:
    song.write_bytes(song.read_bytes()[:200_000])
    with pytest.raises(DamagedAudio, match="the file ends after"):
        deliver(song)
    assert [path.name for path in song.parent.iterdir()] == ["My Song.wav"]


def test_unwritable_place(song: Path, free_engine: list[str]) -> None:
    with pytest.raises(OutputError) as caught:
        deliver(song, out=song / "below a file")
    assert caught.value.hint


def test_two_stems_and_preview(song: Path, mix: np.ndarray, free_engine: list[str]) -> None:
    outcome = finish(split(song, SplitOptions(two_stems="vocals", preview_s=4.0)))
    parts = {output.role: quantise(read_all(probe(output.path))) for output in outcome.outputs if output.role}
    assert parts.keys() == {"vocals", "instrumental", "mix"} and parts["mix"].shape[1] == 4 * 44_100
    assert (parts["vocals"] + parts["instrumental"] == parts["mix"]).all()
    haystack = quantise(mix)
    starts = [
        s
        for s in range(0, haystack.shape[1] - 4 * 44_100 + 1, 44_100)
        if (haystack[:, s : s + 4 * 44_100] == parts["mix"]).all()
    ]
    assert starts


def test_batch_goes_on_after_a_bad_file(song: Path, free_engine: list[str]) -> None:
    bad = song.with_name("bad.wav")
    bad.write_text("words", encoding="utf-8")
    other = write_wav(song.with_name("Other.wav"), tone(110, 3.0, 44_100), 44_100)
    outcome = finish(batch.each([song, bad, other], lambda path: prep(path, PrepOptions(given=GIVEN))))
    assert [bool(item.error) for item in outcome.result] == [False, True, False]
    with pytest.raises(InputError):
        finish(prep(bad, PrepOptions()))


def test_another_bpm_with_all_formats(tmp_path: Path) -> None:
    """The AAF's media are ours to replace; nothing of the old tempo stays."""
    stems = write_stems(tmp_path / "Song", pulse_song(4.0))
    finish(prep(stems, PrepOptions(given=Given(bpm=120, key="Am"))))
    outcome = finish(prep(stems, PrepOptions(given=Given(bpm=100, key="Am"))))
    folder = outcome.result.folder
    assert folder.name == "Song_100_Am" and outcome.result.complete and not list(folder.rglob("*120*"))
    (folder / "Song_100_Am.aaf").unlink()
    assert finish(prep(stems, PrepOptions(given=Given(bpm=100, key="Am")))).result.complete
    assert (folder / "Song_100_Am.aaf").exists()


def test_what_the_user_edited_is_set_aside(song: Path, free_engine: list[str]) -> None:
    folder = deliver(song).result.folder
    notes, project = folder / "My_Song_120_Am_notes.txt", folder / "My_Song_120_Am.rpp"
    notes.write_text("my words", encoding="utf-8")
    project.write_text("my mix", encoding="utf-8")
    outcome = deliver(song, to=("midi",))
    assert (folder / "My_Song_120_Am_notes_edited1.txt").read_text(encoding="utf-8") == "my words"
    assert (folder / "My_Song_120_Am_edited1.rpp").read_text(encoding="utf-8") == "my mix"
    assert not project.exists() and "my words" not in notes.read_text(encoding="utf-8")
    assert sum("_edited1" in warning for warning in outcome.warnings) == 2


def test_conversions_stand_in_the_notes(tmp_path: Path) -> None:
    import soundfile

    stems = write_stems(tmp_path / "Song_120_Am", pulse_song(4.0))
    samples = read_all(probe(stems / "Song_Bass.wav")).T
    (stems / "Song_Bass.wav").unlink()
    soundfile.write(stems / "Song_Bass.ogg", samples, 44_100)
    outcome = finish(prep(stems, PrepOptions()))
    text = " ".join((outcome.result.folder / "Song_120_Am_Delivery_notes.txt").read_text(encoding="utf-8").split())
    assert "Song_Bass.ogg: OGG decoded and rounded to 24 bit without dither" in text


def test_two_mixes_keep_their_places(tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "Song", pulse_song(4.0) | {"FullMix": tone(80, 4.0), "Master": tone(90, 4.0)})
    outcome = finish(prep(stems, PrepOptions(given=GIVEN)))
    kinds = {output.path.name: output.kind for output in outcome.outputs if output.kind in ("stem", "mix")}
    report = json.loads((outcome.result.folder / "report.json").read_text(encoding="utf-8"))
    assert kinds["Song_FullMix.wav"] == "mix" and report["mix"]["file"] == "Song_FullMix.wav"


def test_a_preview_is_measured_as_what_it_is(song: Path, mix: np.ndarray, free_engine: list[str]) -> None:
    outcome = deliver(song, split=SplitOptions(preview_s=4.0))
    assert outcome.result.song.downbeat_frame < 4 * 44_100
    assert probe(outcome.result.folder / "My_Song_FullMix.wav").frames == 4 * 44_100
    assert "preview" in (outcome.result.folder / "My_Song_120_Am_Preview_notes.md").read_text(encoding="utf-8")
    first = digests(outcome.result.folder)
    assert deliver(song, split=SplitOptions(preview_s=4.0)).skipped == STEPS and digests(outcome.result.folder) == first


def test_a_copy_of_the_song_has_a_delivery_of_its_own(song: Path, free_engine: list[str]) -> None:
    first = deliver(song).result.folder
    copy = song.with_name("Copy.wav")
    copy.write_bytes(song.read_bytes())
    assert deliver(copy).result.folder.name == "Copy_120_Am" and first.exists()
    shutil.copytree(first, song.parent / "Backup")
    assert deliver(song).skipped == STEPS


def test_force_leaves_nothing_of_the_old_set(tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "Song", pulse_song(4.0))
    folder = finish(prep(stems, PrepOptions(given=GIVEN))).result.folder
    (stems / "Song_Bass.wav").unlink()
    with pytest.raises(AlreadyThere):
        finish(prep(stems, PrepOptions(given=GIVEN)))
    finish(prep(stems, PrepOptions(given=GIVEN, force=True)))
    assert {path.name for path in folder.glob("*.wav")} == {"Song_Drums.wav", "Song_Keys.wav"}
    assert len(list((folder / "Audio Files").iterdir())) == 4


def test_wrong_names_are_told_before_the_work(song: Path, free_engine: list[str]) -> None:
    for wrong in ({"to": ("cassette",)}, {"profile": "nope"}, {"layout": "nope"}, {"notes": "nope"}):
        with pytest.raises(StemwrightError):
            deliver(song, **wrong)
    assert not free_engine and [path.name for path in song.parent.iterdir()] == ["My Song.wav"]


def test_a_session_that_cannot_be_is_a_warning(tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "Song", pulse_song(4.0))
    write_wav(stems / "Song_Vox.wav", tone(300, 4.0, 48_000), 48_000)
    outcome = finish(prep(stems, PrepOptions(given=GIVEN)))
    assert outcome.result.complete and sum("mixed sample rates" in warning for warning in outcome.warnings) == 3
    assert "SET001" in {finding.rule for finding in outcome.result.findings}


def test_an_interrupt_while_tagging_costs_no_second_split(song: Path, free_engine: list[str]) -> None:
    workflow = prep(song, PrepOptions(given=GIVEN))
    for event in workflow:
        if event.step == "tags" and event.done == 3:
            break
    workflow.close()
    assert "stems" in deliver(song).skipped and free_engine == ["My Song.wav"]


def test_printed_effects_reach_notes_and_tracks(tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "Song", pulse_song(4.0))
    outcome = finish(prep(stems, PrepOptions(given=GIVEN, effects=("keys=plate, 1/4 delay",), to=("reaper",))))
    folder = outcome.result.folder
    assert "plate, 1/4 delay" in (folder / "Song_120_Am_notes.txt").read_text(encoding="utf-8")
    assert "plate, 1/4 delay" in (folder / "Song_120_Am.rpp").read_text(encoding="utf-8")
    assert "stems" in finish(prep(stems, PrepOptions(given=GIVEN, to=("reaper",)))).skipped
    with pytest.raises(StemwrightError, match="names no stem"):
        finish(prep(stems, PrepOptions(given=GIVEN, effects=("Oboe=hall",))))


def test_hot_lossy_stems_are_lowered_together_and_stay_lossy(tmp_path: Path) -> None:
    """An OGG that decodes beyond full scale: one gain for all, nothing clipped, FMT001 kept, sessions undo it."""
    import soundfile

    stems = write_stems(tmp_path / "Song", {"Drums": tone(80, 4.0, 44_100), "Bass": tone(50, 4.0, 44_100)})
    loud = tone(220, 4.0, 44_100, level=1.2)
    soundfile.write(stems / "Song_Keys.ogg", loud.T, 44_100)
    peak = np.abs(read_all(probe(stems / "Song_Keys.ogg"))).max()
    assert peak > 1.05
    outcome = finish(prep(stems, PrepOptions(given=GIVEN)))
    folder = outcome.result.folder
    keys, drums = (read_all(probe(folder / f"Song_{name}.wav")) for name in ("Keys", "Drums"))
    assert 0.999 < np.abs(keys).max() <= 1
    assert np.allclose(drums, read_all(probe(stems / "Song_Drums.wav")) / peak, atol=1e-6)
    assert any("lowered by" in warning for warning in outcome.warnings)
    rules = [(finding.rule, finding.subject.name) for finding in outcome.result.findings if finding.subject]
    assert ("FMT001", "Song_Keys.wav") in rules and not [rule for rule, _ in rules if rule in ("CLP001", "MET001")]
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert [stem["gain_db"] for stem in report["stems"]] == pytest.approx([-20 * np.log10(peak)] * 3, abs=1e-4)


def test_formats_that_are_no_longer_wanted_leave_no_folders(song: Path, free_engine: list[str]) -> None:
    several = deliver(song, to=("ardour", "midi")).result.folder
    assert [path for path in several.rglob("*") if path.is_dir()]
    folder = deliver(song, to=("midi",)).result.folder
    assert folder == several and not [path for path in folder.rglob("*") if path.is_dir()]


def test_the_gravest_findings_stand_first_also_of_stems_that_came_lossy(tmp_path: Path) -> None:
    folder = tmp_path / "Song"
    folder.mkdir()
    for name, samples in pulse_song(3.0).items():
        soundfile.write(folder / f"Song_{name}.ogg", samples.T, 44_100)
    found = finish(prep(folder, PrepOptions(given=Given(bpm=120, key="Am"), to=("midi",)))).result.findings
    assert "FMT001" in {finding.rule for finding in found} and list(found) == sorted(found, key=audit.rank)
