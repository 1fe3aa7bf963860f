"""Notes as PDF: every word of the Markdown is on a page, in fonts that are inside, and the same notes are the same."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemwright.audio.stated import Release, Stated
from stemwright.errors import MissingExtra
from stemwright.handover import _fonts, pdf
from stemwright.handover._markdown import Table, blocks, plain
from stemwright.handover.layout import markdown, visible
from stemwright.handover.notes import NotesFacts, render_notes
from stemwright.model import AudioFile, AudioFormat, Estimate, Finding, Fix, Marker, Song, Stem, StemSet

FORMAT = AudioFormat("wav", "pcm", 24, 48_000, 2)


def facts(title: str = "Night Train", artist: str = "Anna Berg", stems: int = 4) -> NotesFacts:
    song = Song(
        title,
        48_000,
        artist,
        Estimate(93.5, 0.9, "measured"),
        key=Estimate("F# minor", 0.9, "measured"),
        markers=(Marker(0, "Intro"), Marker(480_000, "Verse 1")),
    )
    files = [AudioFile(Path(f"Night_Train_{n:02d}_Synth.wav"), FORMAT, 48_000 * 200, 0) for n in range(1, stems + 1)]
    made = tuple(Stem(file, "synth", file.path.stem, printed_effects="long hall") for file in files)
    findings = (Finding("CLP001", "error", "is clipped", files[0].path, fix=Fix("lower it", "manual")),)
    release = Release(isrc="DEXX12600001", writers=("Anna Berg",))
    return NotesFacts(StemSet(song, made), findings, stated=Stated(release=release), date="2026-11-21", version="1")


def typeset(facts: NotesFacts, template: str = "mix-engineer") -> bytes:
    pytest.importorskip("fpdf")
    pytest.importorskip("manimgx_fonts")
    return pdf.typeset(render_notes(facts, template, ".md"), facts.date, "stemwright 1")


def text_of(data: bytes, tmp_path: Path) -> str:
    """The words on the pages, by poppler."""
    if not shutil.which("pdftotext"):
        pytest.skip("poppler-utils are not installed")
    path = tmp_path / "a.pdf"
    path.write_bytes(data)
    done = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True)
    assert not done.stderr, done.stderr
    return " ".join(done.stdout.decode().split())


@pytest.mark.parametrize(
    "table", ["|", "| a", "| a | b", "||", "| a | b |\n|---|\n| 1 | 2 |", "| a |\n|---|---|\n| 1 | 2 |", "| a |\n|---|"]
)
def test_an_odd_table_of_somebodys_template_is_set(table: str, tmp_path: Path) -> None:
    pytest.importorskip("fpdf")
    pytest.importorskip("manimgx_fonts")
    text = text_of(pdf.typeset(f"# Odd\n\n{table}\n", "2026-11-21", "stemwright 1"), tmp_path)
    assert "Odd" in text and all(letter in text for letter in table if letter in "ab")


def test_a_table_is_read_as_it_is_written() -> None:
    closed = "| a | |\n|---|--:|\n| 1 \\| 2 | 3 |\n| 4 | 5\n| 6 \\\\ | 7 |\n"
    assert list(blocks(closed)) == [Table(("a", ""), (False, True), (("1 | 2", "3"), ("4", "5"), ("6 \\", "7")))]


@pytest.mark.parametrize("template", ["mix-engineer", "label-delivery", "sync"])
def test_every_word_is_on_a_page(template: str, tmp_path: Path) -> None:
    text = text_of(typeset(facts(), template), tmp_path)
    for block in blocks(render_notes(facts(), template, ".md")):
        if isinstance(block, Table):
            words = {word for row in (block.head, *block.rows) for cell in row for word in cell.split()}
        else:
            words = set(plain(block.words).split())
        assert words <= set(text.split()) | {"-"}, words - set(text.split())


def test_the_same_notes_are_the_same_bytes() -> None:
    made = typeset(facts())
    assert made == typeset(facts()) != typeset(facts("Other"))
    assert b"/CreationDate (D:20261121000000Z)" in made and len(made) < 60_000


def test_a_long_track_sheet_repeats_its_head(tmp_path: Path) -> None:
    text = text_of(typeset(facts(stems=90)), tmp_path)
    assert text.count("Peak dBFS") >= 3 and "Night_Train_90_Synth.wav" in text


TITLES = ["夜汽車 한국어 Größenwahn ♯♭", "Привет שלום ελπίδα ไทย 🎤 \ue000"]


@pytest.mark.parametrize("title", TITLES)
def test_titles_in_any_script(title: str, tmp_path: Path) -> None:
    pytest.importorskip("manimgx_fonts_cjk")
    text = text_of(typeset(facts(title, title)), tmp_path)
    letters = set(title) - set(" \ue000")
    assert letters <= set(text), letters - set(text)


@pytest.mark.parametrize("title", ["x" * 400, "声" * 200, "a " * 300 + "** | a | <b> \\ {nb}"])
def test_hostile_titles(title: str, tmp_path: Path) -> None:
    pytest.importorskip("manimgx_fonts_cjk")
    noted = facts(title, title)
    song = replace(noted.stems.song, markers=(Marker(0, title),))
    stem = replace(noted.stems.stems[0], printed_effects=title, comments=title)
    text = text_of(typeset(replace(noted, stems=replace(noted.stems, song=song, stems=(stem,)))), tmp_path)
    assert "93.5 BPM" in text and "Import" in text


def test_without_fonts_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fonts, "_PACKAGES", ("no_such_fonts",))
    with pytest.raises(MissingExtra) as caught:
        pdf.require()
    assert caught.value.hint == "pip install 'stemwright[pdf]'"


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fpdf", None)
    with pytest.raises(MissingExtra) as caught:
        pdf.typeset("# A", "2026-11-21", "x")
    assert caught.value.hint == "pip install 'stemwright[pdf]'"


WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40).map(visible)


@given(WORDS.filter(str.strip), st.sampled_from(["# {}", "- {}", "{}", "| | |\n|---|---|\n| {} | x |", "  - **{}** y"]))
def test_what_is_escaped_is_read_as_it_was(words: str, form: str) -> None:
    words = " ".join(words.split())
    line = form.format(markdown(words))
    (found,) = blocks(f"{line}\n")
    told = found.rows[0][0] if isinstance(found, Table) else plain(found.words)
    assert re.sub(r"\s+", " ", told).strip() == (f"{words} y" if form.endswith(" y") else words)
