from __future__ import annotations

import difflib
import os
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from session_kit import band, cut, damaged, refused, song

from stemwright.errors import (
    InputError,
    NotFoundInput,
    OutputError,
    SessionError,
    UnknownName,
)
from stemwright.model import Estimate, Session, Track
from stemwright.session.arrange import arrange
from stemwright.session.filling.match import Filled
from stemwright.session.filling.proof import differences, prove_filled
from stemwright.session.formats import fill_template, read_session, write_session
from stemwright.session.formats.reaper import chunks

CHAIN = b'    <FXCHAIN\n      <VST x.dll 0 ""\n        ZXZhdw==\n      >\n    >\n    <VOLENV2\n      PT 0 1 0\n    >\n'


def template(folder: Path, session: Session, newline: bytes = b"\r\n") -> bytes:
    """An engineer's own project: a bus with a chain, tracks in other words, one that holds an item already."""
    used = session.tracks[-1].clips
    tracks = (
        Track("DRUM BUS", is_group=True), Track("KICK IN", group="DRUM BUS"), Track("Snare", group="DRUM BUS"),
        Track("bass"), Track("Vocal Verb"), Track("Guitar"), Track("LEAD VOX"), Track("Bass DI", clips=used),
    )  # fmt: skip
    write_session("reaper", replace(session, tracks=tracks), folder / "t.rpp")
    text = (folder / "t.rpp").read_bytes()
    return text.replace(b"    TRACKID", CHAIN + b"    TRACKID").replace(b"\n", newline)


def fill(
    folder: Path, before: bytes, session: Session, mapping: Mapping[str, str] | None = None
) -> tuple[Filled, bytes]:
    """What was filled, and its bytes."""
    (folder / "own.RPP").write_bytes(before)
    filled = fill_template(folder / "own.RPP", session, folder / "filled.rpp", mapping or {})
    assert (folder / "own.RPP").read_bytes() == before
    return filled, (folder / "filled.rpp").read_bytes()


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_only_items_are_inserted(tmp_path: Path, newline: bytes) -> None:
    session = arrange(band(tmp_path))
    before = template(tmp_path, session, newline)
    filled, after = fill(tmp_path, before, session)
    lines = before.splitlines(keepends=True), after.splitlines(keepends=True)
    changes = [c for c in difflib.SequenceMatcher(None, *lines, autojunk=False).get_opcodes() if c[0] != "equal"]
    assert len(changes) == 4 and {change[0] for change in changes} == {"insert"}
    inserted = [b"".join(lines[1][first:last]) for *_, first, last in changes]
    assert all(text.endswith(newline) and text.count(b"<ITEM") == 1 for text in inserted)
    tracks = {track.name: track for track in read_session(tmp_path / "filled.rpp").session.tracks}
    ours = {track.role: track for track in session.tracks if not track.is_group}
    expected = {"KICK IN": "drums.kick", "Snare": "drums.snare", "bass": "bass", "LEAD VOX": "vocals.lead"}
    for name, role in expected.items():
        assert tracks[name].clips == ours[role].clips
    assert dict(filled.placed) == {ours[role].name: name for name, role in expected.items()}
    assert len(tracks["Bass DI"].clips) == 1
    assert list(filled.unmatched) == ["FullMix"] and filled.unfilled == ("Vocal Verb", "Guitar")
    assert [(output.path, output.kind) for output in filled.outputs] == [(tmp_path / "filled.rpp", "session")]
    assert filled.warnings == ()
    proved = prove_filled(tmp_path / "filled.rpp", session, filled)
    assert proved.ok and dict(proved.fields)["audio"] == "kept" and "not verified" in proved.warnings[0]


def test_the_user_has_the_last_word(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    before = template(tmp_path, session)
    filled, after = fill(tmp_path, before, session, {"Bass": "Bass DI", "FullMix": "Guitar"})
    found = {
        "".join(track.line("NAME")): [i.line("NAME")[0] for i in track.chunks("ITEM")]
        for track in chunks.parse(after, "").chunks("TRACK")
    }
    assert found["Bass DI"][-1] == "Bass" and found["Guitar"] == ["FullMix"] and found["bass"] == []
    assert filled.unmatched == {} and filled.unfilled == ("bass", "Vocal Verb")


def test_patterns_take_the_first_free_track(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    before = template(tmp_path, session)
    filled, _ = fill(tmp_path, before, session, {"Bass": "*DI", "FullMix": "GUI*", "x" * 200: "no such *"})
    assert dict(filled.placed)["FullMix"] == "Guitar"
    assert dict(filled.placed)["Bass"] == "bass"  # "Bass DI" holds an item
    assert dict(filled.placed)["x" * 200] == "Snare"


def test_a_track_with_a_text_only_is_free(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    note = (
        b"    <ITEM\r\n      POSITION 0\r\n      LENGTH 5\r\n      <NOTES\r\n        |tune me\r\n      >\r\n    >\r\n"
    )
    before = template(tmp_path, session).replace(b'    NAME "bass"\r\n', b'    NAME "bass"\r\n' + note)
    assert note in before
    filled, after = fill(tmp_path, before, session)
    assert dict(filled.placed)["Bass"] == "bass" and note in after


def test_names_with_emoji_and_all_quotes(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    odd = "Kick 'in' \"A\" `b` 🥁"
    write_session("reaper", replace(session, tracks=(Track(odd), Track("[Vox] *"))), tmp_path / "t.rpp")
    filled, _ = fill(
        tmp_path, (tmp_path / "t.rpp").read_bytes(), session, {"Kick 🥁": odd, "Lead 'Vox' \"A\"": "[Vox] *"}
    )
    assert filled.placed == (("Kick 🥁", odd), ("Lead 'Vox' \"A\"", "[Vox] *"))
    assert prove_filled(tmp_path / "filled.rpp", session, filled).ok


def test_wrong_names_and_templates(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    before = template(tmp_path, session)
    for mapping, error, words in (
        ({"Tuba": "Guitar"}, UnknownName, "no stem 'Tuba'"),
        ({"Bass": "Tuba"}, UnknownName, "no track 'Tuba' for Bass"),
        ({"Bass": "Guitar", "FullMix": "Guitar"}, SessionError, "both meant"),
    ):
        with pytest.raises(error, match=words) as caught:
            fill(tmp_path, before, session, mapping)
        assert caught.value.hint
    with pytest.raises(InputError, match="no REAPER project"):
        fill(tmp_path, b"PK\3\4", session)
    assert not (tmp_path / "filled.rpp").exists()
    with pytest.raises(NotFoundInput):
        fill_template(tmp_path / "none.rpp", session, tmp_path / "x.rpp", {})
    with pytest.raises(UnknownName, match="names no session format") as unknown:
        fill_template(tmp_path / "mix.aaf", session, tmp_path / "x.aaf", {})
    assert ".rpp" in unknown.value.hint and ".dawproject" in unknown.value.hint and ".mid" not in unknown.value.hint


def test_a_template_is_never_overwritten(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    own, other = tmp_path / "own.rpp", tmp_path / "link.rpp"
    own.write_bytes(template(tmp_path, session))
    os.link(own, other)
    before = own.read_bytes()
    for path in (own, other):
        with pytest.raises(OutputError, match="template itself"):
            fill_template(own, session, path, {})
    assert own.read_bytes() == other.read_bytes() == before


def test_a_folder_that_takes_no_file(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    (tmp_path / "own.rpp").write_bytes(template(tmp_path, session))
    (tmp_path / "locked").write_bytes(b"")  # a file where a folder should be: refused even to root
    with pytest.raises(OutputError) as caught:
        fill_template(tmp_path / "own.rpp", session, tmp_path / "locked" / "x.rpp", {})
    assert caught.value.hint


def test_another_tempo_and_rate_are_told(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    slow = replace(session, song=song(bpm=None), sample_rate=44100)
    filled, _ = fill(tmp_path, template(tmp_path, replace(slow, tracks=session.tracks)), session)
    assert len(filled.warnings) == 3
    assert "120 BPM" in filled.warnings[0] and "93.5" in filled.warnings[0] and "44100 Hz" in filled.warnings[2]
    assert "bar 1 of the song, at 0:00.512" in filled.warnings[1]
    on_a_beat = replace(session, song=song(downbeat_frame=48000, bpm=Estimate(120.0, 1.0, "user")))
    filled, _ = fill(tmp_path, template(tmp_path, replace(slow, sample_rate=48000, tracks=session.tracks)), on_a_beat)
    assert filled.warnings == ()


def test_a_clip_that_is_not_as_planned_is_told(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    filled, after = fill(tmp_path, template(tmp_path, session), session)
    read = read_session(tmp_path / "filled.rpp").session
    assert list(differences(session, read, filled.placed)) == []
    wrong = tuple(("Bass", "Guitar") if stem == "Bass" else (stem, track) for stem, track in filled.placed)
    assert [d.subject for d in differences(session, read, wrong)] == ["Bass on Guitar"]
    (tmp_path / "filled.rpp").write_bytes(after.replace(b"SOFFS 0.0", b"SOFFS 0.1"))
    with pytest.raises(OutputError, match="not what was planned: audio"):
        prove_filled(tmp_path / "filled.rpp", session, filled)


def test_real_templates(tmp_path: Path, shared: Path) -> None:
    session = arrange(band(tmp_path))
    count = 0
    for path in sorted((shared / "material/sessions/rpp").rglob("*.[rR][pP][pP]")):
        before = path.read_bytes()
        filled, after = fill(tmp_path, before, session)
        assert after.count(b"<ITEM") - before.count(b"<ITEM") == len(filled.placed)
        assert len(filled.placed) + len(filled.unmatched) == len([t for t in session.tracks if t.clips])
        matcher = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
        if filled.placed:
            count += 1
            assert {change[0] for change in matcher.get_opcodes()} == {"equal", "insert"}
        else:
            assert after == before
    assert count


def test_hostile_templates_give_house_errors_only(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    good = template(tmp_path, session)
    words = (b"<", b">", b"\n>", b"\0", b"\xff", b'"', b"\n<TRACK\n")
    files = [
        *damaged(good, words, most=6),
        *cut(good),
        *(random.Random(3).randbytes(size) for size in range(0, 2000, 50)),
    ]

    def filled(path: Path) -> None:
        _, after = fill(tmp_path, path.read_bytes(), session)
        assert len(after) >= path.stat().st_size

    assert 50 < refused(files, tmp_path / "damaged.rpp", filled) < len(files) - 50
