"""A session is rendered as its host would play it; every rule has its negative control."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from session_kit import wav

from stemwright.audio.stream import read_all
from stemwright.errors import NotFoundInput, SessionError
from stemwright.model import AudioFile, Clip, Session, Song, Track
from stemwright.session import render as rendering
from stemwright.session.formats.ardour import PAN_LAW
from stemwright.session.render import balance, render, residual_dbfs

RATE = 48_000
QUIET = rendering.Law(lambda pan, channels: balance.pan(pan, channels) * (10 ** (-3 / 20) if channels == 1 else 1))
"""Mono 3 dB down in the centre."""
FADER_DB = 20 * math.log10(0.5)


def session(*tracks: Track, frames: int = 6000) -> Session:
    return Session(Song("S", RATE), tracks, RATE, frames)


def whole(made: Session, law: rendering.Law = balance) -> np.ndarray:
    return np.concatenate(list(render(made, law)), axis=1)


def clip(file: AudioFile, at: int = 0, **changes: object) -> Clip:
    return replace(Clip(file, at, file.frames), **changes)


@pytest.fixture
def mono(tmp_path: Path) -> AudioFile:
    return wav(tmp_path / "Mono.wav")


@pytest.fixture
def stereo(tmp_path: Path) -> AudioFile:
    return wav(tmp_path / "Stereo.wav", 5000, 2)


def test_the_sum_at_unity_is_the_plain_sum_to_the_bit(mono: AudioFile, stereo: AudioFile) -> None:
    made = whole(session(Track("M", clips=(clip(mono, 100),)), Track("S", clips=(clip(stereo),))))
    expected = np.zeros((2, 6000))
    expected[:, 100:4900] += read_all(mono)
    expected[:, :5000] += read_all(stereo)
    assert (made == expected).all() and np.abs(made).max() > 1  # nothing is clipped


def test_trim_offset_and_what_reaches_out_of_file_or_timeline(stereo: AudioFile) -> None:
    samples = read_all(stereo)
    part = whole(session(Track("S", clips=(clip(stereo, 300, length=1000, source_from=2000),))))
    assert (part[:, 300:1300] == samples[:, 2000:3000]).all() and not part[:, 1300:].any() and not part[:, :300].any()
    longer = whole(session(Track("S", clips=(clip(stereo, 500, length=9000, source_from=4000),))))
    assert (longer[:, 500:1500] == samples[:, 4000:]).all() and not longer[:, 1500:].any()
    early = whole(session(Track("S", clips=(clip(stereo, -700),)), frames=2000))
    assert (early == samples[:, 700:2700]).all()
    before = whole(session(Track("S", clips=(clip(stereo, 0, length=1000, source_from=-100),))))
    assert not before[:, :100].any() and (before[:, 100:1000] == samples[:, :900]).all()


@pytest.mark.parametrize("block", [1, 7, 999, 6000])
def test_blocks_make_no_difference(
    mono: AudioFile, stereo: AudioFile, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracks = (
        Track("A", clips=(clip(mono, 13, fade_in=50, fade_out=70), clip(mono, 700, source_from=9, length=333))),
        Track("B", clips=(clip(stereo, 998), clip(stereo, -5, length=2001))),
    )
    made = session(*tracks, frames=1500 if block == 1 else 6000)
    expected = whole(made)
    monkeypatch.setattr(rendering, "FRAMES", block)
    assert (whole(made) == expected).all()


def test_fades_are_linear_and_meet_the_ends(mono: AudioFile) -> None:
    samples = read_all(mono).astype(float)
    made = whole(session(Track("M", clips=(clip(mono, fade_in=400, fade_out=200),)), frames=4800))
    expected = samples * np.minimum(1, np.arange(4800) / 400) * np.minimum(1, np.arange(4800, 0, -1) / 200)
    assert np.allclose(made, expected, rtol=0, atol=1e-15)
    crossed = whole(session(Track("M", clips=(clip(mono, length=100, fade_in=80, fade_out=80),)), frames=100))
    assert crossed[0, 50] == pytest.approx(samples[0, 50] * 50 / 80 * 50 / 80)


@pytest.mark.parametrize("frames", [1, 2, 3, 400])
def test_ardours_fades_reach_their_ends_inside(mono: AudioFile, frames: int) -> None:
    """As Ardour 7.3 plays them: a fade-in over one frame is silent there, a fade-out over one is none."""
    samples = read_all(mono).astype(float)
    made = whole(session(Track("M", clips=(clip(mono, fade_in=frames, fade_out=frames),)), frames=4800), PAN_LAW)
    samples[:, :frames] *= np.linspace(0, 1, frames)
    samples[:, -frames:] *= np.linspace(1, 0, frames)
    assert np.allclose(made, samples, rtol=0, atol=1e-12)


def test_ardour_adds_fades_that_cross(mono: AudioFile) -> None:
    made = whole(session(Track("M", clips=(clip(mono, length=100, fade_in=80, fade_out=60),)), frames=100), PAN_LAW)
    rise, fall = np.ones(100), np.ones(100)
    rise[:80], fall[40:] = np.linspace(0, 1, 80), np.linspace(1, 0, 60)
    expected = np.where((np.arange(100) >= 40) & (np.arange(100) < 80), rise + fall, rise * fall)
    assert np.allclose(made, read_all(mono)[:, :100] * expected, rtol=0, atol=1e-12)


def test_gain_pan_mute_and_solo(mono: AudioFile, stereo: AudioFile) -> None:
    m, s = read_all(mono)[0].astype(float), read_all(stereo).astype(float)
    a = Track("A", clips=(clip(mono, gain_db=FADER_DB),), gain_db=FADER_DB, pan=-0.5)
    b = Track("B", clips=(clip(stereo),), pan=0.25)
    made = whole(session(a, b))
    assert np.allclose(made[0, :4800], 0.25 * m + 0.75 * s[0, :4800])
    assert np.allclose(made[1, :4800], 0.125 * m + s[1, :4800])
    assert (whole(session(replace(a, mute=True), b)) == whole(session(b))).all()
    assert (whole(session(a, replace(b, solo=True))) == whole(session(b))).all()
    assert not whole(session(a, replace(b, solo=True, mute=True))).any()


def test_groups_sum_in_stereo_and_nest(mono: AudioFile, stereo: AudioFile) -> None:
    top = Track("Top", is_group=True, gain_db=FADER_DB, pan=1.0)
    inner = Track("Inner", is_group=True, group="Top", gain_db=FADER_DB)
    kick = Track("Kick", clips=(clip(mono),), group="Inner", pan=-0.5)
    other = Track("Other", clips=(clip(stereo),))
    made = whole(session(top, inner, kick, other)) - whole(session(other))
    assert np.allclose(made[1, :4800], 0.125 * read_all(mono)[0]) and not made[0].any()
    assert (whole(session(replace(top, mute=True), inner, kick, other)) == whole(session(other))).all()
    soloed = whole(session(top, replace(inner, solo=True), kick, other))
    assert (soloed == whole(session(top, inner, kick))).all()


@pytest.mark.parametrize(
    "groups",
    [
        (Track("A", is_group=True, group="B"), Track("B", is_group=True, group="A")),
        (Track("A", is_group=True, group="A"),),
        (Track("A", is_group=True, group="gone"),),
    ],
)
def test_groups_in_a_circle_or_missing_are_an_error(groups: tuple[Track, ...], mono: AudioFile) -> None:
    with pytest.raises(SessionError, match="group"):
        whole(session(*groups, Track("T", clips=(clip(mono),), group="A")))


def test_the_law_is_a_balance() -> None:
    assert (balance.pan(0.0, 2) == np.eye(2)).all() and (balance.pan(0.5, 2) == np.diag([0.5, 1])).all()
    assert (balance.pan(0.0, 1) == 1).all() and (balance.pan(-0.25, 1)[:, 0] == [1, 0.75]).all()


@given(st.floats(-1, 1))
def test_the_law_is_not_louder_than_unity_and_symmetric(pan: float) -> None:
    for channels in (1, 2):
        gains = balance.pan(pan, channels)
        assert gains.shape == (2, channels) and (gains >= -1e-12).all() and (gains <= 1 + 1e-12).all()
        assert np.allclose(gains, balance.pan(-pan, channels)[::-1, ::-1])


def test_the_null_test_bites(mono: AudioFile, stereo: AudioFile) -> None:
    tracks = (Track("M", clips=(clip(mono),)), Track("S", clips=(clip(stereo, 64),)))
    one = session(*tracks)
    assert residual_dbfs(one, one) == -math.inf
    peak = np.abs(read_all(mono)).max()
    wrong_law = np.abs(whole(one, QUIET) - whole(one, balance)).max()
    assert wrong_law == pytest.approx(peak * (1 - 10 ** (-3 / 20)), rel=1e-6)  # -10.7 dBFS, not "small"
    shifted = session(tracks[0], replace(tracks[1], clips=(clip(stereo, 65),)))
    assert residual_dbfs(one, shifted) > -6
    louder = session(replace(tracks[0], gain_db=0.001), tracks[1])
    assert -80 < residual_dbfs(one, louder) < -75
    longer = session(*tracks, Track("Late", clips=(clip(mono, 6500),)), frames=12_000)
    assert residual_dbfs(one, longer) > -1


def test_media_that_cannot_be_played(mono: AudioFile, tmp_path: Path) -> None:
    gone = replace(mono, path=tmp_path / "gone.wav")
    with pytest.raises(NotFoundInput):
        whole(session(Track("M", clips=(clip(gone),))))
    with pytest.raises(SessionError, match="44100 Hz in a session of 48000 Hz"):
        whole(session(Track("M", clips=(clip(wav(tmp_path / "Cd.wav", rate=44_100)),))))
