"""The key of synthesised progressions in all 24 keys, off pitch, with drums, and of what has none."""

from __future__ import annotations

import numpy as np
import pytest
from band import RATE, clicks, drum, put, song

from stemwright.measure.key import estimate_key
from stemwright.units import PITCH_CLASSES

KEYS = [(tonic, minor) for minor in (False, True) for tonic in range(12)]


@pytest.mark.parametrize("cents", [0, 40, -40])
def test_all_24_keys_of_a_band_in_any_tuning(cents: float) -> None:
    found = [estimate_key(song(110, 18, tonic=tonic, minor=minor, cents=cents), RATE) for tonic, minor in KEYS]
    wanted = [f"{PITCH_CLASSES[tonic]} {'minor' if minor else 'major'}" for tonic, minor in KEYS]
    assert [key.estimate.value if key else None for key in found] == wanted
    assert min(key.estimate.confidence for key in found if key) > 0.6
    assert [key.tuning_cents for key in found if key] == [pytest.approx(cents, abs=6)] * 24


def test_the_runners_up_are_two_other_keys() -> None:
    found = estimate_key(song(110, 18, tonic=9, minor=True, drums=False), RATE)
    assert found is not None
    key = found.estimate
    assert (key.value, key.source, found.changes) == ("A minor", "measured", ())
    assert len({key.value, *key.alternatives}) == 3


def test_level_does_not_matter() -> None:
    audio = song(110, 18, tonic=2)
    assert estimate_key(audio, RATE) == estimate_key(audio * np.float32(2**-9), RATE)


def test_what_is_not_tonal_has_no_key() -> None:
    noise = np.random.default_rng(1).standard_normal(20 * RATE).astype(np.float32)
    kicks = clicks(np.arange(0, 20, 0.5), 20, "kick")
    nothing = [np.zeros(0, np.float32), np.zeros(5 * RATE, np.float32), np.full(5 * RATE, np.nan, np.float32)]
    nothing += [song(110, 0.9), noise, noise[: 2 * RATE], kicks]
    assert [estimate_key(audio, RATE) for audio in nothing] == [None] * len(nothing)


def test_nan_samples_count_as_silence() -> None:
    audio = song(110, 18, tonic=5)
    audio[100:200] = np.nan
    key = estimate_key(audio, RATE)
    assert key is not None
    assert key.estimate.value == "F major"


def test_drums_alone_are_not_trusted() -> None:
    audio = np.zeros(20 * RATE, np.float32)
    for beat in range(40):
        put(audio, beat / 2, drum("snare" if beat % 2 else "kick"))
        put(audio, beat / 2 + 0.25, drum("hat"))
    key = estimate_key(audio, RATE)
    assert key is None or key.estimate.confidence < 0.4
