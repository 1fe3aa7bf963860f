"""pack, push and watch as a user meets them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support import pulse_song, run, write_stems


def test_pack_verify_push(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    stems = write_stems(tmp_path / "Stems", pulse_song(3))
    assert "would pack Song_Bass.wav" in run(capsys, "pack", stems, "--dry-run")[1]
    code, out, _ = run(capsys, "pack", stems, "--json")
    document = json.loads(out)
    archive = Path(document["outputs"][0]["path"])
    assert code == 0 and document["schema"] == "stemwright.pack/1" and archive == tmp_path / "Stems.zip"
    code, out, _ = run(capsys, "pack", "--verify", archive)
    assert code == 0 and "all as it was packed" in out
    data = bytearray(archive.read_bytes())
    data[20_000] ^= 1
    archive.write_bytes(data)
    code, out, _ = run(capsys, "pack", "--verify", archive, "--extract", tmp_path / "there")
    assert code == 1 and "damaged: 'Stems/Song_Bass.wav'" in out and "1 problem" in out
    assert not (tmp_path / "there").exists()
    code, out, _ = run(capsys, "pack", "--verify", archive, "--json")
    assert code == 1 and json.loads(out)["ok"] is False
    code, _, err = run(capsys, "pack", stems)
    assert code == 1 and "is there already" in err and "--force" in err
    assert run(capsys, "pack", stems, "--force")[0] == 0
    for wrong in (("--verify", "--mp3"), ("--extract", tmp_path)):
        assert run(capsys, "pack", archive, *wrong)[0] == 2
    pytest.importorskip("fsspec")
    code, out, _ = run(capsys, "push", archive, tmp_path / "there")
    assert code == 0 and "read back" in out and (tmp_path / "there" / "Stems.zip").read_bytes() == archive.read_bytes()
    assert "there already: 1" in run(capsys, "push", archive, tmp_path / "there")[1]
    code, out, _ = run(capsys, "push", archive, tmp_path / "else", "--dry-run", "--json")
    assert code == 0 and json.loads(out)["result"]["sent"] == ["Stems.zip"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_watch_prepares_what_is_dropped_until_ctrl_c(tmp_path: Path) -> None:
    """A bad file first, a folder of stems while it runs; Ctrl-C when nothing is under way ends it with 0."""
    inbox, out = tmp_path / "In", tmp_path / "In_Deliveries"
    inbox.mkdir()
    (inbox / "bad.wav").write_bytes(b"RIFFnothing of the kind" * 9)
    argv = [sys.executable, "-m", "stemwright", "watch", str(inbox), "--settle", "0.3", "--to", "midi", "--pack"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            said = []
            while not (said and said[-1].startswith("error: ")):
                said.append(process.stderr.readline())
            assert "bad.wav" in said[-1]
            write_stems(tmp_path / "Raw", pulse_song(3)).rename(inbox / "Raw")
            for _ in range(600):
                if list(out.glob("*.zip")):
                    break
                assert process.poll() is None
                time.sleep(0.1)
            while "watching" not in said[-1] or "Raw" not in "".join(said):
                said.append(process.stderr.readline())
            process.send_signal(signal.SIGINT)
            talk = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0 and "interrupted" not in talk[1]
    assert "".join([*said, talk[1]]).count("error: ") == 1
    (archive,) = out.glob("*.zip")
    assert (out / archive.stem / "manifest.json").exists() and not list(out.rglob(".*"))
    assert sorted(path.name for path in inbox.iterdir()) == ["Raw", "bad.wav"]
