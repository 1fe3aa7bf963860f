from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import hostile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from session_kit import band

from stemwright.errors import StemwrightError
from stemwright.naming import one_line
from stemwright.session.arrange import arrange
from stemwright.session.compare import differences
from stemwright.session.fields import FIELDS
from stemwright.session.formats import read_session, write_session


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    planned = arrange(band(tmp_path))
    path = write_session("otio", planned, tmp_path / "s").outputs[0].path
    opened = read_session(path)
    assert opened.warnings == () and opened.session.markers == planned.markers
    assert (opened.session.frames, opened.session.start_frame) == (planned.frames, planned.start_frame)
    assert opened.session.tracks == planned.tracks and differences(planned, opened.session, frozenset(FIELDS)) == ()


def test_the_library_itself_reads_it(tmp_path: Path) -> None:
    otio = pytest.importorskip("opentimelineio")
    planned = arrange(band(tmp_path))
    path = write_session("otio", planned, tmp_path / "s").outputs[0].path
    timeline = otio.adapters.read_from_file(str(path))
    assert [t.name for t in timeline.audio_tracks()] == [t.name for t in planned.tracks if not t.is_group]
    assert len({t.duration().value for t in timeline.tracks}) == 1
    snare = next(t for t in timeline.audio_tracks() if t.name.startswith("xxx"))
    clip = snare.find_clips()[0]
    assert clip.range_in_parent().start_time == otio.opentime.RationalTime(2401, 48000)
    assert clip.duration().value == 4000 and clip.media_reference.target_url == "Snare.wav"
    assert [m.name for m in timeline.tracks.markers] == [m.name for m in planned.markers]
    assert not timeline.audio_tracks()[0].enabled and timeline.global_start_time.value == 3600 * 48000


def test_a_clip_that_begins_inside_its_file_and_one_whose_file_is_gone(tmp_path: Path) -> None:
    planned = arrange(band(tmp_path))
    cut = replace(planned.tracks[0], clips=(replace(planned.tracks[0].clips[0], at=50, source_from=100, length=300),))
    path = write_session("otio", replace(planned, tracks=(cut,)), tmp_path / "s").outputs[0].path
    clip = read_session(path).session.tracks[0].clips[0]
    assert (clip.at, clip.source_from, clip.length) == (50, 100, 300)
    (tmp_path / "Mix.wav").unlink()
    opened = read_session(path)
    assert "Mix.wav" in opened.warnings[0] and opened.session.tracks[0].clips[0].length == 300


def test_what_no_host_reads_is_read_back_and_told(tmp_path: Path) -> None:
    planned = hostile.plan(tmp_path, count=20)
    silent = replace(planned.tracks[-1], gain_db=-math.inf)
    odd = replace(planned, tracks=(*planned.tracks[:-1], silent))
    made = write_session("otio", odd, tmp_path / "s")
    json.loads(made.outputs[0].path.read_text(), parse_constant=pytest.fail)  # JSON knows no Infinity
    read = read_session(made.outputs[0].path).session
    assert read.tracks[-1].gain_db == -200.0
    held = replace(read, tracks=(*read.tracks[:-1], replace(read.tracks[-1], gain_db=-math.inf)))
    assert differences(odd, held, frozenset(FIELDS)) == ()
    assert [(t.name, t.role) for t in read.tracks] == [(one_line(t.name), t.role) for t in odd.tracks]
    assert (read.song.downbeat_frame, read.song.artist) == (odd.song.downbeat_frame, odd.song.artist)
    (told,) = [loss for loss in made.losses if "no other program" in loss.reason]
    for words in ("tempo changes", "the key", "track gain", "group tracks", "fades"):
        assert words in told.subject


def test_what_others_write_and_is_not_read_is_told(tmp_path: Path) -> None:
    path = write_session("otio", arrange(band(tmp_path)), tmp_path / "s").outputs[0].path
    top = json.loads(path.read_text())
    video, *tracks = top["tracks"]["children"]
    video["kind"] = "Video"
    for track in tracks:
        clip = next(c for c in track["children"] if c["OTIO_SCHEMA"] == "Clip.2")
        clip |= {"effects": [{"OTIO_SCHEMA": "LinearTimeWarp.1"}], "enabled": track is not tracks[0]}
        track["children"].append({"OTIO_SCHEMA": "Transition.1"})
        track |= {"markers": [1], "source_range": clip["source_range"]}
    path.write_text(json.dumps(top))
    opened = read_session(path)
    assert [len(t.clips) for t in opened.session.tracks if not t.is_group][:2] == [0, 1]
    said = "\n".join(opened.warnings)
    for words in ("kinds than audio", "speed", "transitions", "switched off", "markers of tracks", "read whole"):
        assert said.count(words) == 1


@settings(deadline=None)
@given(data=st.data())
def test_no_bytes_make_it_stumble(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("otio")
    good = write_session("otio", arrange(band(folder)), folder / "s").outputs[0].path
    tree = json.loads(good.read_text())
    place = tree
    for _ in range(data.draw(st.integers(1, 7))):
        keys = list(place) if isinstance(place, dict) else list(range(len(place))) if isinstance(place, list) else []
        if not keys:
            break
        parent, key = place, data.draw(st.sampled_from(keys))
        place = place[key]
    parent[key] = data.draw(st.none() | st.integers() | st.text(max_size=3) | st.floats() | st.just([]) | st.just({}))
    good.write_text(json.dumps(tree))
    try:
        read_session(good)
    except StemwrightError as error:
        assert error.hint
