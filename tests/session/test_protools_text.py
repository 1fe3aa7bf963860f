from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest
from session_kit import damaged, refused, wav

from stemwright.errors import SessionError
from stemwright.session.formats import read_session

TEXT = """SESSION NAME:\tMy Söng
SAMPLE RATE:\t48000.000000
BIT DEPTH:\t24-bit
SESSION START TIMECODE:\t{start}
TIMECODE FORMAT:\t{fps} Frame
# OF AUDIO TRACKS:\t2
# OF AUDIO CLIPS:\t3
# OF AUDIO FILES:\t1


O N L I N E  C L I P S  I N  S E S S I O N
CLIP NAME       \tSource File
Drums.L\tDrums.wav\t[1]
Drums.R\tDrums.wav\t[2]
Vox-01\tVox.wav


T R A C K  L I S T I N G
TRACK NAME:\tDrums (Stereo)
COMMENTS:\tglued
USER DELAY:\t0 Samples
STATE: Muted Solo
CHANNEL \tEVENT   \tCLIP NAME                     \tSTART TIME    \tEND TIME      \tDURATION      \tSTATE
1       \t1       \tDrums.L                       \t   {at}\t   {end}\t   x\tUnmuted
2       \t1       \tDrums.R                       \t   {at}\t   {end}\t   x\tUnmuted


TRACK NAME:\tVox
COMMENTS:\t
USER DELAY:\t0 Samples
STATE:\x20
CHANNEL \tEVENT   \tCLIP NAME                     \tSTART TIME    \tEND TIME      \tDURATION      \tSTATE
1       \t1       \tVox-01                        \t   {at}\t   {end}\t   x\tUnmuted


M A R K E R S  L I S T I N G
#   \tLOCATION     \tTIME REFERENCE    \tUNITS    \tNAME                             \tCOMMENTS
1   \t01:00:01:00  \t48048             \tSamples  \tVerse                            \t
"""


@pytest.mark.parametrize(
    ("start", "fps", "at", "end", "expected"),
    [
        ("01:00:00:00", "25", "01:00:02:00", "01:00:03:12", (96000, 71040)),
        ("01:00:00:00", "29.97", "01:00:02:00", "01:00:03:00", (96096, 48048)),
        ("01:00:00;00", "29.97 Drop", "01:10:00;00", "01:11:00;02", (28799971, 2879947 - 66)),
        ("00:00:00:00.00", "24", "00:00:00:01.50", "00:00:01:00.00", (3000, 45000)),
        ("00:00:00:00", "30", "48001", "48101", (48001, 100)),
        ("00:00:00:00", "30", "1:02.5", "1:03.000", (3000000, 24000)),
    ],
)
def test_times_of_every_kind(
    tmp_path: Path, start: str, fps: str, at: str, end: str, expected: tuple[int, int]
) -> None:
    wav(tmp_path / "Drums.wav", 4800, 2)
    path = tmp_path / "s.txt"
    path.write_text(TEXT.format(start=start, fps=fps, at=at, end=end), encoding="utf-8")
    opened = read_session(path)
    drums, vox = opened.session.tracks
    assert (drums.name, drums.mute, drums.solo, drums.comment) == ("Drums", True, True, "glued")
    assert (vox.mute, vox.solo, len(drums.clips), len(vox.clips)) == (False, False, 1, 1)
    if "Drop" in fps:  # ten minutes of drop-frame timecode are 17982 frames, the minute after 1800 less 2 plus 2
        expected = (round(Fraction(17982 * 1001, 30000) * 48000), round(Fraction(1800 * 1001, 30000) * 48000))
    assert abs(drums.clips[0].at - expected[0]) <= 1 and abs(drums.clips[0].length - expected[1]) <= 1
    assert drums.clips[0].file.path == tmp_path / "Drums.wav" and drums.clips[0].file.format.channels == 2
    assert any("Vox.wav" in warning for warning in opened.warnings)
    assert [(m.at, m.name) for m in opened.session.markers] == [(48048, "Verse")]


def test_real_exports(shared: Path) -> None:
    cases = sorted((shared / "material/sessions/protools/ptulsconv/tests/export_cases").rglob("*.txt"))
    assert len(cases) >= 10
    lengths = {}
    for path in cases:
        try:
            session = read_session(path).session
        except SessionError as error:
            assert "feet" in error.message and path.stem in ("Robin Hood Spotting2", "Robin Hood Spotting4")
            continue
        lengths[path.stem] = (len(session.tracks), [c.at for t in session.tracks[:1] for c in t.clips], session.markers)
    samples = read_session(next(p for p in cases if "samples" in p.stem)).session
    clips = [clip for track in samples.tracks for clip in track.clips]
    assert clips[0].at == 384384 and clips[0].length == 26322325
    drop = read_session(next(p for p in cases if p.stem.endswith("DF"))).session
    other = [clip for track in drop.tracks for clip in track.clips]
    assert abs(other[0].at - clips[0].at) < 1602 and abs(other[0].length - clips[0].length) < 2 * 1602
    assert {m.name for m in samples.markers} >= {"{Title=The Adventures of Robin Hood}"}


def test_markers_at_bars_are_read_by_their_place_or_told(tmp_path: Path) -> None:
    """A marker whose reference is bars and beats has its place in the time format of the text as well."""
    wav(tmp_path / "Drums.wav", 4800, 2)
    text = TEXT.format(start="01:00:00:00", fps="25", at="01:00:02:00", end="01:00:03:00")
    rows = "2\t01:00:02:00\t5|1|000\tTicks\tChorus\t\n3\t9|1|000\t9|1|000\tTicks\tEnd\t\n"
    (tmp_path / "s.txt").write_text(text + rows, encoding="utf-8")
    opened = read_session(tmp_path / "s.txt")
    assert [(m.at, m.name) for m in opened.session.markers] == [(48048, "Verse"), (96000, "Chorus")]
    assert sum("markers at bars and beats are left out" in w and "End" in w for w in opened.warnings) == 1


def test_what_the_text_only_mentions_is_told(tmp_path: Path) -> None:
    wav(tmp_path / "Drums.wav", 4800, 2)
    text = TEXT.format(start="01:00:00:00", fps="25", at="01:00:02:00", end="01:00:03:00")
    text = text.replace("USER DELAY:\t0 Samples", "USER DELAY:\t12 Samples\nPLUG-INS: \tEQ3 7-Band").replace(
        "2       \t1       \tDrums.R",
        "1       \t2       \t(fade in)    \t01:00:02:00\t01:00:02:01\t00:00:00:01\tUnmuted\n"
        "1       \t3       \tGroup-01     \t01:00:03:00\t01:00:04:01\t00:00:01:01\tUnmuted\n"
        "1       \t4       \tDrums.L      \t01:00:05:00\t01:00:06:01\t00:00:01:01\tMuted\n"
        "2       \t1       \tDrums.R",
    )
    (tmp_path / "s.txt").write_text(text, encoding="utf-8")
    opened = read_session(tmp_path / "s.txt")
    assert len(opened.session.tracks[0].clips) == 1
    for words in ("plug-ins", "delays", "fades", "clip groups", "muted clips"):
        assert sum(words in warning and "Drums" in warning for warning in opened.warnings) == 1, words


def test_no_bytes_make_it_stumble(tmp_path: Path) -> None:
    good = TEXT.format(start="01:00:00:00", fps="25", at="01:00:02:00", end="01:00:03:12").encode()
    words = [random.Random(5).randbytes(count) for count in range(5)]
    assert refused(damaged(good, words), tmp_path / "s.txt") > 50
