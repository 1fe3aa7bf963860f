"""Lists of markers: our table there and back, edited cells, and what others write."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from session_kit import band, moving_song, song, wav

from stemwright.audio.wav import replace_chunks
from stemwright.errors import InputError, StemwrightError
from stemwright.model import Marker, Song
from stemwright.session.arrange import arrange
from stemwright.session.formats import write_session
from stemwright.session.grid import bar_start
from stemwright.session.markers import MOST, read_markers
from stemwright.session.markers.table import write_table
from stemwright.units import frames

RATE = 48_000
LETTERS = st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp"))
NAMES = st.text(LETTERS, max_size=40).map(lambda text: " ".join(text.split()) or "x")
MARKERS = st.lists(
    st.builds(
        Marker,
        st.integers(0, 600 * RATE),
        NAMES,
        st.integers(0, 60 * RATE),
        st.none() | st.from_regex("#[0-9a-f]{6}", fullmatch=True),
    ),
    max_size=12,
).map(lambda made: tuple(sorted(made, key=lambda marker: marker.at)))


def read(folder: Path, text: str | bytes, name: str = "markers.csv", about: Song | None = None):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_markers(path, about or song())


def brief(found) -> list[tuple[int, str]]:
    return [(marker.at, marker.name) for marker in found.markers]


# ---- our own table ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [song(), moving_song(), song(44_100, downbeat_frame=400_000), song(bpm=None)])
@settings(deadline=None)  # the first one imports the readers of all sessions
@given(markers=MARKERS)
def test_a_table_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, made: Song, markers: tuple[Marker, ...]
) -> None:
    path = tmp_path_factory.mktemp("m") / "markers.csv"
    write_table(path, made, markers)
    found = read_markers(path, made)
    assert found.markers == markers and not found.warnings


def table(folder: Path, *markers: Marker) -> list[list[str]]:
    """The cells of our table."""
    write_table(folder / "made.csv", song(), markers)
    return [line.split(",") for line in (folder / "made.csv").read_text("utf-8-sig").splitlines()]


@pytest.mark.parametrize(
    ("column", "cell", "meant"),
    [
        (0, "9|1", frames(bar_start(song(), 9), RATE)),
        (0, "9", frames(bar_start(song(), 9), RATE)),
        (1, "1m02.5s", 3_000_000),
        (1, "1:02,5", 3_000_000),
        (1, "62.5", 3_000_000),
        (2, "3000000", 3_000_000),
    ],
)
def test_the_cell_that_was_edited_counts(tmp_path: Path, column: int, cell: str, meant: int) -> None:
    rows = table(tmp_path, Marker(1_000_001, "Verse"))
    rows[1][column] = cell
    assert brief(read(tmp_path, "\n".join(";".join(row) for row in rows))) == [(meant, "Verse")]


def test_on_another_grid_only_bars_that_stand_alone_count(tmp_path: Path) -> None:
    rows = table(tmp_path, Marker(1_000_001, "Verse"))
    rows.append(["5|1", "", "", "Solo", "", ""])
    faster = moving_song()
    found = read(tmp_path, "\n".join(",".join(row) for row in rows), about=faster)
    assert brief(found) == [(frames(bar_start(faster, 5), RATE), "Solo"), (1_000_001, "Verse")]


def test_frames_of_a_table_are_at_the_rate_it_names(tmp_path: Path) -> None:
    write_table(tmp_path / "markers.csv", song(), (Marker(48_000, "Verse", 4800),))
    assert read_markers(tmp_path / "markers.csv", song(44_100)).markers == (Marker(44_100, "Verse", 4410),)


@pytest.mark.parametrize("name", ["=1+1", "+49", "-x", "@SUM(A1)", "'=quoted", "'Cause", 'a;"b",c'])
def test_no_cell_is_a_formula(tmp_path: Path, name: str) -> None:
    write_table(tmp_path / "markers.csv", song(downbeat_frame=400_000), (Marker(5, name),))
    line = (tmp_path / "markers.csv").read_text("utf-8-sig").splitlines()[1]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in line.split(","))
    assert brief(read_markers(tmp_path / "markers.csv", song())) == [(5, name)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("line", ["\n", "\r\n", "\r"])
def test_whatever_a_spreadsheet_saves(tmp_path: Path, encoding: str, line: str) -> None:
    text = line.join(("sep=;", "Time;Name;Colour", "0:01,5;Küche;FF8000", "", ";;"))
    assert read(tmp_path, text.encode(encoding)).markers == (Marker(72_000, "Küche", 0, "#ff8000"),)


# ---- what others write -----------------------------------------------------------------------------------------


def test_reaper_region_list(tmp_path: Path) -> None:
    text = "#,Name,Start,End,Length,Color\nM1,Intro,0:01.000,,,\nR2,Verse,0:02.000,0:04.500,0:02.500,FF0000\n"
    assert read(tmp_path, text).markers == (Marker(48_000, "Intro"), Marker(96_000, "Verse", 120_000, "#ff0000"))
    bars = "#,Name,Start,End,Length\nM1,Intro,5.1.00,,\nR1,Verse,9.1.00,13.1.00,4.0.00\n"
    at = [frames(bar_start(song(), bar), RATE) for bar in (5, 9, 13)]
    found = read(tmp_path, bars).markers
    assert (found[0].at, found[1].at) == tuple(at[:2]) and abs(found[1].length - (at[2] - at[1])) <= 1


def test_audition_and_audacity(tmp_path: Path) -> None:
    audition = "Name\tStart\tDuration\tTime Format\tType\tDescription\nSolo\t1:00.250\t0:10.000\tdecimal\tCue\tloud\n"
    assert read(tmp_path, audition).markers == (Marker(60 * RATE + 12_000, "Solo", 10 * RATE),)
    labels = "1.000000\t1.000000\tVerse\n2.500000\t4.000000\tSolo\n"
    assert read(tmp_path, labels, "labels.txt").markers == (Marker(48_000, "Verse"), Marker(120_000, "Solo", 72_000))


def test_cue_sheet(tmp_path: Path) -> None:
    sheet = """PERFORMER "Us"
TITLE "Album"
FILE "Mix.wav" WAVE
  TRACK 01 AUDIO
    TITLE "Ouvertüre"
    INDEX 00 00:00:00
    INDEX 01 00:02:00
  TRACK 02 AUDIO
    INDEX 01 61:00:37
  TRACK 03 AUDIO
    INDEX 01 1:99:00
FILE "Other.wav" WAVE
  TRACK 04 AUDIO
    INDEX 01 00:00:00
"""
    found = read(tmp_path, sheet.encode("cp1252"), "mix.cue")
    assert brief(found) == [(96_000, "Ouvertüre"), (61 * 60 * RATE + round(RATE * Fraction(37, 75)), "Track 02")]
    assert len(found.warnings) == 2 and "several files" in found.warnings[1]


def cue_chunks(*places: tuple[int, int, str]) -> dict[bytes, bytes]:
    points, texts = b"", b"adtl"
    for number, (at, length, name) in enumerate(places, 7):
        points += struct.pack("<II4sIII", number, 0, b"data", 0, 0, at)
        label = struct.pack("<I", number) + name.encode() + b"\0"
        texts += struct.pack("<4sI", b"labl", len(label)) + label + b"\0" * (len(label) % 2)
        texts += struct.pack("<4sIII4sHHHH", b"ltxt", 20, number, length, b"rgn ", 0, 0, 0, 0) if length else b""
    return {b"cue ": struct.pack("<I", len(places)) + points, b"LISTadtl": texts[4:]}


IXML = """<BWFXML><SYNC_POINT_LIST>
<SYNC_POINT><SYNC_POINT_TYPE>RELATIVE</SYNC_POINT_TYPE><SYNC_POINT_COMMENT>Bridge</SYNC_POINT_COMMENT>
<SYNC_POINT_LOW>480</SYNC_POINT_LOW><SYNC_POINT_HIGH>0</SYNC_POINT_HIGH></SYNC_POINT>
<SYNC_POINT><SYNC_POINT_TYPE>ABSOLUTE</SYNC_POINT_TYPE><SYNC_POINT_FUNCTION>SLATE_GENERIC</SYNC_POINT_FUNCTION>
<SYNC_POINT_LOW>172800960</SYNC_POINT_LOW><SYNC_POINT_EVENT_DURATION>48</SYNC_POINT_EVENT_DURATION></SYNC_POINT>
<SYNC_POINT><SYNC_POINT_LOW>-5</SYNC_POINT_LOW></SYNC_POINT><SYNC_POINT/>
</SYNC_POINT_LIST></BWFXML>"""


def test_marks_inside_a_wav(tmp_path: Path) -> None:
    path = wav(tmp_path / "Mix.wav", start=3600 * RATE).path
    replace_chunks(path, cue_chunks((100, 0, "Verse ü"), (4000, 50, "Solo")) | {b"iXML": IXML.encode()})
    found = read_markers(path, song(96_000))
    assert [(m.at, m.length, m.name) for m in found.markers] == [
        (200, 0, "Verse ü"), (960, 0, "Bridge"), (1920, 96, "SLATE_GENERIC"), (8000, 100, "Solo")
    ]  # fmt: skip


HOSTILE_IXML = (b"<BWFXML>" + b" " * 10_000_000 + b"</BWFXML>", b"<a", b"<!DOCTYPE x><x/>")


@pytest.mark.parametrize("ixml", HOSTILE_IXML, ids=["10 MB", "broken", "DTD"])
def test_an_ixml_that_is_too_large_or_none_is_told(tmp_path: Path, ixml: bytes) -> None:
    path = wav(tmp_path / "Mix.wav").path
    replace_chunks(path, cue_chunks((100, 0, "Verse")) | {b"iXML": ixml})
    found = read_markers(path, song())
    assert brief(found) == [(100, "Verse")] and "iXML" in found.warnings[0]


@pytest.mark.parametrize("form", ["reaper", "midi", "dawproject", "ardour", "ableton", "otio", "aaf"])
def test_the_markers_of_any_session(tmp_path: Path, form: str) -> None:
    stems = band(tmp_path, markers=(Marker(48_000, "Verse"), Marker(96_000, "Chorus")))
    written = write_session(form, arrange(stems), tmp_path / "Song").outputs[0].path
    found = read_markers(written, song(44_100))
    assert [name for _, name in brief(found)] == ["Verse", "Chorus"]
    assert all(abs(at - wanted) <= 25 for (at, _), wanted in zip(brief(found), (44_100, 88_200), strict=True))


# ---- nonsense --------------------------------------------------------------------------------------------------


def test_rows_without_sense_are_told_and_passed_over(tmp_path: Path) -> None:
    text = "time,name\nnan,a\n-1:00,b\ninf,c\nsoon,d\n1e400,e\n,f\n99999999999999,g\n0:02,ok\n"
    found = read(tmp_path, text)
    assert brief(found) == [(96_000, "ok")]
    assert "'nan' is no time" in found.warnings[0] and "more like these" in found.warnings[3]
    assert "before the audio" in found.warnings[-1]


def test_regions_may_overlap_and_names_may_be_long_or_missing(tmp_path: Path) -> None:
    found = read(tmp_path, f"time,name,length\n0:02,{'x' * 5000},9\n0:01,,0:30\n")
    assert [(m.at, len(m.name), m.length) for m in found.markers] == [(48_000, 8, 30 * RATE), (96_000, 200, 9 * RATE)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "hello\nworld\n"),
        ("a.csv", "name,colour\nVerse,#ffffff\n"),
        ("a.csv", "time,name\n" + "1,a\n" * (MOST + 1)),
        ("a.csv", 'time,name\n1,"' + "x" * 200_000 + '"\n'),
        ("a.csv", b"\0" * (17 << 20)),
        ("a.jpg", "time,name\n1,a\n"),
        ("a.wav", "RIFF"),
        ("a.rpp", "<REAPER"),
        ("a.mid", "MThd"),
    ],
    ids=["no header", "no place", "too many", "a huge cell", "too large", "a picture", "no wav", "no rpp", "no midi"],
)
def test_what_is_no_list_of_markers_is_refused(tmp_path: Path, name: str, text: str | bytes) -> None:
    with pytest.raises(StemwrightError) as caught:
        read(tmp_path, text, name)
    assert caught.value.hint


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_markers(tmp_path / "none.csv", song())


@pytest.mark.parametrize("name", ["a.csv", "a.cue", "a.txt"])
@settings(deadline=None)
@given(data=st.binary(max_size=300) | st.text(alphabet="time,;\t\"\n0123456789:.-|ms='INDEXTRACK ", max_size=300))
def test_no_bytes_break_the_readers(tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes | str) -> None:
    folder = tmp_path_factory.mktemp("m")
    try:
        found = read(folder, data, name)
    except StemwrightError as error:
        assert error.hint
    else:
        assert all(marker.at >= 0 and marker.length >= 0 and marker.name for marker in found.markers)


@settings(deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_chunks_break_the_readers(tmp_path_factory: pytest.TempPathFactory, cue: bytes, texts: bytes) -> None:
    path = wav(tmp_path_factory.mktemp("m") / "Mix.wav", 10).path
    replace_chunks(path, {b"cue ": cue, b"LISTadtl": texts, b"iXML": texts})
    assert all(marker.at >= 0 for marker in read_markers(path, song()).markers)


def test_a_table_that_a_spreadsheet_took_for_one_column(tmp_path: Path) -> None:
    """Excel, where commas are decimal, opens our table in one column and saves every line as one cell."""
    write_table(tmp_path / "ours.csv", song(), (Marker(RATE, "Verse"), Marker(2 * RATE, 'The "hook"')))
    lines = (tmp_path / "ours.csv").read_text("utf-8-sig").splitlines()
    saved = "".join(f'"{line.replace(chr(34), chr(34) * 2)}"\r\n' for line in lines)
    assert brief(read(tmp_path, saved)) == [(RATE, "Verse"), (2 * RATE, 'The "hook"')]
