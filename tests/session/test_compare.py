"""Every field is compared, and only what the format expresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from session_kit import band, moving_song

from stemwright.model import Estimate, Session, Track
from stemwright.session.arrange import arrange
from stemwright.session.compare import differences
from stemwright.session.fields import FIELDS

ALL = frozenset(FIELDS)
Change = Callable[[Session], Session]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Session:
    song = moving_song()
    made = arrange(band(tmp_path_factory.mktemp("stems"), tempo_map=song.tempo_map, meter_map=song.meter_map))
    return replace(made, start_frame=3600 * 48_000)


def song(**changes: Any) -> Change:
    return lambda made: replace(made, song=replace(made.song, **changes))


def track(name: str, /, **changes: Any) -> Change:
    def change(made: Session) -> Session:
        assert any(t.name == name for t in made.tracks)
        return replace(made, tracks=tuple(replace(t, **changes) if t.name == name else t for t in made.tracks))

    return change


def clip(name: str, /, **changes: Any) -> Change:
    def change(made: Session) -> Session:
        clips = next(t for t in made.tracks if t.name == name).clips
        return track(name, clips=(replace(clips[0], **changes),))(made)

    return change


def marker(number: int, **changes: Any) -> Change:
    def change(made: Session) -> Session:
        markers = list(made.markers)
        markers[number] = replace(markers[number], **changes)
        return replace(made, markers=tuple(markers))

    return change


CHANGES: list[tuple[str, Change]] = [
    ("tempo_map", song(bpm=Estimate(93.51, 1.0, "session"))),
    ("tempo_map", song(downbeat_frame=24_700)),
    ("tempo_map", song(tempo_map=())),
    ("meter", lambda made: song(meter_map=made.song.meter_map[:1])(made)),
    ("key", song(key=Estimate("A minor", 1.0, "session"))),
    ("key", song(key=None)),
    ("markers", marker(-1, at=60_001)),
    ("markers", marker(-1, name="Sol")),
    ("markers", lambda made: replace(made, markers=made.markers[:-1])),
    ("regions", marker(-2, length=9601)),
    ("marker_colours", marker(-2, colour="#ff8001")),
    ("groups", track("Kick 🥁", group=None)),
    ("groups", track("DRUMS", is_group=False)),
    ("colours", track("Bass", colour="#010203")),
    ("gain", track("Bass", gain_db=0.002)),
    ("pan", track("Bass", pan=-0.01)),
    ("mute", track("FullMix", mute=False)),
    ("solo", track("Bass", solo=True)),
    ("comments", track("Bass", comment="x")),
    ("notes", lambda made: replace(made, notes=made.notes[1:])),
    ("start_timecode", lambda made: replace(made, start_frame=made.start_frame + 1600)),
    ("clip_gain", clip("Kick 🥁", gain_db=3.002)),
    ("fades", clip("Bass", fade_in=1)),
    ("audio", clip("Bass", at=1)),
    ("audio", clip("Bass", length=4800)),
    ("audio", clip("Bass", source_from=1)),
    ("audio", track("Bass", clips=())),
    ("tracks", track("Bass", name="Base")),
    ("tracks", lambda made: replace(made, tracks=made.tracks[::-1])),
    ("tracks", lambda made: replace(made, tracks=(*made.tracks, Track("Bass")))),
    ("sample_rate", lambda made: replace(made, sample_rate=44_100)),
]


def test_nothing_differs_from_itself(plan: Session) -> None:
    assert differences(plan, plan, ALL) == ()


@pytest.mark.parametrize(("field", "change"), CHANGES)
def test_every_change_is_found_in_its_field_and_only_there(field: str, change: Change, plan: Session) -> None:
    found = differences(plan, change(plan), ALL)
    assert field in {difference.field for difference in found}
    assert {difference.field for difference in found} <= {field, "tracks", "groups"} | (
        {"tempo_map", "meter"} if field in ("tempo_map", "meter") else set()
    )
    assert all(difference.subject and difference.planned != difference.found for difference in found)


@pytest.mark.parametrize(("field", "change"), CHANGES)
def test_what_a_format_has_no_place_for_is_not_compared(field: str, change: Change, plan: Session) -> None:
    if field in FIELDS:
        assert not [d for d in differences(plan, change(plan), ALL - {field}) if d.field == field]


def test_rounding_that_nobody_hears_is_none(plan: Session) -> None:
    for change in (
        track("Bass", gain_db=0.0009),
        track("Bass", pan=0.0009),
        clip("Kick 🥁", gain_db=3.0009),
        song(bpm=Estimate(93.50003, 1.0, "session")),
        lambda made: replace(made, start_frame=made.start_frame + 1599),
    ):
        assert differences(plan, change(plan), ALL) == ()


def test_a_format_without_audio_counts_in_ticks(plan: Session) -> None:
    guide = frozenset({"tempo", "tempo_map", "meter", "key", "markers", "notes"})
    assert differences(plan, replace(marker(-1, at=60_095)(plan), tracks=()), guide) == ()
    assert [d.field for d in differences(plan, marker(-1, at=60_097)(plan), guide)] == ["markers"]
    other = replace(plan, sample_rate=96_000, start_frame=2 * plan.start_frame)
    doubled = tuple(replace(m, at=2 * m.at, length=2 * m.length) for m in plan.markers)
    assert differences(plan, replace(other, markers=doubled), guide) == ()
    flat = tuple(replace(m, length=0) for m in plan.markers)  # MIDI makes a marker of a region
    assert differences(plan, replace(plan, markers=flat), guide) == ()


def test_groups_may_be_missing_where_there_is_no_place_for_them(plan: Session) -> None:
    flat = replace(plan, tracks=tuple(replace(t, group=None) for t in plan.tracks if not t.is_group))
    assert differences(plan, flat, ALL - {"groups"}) == ()
    assert {d.field for d in differences(plan, flat, ALL)} == {"tracks", "groups"}


def test_the_tempo_is_where_beats_fall_not_how_changes_are_written(plan: Session) -> None:
    """One more point of the same tempo changes nothing; a change a beat late does."""
    again = plan.song.tempo_map[0]
    same = (again, replace(again, at=again.at + 5), *plan.song.tempo_map[1:])
    assert differences(plan, song(tempo_map=same)(plan), ALL) == ()
    late = (replace(again, at=again.at + Fraction(1)), *plan.song.tempo_map[1:])
    assert [d.field for d in differences(plan, song(tempo_map=late)(plan), ALL)] == ["tempo_map"]


def test_a_difference_reads_as_one_line(plan: Session) -> None:
    (found,) = differences(plan, track("Bass", gain_db=-6.0)(plan), ALL)
    assert str(found) == "gain: Bass: planned 0.000 dB, found -6.000 dB"
