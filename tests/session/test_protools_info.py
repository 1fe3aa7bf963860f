"""Pro Tools' session text as the open session: real exports of every kind, read by hand beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stemwright import audit
from stemwright.errors import NotFoundInput, SessionError
from stemwright.model import DawSession, DawTrack, Plugin
from stemwright.session.protools_info import read_info, told

FIRST = {  # export -> tracks, first clip of MX WT (at, length) in frames, when they are told and how exactly
    "Robin Hood Spotting2": (17, (384_384, 26_322_296), 2002),  # feet and frames
    "Robin Hood Spotting4": (17, (384_384, 26_322_316), 21),  # feet, frames and hundredths
    "Robin Hood Spotting5": (17, (384_384, 26_322_325), 17),  # timecode with sub-frames
    "Robin Hood Spotting6": (17, (384_384, 26_322_325), 1602),  # timecode
    "Robin Hood SpottingDF": (17, (384_384, 26_322_325), 1602),  # drop frame
    "Robin Hood SpottingMS": (17, (384_384, 26_322_325), 48_000),  # minutes and seconds
    "Robin Hood SpottingMSS": (17, (384_384, 26_322_325), 48),  # and milliseconds
    "Robin Hood Spottingsamples": (17, (384_384, 26_322_325), 0),
}


def real(shared: Path, name: str) -> DawSession:
    (path,) = (shared / "material/sessions/protools/ptulsconv/tests/export_cases").rglob(f"{name}.txt")
    return read_info(path)


def track(session: DawSession, name: str) -> DawTrack:
    return next(track for track in session.tracks if track.name == name)


@pytest.mark.parametrize("name", FIRST)
def test_every_time_format(shared: Path, name: str) -> None:
    session = real(shared, name)
    count, (at, length), off = FIRST[name]
    assert (session.name, session.sample_rate, session.bits) == ("Robin Hood Spotting", 48_000, 24)
    assert len(session.tracks) == count and {one.kind for one in session.tracks} == {"audio"}
    music = track(session, "MX WT")
    (clip,) = music.clips
    assert (music.channels, clip.name) == (2, "RobinHood.1-01.L")
    assert abs(clip.at - at) <= off and abs(clip.length - length) <= 2 * off
    assert session.markers is not None and [marker.at for marker in session.markers] == [0]


def test_the_one_with_a_list_of_clips_names_their_files(shared: Path) -> None:
    session = real(shared, "Robin Hood Spotting")
    assert len(session.tracks) == 14  # of 17: the others were hidden on export
    assert session.plugins == () and all(clip.file is None for one in session.tracks for clip in one.clips)


def test_states_and_plug_ins(shared: Path) -> None:
    five, six = real(shared, "Robin Hood Spotting5"), real(shared, "Robin Hood Spotting6")
    assert five.plugins == (Plugin("ReVibe II", False), Plugin("EQuality", False))
    states = {one.name: (one.muted, one.soloed, one.inactive) for one in five.tracks}
    assert states["Robin"] == (False, True, False) and states["Will"] == (True, False, False)
    assert states["John"] == (False, False, True) and states["Much"] == (True, True, False)
    assert track(five, "Will").plugins == (Plugin("EQuality (mono)"),)
    assert track(six, "Marian").plugins == (Plugin("Channel Strip (mono)"), Plugin("ReVibe II (mono/5.1)"))
    assert track(six, "Guy").inactive and track(six, "Guy").muted
    assert track(real(shared, "Robin Hood SpottingDF"), "Robin").plugins is None  # exported without


def test_what_is_wrong_with_the_real_ones(shared: Path) -> None:
    """By hand: three soloed, eleven tracks in pieces, one late and short; plug-ins on three; three out of the mix."""
    found: dict[str, set[str]] = {}
    for one in audit.audit(real(shared, "Robin Hood Spotting6")):
        found.setdefault(one.rule, set()).add(str(one.subject or ""))
    assert {code: names for code, names in found.items() if code != "SES003"} == {
        "SES004": {"Soldier 2"},
        "SES005": {"Soldier 2"},
        "SES006": {"Marian", "John", "Much"},
        "SES009": {""},
        "SES010": {"Butcher", "Guy", "John"},
    }
    named = {one.rule: one for one in audit.audit(real(shared, "Tag Tests"))}
    assert [str(one.subject) for one in audit.audit(real(shared, "Tag Tests")) if one.rule == "SES008"] == [
        *("Audio 1", "Audio 5", "Audio 6", "Audio 7", "Audio 8")
    ]
    assert "SES013" not in named and named["SES003"].message.startswith("is not consolidated")
    assert audit.audit(real(shared, "Test for ptulsconv"))[0].message == "is not consolidated: 2 clips"


TEXT = """SESSION NAME:\tSong
SAMPLE RATE:\t44100.000000
BIT DEPTH:\t32-bit float
SESSION START TIMECODE:\t00:00:00:00
TIMECODE FORMAT:\t25 Frame
# OF AUDIO TRACKS:\t1


O N L I N E  C L I P S  I N  S E S S I O N
CLIP NAME       \tSource File
Vox\tVox.wav


O F F L I N E  C L I P S  I N  S E S S I O N
CLIP NAME       \tSource File
Lost\tLost.wav


P L U G - I N S  L I S T I N G
MANUFACTURER\tPLUG-IN NAME\tVERSION\tFORMAT\tSTEMS\tNUMBER OF INSTANCES
Avid\tPOW-r Dither\t1.0\tAAX Native\tStereo / Stereo\t1 inactive
Avid\tMaxim\t1.0\tAAX Native\tStereo / Stereo\t1 active


T R A C K  L I S T I N G
TRACK NAME:\tVox
COMMENTS:\t
USER DELAY:\t0 Samples
STATE: Hidden
PLUG-INS:\x20
CHANNEL \tEVENT   \tCLIP NAME\tSTART TIME\tEND TIME\tDURATION\tSTATE
1\t1\tVox\t0\t1000\t1000\tUnmuted
1\t2\t(fade out)\t1000\t1010\t10\tUnmuted
1\t3\tLost\t2000\t2100\t100\tMuted


TRACK NAME:\tMaster 1 (Stereo)
COMMENTS:\t
USER DELAY:\t0 Samples
STATE:\x20
PLUG-INS: \tMaxim (stereo)\tPOW-r Dither (stereo)
CHANNEL \tEVENT   \tCLIP NAME\tSTART TIME\tEND TIME\tDURATION\tSTATE


TRACK NAME:\tReverb (Stereo)
COMMENTS:\t
USER DELAY:\t0 Samples
STATE:\x20
PLUG-INS: \tReVibe II (stereo)
CHANNEL \tEVENT   \tCLIP NAME\tSTART TIME\tEND TIME\tDURATION\tSTATE
"""


def test_a_master_offline_clips_fades_and_float() -> None:
    session = told(TEXT)
    assert (session.sample_rate, session.bits, session.markers) == (44_100, 32, None)
    assert [(one.name, one.kind, one.channels) for one in session.tracks] == [
        *(("Vox", "audio", 1), ("Master 1", "master", 2), ("Reverb", "other", 2))
    ]
    vox = session.tracks[0]
    assert [(clip.name, clip.missing, clip.muted) for clip in vox.clips] == [
        ("Vox", False, False),
        ("Lost", True, True),
    ]
    assert vox.hidden and [clip.file for clip in vox.clips] == [Path("Vox.wav"), None]
    assert session.plugins == (Plugin("POW-r Dither", True), Plugin("Maxim", False))
    rules = [(one.rule, str(one.subject or "")) for one in audit.audit(session)]
    expected = [
        *(("SES012", "Vox"), ("SES007", "Master 1"), ("SES014", "Master 1")),
        *(("SES006", "Reverb"), ("SES010", "Vox"), ("SES011", "Vox")),
    ]
    assert rules == expected


@pytest.mark.parametrize(
    "bad", ["", "no session", TEXT.replace("44100.0", "fast"), TEXT.replace("\t1000\t1000", "\t3|1|0\t")]
)
def test_what_is_no_session_text(bad: str) -> None:
    with pytest.raises(SessionError, match="is no session text of Pro Tools") as error:
        told(bad)
    assert "Session Info as Text" in error.value.hint


NAMES = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12)
CLIPS = st.lists(st.tuples(st.integers(0, 1 << 33), st.integers(1, 1 << 33), st.booleans()), max_size=4)


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a busy machine the first names take a second
@given(
    st.lists(st.tuples(NAMES, CLIPS, st.integers(1, 2)), max_size=4),
    st.lists(st.tuples(st.integers(0, 1 << 33), NAMES)),
)
def test_what_is_written_in_samples_is_read(tracks: list[Any], markers: list[tuple[int, str]]) -> None:
    lines = TEXT[: TEXT.index("TRACK NAME")].splitlines()
    for name, clips, channels in tracks:
        lines += [f"TRACK NAME:\t{name}{' (Stereo)' if channels == 2 else ''}", "COMMENTS:\t", "STATE: ", "CHANNEL \t"]
        for channel in range(1, channels + 1):
            for number, (at, length, muted) in enumerate(clips, 1):
                cells = (
                    channel,
                    number,
                    "clip",
                    f"  {at}",
                    f"  {at + length}",
                    length,
                    "Muted" if muted else "Unmuted",
                )
                lines.append("\t".join(map(str, cells)))
        lines += ["", ""]
    lines += ["M A R K E R S  L I S T I N G", "#"]
    lines += [f"{number}\t{at}\t{at}\tSamples\t{name}\t" for number, (at, name) in enumerate(markers, 1)]
    made = told("\n".join(lines))
    assert [(one.name, one.channels or 1) for one in made.tracks] == [(name, n) for name, _, n in tracks]
    assert [[(c.at, c.length, c.muted) for c in one.clips] for one in made.tracks] == [clips for _, clips, _ in tracks]
    assert made.markers is not None and [(marker.at, marker.name) for marker in made.markers] == markers


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundInput):
        read_info(tmp_path / "x.txt")


def test_a_session_without_tracks() -> None:
    assert told(TEXT[: TEXT.index("T R A C K")]).tracks == ()
