from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from session_kit import band

from stemwright.errors import StemwrightError
from stemwright.session.arrange import arrange
from stemwright.session.formats import read_session, write_session


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    planned = arrange(band(tmp_path))
    path = write_session("otio", planned, tmp_path / "s").outputs[0].path
    opened = read_session(path)
    assert opened.warnings == () and opened.session.markers == planned.markers
    assert (opened.session.frames, opened.session.start_frame) == (planned.frames, planned.start_frame)
    audio = [t for t in planned.tracks if not t.is_group]
    found = [
        (t.name, t.mute, [(c.file, c.at, c.length, c.source_from) for c in t.clips]) for t in opened.session.tracks
    ]
    assert found == [(t.name, t.mute, [(c.file, c.at, c.length, c.source_from) for c in t.clips]) for t in audio]
    again = write_session("otio", planned, tmp_path / "t").outputs[0].path
    assert path.read_bytes() == again.read_bytes() and str(tmp_path) not in path.read_text()


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
