"""Tags of what came in stand in what goes out, judged; contradictions are told."""

from __future__ import annotations

from pathlib import Path

import mutagen
import mutagen.wave
import numpy as np
import soundfile
from mutagen.flac import FLAC, Picture

from stemwright.audio.chunks import parse_acid
from stemwright.audio.probe import probe
from stemwright.audio.said import said_by
from stemwright.audio.tags import read_cover
from stemwright.workflows.facts import Given
from stemwright.workflows.prep import PrepOptions, prep
from stemwright.workflows.separation import SplitOptions
from stemwright.workflows.session import SessionOptions, build_sessions
from stemwright.workflows.split import split
from support import finish, pulse_song

RATE = 44_100
PNG = b"\x89PNG" + bytes(60)


def flac(path: Path, samples: np.ndarray, **tags: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, samples.T, RATE, subtype="PCM_24")
    file = FLAC(path)
    file.update({"TITLE": "Tune", "ARTIST": "Duo", "ALBUM": "LP", "ISRC": "GBAYE1234567", "GENRE": "Dub"} | tags)
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, "image/png", PNG
    file.add_picture(picture)
    file.save()
    return path


def stems(folder: Path, **tags: str) -> Path:
    for name, samples in pulse_song().items():
        flac(folder / f"{name}.flac", samples, **tags)
    return folder


def wavs(folder: Path) -> dict[str, mutagen.id3.ID3]:
    return {path.stem.rpartition("_")[2]: mutagen.wave.WAVE(path).tags for path in folder.glob("*.wav")}


def test_tags_and_cover_of_flac_stems_are_delivered(tmp_path: Path) -> None:
    outcome = finish(prep(stems(tmp_path / "Tune", BPM="120,0", INITIALKEY="8A"), PrepOptions(to=("midi",))))
    song = outcome.result.song
    assert song.bpm and song.key and (song.bpm.value, song.bpm.source, song.key.value) == (120, "tag", "A minor")
    for name, tags in wavs(outcome.result.folder).items():
        said = [str(tags[frame]) for frame in ("TIT2", "TPE1", "TALB", "TCON", "TBPM", "TKEY", "TXXX:SESSION_RATE")]
        assert said == [f"Tune - {name}", "Duo", "LP", "Dub", "120", "Am", "44100"]
        assert tags["TXXX:STEM"] == {"Drums": "drums", "Bass": "bass", "Keys": "keys"}.get(name, tags["TXXX:STEM"])
        assert tags.getall("APIC")[0].data == PNG
    for path in outcome.result.folder.glob("*.wav"):
        file = probe(path)
        assert said_by([file]).warnings == () and not any(chunk.name == "acid" for chunk in file.chunks)
    assert not any("tags" in sentence for sentence in outcome.warnings)


def test_acid_when_asked_and_the_audio_is_the_same(tmp_path: Path) -> None:
    folder = stems(tmp_path / "Tune")
    asked = PrepOptions(given=Given(bpm=120, key="Am"), to=("midi",))
    plain = finish(prep(folder, asked)).result.folder
    samples = {path.name: soundfile.read(path)[0] for path in plain.glob("*.wav")}
    looped = finish(prep(folder, PrepOptions(given=asked.given, to=("midi",), acid=True))).result.folder
    assert looped == plain
    for path in looped.glob("*.wav"):
        chunk = next(chunk for chunk in probe(path).chunks if chunk.name == "acid")
        acid = parse_acid(path.read_bytes()[chunk.offset : chunk.offset + chunk.bytes])
        assert acid and (acid.bpm, acid.beats, acid.root) == (120, 24, 69)
        assert np.array_equal(soundfile.read(path)[0], samples[path.name])


def test_nonsense_is_not_carried_on_and_contradictions_are_told(tmp_path: Path) -> None:
    folder = stems(tmp_path / "Tune_90_Am", BPM="120", INITIALKEY="H")
    flac(folder / "Bass.flac", pulse_song()["Bass"], BPM="fast", INITIALKEY="C#m")
    outcome = finish(prep(folder, PrepOptions(to=("midi",))))
    song = outcome.result.song
    assert song.bpm and (song.bpm.value, song.bpm.source) == (120, "tag")
    told = "\n".join(outcome.warnings)
    for sentence in ("BPM 'fast' of Bass.flac is no tempo", "INITIALKEY 'H' of", "is no key"):
        assert sentence in told
    for tags in wavs(outcome.result.folder).values():
        assert tags["TBPM"] == "120"


def test_what_the_user_says_against_the_tags_is_told(tmp_path: Path, free_engine: list[str]) -> None:
    song = flac(tmp_path / "Tune.flac", sum(pulse_song().values()), BPM="999", INITIALKEY="C#m")
    outcome = finish(split(song, SplitOptions(), given=Given(key="Am")))
    told = "\n".join(outcome.warnings)
    assert "BPM '999' of Tune.flac is no tempo" in told and "the tags say C#m, taken is Am (user)" in told
    made = wavs(outcome.result.folder)
    assert all("TBPM" not in tags and tags["TKEY"] == "Am" for tags in made.values())
    assert "TSRC" not in made["Drums"] and made["FullMix"]["TSRC"] == "GBAYE1234567"
    for path in outcome.result.folder.glob("*.wav"):
        file = probe(path)
        assert read_cover(path).data == PNG and file.metadata.ixml == "fine" and file.damage == ()
        assert (b"axml" in path.read_bytes()) == ("FullMix" in path.name)


def test_a_session_tells_nonsense_in_tags(tmp_path: Path) -> None:
    folder = stems(tmp_path / "Tune", BPM="fast", INITIALKEY="X#7")
    told = finish(build_sessions(folder, SessionOptions(("midi",), given=Given(bpm=120, key="Am")))).warnings
    assert any("'fast'" in warning for warning in told) and any("'X#7'" in warning for warning in told)
