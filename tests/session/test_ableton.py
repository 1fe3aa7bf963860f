from __future__ import annotations

import copy
import gzip
import math
import random
from dataclasses import replace
from fractions import Fraction
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree
from session_kit import BYTES, band, damaged, moving_song, refused, song, wav

from stemwright.errors import InputError, OutputError, SessionError, UnknownName
from stemwright.model import AudioFile, AudioFormat, Clip, Estimate, Marker, MeterChange, Session, TempoChange, Track
from stemwright.session.arrange import arrange
from stemwright.session.filling.proof import prove_filled
from stemwright.session.formats import ableton, placed, read_session, write_session
from stemwright.session.formats.ableton import builder, colours, document
from stemwright.session.grid import grid, seconds_at
from stemwright.session.render import NULL_DBFS, render, residual_dbfs
from stemwright.session.verify import verify_session
from stemwright.units import frames


def studio(folder: Path, rate: int = 48000) -> Session:
    """Groups in groups, mono and stereo, offsets, gains, pan, mute, solo, fades, names that are hard to hold."""
    mono, stereo, third = (wav(folder / f"{n}.wav", 48000, c, rate) for n, c in (("A", 1), ("Bb", 2), ("Ccc", 1)))
    tracks = (
        Track("Drums", "drums", is_group=True, gain_db=-3.0, pan=0.3, colour="#ff94a6", solo=True, comment="bus"),
        Track("Inner: a/b", is_group=True, group="Drums", gain_db=1.5),
        Track(
            "Kick \"1\" '2' `3` 🥁 a/b:c <&>",
            "drums.kick",
            (Clip(mono, 1000, 20000, 500, -2.0, 300, 400), Clip(mono, 31000, 9001, 7, 3.25)),
            "Inner: a/b",
            gain_db=-6.0,
            pan=-0.4,
            colour="#ffa529",
            comment="Printed effects: plate <1/4>",
        ),
        Track("ü" * 200, clips=(Clip(stereo, 0, 40000),), group="Drums", pan=-0.25),
        Track("Alone", clips=(Clip(third, 2401, 30000, 7),), pan=1.0, solo=True),
        Track("Muted", clips=(Clip(third, 0, 30000),), mute=True),
        Track("Empty"),
    )
    markers = (Marker(0, "Key: F# minor"), Marker(5, "Intro"), Marker(24000, "Verse 🎤"), Marker(24577, "Bar 1"))
    return Session(moving_song(rate), tracks, rate, 60000, markers, notes=("First <line>", "Zweite ä"))


@pytest.fixture
def plan(tmp_path: Path) -> Session:
    return studio(tmp_path)


@pytest.fixture
def written(plan: Session, tmp_path: Path) -> Path:
    return write_session("ableton", plan, tmp_path / "Söng").outputs[0].path


def live(path: Path) -> etree._Element:
    return etree.fromstring(gzip.decompress(path.read_bytes()))


def pack(root: etree._Element | bytes, path: Path) -> Path:
    data = root if isinstance(root, bytes) else etree.tostring(root)
    path.write_bytes(gzip.compress(data))
    return path


def values(element: etree._Element, path: str) -> list[str]:
    return [found.get("Value", "") for found in element.iterfind(path)]


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_every_field_that_live_holds_survives(tmp_path: Path, rate: int) -> None:
    plan = studio(tmp_path, rate)
    made = write_session("ableton", plan, tmp_path / "S")
    path = made.outputs[0].path
    found = verify_session(path, plan)
    assert found.ok and not found.warnings and found.residual_dbfs is not None and found.residual_dbfs < NULL_DBFS
    assert {field for field, state in found.fields if state == "kept"} == ableton.EXPRESSES and not made.losses
    read = read_session(path).session
    again = write_session("ableton", read, tmp_path / "S Project/S").outputs[0].path
    assert again == path and verify_session(path, plan).ok
    assert residual_dbfs(plan, replace(read, tracks=read.tracks[:-4]), ableton.PAN_LAW) > -60, (
        "a null of silence proves nothing"
    )


def test_a_set_lies_in_a_project_of_its_own_beside_its_stems(written: Path, tmp_path: Path) -> None:
    assert written == tmp_path / "Söng Project/Söng.als" and (written.parent / "Ableton Project Info").is_dir()
    root = live(written)
    assert set(values(root, ".//FileRef/RelativePath")) == {"../A.wav", "../Bb.wav", "../Ccc.wav"}
    assert set(values(root, ".//FileRef/RelativePathType")) == {"1"} and set(values(root, ".//FileRef/Path")) == {""}
    assert not read_session(written).warnings  # found without being told where
    assert placed("ableton", written) == written


def test_the_stream_and_the_ids_are_as_live_wants_them(written: Path) -> None:
    data = written.read_bytes()
    assert data[:9] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00"  # no name, no time
    root = live(written)
    pointed = [e.get("Id") for e in root.iter("*") if e.tag.endswith(("Target", "Pointee")) and e.get("Id")]
    own = [
        *pointed,
        *(e.get("Id") for e in root.iterfind("LiveSet/Tracks/*")),
        *(e.get("Id") for e in root.iter("AudioClip")),
    ]
    assert len(set(own)) == len(own) and max(int(number or 0) for number in own) < int(
        values(root, "LiveSet/NextPointeeId")[0]
    )
    assert set(values(root, ".//PointeeId")) < set(pointed)
    for parent in root.iter("*"):  # what is in a list has an Id of its own there
        ids = [child.get("Id") for child in parent if child.get("Id")]
        assert len(set(ids)) == len(ids), parent.tag
    groups = {e.get("Id") for e in root.iterfind("LiveSet/Tracks/GroupTrack")}
    assert set(values(root, "LiveSet/Tracks/*/TrackGroupId")) == {"-1", *groups}
    for track in root.iterfind("LiveSet/Tracks/*"):
        inside = values(track, "TrackGroupId") != ["-1"]
        assert values(track, "DeviceChain/AudioOutputRouting/Target") == [
            f"AudioOut/{'GroupTrack' if inside else 'Main'}"
        ]
    assert all(len(date) <= 10 for date in values(root, ".//LastModDate"))
    slots = [len(slots) for slots in root.iterfind(".//AudioTrack/DeviceChain/*/ClipSlotList")]
    assert set(slots) == {len(root.findall("LiveSet/Scenes/Scene"))}


def test_clips_are_not_warped_and_count_in_seconds(written: Path) -> None:
    clip = next(live(written).iter("AudioClip"))
    assert values(clip, "IsWarped") == ["false"] and values(clip, "Loop/LoopOn") == ["false"]
    start, end = (float(values(clip, f"Loop/Loop{side}")[0]) for side in ("Start", "End"))
    assert (start * 48000, end * 48000) == pytest.approx((500, 20500), abs=1e-9)
    assert clip.get("Time") == values(clip, "CurrentStart")[0] and "e" not in (clip.get("Time") or "")
    assert values(clip, "Fades/IsDefaultFadeIn") == ["false"]  # else Live adds 4 ms of its own
    assert float(values(clip, "SampleVolume")[0]) == pytest.approx(10 ** (-2 / 20))


@pytest.mark.parametrize(
    ("meter", "code"),
    [((4, 4), 201), ((3, 4), 200), ((6, 8), 302), ((12, 8), 308), ((2, 2), 100), ((1, 1), 0), ((99, 16), 494)],
)
def test_metres_are_numbered_as_in_sets_of_live(
    plan: Session, tmp_path: Path, meter: tuple[int, int], code: int
) -> None:
    facts = replace(song(), meter_map=(MeterChange(Fraction(0), *meter),), downbeat_frame=0)
    path = write_session("ableton", replace(plan, song=facts), tmp_path / "m").outputs[0].path
    assert [e.get("Value") for e in live(path).iter("EnumEvent")] == [str(code)]
    read = read_session(path).session.song
    assert (read.meter_map[0].numerator, read.meter_map[0].denominator) == meter


def test_a_tempo_step_is_two_events(plan: Session, written: Path) -> None:
    events = [(float(e.get("Time", "")), float(e.get("Value", ""))) for e in live(written).iter("FloatEvent")]
    assert events[0][0] == -63072000
    points = grid(plan.song)
    assert [at for at, _ in events[1:]] == [float(p.quarters) for p in points[1:] for _ in "ab"]
    for before, (old, new), point in zip(
        points[:-1], zip(events[1::2], events[2::2], strict=True), points[1:], strict=True
    ):
        assert [old[1], new[1]] == [float(np.float32(float(p.bpm))) for p in (before, point)]


RATES = st.sampled_from([44100, 48000, 88200, 96000, 192000])
TEMPO = st.floats(20, 999).map(lambda bpm: round(bpm, 4))


@given(
    RATES,
    st.integers(0, 4 * 3600 * 96000),
    TEMPO,
    st.lists(st.tuples(st.integers(1, 4000), TEMPO), max_size=5, unique_by=lambda change: change[0]),
    st.integers(0, 400_000),
)
@example(48000, 4 * 3600 * 48000, 999.0, [(1, 20.0), (4000, 123.4567)], 24577)
def test_every_frame_is_found_again(
    rate: int, frame: int, bpm: float, changes: list[tuple[int, float]], downbeat: int
) -> None:
    tempos = tuple(TempoChange(Fraction(at), value) for at, value in sorted(changes))
    facts = song(rate, bpm=Estimate(bpm, 1.0, "user"), tempo_map=tempos, downbeat_frame=0 if bpm < 40 else downbeat)
    points = builder.live_points(facts)
    making = builder.Making(Session(facts, (), rate, 0), points, Path(), count())
    for place in (making.beat(frame), making.near_beat(frame)):
        text = builder.decimal(place)
        assert "e" not in text and frames(seconds_at(points, Fraction(float(text))), rate) == frame


def test_twelve_hundred_clips_lie_where_they_should(tmp_path: Path) -> None:
    rng = random.Random(7)
    for rate in (44100, 48000, 96000):
        file = AudioFile(tmp_path / "gone.wav", AudioFormat("wav", "pcm", 24, rate, 1), 10**9)
        starts = sorted(rng.sample(range(3600 * rate), 400))
        ends = [*starts[1:], starts[-1] + rate]
        clips = tuple(
            Clip(file, a, rng.randint(1, b - a), rng.randrange(10**8)) for a, b in zip(starts, ends, strict=True)
        )
        tempos = tuple(TempoChange(Fraction(64 * n), round(rng.uniform(40, 240), 3)) for n in range(1, 60))
        plan = Session(song(rate, tempo_map=tempos, markers=()), (Track("T", clips=clips),), rate, 1)
        read = read_session(write_session("ableton", plan, tmp_path / f"{rate}").outputs[0].path).session
        assert [(c.at, c.length, c.source_from) for c in read.tracks[0].clips] == [
            (c.at, c.length, c.source_from) for c in clips
        ]


@pytest.mark.parametrize("downbeat", [1, 190, 200, 500, 1100, 3001, 24577, 96001])
def test_a_lead_in_of_any_length_comes_back(plan: Session, tmp_path: Path, downbeat: int) -> None:
    plan = replace(plan, song=song(downbeat_frame=downbeat), markers=(Marker(downbeat, "Bar 1"),))
    path = write_session("ableton", plan, tmp_path / "l").outputs[0].path
    assert verify_session(path, plan).ok
    assert grid(read_session(path).session.song)[0].meter == grid(plan.song)[0].meter


@pytest.mark.parametrize("key", ["C major", "A minor", "F# minor", "A# major", None])
def test_the_scale_is_the_key(plan: Session, tmp_path: Path, key: str | None) -> None:
    facts = replace(plan.song, key=Estimate(key, 1.0, "user") if key else None)
    path = write_session("ableton", replace(plan, song=facts, markers=()), tmp_path / "k").outputs[0].path
    read = read_session(path).session.song.key
    assert (read.value if read else None) == key


def test_what_live_holds_only_nearly_is_rounded_and_told(plan: Session, tmp_path: Path) -> None:
    mono = plan.tracks[2].clips[0].file
    tracks = (
        Track("Loud", clips=(Clip(mono, 0, 48000),), gain_db=9.0, colour="#ff95a7"),
        Track("Both", clips=(Clip(mono, 0, 5000), Clip(mono, 4999, 5000), Clip(mono, 9999, 100)), colour="#00ff00"),
        Track("Both (2)", colour="#0000ff"),
    )
    plan = replace(plan, tracks=tracks)
    made = write_session("ableton", plan, tmp_path / "n")
    told = {(loss.field, loss.subject) for loss in made.losses if loss.field in ableton.EXPRESSES}
    assert told == {("gain", "Loud"), ("audio", "Both"), ("colours", "Both, Both (2)")}
    read = read_session(made.outputs[0].path).session
    assert [(t.name, t.colour, len(t.clips)) for t in read.tracks] == [
        ("Loud", "#ff94a6", 1), ("Both", "#1aff2f", 2), ("Both (3)", "#1aff2f", 1), ("Both (2)", "#1a2f96", 0)
    ]  # fmt: skip
    assert read.tracks[0].gain_db == pytest.approx(6.0, abs=1e-6) and verify_session(made.outputs[0].path, plan).ok
    quiet = replace(plan, tracks=tracks[1:])
    assert residual_dbfs(quiet, ableton.held(quiet), ableton.PAN_LAW) == -math.inf


def test_every_colour_of_the_palette_is_itself() -> None:
    for index, colour in enumerate(colours.PALETTE):
        assert colours.number(f"#{colour}") == index and colours.colour(index) == f"#{colour}"
        assert not colours.is_noticed(f"#{colour}")
    assert len(colours.PALETTE) == 70 and colours.colour(70) is None


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"bpm": Estimate(12.0, 1.0, "user"), "downbeat_frame": 0}, "tempo of 12 BPM"),
        ({"tempo_map": (TempoChange(Fraction(4), 1200.0),)}, "tempo of 1200 BPM"),
        ({"meter_map": (MeterChange(Fraction(0), 5, 32),), "downbeat_frame": 0}, "metre 5/32"),
        ({"meter_map": (MeterChange(Fraction(0), 100, 4),)}, "metre 100/4"),
    ],
)
def test_what_live_has_not_is_refused(plan: Session, tmp_path: Path, changes: dict[str, Any], what: str) -> None:
    with pytest.raises(SessionError, match=what):
        write_session("ableton", replace(plan, song=song(**changes)), tmp_path / "x")
    assert not (tmp_path / "x Project/x.als").exists()


def test_a_file_whose_name_no_set_can_hold_is_refused(plan: Session, tmp_path: Path) -> None:
    odd = replace(plan.tracks[2].clips[0].file, path=tmp_path / "a\x01b.wav")
    with pytest.raises(SessionError, match="cannot name"):
        write_session("ableton", replace(plan, tracks=(Track("T", clips=(Clip(odd, 0, 9),)),)), tmp_path / "x")


def test_live_pans_with_constant_power(tmp_path: Path) -> None:
    mono = wav(tmp_path / "M.wav", 400)
    for pan, left, right in ((0.0, 1, 1), (1.0, 0, math.sqrt(2)), (-0.5, math.sqrt(2) * math.cos(math.pi / 8), None)):
        plan = Session(song(), (Track("M", clips=(Clip(mono, 0, 400),), pan=pan),), 48000, 400)
        one, two = (next(render(plan, ableton.PAN_LAW))[side] for side in (0, 1))
        plain = next(render(replace(plan, tracks=(replace(plan.tracks[0], pan=0.0),))))[0]
        assert np.allclose(one, left * plain, atol=1e-12)
        assert np.allclose(one**2 + two**2, 2 * plain**2) and (right is None or np.allclose(two, right * plain))


LIVE_11 = """<Ableton MajorVersion="5" MinorVersion="11.0_11300" Creator="Ableton Live 11.3.13"><LiveSet>
<NextPointeeId Value="900"/><Tracks>
<GroupTrack Id="17"><Name><EffectiveName Value="1 Drums"/><UserName Value="# Drums"/></Name><Color Value="21"/>
<TrackGroupId Value="-1"/></GroupTrack>
<MidiTrack Id="2"/>
<AudioTrack Id="16"><Name><EffectiveName Value="2-loop"/><UserName Value=""/></Name><Color Value="99"/>
<TrackGroupId Value="17"/><DeviceChain><Mixer><Speaker><Manual Value="false"/></Speaker><SoloSink Value="true"/>
<Volume><Manual Value="0.5"/></Volume><Pan><Manual Value="-0.25"/></Pan></Mixer><MainSequencer><Sample>
<ArrangerAutomation><Events>CLIP</Events></ArrangerAutomation></Sample></MainSequencer></DeviceChain></AudioTrack>
</Tracks>
<MasterTrack><AutomationEnvelopes><Envelopes>
<AutomationEnvelope Id="1"><EnvelopeTarget><PointeeId Value="8"/></EnvelopeTarget><Automation><Events>
TEMPO</Events></Automation></AutomationEnvelope>
<AutomationEnvelope Id="0"><EnvelopeTarget><PointeeId Value="10"/></EnvelopeTarget><Automation><Events>
<EnumEvent Id="0" Time="-63072000" Value="302"/></Events></Automation></AutomationEnvelope>
</Envelopes></AutomationEnvelopes><DeviceChain><Mixer>
<Tempo><Manual Value="33"/><AutomationTarget Id="8"/></Tempo>
<TimeSignature><Manual Value="201"/><AutomationTarget Id="10"/></TimeSignature></Mixer></DeviceChain></MasterTrack>
<ScaleInformation><RootNote Value="1"/><Name Value="Minor"/></ScaleInformation><InKey Value="true"/>
<Locators><Locators>LOCATORS</Locators></Locators><Annotation Value="one&#10;two"/></LiveSet></Ableton>"""

CLIP = """<AudioClip Id="0" Time="8">
<CurrentStart Value="8"/><CurrentEnd Value="CURRENTEND"/><Loop><LoopStart Value="0"/>
<LoopEnd Value="16"/><StartRelative Value="2"/><LoopOn Value="LOOPED"/></Loop><Disabled Value="false"/>
<IsWarped Value="true"/><SampleRef><FileRef><RelativePathType Value="3"/>
<RelativePath Value="Samples/Imported/loop.wav"/><Path Value="C:/x/loop.wav"/></FileRef>
<DefaultDuration Value="400000"/><DefaultSampleRate Value="44100"/></SampleRef>
<Fades><FadeInLength Value="1"/><FadeOutLength Value="0"/></Fades><SampleVolume Value="2"/>
<WarpMarkers><WarpMarker Id="0" SecTime="0" BeatTime="0"/><WarpMarker Id="1" SecTime="SECONDS" BeatTime="16"/>
</WarpMarkers></AudioClip>"""


def old_set(path: Path, **changes: str) -> Path:
    text = LIVE_11.replace("CLIP", CLIP)
    facts = {"TEMPO": '<FloatEvent Id="0" Time="-63072000" Value="120"/>', "CURRENTEND": "12", "LOOPED": "true"}
    for name, value in ({"SECONDS": "8", "LOCATORS": ""} | facts | changes).items():
        text = text.replace(name, value)
    return pack(text.encode(), path)


def test_a_set_of_live_11_is_read(tmp_path: Path) -> None:
    opened = read_session(old_set(tmp_path / "Old.als"))
    read = opened.session
    group, track = read.tracks
    assert (group.name, group.is_group, group.colour) == ("1 Drums", True, "#19e9ff")
    assert (track.name, track.group, track.mute, track.solo, track.pan) == ("2-loop", "1 Drums", True, True, -0.25)
    assert track.gain_db == pytest.approx(-6.0206, abs=1e-4) and track.colour is None
    assert read.song.bpm and read.song.bpm.value == 120 and read.song.meter_map[0].denominator == 8
    assert read.song.key and read.song.key.value == "C# minor" and read.notes == ("one", "two")
    (clip,) = track.clips  # warped, at its own speed
    assert (clip.at, clip.length, clip.source_from, clip.fade_in) == (4 * 44100, 2 * 44100, 44100, 22050)
    assert read.sample_rate == 44100 and clip.gain_db == pytest.approx(6.0206, abs=1e-4)
    assert opened.warnings == ("MIDI tracks are not read", "loop.wav: is not beside the session")


def test_a_stretched_or_repeating_clip_is_told(tmp_path: Path) -> None:
    slow = read_session(old_set(tmp_path / "a.als", SECONDS="9"))
    assert any("stretched" in warning for warning in slow.warnings)
    assert slow.session.tracks[1].clips[0].source_from == frames(Fraction(2 * 9, 16), 44100)
    again = read_session(old_set(tmp_path / "b.als", CURRENTEND="40"))
    assert any("repeats" in warning for warning in again.warnings)
    assert again.session.tracks[1].clips[0].length == 7 * 44100  # once to the end of the loop


def test_what_changes_the_sound_is_told(tmp_path: Path) -> None:
    path = old_set(tmp_path / "Old.als")
    root = etree.fromstring(gzip.decompress(path.read_bytes()))
    track = next(root.iter("AudioTrack"))

    def add(parent: Any, way: str, **value: str) -> None:
        for tag in way.split("/"):
            found = parent.find(tag)
            parent = etree.SubElement(parent, tag) if found is None else found
        parent.attrib.update(value)

    add(track, "DeviceChain/DeviceChain/Devices/Eq8")
    add(track, "DeviceChain/Mixer/Sends/TrackSendHolder/Send/Manual", Value="0.5")
    add(track, "TrackDelay/Value", Value="10")
    add(track, "DeviceChain/MainSequencer/ClipSlotList/ClipSlot/ClipSlot/Value/AudioClip")
    add(track, "AutomationEnvelopes/Envelopes/AutomationEnvelope")
    add(next(track.iter("Events")).find("AudioClip"), "Envelopes/Envelopes/ClipEnvelope")
    add(root, "LiveSet/MasterTrack/DeviceChain/DeviceChain/Devices/Limiter")
    add(root, "LiveSet/MasterTrack/DeviceChain/Mixer/Volume/Manual", Value="0.5")
    pack(etree.tostring(root), path)
    said = read_session(path).warnings
    for words in ("devices are", "sends", "delays", "session clips", "automation", "envelopes of clips"):
        assert sum(words in line and "2-loop" in line for line in said) == 1, words
    assert sum("main track" in line for line in said) == 2


def test_tempo_ramps_take_as_long_as_in_live(tmp_path: Path) -> None:
    """Times of locators from dawtool's test of a set that Live saved: 60 BPM, to 120 and 200 BPM in straight lines."""
    events = ((-63072000, 60), (4, 60), (8, 120), (12, 200))
    tempo = "".join(f'<FloatEvent Id="{n}" Time="{at}" Value="{bpm}"/>' for n, (at, bpm) in enumerate(events))
    expected = {
        0: 0.0,
        4: 4.0,
        6: 5.6218604324326575,
        8: 6.772588722239782,
        10: 7.635634939595124,
        14: 8.905065593537753,
    }
    places = "".join(f'<Locator Id="{at}"><Time Value="{at}"/><Name Value="{at}"/></Locator>' for at in expected)
    opened = read_session(old_set(tmp_path / "r.als", TEMPO=tempo, LOCATORS=places))
    assert "tempo ramps are read as steps that take as long" in opened.warnings
    for marker, seconds in zip(opened.session.markers, expected.values(), strict=True):
        assert abs(marker.at - seconds * 44100) <= 0.51


def template(tmp_path: Path) -> Path:
    """Somebody's set: tracks of his own, a device that we do not know, quotes and line ends that we would not write."""
    tracks = (
        Track("MIX BUS", is_group=True),
        Track("KICK", group="MIX BUS", gain_db=-4.0),
        Track("Lead Vox"),
        Track("Gtr"),
    )
    facts = song(bpm=Estimate(100.0, 1.0, "user"), downbeat_frame=0)
    mine = replace(arrange(band(tmp_path)), song=facts, tracks=tracks, markers=(), notes=())
    path = write_session("ableton", mine, tmp_path / "Mine").outputs[0].path
    text = gzip.decompress(path.read_bytes()).decode()
    text = text.replace("<Devices/>", "<Devices><MyPlugin  Id='0' ><Blob>00 ff &amp; ä</Blob></MyPlugin></Devices>", 1)
    path.write_bytes(
        gzip.compress(("<?xml version='1.0' encoding='UTF-8'?>\r\n<!-- mine -->" + text.split("?>", 1)[1]).encode())
    )
    return path


def test_a_template_is_filled_and_nothing_else_is_touched(tmp_path: Path) -> None:
    mine, plan = template(tmp_path), arrange(band(tmp_path))
    out = tmp_path / "Filled Project/Filled.als"
    told = ableton.fill(mine, plan, out, {"Bass": "Gtr"})
    assert told.placed == (("Kick 🥁", "KICK"), ("Lead 'Vox' \"A\"", "Lead Vox"), ("Bass", "Gtr"))
    assert told.unmatched.keys() == {"x" * 200, "FullMix"} and not told.unfilled and "100 BPM" in told.warnings[0]
    before, after = (gzip.decompress(path.read_bytes()) for path in (mine, out))
    root = etree.fromstring(after)
    clips = list(root.iter("AudioClip"))
    old = int(values(etree.fromstring(before), "LiveSet/NextPointeeId")[0])
    assert [int(clip.get("Id", "")) for clip in clips] == [old, old + 1, old + 2]
    assert values(root, "LiveSet/NextPointeeId") == [str(old + 3)]
    for clip in clips:
        text = etree.tostring(clip, encoding="ascii", with_tail=False)
        assert after.count(text) == 1
        after = after.replace(b"<Events>" + text + b"</Events>", b"<Events/>")
    assert after.replace(b'<NextPointeeId Value="%d"' % (old + 3), b'<NextPointeeId Value="%d"' % old) == before
    read = read_session(out, tmp_path).session
    planned = {track.name: track.clips for track in plan.tracks}
    assert [(t.name, [(c.at, c.length, c.source_from) for c in t.clips]) for t in read.tracks if t.clips] == [
        (track, [(c.at, c.length, c.source_from) for c in planned[stem]]) for stem, track in told.placed
    ]
    taken = ableton.fill(out, plan, tmp_path / "Again.als", {})
    assert not taken.placed, "tracks that hold clips are not free"
    with pytest.raises(SessionError, match="holds a clip already where FullMix would lie"):
        ableton.fill(out, plan, tmp_path / "Again.als", {"FullMix": "KICK"})
    with pytest.raises(UnknownName, match="no track 'MIX BUS'"):
        ableton.fill(mine, plan, out, {"Bass": "MIX BUS"})


def test_a_template_of_live_11_gets_clips_of_live_11(tmp_path: Path) -> None:
    root = live(template(tmp_path))
    root.set("MinorVersion", "11.0_11300")
    mine, out = pack(root, tmp_path / "11.als"), tmp_path / "out.als"
    assert ableton.fill(mine, arrange(band(tmp_path)), out, {}).placed
    assert next(live(out).iter("AudioClip"))[-1].tag == "IsSongTempoMaster"
    root.set("MinorVersion", "10.0_377")
    with pytest.raises(SessionError, match="no set of Live 11"):
        ableton.fill(pack(root, mine), arrange(band(tmp_path)), out, {})


def test_nothing_but_a_clear_error_for_what_is_no_set(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, data in {
        "empty": b"",
        "plain": b"<Ableton/>",
        "other": gzip.compress(b"<Project/>"),
        "none": gzip.compress(b"<Ableton><LiveSet/></Ableton>"),
        "cut": written.read_bytes()[:500],
        "doctype": gzip.compress(b'<!DOCTYPE a [<!ENTITY x "y">]><Ableton>&x;</Ableton>'),
        "deep": gzip.compress(b"<a>" * 5000 + b"</a>" * 5000),
        "tempo": gzip.compress(
            gzip.decompress(written.read_bytes()).replace(b'Time="-63072000"', b'Time="0" Value="0" X=""', 1)
        ),
    }.items():
        path = tmp_path / f"{name}.als"
        path.write_bytes(data)
        with pytest.raises((SessionError, InputError)) as caught:
            read_session(path)
        assert caught.value.hint, name
    monkeypatch.setattr(document, "_MOST_XML", 1 << 20)
    bomb = pack(b"<Ableton>" + b" " * (64 << 20) + b"</Ableton>", tmp_path / "bomb.als")
    assert bomb.stat().st_size < 100_000
    with pytest.raises(SessionError, match="too large"):
        read_session(bomb)
    monkeypatch.setattr(document, "_MOST_TAGS", 1000)
    with pytest.raises(SessionError, match="too large"):
        read_session(pack(b"<a>" + b"<b/>" * 1000 + b"</a>", tmp_path / "tags.als"))


def test_mutations_give_sessions_or_clear_errors(written: Path, tmp_path: Path) -> None:
    """Of the stream, of the bytes of the XML, and of its values and elements."""
    xml, root, rng = gzip.decompress(written.read_bytes()), live(written), random.Random(11)
    words = ["", "\t", "-1", "nan", "inf", "1e400", "-63072000", "1e308", "0.5", "9" * 20, "ä", "true", "../../x"]

    def odd_set() -> bytes:
        made = copy.deepcopy(root)
        elements = [e for e in made.iter("*") if e.getparent() is not None and not e.tag.startswith("ViewState")]
        for element in rng.sample(elements, 6):
            if element.get("Value") is not None or rng.random() < 0.3:
                element.set(rng.choice(["Value", "Id", "Time"]), rng.choice(words))
            elif (parent := element.getparent()) is not None:
                parent.remove(element)
        for element in rng.sample(list(made.iter("AudioClip", "FloatEvent", "EnumEvent", "WarpMarker")), 2):
            for name in element.attrib:
                element.set(name, rng.choice(words))
            rng.choice(list(element.iter("*"))).set("Value", rng.choice(words))
        return etree.tostring(made)

    torn = islice(damaged(xml, [b"", *map(rng.randbytes, (1, 2, 3))], most=4), 130)
    files = [*islice(damaged(written.read_bytes(), BYTES, most=1), 130)]
    files += [gzip.compress(data) for data in (*torn, *(odd_set() for _ in range(130)))]
    assert 130 < refused(files, tmp_path / "m.als") < 390


def test_another_reader_sees_tracks_clips_and_locators(written: Path, plan: Session) -> None:
    reader = pytest.importorskip("logic2ableton.ableton_parser")
    found = reader.parse_ableton_project(written)
    points = builder.live_points(plan.song)
    making = builder.Making(plan, points, Path(), count())
    tracks = {track.name: track for track in plan.tracks}
    for track in found.audio_tracks:
        clips = tracks[track.name].clips
        assert [c.start_beats for c in track.clips] == [float(making.beat(c.at)) for c in clips]
        assert [c.end_beats for c in track.clips] == [float(making.beat(c.end)) for c in clips]
        assert [c.source_in_seconds for c in track.clips] == pytest.approx([c.source_from / 48000 for c in clips])
        assert not any(c.is_warped or c.is_disabled for c in track.clips)
    assert [t.name for t in found.audio_tracks] == [t.name for t in plan.tracks if not t.is_group]
    assert [locator.name for locator in found.locators] == [marker.name for marker in plan.markers]


def test_a_filled_template_with_audio_of_another_rate_is_proved(tmp_path: Path) -> None:
    rest = [wav(tmp_path / f"{name}.wav", 4410, 1, 44100) for name in "abc"]
    tracks = (*(Track(file.path.stem, clips=(Clip(file, 0, 4410),)) for file in rest), Track("Bass"))
    mine = write_session("ableton", Session(song(44100), tracks, 44100, 4410), tmp_path / "Mine").outputs[0].path
    root = live(mine)
    root.set("Creator", "Ableton Live 12.1")
    plan, out = arrange(band(tmp_path)), tmp_path / "Filled.als"
    told = ableton.fill(pack(root, mine), plan, out, {})
    assert ("Bass", "Bass") in told.placed and read_session(out).session.sample_rate == 44100
    assert ("audio", "kept") in prove_filled(out, plan, told).fields
    late = replace(
        plan, tracks=tuple(replace(t, clips=tuple(replace(c, at=c.at + 9) for c in t.clips)) for t in plan.tracks)
    )
    with pytest.raises(OutputError, match="Bass on Bass"):
        prove_filled(out, late, told)
