"""Notes: every fact in its place, nothing invented, and no name or template that can break them."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemwright import serial
from stemwright.handover import SeparationFacts
from stemwright.handover.layout import WIDTH, cell, columns, markdown, wrap
from stemwright.handover.notes import NotesFacts, render_notes
from stemwright.handover.notes_song import sections
from stemwright.handover.report import report_document
from stemwright.model import (
    AudioFile,
    AudioFormat,
    Estimate,
    Finding,
    Fix,
    Levels,
    Loss,
    Marker,
    MeterChange,
    Song,
    Stem,
    StemSet,
    TempoChange,
    Unreadable,
)

FOLDER = Path("/home/anna/Desktop/Nachtzug_124_Am")
GOLDEN = Path(__file__).with_name("golden_notes.txt")


def stem(name: str, role: str, peak: float = -6.02, frames: int = 705_600) -> Stem:
    file = AudioFile(FOLDER / name, AudioFormat("wav", "pcm", 24, 44_100, 2), frames, 0)
    return Stem(file, role, role, Levels(peak, (peak, peak), peak - 12, 0.0, 24))


SEPARATION = SeparationFacts(
    model="htdemucs",
    preset="4_tracks, good",
    weights_sha256="ab" * 32,
    terms="Given for scientific and research purposes.\nMore lines.",
    device="cpu",
    precision="exact",
    versions={"torch": "2.13.0", "demucs": "4.1.0"},
    gain_db=-1.25,
    residual_dbfs=-28.44,
    shared=True,
    exact_sum=True,
    resampled=False,
)
SET = StemSet(
    Song(
        "Nachtzug",
        44_100,
        artist="Anna & Björn",
        bpm=Estimate(124.0, 0.3, "measured", (62.0, 248.0)),
        key=Estimate("A minor", 0.97, "measured", ("C major",)),
        downbeat_frame=1234,
    ),
    tuple(
        replace(made, gain_db=-1.25)
        for made in (
            stem("Nachtzug_Drums.wav", "drums"),
            stem("Nachtzug_Bass.wav", "bass", -12.345),
            replace(stem("Nachtzug_Vocals.wav", "vocals.lead", float("-inf")), printed_effects="plate reverb"),
        )
    ),
    replace(stem("Nachtzug_FullMix.wav", "mix", -1.0), gain_db=-1.25),
    FOLDER,
)
FACTS = NotesFacts(
    SET,
    (
        Finding("INT016", "info", "no bext chunk", FOLDER / "Nachtzug_Bass.wav"),
        Finding("LVL001", "warning", "peaks at -1.0 dBFS; -3 dBFS is asked for", FOLDER / "Nachtzug_FullMix.wav"),
        Finding("CHN001", "error", "is silent", FOLDER / "Nachtzug_Vocals.wav", fix=Fix("bounce it again", "manual")),
    ),
    SEPARATION,
    (
        ("Nachtzug.rpp", ()),
        ("Nachtzug.aaf", (Loss("Drums, Bass", "colour", "AAF has no place for track colours"),)),
        ("Nachtzug.mid", ()),
    ),
    date="2026-11-21",
    version="0.1.0",
)


def test_golden_text() -> None:
    assert render_notes(FACTS) == GOLDEN.read_text(encoding="utf-8")


def test_markdown_tells_the_same() -> None:
    text, marked = (" ".join(render_notes(FACTS, suffix=suffix).split()) for suffix in (".txt", ".md"))
    for fact in ("124 BPM (measured, doubtful; else 62 or 248)", "abababababab…", "-28.4 dBFS", "-1.25 dB"):
        assert fact in text and fact in marked
    assert "| 3 | Nachtzug_Vocals.wav | Lead Vocal | silent | – | 0:16.000 |" in marked


def test_nothing_is_claimed_that_is_not_known() -> None:
    bare = NotesFacts(StemSet(Song("X", 44_100), (replace(stem("a.wav", "bass"), levels=None),)))
    text = render_notes(bare)
    assert text.count("unknown") == 3, "tempo, key and bar 1"
    for word in ("gain", "add up", "HOW THE STEMS", "SESSIONS", "REAPER", "Pro Tools", "sure"):
        assert word not in text
    assert "Printed effects: none stated" in text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"exact_sum": False, "shared": False}, "not shared, so they do not add up"),
        ({"exact_sum": False}, "dBFS RMS, shared among them"),
        ({"resampled": True}, "was resampled for the network"),
        ({"residual_dbfs": float("-inf")}, "digital silence"),
    ],
)
def test_separation_is_told_as_it_was(changed: dict[str, object], said: str) -> None:
    text = render_notes(replace(FACTS, separation=replace(SEPARATION, **changed)))
    assert said in text
    assert ("sample by sample" in text) == ("exact_sum" not in changed)


def test_lengths_starts_and_formats_that_differ() -> None:
    short = stem("Nachtzug_Keys.wav", "keys", frames=441_000)
    text = render_notes(replace(FACTS, stems=replace(SET, stems=(*SET.stems, short))))
    assert "THE LENGTHS DIFFER" in text
    assert "0:10.000 (441,000 frames) to 0:16.000 (705,600 frames)" in text
    later = replace(short, file=replace(short.file, start_frame=44_100, format=replace(short.file.format, bits=16)))
    text = " ".join(render_notes(replace(FACTS, stems=replace(SET, stems=(*SET.stems, later)))).split())
    assert "put every stem where its BWF time stamp says" in text
    assert "place the 4 stems and the full mix by their BWF time stamps" in text
    assert "16-bit PCM · stereo (1 file)" in text


def test_source_of_tempo() -> None:
    told = replace(SET.song, bpm=Estimate(93.5, 1.0, "user"))
    assert "93.5 BPM (stated by the producer)" in render_notes(replace(FACTS, stems=replace(SET, song=told)))


def test_sections_are_told_in_bars_through_changes_of_tempo_and_metre() -> None:
    """120 BPM in 4/4 from 0.5 s on, 90 BPM from bar 3, 7/8 from bar 5: a bar takes 2 s, 8/3 s, then 7/3 s."""
    song = Song(
        "X", 48_000, bpm=Estimate(120.0, 1.0, "user"), downbeat_frame=24_000,
        tempo_map=(TempoChange(Fraction(8), 90.0),),
        meter_map=(MeterChange(Fraction(0), 4, 4), MeterChange(Fraction(16), 7, 8)),
    )  # fmt: skip
    exact = {"": -0.3, "1": 0.5, "2": 2.5, "3": 4.5, "4": 4.5 + 8 / 3, "5": 4.5 + 16 / 3, "6": 4.5 + 16 / 3 + 7 / 3}
    for early_frames in (0, 1, 12_000):  # as rounded, or up to a beat early
        marks = tuple(Marker(round(at * 48_000) - early_frames, name) for name, at in exact.items())
        assert [mark["bar"] for mark in sections(replace(song, markers=marks))] == list(exact)
    late = Marker(round((exact["6"] + 7 / 3) * 48_000) - 24_000, "6")  # an 8th takes 16,000 frames
    assert sections(replace(song, markers=(late,)))[0]["bar"] == "6"
    assert [mark["bar"] for mark in sections(replace(song, bpm=None, markers=(late,)))] == [""]


def hostile(name: str) -> NotesFacts:
    song = replace(SET.song, title=name, artist=name)
    stems = tuple(replace(stem(f"{n}{name}.wav", "vocals.lead"), printed_effects=name) for n in range(40))
    findings = (Finding("X", "error", name, FOLDER / name, fix=Fix(name, "manual")),)
    return replace(FACTS, stems=replace(SET, song=song, stems=stems), findings=findings)


@pytest.mark.parametrize(
    "name", ["Ä" * 90, "🎤 Größenwahn 🥁" * 9, "a|b\n| c |`\r*\x1b[31m\u202e", "声" * 80, "x" * 200]
)
def test_hostile_names_and_forty_stems(name: str) -> None:
    facts = hostile(name)
    text = render_notes(facts)
    assert max(map(columns, text.splitlines())) <= 100
    assert not any(unicodedata.category(c) == "Cc" for c in text if c != "\n")
    rows = [line for line in render_notes(facts, suffix=".md").splitlines() if line.startswith("|")]
    assert len(rows) == 8 + 2 + 41
    assert {len(row.replace("\\\\", "").replace("\\|", "").split("|")) for row in rows} == {4, 8}


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60), st.integers(3, 40))
def test_cells_fit(text: str, width: int) -> None:
    assert columns(cell(text, width)) == width
    assert columns(cell(text, width, "right")) == width


@given(st.text(max_size=400))
def test_wrapped_lines_fit(text: str) -> None:
    assert all(columns(line) <= WIDTH for line in wrap(text, 4, "- ").split("\n"))


@given(st.text("ab_|*\\`<", max_size=20))
def test_markdown_escapes_lose_nothing(text: str) -> None:
    escaped = markdown(text)
    assert escaped.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\") == text


# ---- report ---------------------------------------------------------------------------------------------------


def test_report_is_whole_and_plain_json() -> None:
    document = json.loads(serial.dumps(report_document(FACTS)))
    assert document["schema"] == "stemwright.report/1"
    assert document["counts"] == {"error": 1, "warning": 1, "info": 1}
    assert document["stems"][2]["levels"]["sample_peak_dbfs"] == "-inf"
    assert (document["mix"]["file"], document["mix"]["gain_db"]) == ("Nachtzug_FullMix.wav", -1.25)
    assert document["findings"][1]["subject"] == "Nachtzug_FullMix.wav"
    assert document["sessions"][1]["losses"][0]["field"] == "colour"
    assert serial.build(SeparationFacts, document["separation"]) == SEPARATION
    assert serial.build(Song, document["song"]) == SET.song


def test_no_path_of_this_machine_leaks() -> None:
    elsewhere = Finding("X", "error", "is odd", Path("/home/anna/other/odd.wav"))
    bad = Unreadable(FOLDER / "bad.wav", "empty", "0 bytes")
    facts = replace(
        FACTS,
        findings=(*FACTS.findings, elsewhere),
        stems=replace(SET, unreadable=(bad,), other_files=(FOLDER / "x.txt",)),
        sessions=((str(FOLDER / "Nachtzug.rpp"), ()),),
    )
    for text in (render_notes(facts), render_notes(facts, suffix=".md"), serial.dumps(report_document(facts))):
        assert "/home" not in text and "Desktop" not in text
        assert "odd.wav" in text


@pytest.mark.parametrize("suffix", [".txt", ".md"])
def test_findings_of_one_rule_are_one_line_and_errors_come_first(suffix: str) -> None:
    """A set of fifty hot stems filled three pages."""
    fix = Fix("turn all down", "lossy")
    hot = [
        Finding("LVL001", "warning", f"peaks at −{n}.00 dBFS", s.file.path, fix=fix) for n, s in enumerate(SET.stems)
    ]
    clean = [Finding("CLP001", "error", "is clipped", s.file.path, fix=fix) for s in SET.everything]
    notes = [Finding("PKG002", "warning", f"say nothing of {what}") for what in ("BPM", "key")]
    passed = Finding("FMT003", "error", "has 16 bits", SET.stems[0].file.path, waived="agreed")
    text = render_notes(NotesFacts(SET, (*hot, *notes, passed, *clean)), suffix=suffix)
    flat = " ".join(text.replace("**", "").split())
    assert "4 errors, 5 warnings, no remarks." in flat and "FMT003" not in flat and flat.count("turn all down") == 2
    names = ", ".join(s.file.path.name for s in SET.stems)
    assert f"LVL001 3 files ({names}): the first peaks at −0.00 dBFS" in flat
    assert "PKG002 say nothing of BPM; say nothing of key" in flat
    assert 0 < flat.index("CLP001 all 4 files: each is clipped") < flat.index("LVL001")


def test_a_compound_metre_is_told_in_both_counts() -> None:
    """People count 6/8 in dotted quarters, sessions in quarters: the notes say both, so that nobody halves by 1.5."""
    song = replace(SET.song, bpm=Estimate(78.0, 1.0, "user"), meter_map=(MeterChange(Fraction(0), 6, 8),))
    text = render_notes(NotesFacts(replace(SET, song=song)))
    assert "78 BPM in quarters, 52 in dotted quarters" in text


def test_of_a_session_without_audio_that_is_all_that_is_told() -> None:
    losses = (Loss("Bass", "colours", "MIDI has no place for colours"), Loss("Bass", "audio", "MIDI holds no audio"))
    text = render_notes(NotesFacts(SET, sessions=(("Song.mid", losses),)))
    assert "MIDI holds no audio" in text
    assert "colours" not in text
