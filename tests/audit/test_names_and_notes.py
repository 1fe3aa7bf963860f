"""What names and notes mean to the rules: tables of real names and real sentences, and what no folder can show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stemwright import audit
from stemwright.audio.folder import stem_names
from stemwright.audit.rules import _notes
from stemwright.model import (
    AudioFile,
    AudioFormat,
    Estimate,
    Levels,
    Loudness,
    Metadata,
    Song,
    Spectrum,
    Stem,
    StemSet,
    Unreadable,
)
from stemwright.naming import guess_role

DEFAULT = """
Pro Tools: Audio 1|Audio 1_07|Audio 1_07-02|Audio_1-cm|Audio 1.L|Audio 12.cm|Inst 1|Aux 1|Bus 1-2|MIDI 4-01|Master 1
Logic: Track 3#01|Audio Track 3|Inst 5#02|Software Instrument 2|Untitled|Untitled_bip|Bounce 1|Bounce|Inst 3_bip
Ableton Live: 1-Audio|2-MIDI|12-Audio|1-Audio-3|0001 1-Audio|3-Group
Cubase: Stereo Out|Stereo_Out|Audio 01|Audio 01_02|Audio 01 (L)|Group 1|Output 1-2|Instrument Track 3|Mixdown(2)
FL Studio: Master|Insert 1|Insert_12|Channel 4
REAPER: 01-untitled|02-Track 2|untitled-001|Track 1-glued|Track 1-stem|01-untitled-002
others: TRACK12|track_12|Render|12_Default preset|Sample track|New Recording 3|Audio 1 copy|Audio_1 (1)|New|Audio Clip 4
"""
HONEST = """
Audio_Guitar|Audio Kick|Audiophile|Inst_Strings|Instrumental|New_Lead|New Order Synth|BusDrums|Bus_Drums|Drum Bus
Aux_Perc|MIDI_Piano|Track12_Bass|Tracking Room|Bounce_Bass|Master_Vox|MasterVocal|Untitled_Love_Gtr|Render_Pad
Output_Pad|Outro|Out of Time Vox|Room|808|1-Kick|01_Kick|Kick_In|Kick Out|Snare_Top|Track_Gtr_L|Group Vox|GroupVox_L
Channel Orange Bass|Recording Room|Insert Coin FX|Stereo_Gtrs|Gtr_L|Vox 1|LeadVox_01|BGV 3|FX 1|Synth 1|Pad_2|OH_L
Tom 1|HiHat|Bass DI|Sampled_Choir|Sample_Vox_Chop|Instrument_Solo_Gtr|Clip_Noise|Perc Loop 2|New_Gtr_1|Newsreel
Bus Stop Ambience|Audition_Vox|Inserts
"""


def names(table: str) -> list[str]:
    return [name for line in table.split("\n") if line for name in line.rpartition(": ")[2].split("|")]


def a_set(*stems_called: str, **facts: object) -> StemSet:
    paths = tuple(Path(f"{name}.wav") for name in stems_called)
    files = [AudioFile(path, AudioFormat("wav", "pcm", 24, 48_000, 2), 48_000, 0) for path in paths]
    stems = (Stem(file, guess_role(name), name) for file, name in zip(files, stem_names(paths), strict=True))
    return replace(StemSet(Song("Song", 48_000), tuple(stems), folder=Path("Song")), **facts)


def found(code: str, stems: StemSet) -> list[str]:
    return [finding.message for finding in audit.audit(stems, select=(code,))]


@pytest.mark.parametrize("name", names(DEFAULT))
def test_names_that_a_daw_gave(name: str) -> None:
    assert found("NAM001", a_set(name, "Kick")) == ["has a name that the DAW gave it"]


@pytest.mark.parametrize("name", names(HONEST))
def test_names_that_somebody_gave(name: str) -> None:
    assert found("NAM001", a_set(name, "Kick")) == []


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("Bass_01-02", "01-02"),
        ("Kick_03.cm", "03.cm"),
        ("Vox#03", "#03"),
        ("Gtr_bip", "bip"),
        ("Gtr - copy", "copy"),
        ("LeadVox (1)", "(1)"),
        ("Pad-glued", "glued"),
        ("Gtr_01", ""),
        ("Copycat", ""),
        ("LeadVox_2-3", ""),
        ("Kick-L", ""),
        ("(1)", ""),
    ],
)
def test_suffixes_of_programs(name: str, suffix: str) -> None:
    messages = found("NAM009", a_set(name, "Snare"))
    assert [suffix in message for message in messages] == [True] * bool(suffix)


@pytest.mark.parametrize(
    ("files", "versions"),
    [
        (("Vox_v1", "Vox_v2"), 2),
        (("Vox", "Vox FINAL", "vox_final2"), 3),
        (("Solo take 1", "Solo-take-2"), 2),
        (("Bass_old", "Bass_new"), 2),
        (("Leadv2", "Lead"), 2),
        (("Song_v2_Kick", "Song_v2_Bass"), 0),
        (("Gtr_1", "Gtr_2"), 0),
        (("Vox_dbl", "Vox"), 0),
        (("New", "Old"), 0),
        (("Kick_v3", "Snare_v3"), 0),
    ],
)
def test_versions_of_one_stem(files: tuple[str, ...], versions: int) -> None:
    messages = found("NAM013", a_set(*files))
    assert [message.startswith(f"is there in {versions} versions") for message in messages] == [True] * bool(versions)


@pytest.mark.parametrize(
    ("role", "hertz", "wrong"),
    [
        ("bass", 1500, False),
        ("bass", 1501, True),
        ("bass.synth", 1501, True),
        ("vocals.lead", 119, True),
        ("vocals.lead", 120, False),
        ("drums.hats", 499, True),
        ("drums", 60, False),
        ("other", 15_000, False),
    ],
)
def test_a_name_that_the_sound_contradicts(role: str, hertz: float, wrong: bool) -> None:
    levels = Levels(-6.0, (-6.0,), -20.0, 0.0, spectrum=Spectrum(centroid_hz=hertz), first_sound=0)
    stems = a_set("Thing")
    stem = replace(stems.stems[0], role=role, levels=levels)
    assert bool(found("NAM011", replace(stems, stems=(stem,)))) is wrong


@pytest.mark.parametrize(
    ("stored", "messages"),
    [
        ({"loudness_lufs": -20.5}, []),
        ({"loudness_lufs": -20.51}, ["says loudness −20.51 LUFS in its bext chunk; it is −20.00 LUFS"]),
        ({"true_peak_dbtp": -0.49}, ["says true peak −0.49 dBTP in its bext chunk; it is −1.00 dBTP"]),
        ({"true_peak_dbtp": -1.5}, []),
        ({"loudness_lufs": 0.0, "true_peak_dbtp": 0.0}, []),
    ],
)
def test_stored_loudness(stored: dict[str, float], messages: list[str]) -> None:
    levels = Levels(-1.0, (-1.0,), -20.0, 0.0, -1.0, loudness=Loudness(-20.0), first_sound=0)
    stems = a_set("Bass")
    file = replace(stems.stems[0].file, metadata=Metadata(bext_bytes=602, **stored))
    assert found("MET005", replace(stems, stems=(replace(stems.stems[0], file=file, levels=levels),))) == messages


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Tempo     120 BPM\nKey       A minor\nPrinted effects: none stated.", ""),
        ("93.5bpm F#m, vocals are wet", ""),
        ("bpm=128 / Key: C / no fx", ""),
        ("120 BPM, Bb major, reverb on the snare is printed", ""),
        ("140 bpm. I am sending a major hit, with auto-tune.", "key"),
        ("Key of D. Everything dry.", "BPM"),
        ("120 BPM in Am", "effects"),
        ("Thank you for mixing!", "BPM, key, effects"),
        ("", ""),
    ],
)
def test_what_notes_leave_out(text: str, missing: str) -> None:
    expected = [f"the notes do not tell {missing}"] if missing else []
    assert found("PKG002", a_set("Kick", notes=text)) == expected


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("48 kHz, 24 bit", ({48_000}, {24}, set(), set())),
        ("44.1kHz/24-bit WAV, 93.5 BPM", ({44_100}, {24}, {93.5}, set())),
        ("44,1 kHz; 48000 Hz; BPM: 120", ({44_100, 48_000}, set(), {120}, set())),
        ("All 12 stems at 96 kHz", ({96_000}, set(), set(), {12})),
        ("Stems: 8\nmp3 192k, 16 bits", (set(), {16}, set(), {8})),
        ("2 vocal stems and 3 stems of drums, 124bit 5 kHz", (set(), set(), set(), set())),
        ("call 0123 456789 Hz; the highs end at 16.1 kHz, a shelf at 12 kHz", (set(), set(), set(), set())),
        ("Format: 48,000 Hz, 24 bit", ({48_000}, {24}, set(), set())),
    ],
)
def test_figures_in_notes(text: str, read: tuple[set[float], ...]) -> None:
    assert (_notes.rates(text), _notes.bits(text), _notes.tempos(text), _notes.counts(text)) == read


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("44.1 kHz", "the notes tell a sample rate of 44100; it is 48000"),
        ("96 kHz, later 88.2 kHz", "the notes tell a sample rate of 88200 or 96000; it is 48000"),
        ("16 bit", "the notes tell a bit depth of 16; it is 24"),
        ("Stems: 3", "the notes tell a number of stems of 3; it is 2"),
        ("128 BPM", "the notes tell a tempo (BPM) of 128; it is 120"),
        ("recorded at 96 kHz, delivered at 48 kHz, 24 bit, stems: 2, 120 BPM", ""),
        ("the chorus is at 60 bpm half-time, song 120 bpm", ""),
        ("3 guitar stems", ""),
    ],
)
def test_notes_that_contradict(text: str, message: str) -> None:
    song = Song("Song", 48_000, bpm=Estimate(120.0, 0.9, "filename"))
    assert found("PKG003", a_set("Kick", "Bass", song=song, notes=text)) == [message] * bool(message)


def test_an_unreadable_stem_counts_as_a_stem_of_the_notes() -> None:
    lost = (Unreadable(Path("Vox.wav"), "damaged", "no header"),)
    assert found("PKG003", a_set("Kick", "Bass", notes="Stems: 3", unreadable=lost)) == []


def test_a_file_that_changes_while_it_is_read() -> None:
    files = (Unreadable(Path("Vox.wav"), "changing", "was changed while it was read"),)
    assert found("PKG013", a_set("Kick", unreadable=files)) == ["was changed while it was read"]
    assert found("PKG013", a_set("Kick", unreadable=(replace(files[0], kind="damaged"),))) == []
