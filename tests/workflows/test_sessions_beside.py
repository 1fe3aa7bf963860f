"""A session or MIDI file among the stems tells tempo, bars and key, unless it says what programs say by themselves."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import mido
import pytest
import soundfile

from stemwright.audio.chunks import Bext
from stemwright.audio.folder import read_stems
from stemwright.audio.stream import quantise
from stemwright.audio.wav import WavWriter
from stemwright.model import MeterChange, Song, TempoChange
from stemwright.workflows.facts import Given, bpm_doubts, song_of, told_by_stems
from stemwright.workflows.prep import PrepOptions, prep
from stemwright.workflows.session import SessionOptions, build_sessions
from support import finish, pulse_song, write_stems

Event = tuple[int, str, dict[str, object]]


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    """Beats at 100 BPM from the first frame on."""
    return write_stems(tmp_path / "Song", pulse_song(12.0, 100))


def midi(path: Path, *events: Event) -> None:
    """Meta events at quarters."""
    file = mido.MidiFile(ticks_per_beat=96)
    track, last = mido.MidiTrack(), 0
    for at, kind, fields in events:
        track.append(mido.MetaMessage(kind, time=(at - last) * 96, **fields))
        last = at
    file.tracks.append(track)
    file.save(path)


def tempo(bpm: float, at: int = 0) -> Event:
    return at, "set_tempo", {"tempo": mido.bpm2tempo(bpm)}


def known(folder: Path, **given: float) -> tuple[Song, tuple[str, ...]]:
    stems = read_stems(folder)
    song = finish(song_of(stems, Given(**given)))
    return song, told_by_stems(stems, song)


def test_tempo_metre_bar_1_and_key_are_those_of_the_session(stems: Path) -> None:
    metre = (0, "time_signature", {"numerator": 3, "denominator": 4})
    midi(stems / "Grid.mid", tempo(100), metre, (0, "key_signature", {"key": "F#m"}))
    song, told = known(stems)
    assert song.bpm and (song.bpm.value, song.bpm.source) == (100, "session")
    assert song.key and (song.key.value, song.key.source) == ("F# minor", "session")
    assert song.meter_map == (MeterChange(Fraction(0), 3, 4),)
    assert song.downbeat_frame == 0
    assert not told


def test_changes_of_tempo_are_those_of_the_session(stems: Path) -> None:
    midi(stems / "Grid.mid", tempo(100), tempo(90, 8))
    song, _ = known(stems)
    assert song.bpm and song.bpm.value == 100 and not song.bpm.alternatives
    assert song.tempo_map == (TempoChange(Fraction(8), 90.0),)
    assert song.downbeat_frame == 0


def test_changes_of_another_song_are_doubted(stems: Path) -> None:
    midi(stems / "Grid.mid", tempo(70), tempo(91, 8))
    song, _ = known(stems)
    assert bpm_doubts(song) == ("the music sounds like 100 BPM; taken is 70 (session)",)


def test_a_session_with_other_beats_tells_no_bar_1(stems: Path) -> None:
    """Bounced from somewhere within the session, stems begin between its beats."""
    late = write_stems(stems.parent / "Late", {name: made[:, 11_000:] for name, made in pulse_song(12.0, 100).items()})
    midi(late / "Grid.mid", tempo(100))
    song, _ = known(late)
    assert song.bpm and song.bpm.source == "session"
    assert song.downbeat_frame > 0


@pytest.mark.parametrize(
    "events", [(), (tempo(120), (0, "key_signature", {"key": "C"}), (0, "track_name", {"name": "Piano"}))]
)
def test_what_programs_write_by_themselves_says_nothing(stems: Path, events: tuple[Event, ...]) -> None:
    midi(stems / "Piano.mid", *events)
    song, told = known(stems)
    assert song.bpm and song.bpm.source == "measured"
    assert song.key is None or song.key.source == "measured"
    assert not told


def test_the_user_goes_before_the_session_and_that_before_names(stems: Path) -> None:
    midi(stems / "Grid.mid", tempo(100))
    song, told = known(stems.rename(stems.parent / "Song 118bpm Am"))
    assert song.bpm and (song.bpm.value, song.bpm.source) == (100, "session")
    assert song.key and song.key.source == "filename"
    song, told = known(stems.parent / "Song 118bpm Am", bpm=120.0)
    assert song.bpm and song.bpm.source == "user"
    assert "Grid.mid says 100 BPM, taken is 120 (user)" in told


def test_sessions_that_disagree_are_not_taken(stems: Path) -> None:
    midi(stems / "New.mid", tempo(100))
    midi(stems / "Old.mid", tempo(97))
    song, told = known(stems)
    assert song.bpm and song.bpm.source == "measured"
    assert told == (
        "the sessions beside the stems disagree about the tempo: 100 BPM (New.mid), 97 BPM (Old.mid); none is taken",
    )


def test_sessions_of_one_tempo_with_other_changes_disagree(stems: Path) -> None:
    midi(stems / "New.mid", tempo(100), tempo(90, 8))
    midi(stems / "Old.mid", tempo(100), tempo(50, 16))
    song, told = known(stems)
    assert song.bpm and song.bpm.source == "measured" and not song.tempo_map
    assert len(told) == 1 and "100 BPM with 1 change (New.mid), 100 BPM with 1 change (Old.mid)" in told[0]


def test_a_damaged_session_is_told_and_passed_over(stems: Path) -> None:
    (stems / "Grid.mid").write_bytes(b"MThd, not really")
    song, told = known(stems)
    assert song.bpm and song.bpm.source == "measured"
    assert len(told) == 1 and told[0].startswith("Grid.mid says nothing about the song: is a damaged MIDI file")


@pytest.mark.parametrize("events", [(tempo(500),), (tempo(100), tempo(5, 8))])
def test_a_tempo_that_is_none_is_told_and_passed_over(stems: Path, events: tuple[Event, ...]) -> None:
    midi(stems / "Grid.mid", *events)
    song, told = known(stems)
    assert song.bpm and song.bpm.source == "measured" and not song.tempo_map
    assert len(told) == 1 and told[0].startswith("Grid.mid says nothing about the song: ") and "is no tempo" in told[0]


def test_sessions_of_our_own_only_repeat(stems: Path) -> None:
    finish(build_sessions(stems, SessionOptions(("reaper", "midi"), given=Given(bpm=97))))
    song, told = known(stems)
    assert song.bpm and song.bpm.source == "measured"
    assert not told


def test_a_delivery_is_made_anew_when_a_session_comes_to_the_stems(stems: Path, tmp_path: Path) -> None:
    options = PrepOptions(to=("midi",), out=tmp_path / "out")
    assert finish(prep(stems, options)).result.folder.name.startswith("Song_100")
    midi(stems / "Grid.mid", tempo(50))
    assert finish(prep(stems, options)).result.folder.name.startswith("Song_50")


def test_a_session_that_plays_the_stems_was_made_of_them(stems: Path) -> None:
    """As a template that was filled with them: its tempo is that of the template."""
    built = finish(build_sessions(stems, SessionOptions(("reaper",), given=Given(bpm=97)))).result.planned[0]
    built.write_text("".join(line for line in built.read_text().splitlines(True) if "sure)" not in line))
    song, told = known(stems)
    assert song.bpm and song.bpm.source == "measured"
    assert not told


def test_a_map_is_not_taken_where_the_stems_begin_somewhere_in_it(stems: Path) -> None:
    for path in stems.glob("*.wav"):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        with WavWriter(path, rate, 2, bext=Bext(time_reference=4 * rate)) as out:
            out.write(quantise(samples.T))
    midi(stems / "Grid.mid", tempo(100), tempo(90, 8))
    song, told = known(stems)
    assert song.bpm and song.bpm.source == "measured"
    assert told == ("Grid.mid changes its tempo, and where in it the stems begin is not known; give --bpm",)


def test_a_session_too_large_to_look_into_is_told(stems: Path) -> None:
    with (stems / "Grid.mid").open("wb") as file:
        file.write(b"MThd")
        file.truncate(17 << 20)
    assert known(stems)[1] == ("Grid.mid says nothing about the song: is larger than 16 MiB",)
