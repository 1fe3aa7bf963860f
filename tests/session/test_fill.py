from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path

import pytest
from session_kit import band

from stemwright.errors import InputError, SessionError, UnknownName
from stemwright.model import Session, Track
from stemwright.session.arrange import arrange
from stemwright.session.fill import fill_reaper
from stemwright.session.formats import _rpp, read_session, write_session


def template(folder: Path, session: Session, newline: bytes = b"\r\n") -> bytes:
    """An engineer's own project: a bus with a chain, tracks in other words, one that holds an item already."""
    used = session.tracks[-1].clips
    tracks = (
        Track("DRUM BUS", is_group=True), Track("KICK IN", group="DRUM BUS"), Track("Snare", group="DRUM BUS"),
        Track("bass"), Track("Vocal Verb"), Track("Guitar"), Track("LEAD VOX"), Track("Bass DI", clips=used),
    )  # fmt: skip
    write_session("reaper", replace(session, tracks=tracks), folder / "t.rpp")
    text = (folder / "t.rpp").read_bytes()
    chain = (
        b'    <FXCHAIN\n      <VST x.dll 0 ""\n        ZXZhdw==\n      >\n    >\n    <VOLENV2\n      PT 0 1 0\n    >\n'
    )
    text = text.replace(b"    TRACKID", chain + b"    TRACKID")
    return text.replace(b"\n", newline)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_only_items_are_inserted(tmp_path: Path, newline: bytes) -> None:
    session = arrange(band(tmp_path))
    before = template(tmp_path, session, newline)
    filled = fill_reaper(before, session, tmp_path)
    lines = before.splitlines(keepends=True), filled.data.splitlines(keepends=True)
    changes = [c for c in difflib.SequenceMatcher(None, *lines, autojunk=False).get_opcodes() if c[0] != "equal"]
    assert len(changes) == 4 and {change[0] for change in changes} == {"insert"}
    inserted = [b"".join(lines[1][first:last]) for *_, first, last in changes]
    assert all(text.endswith(newline) and text.count(b"<ITEM") == 1 for text in inserted)
    (tmp_path / "filled.rpp").write_bytes(filled.data)
    tracks = {track.name: track for track in read_session(tmp_path / "filled.rpp").session.tracks}
    ours = {track.role: track for track in session.tracks if not track.is_group}
    for name, role in (
        ("KICK IN", "drums.kick"),
        ("Snare", "drums.snare"),
        ("bass", "bass"),
        ("LEAD VOX", "vocals.lead"),
    ):
        assert tracks[name].clips == ours[role].clips
    assert len(tracks["Bass DI"].clips) == 1
    assert filled.unmatched == ("FullMix",) and filled.unfilled == ("Vocal Verb", "Guitar")


def test_the_user_has_the_last_word(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    before = template(tmp_path, session)
    filled = fill_reaper(before, session, tmp_path, {"Bass": "Bass DI", "FullMix": "Guitar"})
    found = {
        "".join(track.line("NAME")): [i.line("NAME")[0] for i in track.chunks("ITEM")]
        for track in _rpp.parse(filled.data, "").chunks("TRACK")
    }
    assert found["Bass DI"][-1] == "Bass" and found["Guitar"] == ["FullMix"] and found["bass"] == []
    assert filled.unmatched == () and filled.unfilled == ("bass", "Vocal Verb")


def test_wrong_names_and_templates(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    before = template(tmp_path, session)
    for mapping, error, words in (
        ({"Tuba": "Guitar"}, UnknownName, "no stem 'Tuba'"),
        ({"Bass": "Tuba"}, UnknownName, "no track 'Tuba'"),
        ({"Bass": "Guitar", "FullMix": "Guitar"}, SessionError, "both meant"),
    ):
        with pytest.raises(error, match=words) as caught:
            fill_reaper(before, session, tmp_path, mapping)
        assert caught.value.hint
    with pytest.raises(InputError, match="no REAPER project"):
        fill_reaper(b"PK\3\4", session, tmp_path)


def test_real_templates(tmp_path: Path, shared: Path) -> None:
    session = arrange(band(tmp_path))
    filled = 0
    for path in sorted((shared / "material/sessions/rpp").rglob("*.[rR][pP][pP]")):
        before = path.read_bytes()
        result = fill_reaper(before, session, tmp_path)
        items = result.data.count(b"<ITEM") - before.count(b"<ITEM")
        assert items == len([t for t in session.tracks if t.clips]) - len(result.unmatched)
        matcher = difflib.SequenceMatcher(None, before.splitlines(), result.data.splitlines(), autojunk=False)
        if items:
            filled += 1
            assert {change[0] for change in matcher.get_opcodes()} == {"equal", "insert"}
        else:
            assert result.data == before
    assert filled
