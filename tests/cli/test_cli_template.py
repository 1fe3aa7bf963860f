from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright.session.formats import read_session
from support import run, run_json

TEMPLATE = """<REAPER_PROJECT 0.1 "7.0" 0
  SAMPLERATE 48000 1 0
  TEMPO 100 4 4
  <TRACK
    NAME KICK
    <FXCHAIN
      BYPASS 0 0 0
    >
  >
  <TRACK
    NAME "VOX MAIN"
  >
  <TRACK
    NAME Strings
  >
>
"""


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    folder = tmp_path / "Stems"
    folder.mkdir()
    for number, name in enumerate(("Kick", "LeadVox", "Synth")):
        noise = np.random.default_rng(number).standard_normal((48000, 2)) * 0.1
        soundfile.write(folder / f"{name}.wav", noise, 48000, subtype="PCM_24")
    return folder


def test_a_template_is_filled_and_nothing_else_in_it_moves(
    stems: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mix.RPP").write_text(TEMPLATE)
    argv = ["session", stems, "--to", "reaper", "--template", tmp_path / "mix.RPP", "--bpm", "100"]
    code, document = run_json(capsys, *argv, "--map", "LeadVox=VOX MAIN")
    assert code == 3, "one stem found no track"
    assert not document["ok"] and len(document["failed"]) == 1 and "Synth" in document["failed"][0]
    assert any("Strings" in w for w in document["warnings"])
    made = stems / "Stems.rpp"
    tracks = {track.name: [clip.file.path.name for clip in track.clips] for track in read_session(made).session.tracks}
    assert tracks == {"KICK": ["Kick.wav"], "VOX MAIN": ["LeadVox.wav"], "Strings": []}
    left = iter(made.read_text().splitlines())
    assert all(line in left for line in TEMPLATE.splitlines())
    for wrong in (["--map", "LeadVox"], ["--map", "LeadVox=NO SUCH"]):
        assert run(capsys, *argv, *wrong, "--force")[0] == 2


def test_the_template_says_the_format_and_rules_lie_beside_it(
    stems: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "mix.RPP"
    own.write_text(TEMPLATE)
    own.with_name("mix.RPP.toml").write_text('[stems]\n"Syn*" = "Strings"\n[roles]\n"vocals" = "VOX *"\n')
    argv = ["session", stems, "--template", own, "--bpm", "120"]
    code, _, err = run(capsys, *argv, "--to", "aaf")
    assert code == 1 and "--to reaper" in err
    assert run(capsys, *argv, "--embed")[0] == 2
    code, document = run_json(capsys, *argv, "--verify")
    assert code == 0
    placed = {tuple(pair) for pair in document["result"]["placed"]}
    assert placed == {("Kick", "KICK"), ("LeadVox", "VOX MAIN"), ("Synth", "Strings")}
    assert [found["fields"][0] for found in document["result"]["verified"]] == [["audio", "kept"]]
    assert any("runs at 100 BPM" in w for w in document["warnings"])
    assert any("not verified" in w for w in document["warnings"])
    (tmp_path / "mine.toml").write_text('[stems]\n"Kick" = \n')
    code, _, err = run(capsys, *argv, "--force", "--map", tmp_path / "mine.toml")
    assert code == 1 and "line 2" in " ".join(err.split())
    assert run(capsys, *argv, "--force", "--map", "mine.txt")[0] == 2
    assert own.read_text() == TEMPLATE


def test_a_template_in_the_folder_of_the_stems_is_never_overwritten(
    stems: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = stems / "Stems.rpp"
    own.write_text(TEMPLATE)
    code, _, err = run(capsys, "session", stems, "--template", own, "--bpm", "100", "--force")
    assert code == 1 and "never changed" in " ".join(err.split()) and own.read_text() == TEMPLATE


def test_mixed_rates_need_to_be_allowed_and_a_daw_that_converts(
    stems: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(stems / "Bass.wav", np.zeros((44100, 1)) + 0.1, 44100, subtype="PCM_24")
    argv = ["session", stems, "--bpm", "100", "--to"]
    code, _, err = run(capsys, *argv, "reaper")
    refused = " ".join(err.split())
    assert code == 1 and "Bass.wav (44100 Hz)" in refused and "--allow-mixed-rates" in refused
    assert run(capsys, *argv, "reaper", "--allow-mixed-rates")[0] == 0
    code, _, err = run(capsys, *argv, "aaf", "--allow-mixed-rates")
    assert code == 1 and "Bass.wav" in err and not (stems / "Stems.aaf").exists()


def test_a_dry_run_says_which_stem_goes_where_and_writes_nothing(
    stems: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "mix.RPP"
    own.write_text(TEMPLATE)
    before = sorted(tmp_path.rglob("*"))
    argv = ["session", stems, "--template", own, "--bpm", "100", "--map", "LeadVox=VOX MAIN"]
    code, out, err = run(capsys, *argv, "--dry-run", "--verify")
    made = stems / "Stems.rpp"
    assert code == 3 and f"would write {made}" in out and "Kick → KICK" in out and "LeadVox → VOX MAIN" in out
    assert "error: Synth went onto no track of mix.RPP" in err and sorted(tmp_path.rglob("*")) == before
    assert run(capsys, *argv, "--dry-run", "--map", "LeadVox=NO SUCH")[0] == 2
    code, _, err = run(capsys, *argv, "--fps", "25")
    assert code == 2 and "frame rate" in err


def test_a_stem_without_a_track_says_why(stems: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = f'<ITEM\nPOSITION 0\nLENGTH 1\n<SOURCE WAVE\nFILE "{stems / "Kick.wav"}"\n>\n>\n'
    tracks = f"<TRACK\nNAME KICK\n{clip}>\n<TRACK\nNAME leadvox\nISBUS 1 1\n>\n<TRACK\nNAME Keys\nISBUS 2 -1\n>\n"
    (tmp_path / "mix.RPP").write_text(f"<REAPER_PROJECT 0.1 7\nTEMPO 100 4 4\n{tracks}>\n")
    soundfile.write(stems / "FullMix.wav", np.zeros((48000, 2)), 48000, subtype="PCM_24")
    argv = ["session", stems, "--template", tmp_path / "mix.RPP", "--bpm", "100", "--map", "Synth=Keys"]
    code, _, told = run(capsys, *argv)
    assert code == 3 and "error: Kick went onto no track of mix.RPP: KICK holds clips already" in told
    assert "error: LeadVox went onto no track of mix.RPP: leadvox is a folder" in told
    assert "--map LeadVox=TRACK" in told
    assert "warning: FullMix went onto no track of mix.RPP: no track has its name or role" in told, (
        "no stem: no failure"
    )
