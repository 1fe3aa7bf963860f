"""The stems against the mix: one fault, two faults, none, on synthetic and real stems; and what is no fault."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from songs import Sounds, band, measured, mixed, part, real, shifted, slowed, told, total

from stemwright import audit

SECONDS = {"midi_daybreak": 10, "ghostpines30": 18, "mdn_boas": 12, "lmms_saber-finalstep": 10}


@pytest.fixture(scope="module", params=("synthetic", *SECONDS))
def song(request: pytest.FixtureRequest) -> tuple[Sounds, int]:
    """Stems and their rate."""
    if request.param == "synthetic":
        return band(8), 48_000
    shared = request.getfixturevalue("shared")
    stems = real(shared / "material/music" / request.param, SECONDS[request.param])
    loudest = sorted(stems, key=lambda name: -np.square(stems[name]).sum())[:5]
    return {name: stems[name] for name in loudest}, 48_000 if request.param == "ghostpines30" else 44_100


def loud(sounds: Sounds) -> list[str]:
    """Names, the loudest first."""
    return sorted(sounds, key=lambda name: -np.square(sounds[name]).sum())


def test_the_sum_is_the_mix(song: tuple[Sounds, int], tmp_path: Path) -> None:
    sounds, rate = song
    stems = measured(tmp_path, sounds, 0.5 * total(sounds), rate=rate)
    made = mixed(stems)
    assert made.residual_db < -100
    assert made.gain == pytest.approx(0.5, abs=1e-6)
    assert all(one.gain == pytest.approx(0.5, abs=1e-6) and one.certain for one in made.parts)
    assert told(stems) == set()


@pytest.mark.parametrize("fault", ["inverted", "louder", "absent", "late", "early", "one frame", "slow", "exchanged"])
def test_one_fault_is_found_and_nothing_else(song: tuple[Sounds, int], fault: str, tmp_path: Path) -> None:
    sounds, rate = song
    name = loud(sounds)[2]
    sound, mix = sounds[name], 0.5 * total(sounds)
    changed, rule = {
        "inverted": (-sound, "MIX005"),
        "louder": (1.06 * sound, "MIX004"),
        "absent": (sound, "MIX002"),
        "late": (shifted(sound, 480), "MIX006"),
        "early": (shifted(sound, -4321), "MIX006"),
        "one frame": (shifted(sound, 1), "MIX006"),
        "slow": (slowed(sound, 100), "MIX007"),
        "exchanged": (sound[::-1], "CHN006"),
    }[fault]
    if fault == "exchanged" and np.square(sound[0] - sound[1]).sum() < 1e-3 * np.square(sound).sum():
        pytest.skip("this stem is mono")
    if fault == "absent":
        mix = mix - 0.5 * sound
    stems = measured(tmp_path, {**sounds, name: changed}, mix, rate=rate)
    assert told(stems) == {(rule, name)}
    found = part(stems, name)
    lag = {"late": -480, "early": 4321, "one frame": -1}.get(fault)
    assert found.lag == (pytest.approx(lag, abs=0.25) if lag else found.lag)
    assert found.drift_ppm == (pytest.approx(-100, abs=1) if fault == "slow" else None)
    gain = {"inverted": -0.5, "louder": 0.5 / 1.06, "absent": 0}.get(fault, 0.5)
    assert found.gain == pytest.approx(gain, abs=1e-3 if fault != "slow" else 0.1)


@pytest.mark.parametrize(
    "faults", [("inverted", "late"), ("late", "late"), ("slow", "inverted"), ("late", "absent"), ("slow", "slow")]
)
def test_two_faults_do_not_hide_each_other(song: tuple[Sounds, int], faults: tuple[str, str], tmp_path: Path) -> None:
    sounds, rate = song
    first, second = loud(sounds)[0], loud(sounds)[3]
    changed, mix, expected = dict(sounds), 0.5 * total(sounds), set()
    for name, fault, lag in ((first, faults[0], 1000), (second, faults[1], -770)):
        if fault == "inverted":
            changed[name] = -sounds[name]
        elif fault == "late":
            changed[name] = shifted(sounds[name], lag)
        elif fault == "slow":
            changed[name] = slowed(sounds[name], lag / 10)
        else:
            mix = mix - 0.5 * sounds[name]
        rule = {"inverted": "MIX005", "late": "MIX006", "slow": "MIX007", "absent": "MIX002"}[fault]
        expected.add((rule, name))
    assert told(measured(tmp_path, changed, mix, rate=rate)) == expected


def test_a_missing_stem_is_one_error(song: tuple[Sounds, int], tmp_path: Path) -> None:
    sounds, rate = song
    left = {name: sound for name, sound in sounds.items() if name != loud(sounds)[1]}
    ((rule, file),) = told(measured(tmp_path, left, 0.5 * total(sounds), rate=rate))
    assert rule in ("MIX001", "MIX003")  # MIX003 where it rests somewhere
    assert file == "FullMix"


@pytest.mark.parametrize("chain", ["compressor", "equaliser", "widener", "saturator", "mastering"])
def test_a_master_bus_is_one_info(song: tuple[Sounds, int], chain: str, tmp_path: Path) -> None:
    from pedalboard import Compressor, Gain, HighShelfFilter, Limiter, LowShelfFilter, PeakFilter, Pedalboard

    sounds, rate = song
    mix = total(sounds)
    mix *= 0.8 / np.abs(mix).max()
    plugins = {
        "compressor": [Compressor(-18, 2, 10, 100)],
        "equaliser": [LowShelfFilter(120, 2), PeakFilter(3000, -1.5, 1), HighShelfFilter(8000, 3)],
        "mastering": [
            LowShelfFilter(120, 2),
            HighShelfFilter(8000, 3),
            Compressor(-18, 2, 10, 100),
            Gain(4),
            Limiter(-1),
        ],
    }.get(chain, [])
    processed = Pedalboard(plugins)(mix.astype(np.float32), rate).astype(float)
    if chain == "widener":
        processed = processed + 0.3 * (processed - processed[::-1])
    if chain == "saturator":
        processed = np.tanh(1.5 * processed) / 1.5
    processed *= min(1, 0.95 / np.abs(processed).max())
    stems = measured(tmp_path, sounds, processed, rate=rate)
    assert told(stems) == {("MIX008", "FullMix")}
    worst = loud(sounds)[1]
    (tmp_path / "inverted").mkdir()
    stems = measured(tmp_path / "inverted", {**sounds, worst: -sounds[worst]}, processed, rate=rate)
    assert told(stems) == {("MIX008", "FullMix"), ("MIX005", worst)}


@pytest.mark.parametrize("name", ["FullMix.mp3", "FullMix.ogg"])
def test_a_lossy_mix_is_no_fault_but_shows_one(song: tuple[Sounds, int], name: str, tmp_path: Path) -> None:
    sounds, rate = song
    if "Part0" in sounds:
        pytest.skip("noise is no music, and codecs leave little of it")
    mix = 0.8 * total(sounds)
    assert told(measured(tmp_path, sounds, mix, name, rate=rate)) == set()
    first, second = loud(sounds)[:2]
    faulty = {**sounds, first: -sounds[first], second: shifted(sounds[second], 777)}
    assert told(measured(tmp_path, faulty, mix, name, rate=rate)) == {("MIX005", first), ("MIX006", second)}


def test_missing_returns_are_told_from_missing_stems(song: tuple[Sounds, int], tmp_path: Path) -> None:
    from pedalboard import Pedalboard, Reverb

    sounds, rate = song
    mix = 0.5 * total(sounds)
    wet = Pedalboard([Reverb(0.7, 0.5, wet_level=0.3, dry_level=0, width=1)])(mix.astype(np.float32), rate)
    assert told(measured(tmp_path, sounds, mix + 0.5 * wet, rate=rate)) == {("MIX009", "FullMix")}


def test_faders_of_their_own_are_one_finding(song: tuple[Sounds, int], tmp_path: Path) -> None:
    sounds, rate = song
    gains = np.linspace(0.3, 0.9, len(sounds))
    mix = np.sum([gain * sound for gain, sound in zip(gains, sounds.values(), strict=True)], axis=0)
    stems = measured(tmp_path, sounds, mix, rate=rate)
    assert told(stems) == {("MIX001", "FullMix")}
    assert [one.gain for one in mixed(stems).parts] == pytest.approx(gains.tolist(), abs=1e-4)


def test_the_whole_mix_may_be_late_or_slow(song: tuple[Sounds, int], tmp_path: Path) -> None:
    sounds, rate = song
    mix, first = 0.5 * total(sounds), loud(sounds)[0]
    stems = measured(tmp_path, {**sounds, first: -sounds[first]}, np.pad(mix, ((0, 0), (1105, 0))), rate=rate)
    assert told(stems) == {("TIM008", "FullMix"), ("MIX005", first)}
    assert mixed(stems).lag == pytest.approx(1105, abs=0.25)
    stems = measured(tmp_path, sounds, slowed(mix, 50), rate=rate)
    assert told(stems) == {("MIX007", "FullMix")}
    assert mixed(stems).drift_ppm == pytest.approx(50, abs=1)


def test_mono_stems_may_be_panned_and_are_still_checked(song: tuple[Sounds, int], tmp_path: Path) -> None:
    sounds, rate = song
    names = loud(sounds)[:4]
    mono = {**sounds, **{name: sounds[name].mean(axis=0, keepdims=True) for name in names}}
    pans = dict(zip(names, ((1, 1), (0.7, 0.7), (1, 0.2), (0, 1)), strict=True))
    mix = 0.5 * np.sum([np.array(pans.get(n, (1, 1)))[:, None] * x for n, x in mono.items()], axis=0)
    assert told(measured(tmp_path, mono, mix, rate=rate)) == set()
    faulty = {**mono, names[1]: -mono[names[1]], names[3]: shifted(mono[names[3]], 300)}
    assert told(measured(tmp_path, faulty, mix, rate=rate)) == {("MIX005", names[1]), ("MIX006", names[3])}


def test_bleeding_stems_are_told_apart(song: tuple[Sounds, int], tmp_path: Path) -> None:
    sounds, rate = song
    everything = total(sounds)
    bleeding = {name: sound + 0.1 * (everything - sound) for name, sound in sounds.items()}
    mix, first = 0.5 * total(bleeding), loud(sounds)[0]
    assert told(measured(tmp_path, bleeding, mix, rate=rate)) == set()
    assert told(measured(tmp_path, {**bleeding, first: -bleeding[first]}, mix, rate=rate)) == {("MIX005", first)}


def test_doubles_are_not_judged_and_a_copy_is_one_finding(song: tuple[Sounds, int], tmp_path: Path) -> None:
    sounds, rate = song
    first = loud(sounds)[0]
    stems = measured(tmp_path, {**sounds, "ZCopy": sounds[first]}, 0.5 * total(sounds), rate=rate)
    assert told(stems) == {("SET009", "ZCopy")}
    assert not part(stems, first).certain
    assert all(one.certain for one in mixed(stems).parts if one.path.stem not in (first, "ZCopy"))
    assert mixed(stems).condition > 1e6


@pytest.mark.parametrize("frames", [2, 5, 8, -3, 20])
def test_a_loud_low_stem_a_few_frames_off_is_steady_and_not_drifting(shared: Path, tmp_path: Path, frames: int) -> None:
    sounds = real(shared / "material/music/ghostpines30", 12)
    moved = {**sounds, "BassDrums30": shifted(sounds["BassDrums30"], frames)}
    stems = measured(tmp_path, moved, 0.5 * total(sounds))
    assert told(stems) == {("MIX006", "BassDrums30")}
    assert part(stems, "BassDrums30").lag == pytest.approx(-frames, abs=0.25)


def test_a_frame_late_beside_a_stem_that_is_not_in_the_mix(shared: Path, tmp_path: Path) -> None:
    sounds = real(shared / "material/music/ghostpines30", 12)
    mix = 0.5 * (total(sounds) - sounds["BassDrums30"])
    stems = measured(tmp_path, {**sounds, "Vocals30": shifted(sounds["Vocals30"], 1)}, mix)
    assert told(stems) == {("MIX006", "Vocals30"), ("MIX002", "BassDrums30")}


@pytest.mark.parametrize("offset", [0.003, 0.05])
def test_a_dc_offset_of_one_stem_is_nothing_against_the_mix(tmp_path: Path, offset: float) -> None:
    sounds = band(6)
    stems = measured(tmp_path, {**sounds, "Part0": sounds["Part0"] + offset}, 0.5 * total(sounds))
    assert told(stems) == set()
    assert mixed(stems).residual_db < -100


@pytest.mark.parametrize("seed", range(4))
def test_stems_of_a_second_are_found_where_they_are(tmp_path: Path, seed: int) -> None:
    rng, sounds = np.random.default_rng(seed), band(1.6, 5)
    lags = {"Part1": int(rng.choice([1, 4, 11, 6000])), "Part4": -int(rng.choice([2, 7, 480, 9600]))}
    stems = measured(tmp_path, {**sounds, **{n: shifted(sounds[n], lag) for n, lag in lags.items()}}, total(sounds))
    assert told(stems) == {("MIX006", name) for name in lags}
    assert {name: round(part(stems, name).lag or 0) for name in lags} == {name: -lag for name, lag in lags.items()}


def test_a_short_stem_a_few_frames_late_is_no_drift_of_the_mix(tmp_path: Path) -> None:
    rng, at = np.random.default_rng(3), np.arange(96_000) / 48_000
    sounds = {}
    for name, hertz, start in (("Kick", 60, 24_000), ("Bass", 110, 38_400), ("Vox", 310, 48_000)):
        tones = sum(np.sin(2 * np.pi * hertz * n * at) / n for n in range(1, 6)) + 0.1 * rng.standard_normal(
            (2, 96_000)
        )
        sounds[name] = 0.2 * tones * ((at * 48_000 >= start) & (at * 48_000 < start + 24_000))
    for frames in (3, 12):
        folder = tmp_path / str(frames)
        folder.mkdir()
        stems = measured(folder, {**sounds, "Vox": shifted(sounds["Vox"], frames)}, 0.5 * total(sounds))
        assert told(stems) == {("MIX006", "Vox")}


def test_a_dc_offset_of_a_file_shorter_than_the_set_is_no_sound(tmp_path: Path) -> None:
    sounds = band(6)
    sounds["Part0"] = np.concatenate((sounds["Part0"][:, :100_000], np.zeros((2, 188_000))), axis=1)
    mix = 0.5 * total(sounds)
    stems = measured(tmp_path, {**sounds, "Part0": sounds["Part0"][:, :100_000] + 0.05}, mix)
    assert told(stems) == set()
    assert mixed(stems).residual_db < -100


def test_a_mix_of_nothing_but_a_dc_offset_is_not_solved(tmp_path: Path) -> None:
    sounds = band(2)
    stems = measured(tmp_path, sounds, np.full((2, 96_000), 0.1))
    assert stems.across is not None
    assert stems.across.mixdown is None
    assert told(stems) == set()


def test_a_stem_of_nothing_but_a_dc_offset_is_not_judged_against_the_mix(tmp_path: Path) -> None:
    sounds = band(2)
    stems = measured(tmp_path, {**sounds, "Noise": np.full((2, 96_000), 0.1)}, total(sounds))
    assert not part(stems, "Noise").certain
    assert told(stems) == set()


@pytest.mark.parametrize(("seconds", "lag"), [(3, 40_000), (3, -50_000), (14, 400_000)])
def test_a_stem_seconds_away_is_found_there(tmp_path: Path, seconds: int, lag: int) -> None:
    sounds = band(seconds)
    stems = measured(tmp_path, {**sounds, "Part2": shifted(sounds["Part2"], lag)}, 0.5 * total(sounds))
    assert told(stems) == {("MIX006", "Part2")}
    assert part(stems, "Part2").lag == pytest.approx(-lag, abs=0.25)
    assert part(stems, "Part2").gain == pytest.approx(0.5, abs=1e-3)


def test_a_mix_with_two_seconds_before_it_is_late_and_holds_all_stems(tmp_path: Path) -> None:
    sounds = band(6)
    mix = np.pad(0.5 * total(sounds), ((0, 0), (96_000, 0)))
    stems = measured(tmp_path, {**sounds, "Part1": -sounds["Part1"]}, mix)
    assert told(stems) == {("TIM008", "FullMix"), ("MIX005", "Part1")}
    assert mixed(stems).lag == pytest.approx(96_000, abs=0.25)


def low_notes(hertz: float, seconds: float, seed: int) -> np.ndarray:
    """Plucked notes with five harmonics, some left out."""
    rng, frames = np.random.default_rng(seed), round(seconds * 48_000)
    made = np.zeros((2, frames))
    for at in range(0, frames, 12_000):
        t = np.arange(min(11_000, frames - at)) / 48_000
        pitch = hertz * 2 ** (rng.integers(0, 12) / 12)
        note = sum(np.sin(2 * np.pi * pitch * n * t) / n**1.5 for n in range(1, 6)) * np.exp(-4 * t)
        made[:, at : at + len(t)] = 0.1 * note * np.minimum(1, (len(t) - np.arange(len(t))) / 400)
    return made


@pytest.mark.parametrize(("seconds", "ppm"), [(1.5, -150), (2, 200), (4, -150)])
def test_a_bass_that_drifts_in_a_short_song_is_not_late(tmp_path: Path, seconds: float, ppm: float) -> None:
    sounds = {**band(seconds, 3), "Bass": low_notes(41.2, seconds, 1)}
    stems = measured(tmp_path, {**sounds, "Bass": slowed(sounds["Bass"], ppm)}, 0.5 * total(sounds))
    assert told(stems) == {("MIX007", "Bass")}
    assert part(stems, "Bass").drift_ppm == pytest.approx(-ppm, rel=0.1)


def test_a_stem_of_other_sound_is_left_open_and_no_error(tmp_path: Path) -> None:
    """Nobody can tell whether the part was replaced, or another one is missing and this one was not wanted."""
    sounds = band(8)
    sounds["Part1"][:, :100_000] = sounds["Part1"][:, -100_000:] = 0
    other = sounds["Part1"][:, ::-1].copy()
    stems = measured(tmp_path, {**sounds, "Part1": other}, 0.5 * total(sounds))
    assert {(f.rule, f.verdict) for f in audit.audit(stems, select=("MIX",))} == {
        ("MIX001", "fail"),
        ("MIX002", "undetermined"),
    }
    assert stems.across is not None
    exact = replace(stems.across, mixdown=replace(mixed(stems), best_db=-60.0))  # as where the other sound pauses
    found = audit.audit(replace(stems, across=exact), select=("MIX",))
    assert {(f.rule, f.verdict, f.severity) for f in found} == {
        ("MIX002", "undetermined", "info"),
        ("MIX003", "undetermined", "info"),
    }
