from __future__ import annotations

import tempfile
import tracemalloc
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from session_kit import BYTES, band, cut, damaged, moving_song, odd_values, refused, song, wav

from stemwright.audio.probe import probe
from stemwright.errors import InputError, NotFoundInput, SessionError
from stemwright.model import Clip, Marker, Session, Track
from stemwright.session.arrange import arrange
from stemwright.session.formats import Opened, read_session, write_session
from stemwright.session.grid import grid

STYLES = ("bitwig", "raw")


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("unpacked")))


def full(folder: Path, rate: int = 48000) -> Session:
    """Everything that a session can hold: groups in groups, pieces of files, fades, gains, changes of tempo."""
    (folder / "stems").mkdir(exist_ok=True)
    base = arrange(band(folder / "stems", rate))
    kick, vox = (next(t.clips[0].file for t in base.tracks if word in t.name) for word in ("Kick", "Vox"))
    long = wav(folder / "stems" / "Löng <take>.wav", 40 * rate, 1, rate)
    tracks = (
        Track("Mix", mute=True, colour="#808080", clips=(Clip(vox, 0, vox.frames),)),
        Track("DRUMS", is_group=True, colour="#FF8000", gain_db=-1.5),
        Track("Kick in", group="DRUMS", is_group=True, mute=True),
        Track("deep", group="Kick in", is_group=True, pan=-0.3),
        Track("Kick 'a' \"b\" `c` 🥁 <&>", group="deep", clips=(Clip(kick, 2401, 3000, 700, -3.0, 100, 217),)),
        Track("Snare", group="DRUMS", clips=(Clip(kick, 1, kick.frames),), gain_db=2.25, pan=1.0, solo=True),
        Track("Long", clips=(Clip(long, 0, 13 * rate, 5 * rate), Clip(long, 13 * rate, 27 * rate, 13 * rate, -6.5)),
              comment="plate & hall"),
        Track("x" * 200, clips=(Clip(vox, rate, vox.frames, gain_db=3.0), Clip(kick, 0, 9, 9, 3.0))),
        Track("empty", pan=0.123456789),
    )  # fmt: skip
    moving = replace(moving_song(rate), markers=())
    markers = (Marker(0, "Key: F# minor"), Marker(24577, "Bar 1"), Marker(rate, "Verse 🎤", colour="#ff8000"))
    return replace(base, song=moving, tracks=tracks, markers=markers, frames=40 * rate)


def inside(path: Path, name: str = "project.xml") -> Any:
    with zipfile.ZipFile(path) as archive:
        return etree.fromstring(archive.read(name))


def made(folder: Path, body: str, *extra: tuple[str, bytes], name: str = "x.dawproject") -> Path:
    """A project with the given project.xml, as another DAW would zip it."""
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in (("project.xml", body.encode()), *extra):
            archive.writestr(entry, data)
    return folder / name


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_what_is_written_is_read_again(tmp_path: Path, style: str, rate: int) -> None:
    session = full(tmp_path, rate)
    path = tmp_path / "s.dawproject"
    write_session("dawproject", session, path, style=style)
    opened = read_session(path, tmp_path / "stems")
    again = opened.session
    assert [w for w in opened.warnings if "<take>" not in w and "unpacked" not in w] == []
    assert (again.sample_rate, again.frames, again.notes) == (rate, session.frames, session.notes)
    assert again.markers == session.markers
    assert (again.song.title, again.song.artist, again.song.key.value) == ("My Söng", 'The "Band"', "F# minor")
    assert (again.song.bpm.value, again.song.downbeat_frame) == (93.5, 24577)
    assert (again.song.tempo_map, again.song.meter_map) == (session.song.tempo_map, session.song.meter_map)
    for mine, theirs in zip(session.tracks, again.tracks, strict=True):
        assert replace(theirs, clips=(), role="other") == replace(mine, clips=(), role="other")
        for a, b in zip(sorted(mine.clips, key=lambda c: c.at), theirs.clips, strict=True):
            assert replace(b, file=a.file) == a
            assert b.file.path.read_bytes() == a.file.path.read_bytes()
    write_session("dawproject", again, tmp_path / "t.dawproject", style=style)
    assert inside(tmp_path / "t.dawproject").xpath("count(//Clip)") == inside(path).xpath("count(//Clip)")
    third = read_session(tmp_path / "t.dawproject", tmp_path / "stems").session
    assert [replace(t, clips=()) for t in third.tracks] == [replace(t, clips=()) for t in again.tracks]
    assert grid(third.song) == grid(again.song)


numbers = st.integers(0, 400_000)
CLIPS = st.lists(st.tuples(numbers, st.integers(1, 480_000), numbers, numbers, numbers), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(CLIPS, st.sampled_from(STYLES), st.integers(0, 200_000))
def test_every_frame_of_any_clip_survives(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, ...]], style: str, downbeat: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "frames"
    folder.mkdir(exist_ok=True)
    path = folder / "Long.wav"
    file = probe(path) if path.exists() else wav(path, 480_000)
    clips = []
    for at, wanted, source, *fades in rows:
        length = min(wanted, file.frames - source)
        clips.append(Clip(file, at, length, source, 0.0, *(min(fade, length) for fade in fades)))
    moved = replace(moving_song(), downbeat_frame=downbeat)
    write_session("dawproject", Session(moved, (Track("A", clips=tuple(clips)),), 48000, 1), folder / "s", style=style)
    back = read_session(folder / "s.dawproject").session.tracks[0].clips
    assert back == tuple(sorted(clips, key=lambda clip: clip.at))


@pytest.mark.parametrize("style", STYLES)
def test_schemas(tmp_path: Path, shared: Path, style: str) -> None:
    write_session("dawproject", full(tmp_path), tmp_path / "s", style=style)
    write_session("dawproject", arrange(band(tmp_path)), tmp_path / "plain", style=style)
    for name, xml in (("Project", "project.xml"), ("MetaData", "metadata.xml")):
        schema = etree.XMLSchema(etree.parse(shared / "schemas" / f"{name}.xsd"))
        for path in tmp_path.glob("*.dawproject"):
            schema.assertValid(inside(path, xml))


def test_audio_is_stored_bit_for_bit(tmp_path: Path) -> None:
    write_session("dawproject", full(tmp_path), tmp_path / "a")
    with zipfile.ZipFile(tmp_path / "a.dawproject") as archive:
        assert archive.testzip() is None
        infos = archive.infolist()
        assert [i.filename for i in infos[:2]] == ["metadata.xml", "project.xml"]
        audio = {i.filename: i for i in infos[2:]}
        assert set(audio) == {"audio/Vox.wav", "audio/Kick_ä_🥁.wav", "audio/Löng _take_.wav"}
        assert {(i.compress_type, i.date_time) for i in infos} == {(zipfile.ZIP_STORED, (2000, 1, 1, 0, 0, 0))}
        assert archive.read("audio/Vox.wav") == (tmp_path / "stems" / "Vox.wav").read_bytes()
        assert {f.get("path") for f in inside(tmp_path / "a.dawproject").iter("File")} == set(audio)


def test_large_audio_takes_no_memory(tmp_path: Path) -> None:
    file = wav(tmp_path / "Pad.wav", 100)
    with file.path.open("r+b") as grown:
        grown.truncate(100 << 20)
    session = Session(song(), (Track("Pad", clips=(Clip(file, 0, 100),)),), 48000, 100)
    write_session("dawproject", session, tmp_path / "warm up")
    tracemalloc.start()
    try:
        write_session("dawproject", session, tmp_path / "s")
        file.path.unlink()
        read_session(tmp_path / "s.dawproject")
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()


def test_files_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    files = wav(tmp_path / "a" / "Kick.wav", 100), wav(tmp_path / "b" / "kick.WAV", 50)
    tracks = tuple(Track(f.path.name, clips=(Clip(f, 0, f.frames),)) for f in files)
    write_session("dawproject", Session(song(), tracks, 48000, 100), tmp_path / "s")
    names = [f.get("path") for f in inside(tmp_path / "s.dawproject").iter("File")]
    assert names == ["audio/Kick.wav", "audio/kick_2.wav"]
    back = read_session(tmp_path / "s.dawproject").session
    assert [t.clips[0].length for t in back.tracks] == [100, 50]


def test_the_form_that_other_readers_keep(tmp_path: Path) -> None:
    session = full(tmp_path)
    write_session("dawproject", session, tmp_path / "s")
    root, points = inside(tmp_path / "s.dawproject"), grid(session.song)
    masters = root.xpath("/Project/Structure/Track[Channel/@role='master'][not(contains(@contentType,'tracks'))]")
    assert [m.get("name") for m in masters] == ["Master"] and masters[0].getnext() is None
    assert root.xpath("//Channel/@role[.='submix']") == []
    master = masters[0].find("Channel").get("id")
    for track in root.iterfind("Structure/Track"):
        if track is not masters[0]:
            assert track.find("Channel").get("destination") == master
    deep = root.xpath("Structure/Track[@name='DRUMS']/Track[@name='Kick in']/Track[@name='deep']/Track/@name")
    assert deep == [session.tracks[4].name]
    tempo, signature = root.find("Transport/Tempo"), root.find("Transport/TimeSignature")
    assert root.find("Arrangement/TempoAutomation/Target").get("parameter") == tempo.get("id")
    assert root.find("Arrangement/TimeSignatureAutomation/Target").get("parameter") == signature.get("id")
    assert float(tempo.get("value")) == 93.5 and (signature.get("numerator"), signature.get("denominator")) == (
        "3",
        "4",
    )
    rows = root.findall("Arrangement/TempoAutomation/RealPoint")
    assert {row.get("interpolation") for row in rows} == {"hold"}
    assert [float(row.get("time")) for row in rows] == [float(p.quarters) for p in points]
    assert [float(row.get("value")) for row in rows] == [float(p.bpm) for p in points]
    meters = root.findall("Arrangement/TimeSignatureAutomation/TimeSignaturePoint")
    assert [(m.get("numerator"), m.get("denominator")) for m in meters] == [("3", "16"), ("3", "4"), ("7", "8")]
    ids = root.xpath("//@id")
    assert len(set(ids)) == len(ids)
    # Every clip by XPath alone, seconds by the written tempo points alone.
    found = root.xpath("Arrangement/Lanes[@timeUnit='beats']/Lanes/Clips/Clip/Clips/Clip")
    assert len(found) == sum(len(t.clips) for t in session.tracks)
    for track, lane in zip(session.tracks, root.findall("Arrangement/Lanes/Lanes"), strict=True):
        names = root.xpath("//Track[@id=$id]/@name", id=lane.get("track"))
        assert names == [track.name]
        for clip, outer in zip(track.clips, lane.findall("Clips/Clip"), strict=True):
            start = seconds_by_rows(rows, float(outer.get("time")))
            end = seconds_by_rows(rows, float(outer.get("time")) + float(outer.get("duration")))
            assert start * 48000 == pytest.approx(clip.at, abs=1e-6)
            assert (end - start) * 48000 == pytest.approx(clip.length, abs=1e-6)
            warps = outer.find("Clips/Clip").find(".//Warps")
            assert (warps.get("timeUnit"), warps.get("contentTimeUnit")) == ("beats", "seconds")
            content = [float(w.get("contentTime")) for w in warps.findall("Warp")]
            assert content[0] == 0 and content[-1] == float(warps.find("Audio").get("duration"))
            zero = float(outer.get("time")) - float(outer.find("Clips/Clip").get("playStart"))
            for warp in warps.findall("Warp"):
                place = seconds_by_rows(rows, zero + float(warp.get("time")))
                source = clip.source_from / 48000 + place - clip.at / 48000
                assert float(warp.get("contentTime")) == pytest.approx(source, abs=1e-9)
    changes = [p.at for p in points if 0 < p.at < 40]
    assert len(root.xpath("//Lanes[@track]/Clips")[6].findall("Clip/Clips/Clip//Warps/Warp")) >= len(changes) + 2


def seconds_by_rows(rows: list[Any], beats: float) -> float:
    """The time of a beat by the tempo points as they stand in the file."""
    at = 0.0
    steps = [(float(r.get("time")), float(r.get("value"))) for r in rows]
    for (start, bpm), following in zip(steps, [*steps[1:], (float("inf"), 0.0)], strict=True):
        if beats <= following[0] or following[0] == float("inf"):
            return at + (beats - start) * 60 / bpm
        at += (following[0] - start) * 60 / bpm
    raise AssertionError


def test_clip_gain_sounds_right_and_is_told(tmp_path: Path) -> None:
    session = full(tmp_path)
    written = write_session("dawproject", session, tmp_path / "s")
    root = inside(tmp_path / "s.dawproject")

    def volume(name: str) -> float:
        return float(root.xpath("//Track[@name=$n]/Channel/Volume/@value", n=name)[0])

    assert volume(session.tracks[4].name) == pytest.approx(10 ** (-3 / 20))
    assert volume("x" * 200) == pytest.approx(10 ** (3 / 20))
    assert volume("Long") == 1.0
    gains = root.xpath("//Points[Target/@expression='gain']/RealPoint/@value")
    assert [float(g) for g in gains] == [pytest.approx(10 ** (-6.5 / 20))]
    told = {(x.subject, x.field) for x in written.losses}
    assert (session.tracks[4].name, "gain") in told and any(field == "clip_gain" for _, field in told)
    loud = replace(session, tracks=(replace(session.tracks[5], gain_db=8.0, group=None),))
    assert "+6 dB" in write_session("dawproject", loud, tmp_path / "t").losses[-1].reason
    assert read_session(tmp_path / "t.dawproject", tmp_path / "stems").session.tracks[0].gain_db == 8.0


def test_bad_sessions_and_options(tmp_path: Path) -> None:
    session = full(tmp_path)
    with pytest.raises(SessionError, match="no style 'cubase'"):
        write_session("dawproject", session, tmp_path / "s", style="cubase")
    gone = replace(session.tracks[0].clips[0].file, path=tmp_path / "gone.wav")
    with pytest.raises(NotFoundInput, match=r"gone\.wav"):
        write_session("dawproject", replace(session, tracks=(Track("a", clips=(Clip(gone, 0, 9),)),)), tmp_path / "s")
    assert not list(tmp_path.glob("*s.dawproject*"))
    odd = replace(session.song, title="a\ufffeb\0\ud800", bpm=None, tempo_map=(), markers=())
    write_session("dawproject", replace(session, song=odd, markers=(Marker(5, "x\uffff"),)), tmp_path / "s")
    back = read_session(tmp_path / "s.dawproject").session
    assert (back.song.title, back.markers[0].name) == ("ab ?", "x")


BITWIG = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Project version="1.0"><Application name="Bitwig Studio" version="5.0"/>
<Transport><Tempo max="666" min="20" unit="bpm" value="149.000000" id="id0" name="Tempo"/>
<TimeSignature denominator="4" numerator="3" id="id1"/></Transport>
<Structure>
<Track contentType="notes" loaded="true" id="id2" name="Bass" color="#a2eabf"><Channel audioChannels="2"
 destination="id15" role="regular" solo="false" id="id3"><Devices><ClapPlugin deviceID="x" deviceName="Surge"
 deviceRole="instrument" id="id7"/></Devices><Mute value="true" id="id6"/><Pan max="1.0" min="0.0" unit="normalized"
 value="0.25" id="id5"/><Volume max="2.0" min="0.0" unit="linear" value="0.5" id="id4"/></Channel></Track>
<Track contentType="audio" loaded="true" id="id9" name="Drumloop" color="#b53bba"><Channel audioChannels="2"
 destination="id15" role="regular" solo="true" id="id10"/></Track>
<Track contentType="audio notes" id="id14" name="Master"><Channel role="master" id="id15"><Volume unit="linear"
 value="0.7" id="id16"/></Channel></Track>
</Structure>
<Arrangement id="id19"><Lanes timeUnit="beats" id="id20">
<Lanes track="id2" id="id21"><Clips id="id22"><Clip time="0.0" duration="8.0" playStart="0.0"><Notes id="id23">
<Note time="0" duration="0.25" channel="0" key="65"/></Notes></Clip></Clips></Lanes>
<Lanes track="id9" id="id24"><Clips id="id25">CLIP</Clips></Lanes>
</Lanes></Arrangement><Scenes/></Project>"""

CLIP = """<Clip time="4.0" duration="DURATION" playStart="0.0" loopStart="0.0" loopEnd="LOOP" fadeTimeUnit="beats"
 fadeInTime="0.5" fadeOutTime="0.0" name="Drumfunk"><Clips id="id26"><Clip time="0.0" duration="DURATION"
 contentTimeUnit="beats" playStart="0.0" fadeTimeUnit="beats" fadeInTime="0.0" fadeOutTime="0.0">
<Warps contentTimeUnit="seconds" timeUnit="beats" id="id28"><Audio algorithm="stretch" channels="1"
 duration="2.0" sampleRate="48000" id="id27"><File path="audio/Loop.wav"/></Audio>
<Warp time="0.0" contentTime="0.0"/><Warp time="WARP" contentTime="2.0"/></Warps></Clip></Clips></Clip>"""

BEATS = 2.0 * 149 / 60
"""How long two seconds last."""


def bitwig(tmp_path: Path, duration: float = BEATS, loop: float = BEATS, warp: float = BEATS) -> Opened:
    clip = CLIP.replace("DURATION", str(duration)).replace("LOOP", str(loop)).replace("WARP", str(warp))
    (tmp_path / "elsewhere").mkdir(exist_ok=True)
    file = wav(tmp_path / "elsewhere" / "Loop.wav", 96000)
    body = BITWIG.replace("CLIP", clip)
    return read_session(made(tmp_path, body, ("audio/Loop.wav", file.path.read_bytes())))


def test_what_bitwig_writes_is_read(tmp_path: Path) -> None:
    opened = bitwig(tmp_path)
    session = opened.session
    assert (session.song.title, session.song.bpm.value, session.sample_rate) == ("x", 149.0, 48000)
    assert (session.song.meter_map[0].numerator, session.song.meter_map[0].denominator) == (3, 4)
    bass, loop = session.tracks
    assert (bass.name, bass.colour, bass.mute, bass.pan, bass.clips) == ("Bass", "#a2eabf", True, -0.5, ())
    assert bass.gain_db == pytest.approx(-6.0206, abs=1e-4)
    clip = loop.clips[0]
    at = round(4 * 60 / 149 * 48000)
    assert (loop.solo, clip.at, clip.length, clip.source_from) == (True, at, 96000, 0)
    assert clip.fade_in == round(0.5 * 60 / 149 * 48000)
    assert clip.file.frames == 96000 and clip.file.path.name == "Loop.wav"
    text = "\n".join(opened.warnings)
    assert all(word in text for word in ("notes (MIDI)", "plug-ins", "the master track", "unpacked"))
    assert "stretched" not in text and "repeats" not in text


def test_the_sample_project_of_the_authors_is_read(tmp_path: Path, shared: Path) -> None:
    readme = (shared / "material/sessions/dawproject/bitwig/README.md").read_text(encoding="utf-8")
    opened = read_session(made(tmp_path, readme.split("```xml\n")[1].split("```")[0]))
    bass, loop = opened.session.tracks
    assert (bass.name, bass.colour, loop.name, loop.colour) == ("Bass", "#a2eabf", "Drumloop", "#b53bba")
    assert loop.gain_db == pytest.approx(-15.034, abs=1e-3)
    assert (loop.clips[0].at, loop.clips[0].length) == (0, 135530)
    text = "\n".join(opened.warnings)
    assert all(word in text for word in ("notes", "plug-ins", "stretched", "Drumfunk3 170bpm.wav: is not beside"))


def test_stretched_clips_are_told(tmp_path: Path) -> None:
    stretched = bitwig(tmp_path, warp=BEATS * 1.01)
    assert any("stretched" in w for w in stretched.warnings) and stretched.session.tracks[1].clips[0].length == 96000


@pytest.mark.parametrize(("duration", "loop", "play"), [(2.0, 1.0, 0.0), (5.25, 0.75, 0.5), (0.25, 2.0, 0.5)])
def test_loops_are_unrolled(tmp_path: Path, duration: float, loop: float, play: float) -> None:
    """From the play start to the loop's end, then the loop again and again; seconds."""
    wav(tmp_path / "l.wav", 96000)
    body = LOOP.format(duration=duration, loop=loop, play=play)
    clips = read_session(made(tmp_path, body)).session.tracks[0].clips
    heard = [play * 48000 + n for n in range(int(duration * 48000))]
    heard = [n if n < loop * 48000 else 0.25 * 48000 + (n - 0.25 * 48000) % ((loop - 0.25) * 48000) for n in heard]
    assert [clip.source_from + n for clip in clips for n in range(clip.length)] == heard
    assert [clip.at for clip in clips] == [48000 + sum(c.length for c in clips[:n]) for n in range(len(clips))]
    fades = [(clip.fade_in, clip.fade_out) for clip in clips]
    assert fades[0][0] == 4800 and fades[-1][1] == 2400 and not any(a for a, _ in fades[1:])
    assert not any(b for _, b in fades[:-1])


def test_endless_loops_are_refused(tmp_path: Path) -> None:
    body = LOOP.format(duration=10_000_000, loop=0.2500001, play=0)
    with pytest.raises(SessionError, match="more than 100000 clips"):
        read_session(made(tmp_path, body))


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    wav(tmp_path / "l.wav", 96000)
    odd = '<Clip time="0" duration="1" reference="x"/><Clip time="5" duration="1" enable="false"/>'
    pan = '<Points unit="linear"><Target expression="pan"/><RealPoint time="0" value="0.5"/></Points>'
    body = LOOP.format(duration=1, loop=1, play=0).replace("</Clips>", f"{odd}</Clips>{pan}")
    said = "\n".join(read_session(made(tmp_path, body)).warnings)
    assert all(said.count(words) == 1 for words in ("aliases", "switched off", "moving gain, pan"))


LOOP = """<Project version="1.0"><Structure><Track contentType="audio" id="a" name="Audio"/></Structure>
<Arrangement><Lanes timeUnit="seconds"><Lanes track="a"><Clips>
<Clip time="1" duration="{duration}" contentTimeUnit="seconds" playStart="{play}" loopStart="0.25" loopEnd="{loop}"
 fadeTimeUnit="seconds" fadeInTime="0.1" fadeOutTime="0.05">
<Audio channels="1" duration="2.0" sampleRate="48000"><File path="l.wav" external="true"/></Audio>
</Clip></Clips></Lanes></Lanes></Arrangement></Project>"""

SECONDS = """<Project version="1.0"><Application name="Cubase" version="14"/><Structure>
<Track contentType="tracks audio" id="g" name="Group"><Channel role="submix"/>
<Track contentType="audio" id="a" name="Audio"/></Track></Structure>
<Arrangement><Lanes timeUnit="seconds"><Lanes track="a"><Clips>
<Clip time="1.5" duration="1.0" contentTimeUnit="seconds" playStart="0.25" fadeTimeUnit="seconds" fadeInTime="0.1">
<Audio channels="1" duration="2.0" sampleRate="48000"><File path="C:\\Users\\x\\Take 1.wav" external="true"/></Audio>
</Clip></Clips></Lanes>
<Lanes track="g"><Clips><Clip time="0" duration="1" contentTimeUnit="beats" playStart="0.5" ><Clips>
<Clip time="0" duration="4"><Audio channels="1" duration="2.0" sampleRate="48000"><File path="Take 1.wav"
 external="true"/></Audio></Clip></Clips></Clip></Clips></Lanes>
<Lanes track="nobody"><Clips><Clip time="-1" playStop="2.0" contentTimeUnit="seconds"><Audio channels="1" duration="2.0"
 sampleRate="48000"><File path="Take 1.wav" external="true"/></Audio></Clip></Clips></Lanes>
</Lanes>
<Markers><Marker time="2.5" name="here"/></Markers>
<TempoAutomation unit="bpm" timeUnit="seconds"><Target/><RealPoint time="0" value="60" interpolation="linear"/>
<RealPoint time="2" value="120"/></TempoAutomation></Arrangement></Project>"""


def test_lanes_in_seconds_and_files_beside(tmp_path: Path) -> None:
    wav(tmp_path / "Take 1.wav", 96000)
    opened = read_session(made(tmp_path, SECONDS))
    group, clips, audio, stray = opened.session.tracks
    assert (group.is_group, audio.group, clips.group, stray.name) == (True, "Group", "Group", "Audio (2)")
    here = audio.clips[0]
    assert (here.at, here.length, here.source_from, here.fade_in) == (72000, 48000, 12000, 4800)
    assert here.file.path == tmp_path / "Take 1.wav"
    # Half a beat of a ramp from 60 to 120 BPM in two seconds: the logarithmic mean is 86.56 BPM.
    assert clips.clips[0].source_from == pytest.approx(0.5 * 60 / 86.5617 * 48000, abs=1)
    assert (stray.clips[0].at, stray.clips[0].length, stray.clips[0].source_from) == (0, 48000, 48000)
    assert opened.session.markers == (Marker(120000, "here"),)
    assert grid(opened.session.song)[1].at == 2
    assert len(opened.warnings) == 3 and any("Take 1.wav" in warning for warning in opened.warnings)


def test_a_file_beside_counts_only_when_it_is_the_same(tmp_path: Path) -> None:
    file = wav(tmp_path / "Kick.wav", 4800)
    session = Session(song(), (Track("Kick", clips=(Clip(file, 0, 4800),)),), 48000, 4800)
    write_session("dawproject", session, tmp_path / "s")
    inside_bytes = file.path.read_bytes()
    opened = read_session(tmp_path / "s.dawproject")
    assert opened.session.tracks[0].clips[0].file.path == file.path and not opened.warnings
    file.path.write_bytes(inside_bytes[:-1] + b"\0\0"[: len(inside_bytes[-1:])])
    opened = read_session(tmp_path / "s.dawproject")
    other = opened.session.tracks[0].clips[0].file.path
    assert other != file.path and other.read_bytes() == inside_bytes and "unpacked" in opened.warnings[0]


def test_bombs_entities_and_paths_out(tmp_path: Path) -> None:
    def refused(body: str, *extra: tuple[str, bytes]) -> str:
        with pytest.raises((SessionError, InputError)) as caught:
            read_session(made(tmp_path, body, *extra))
        assert caught.value.hint
        return caught.value.message

    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    xxe = f'<!DOCTYPE Project [<!ENTITY x SYSTEM "{secret.as_uri()}">]><Project version="1.0">&x;</Project>'
    assert "DOCTYPE" in refused(xxe)
    laughs = '<!DOCTYPE P [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><Project version="&b;"/>'
    assert "DOCTYPE" in refused(laughs) or "XML" in refused(laughs)
    assert "deep" in refused("<Project>" + "<Lanes>" * 220 + "</Lanes>" * 220 + "</Project>")
    assert "XML" in refused("<Project>" + "<Lanes>" * 5000 + "</Lanes>" * 5000 + "</Project>")
    assert "5000" in refused("<Project><Structure>" + "<Track/>" * 5001 + "</Structure></Project>")
    assert "no project.xml" in refused("<Other/>")
    assert "BPM" in refused('<Project><Transport><Tempo value="1e-9"/></Transport></Project>')
    for strange in ("nan", "inf", "1e300", "x", ""):
        clip = f'<Clip time="{strange}"><Audio duration="1" channels="1" sampleRate="48000"/></Clip>'
        refused(f"<Project><Arrangement><Lanes><Clips>{clip}</Clips></Lanes></Arrangement></Project>")
    assert "10001 files" in refused("<Project/>", *((f"f{n}", b"") for n in range(10_000)))
    big = tmp_path / "big.dawproject"
    with zipfile.ZipFile(big, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("project.xml", "w") as out:
        for _ in range(70):
            out.write(b" " * (1 << 20))
    with pytest.raises(SessionError, match="70 MiB"):
        read_session(big)
    hostile = SECONDS.replace('"Take 1.wav"\n external="true"', '"../../out.wav"').replace(
        "C:\\Users\\x\\Take 1.wav", "/etc/passwd"
    )
    with pytest.raises(InputError, match="leads out"):
        read_session(made(tmp_path, hostile, ("../../out.wav", b"RIFF")))


def test_a_directory_that_lies_about_sizes(tmp_path: Path) -> None:
    path = made(tmp_path, SECONDS, ("zero", bytes(1 << 20)))
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (0xF0000000).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(SessionError, match="zip bomb"):
        read_session(path)


def test_mutations_give_house_errors_only(tmp_path: Path) -> None:
    session = full(tmp_path)
    small = wav(tmp_path / "stems" / "s.wav", 30)
    tracks = tuple(
        replace(t, clips=tuple(replace(c, file=small, source_from=0, length=30) for c in t.clips))
        for t in session.tracks
    )
    write_session("dawproject", replace(session, tracks=tracks), tmp_path / "s")
    good, target = (tmp_path / "s.dawproject").read_bytes(), tmp_path / "m.dawproject"
    values = ["-1", "1e308", "nan", "id3", "", "0", "true", "beats", "seconds", "99999999", "master", "../x"]
    odd = (
        made(tmp_path, body, ("audio/s.wav", b"RIFF"), name=target.name).read_bytes()
        for body in odd_values(etree.tostring(inside(tmp_path / "s.dawproject"), encoding="unicode"), values)
    )
    files = [*damaged(good, BYTES, most=8), *cut(good), *odd]

    def read(path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read_session(path, tmp_path / "stems")

    assert 50 < refused(files, target, read) < len(files) - 50
