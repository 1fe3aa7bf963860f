from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright.cli import main
from stemwright.session.formats import read_session

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


def code(argv: list[str]) -> int | str | None:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as done:
        main(argv)
    return done.value.code


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    folder = tmp_path / "Stems"
    folder.mkdir()
    for number, (name, rate) in enumerate({"Kick": 48000, "LeadVox": 48000, "Synth": 48000}.items()):
        noise = np.random.default_rng(number).standard_normal((rate, 2)) * 0.1
        soundfile.write(folder / f"{name}.wav", noise, rate, subtype="PCM_24")
    return folder


def test_a_template_is_filled_and_nothing_else_in_it_moves(
    stems: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mix.RPP").write_text(TEMPLATE)
    argv = ["session", str(stems), "--to", "reaper", "--template", str(tmp_path / "mix.RPP"), "--bpm", "100"]
    assert code([*argv, "--map", "LeadVox=VOX MAIN", "--json"]) == 3, "one stem found no track"
    document = json.loads(capsys.readouterr().out)
    assert not document["ok"] and len(document["failed"]) == 1 and "Synth" in document["failed"][0]
    assert any("Strings" in w for w in document["warnings"])
    made = stems / "Stems.rpp"
    tracks = {track.name: [clip.file.path.name for clip in track.clips] for track in read_session(made).session.tracks}
    assert tracks == {"KICK": ["Kick.wav"], "VOX MAIN": ["LeadVox.wav"], "Strings": []}
    left = iter(made.read_text().splitlines())
    assert all(line in left for line in TEMPLATE.splitlines())
    for wrong in (["--map", "LeadVox"], ["--map", "LeadVox=NO SUCH"]):
        assert code([*argv, *wrong, "--force"]) == 2


def test_the_template_says_the_format_and_rules_lie_beside_it(
    stems: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "mix.RPP"
    own.write_text(TEMPLATE)
    own.with_name("mix.RPP.toml").write_text('[stems]\n"Syn*" = "Strings"\n[roles]\n"vocals" = "VOX *"\n')
    argv = ["session", str(stems), "--template", str(own), "--bpm", "120"]
    assert code([*argv, "--to", "aaf"]) == 1 and "--to reaper" in capsys.readouterr().err
    assert code([*argv, "--embed"]) == 2
    capsys.readouterr()
    assert code([*argv, "--verify", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    placed = {tuple(pair) for pair in document["result"]["placed"]}
    assert placed == {("Kick", "KICK"), ("LeadVox", "VOX MAIN"), ("Synth", "Strings")}
    assert [found["fields"][0] for found in document["result"]["verified"]] == [["audio", "kept"]]
    assert any("runs at 100 BPM" in w for w in document["warnings"])
    assert any("not verified" in w for w in document["warnings"])
    (tmp_path / "mine.toml").write_text('[stems]\n"Kick" = \n')
    assert code([*argv, "--force", "--map", str(tmp_path / "mine.toml")]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "line 2" in told
    assert code([*argv, "--force", "--map", "mine.txt"]) == 2
    assert own.read_text() == TEMPLATE


def test_a_template_in_the_folder_of_the_stems_is_never_overwritten(
    stems: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = stems / "Stems.rpp"
    own.write_text(TEMPLATE)
    assert code(["session", str(stems), "--template", str(own), "--bpm", "100", "--force"]) == 1
    assert "never changed" in " ".join(capsys.readouterr().err.split()) and own.read_text() == TEMPLATE


def test_mixed_rates_need_to_be_allowed_and_a_daw_that_converts(
    stems: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(stems / "Bass.wav", np.zeros((44100, 1)) + 0.1, 44100, subtype="PCM_24")
    argv = ["session", str(stems), "--bpm", "100", "--to"]
    assert code([*argv, "reaper"]) == 1
    refused = " ".join(capsys.readouterr().err.split())
    assert "Bass.wav (44100 Hz)" in refused and "--allow-mixed-rates" in refused
    assert code([*argv, "reaper", "--allow-mixed-rates"]) == 0
    assert code([*argv, "aaf", "--allow-mixed-rates"]) == 1
    assert "Bass.wav" in capsys.readouterr().err and not (stems / "Stems.aaf").exists()


def test_a_dry_run_says_which_stem_goes_where_and_writes_nothing(
    stems: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "mix.RPP"
    own.write_text(TEMPLATE)
    before = sorted(tmp_path.rglob("*"))
    argv = ["session", str(stems), "--template", str(own), "--bpm", "100", "--map", "LeadVox=VOX MAIN"]
    assert code([*argv, "--dry-run", "--verify"]) == 3
    told = capsys.readouterr()
    made = stems / "Stems.rpp"
    assert f"would write {made}" in told.out and "Kick → KICK" in told.out and "LeadVox → VOX MAIN" in told.out
    assert "error: Synth went onto no track of mix.RPP" in told.err and sorted(tmp_path.rglob("*")) == before
    assert code([*argv, "--dry-run", "--map", "LeadVox=NO SUCH"]) == 2
    assert code([*argv, "--fps", "25"]) == 2 and "frame rate" in capsys.readouterr().err


def test_a_stem_without_a_track_says_why(stems: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = f'<ITEM\nPOSITION 0\nLENGTH 1\n<SOURCE WAVE\nFILE "{stems / "Kick.wav"}"\n>\n>\n'
    tracks = f"<TRACK\nNAME KICK\n{clip}>\n<TRACK\nNAME leadvox\nISBUS 1 1\n>\n<TRACK\nNAME Keys\nISBUS 2 -1\n>\n"
    (tmp_path / "mix.RPP").write_text(f"<REAPER_PROJECT 0.1 7\nTEMPO 100 4 4\n{tracks}>\n")
    soundfile.write(stems / "FullMix.wav", np.zeros((48000, 2)), 48000, subtype="PCM_24")
    argv = ["session", str(stems), "--template", str(tmp_path / "mix.RPP"), "--bpm", "100"]
    assert code([*argv, "--map", "Synth=Keys"]) == 3
    told = capsys.readouterr().err
    assert "error: Kick went onto no track of mix.RPP: KICK holds clips already" in told
    assert "error: LeadVox went onto no track of mix.RPP: leadvox is a folder" in told
    assert "--map LeadVox=TRACK" in told
    assert "warning: FullMix went onto no track of mix.RPP: no track has its name or role" in told, (
        "no stem: no failure"
    )
