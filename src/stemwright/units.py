"""Exact conversions between the units of audio and of music.

Frames are integers (samples per channel). Musical positions are `Fraction` quarter notes. Levels are dB.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

FULL_SCALE_24 = 1 << 23
"""A 24-bit sample of this value would be 0 dBFS (IEC 61606: full scale = 1.0); the largest is one less."""

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_SHARPS = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#", "Cb": "B", "Fb": "E", "E#": "F", "B#": "C"}
"""The spelling inside the model of tonics that are written otherwise."""

_GERMAN = re.compile(r"([a-h])(is|es|s)?[ _-]*(dur|moll)", re.IGNORECASE)
_GERMAN_NOTES = {"H": "B", "B": "Bb"}
_GERMAN_SIGNS = {"is": "#", "es": "b", "s": "b", "": ""}

_CLOCK = tuple(str(hour) for hour in range(1, 13))
_CLOCK_MODES = {"A": ("minor", 8), "B": ("major", 8), "M": ("minor", 1), "D": ("major", 1)}
"""Letters of the DJs' clocks, Camelot (A, B) and Open Key (m, d), and the hour at which C major stands there."""

_FLAT_MAJORS = {5, 10, 3, 8, 1}
"""Pitch classes of the major keys that are written with flats: F, Bb, Eb, Ab, Db."""


SLOWEST_BPM, FASTEST_BPM = 20.0, 400.0
"""Tempi that people state."""

FRAME_RATES = {
    "23.976": (Fraction(24000, 1001), False),
    "24": (Fraction(24), False),
    "25": (Fraction(25), False),
    "29.97": (Fraction(30000, 1001), False),
    "29.97df": (Fraction(30000, 1001), True),
    "30": (Fraction(30), False),
    "30df": (Fraction(30), True),
}
"""Timecode by its usual names: frames a second, and whether it drops numbers (SMPTE ST 12-1)."""


def db(linear: float) -> float:
    """Amplitude ratio in dB; -inf for 0."""
    return 20.0 * math.log10(linear) if linear > 0 else -math.inf


def gain(factor: float) -> float:
    """The dB of a gain, to the billionth, so that what was written as -3 dB is that again; -200 dB for silence."""
    return round(db(max(abs(factor), 1e-10)), 9)


def finite(text: str | None, default: float) -> float:
    """The finite number that a text is, or `default`."""
    try:
        value = float(text or "")
    except ValueError:
        return default
    return value if math.isfinite(value) else default


def linear(decibels: float) -> float:
    """Amplitude ratio of a level in dB; 0 for -inf."""
    return math.pow(10.0, decibels / 20.0)


def seconds(frames: int, sample_rate: int) -> Fraction:
    """Exact duration in seconds."""
    return Fraction(frames, sample_rate)


def frames(duration: Fraction | float, sample_rate: int) -> int:
    """Nearest whole frame to a time in seconds (half a frame rounds up)."""
    return math.floor(Fraction(duration) * sample_rate + Fraction(1, 2))


def rescale(frame_count: int, from_rate: int, to_rate: int) -> int:
    """The nearest frame at another sample rate (half a frame rounds up), exact in integers."""
    return (2 * frame_count * to_rate + from_rate) // (2 * from_rate)


def tamed(at: Fraction) -> Fraction:
    """A time, to 10^-24 s once its denominator has grown beyond all use: one a change of tempo, it would for ever."""
    return at if at.denominator < 10**60 else Fraction(round(at * 10**24), 10**24)


def exact_bpm(bpm: float) -> Fraction:
    """BPM as written by a human: 93.5 is 187/2, not the nearest binary float."""
    return Fraction(str(bpm))


def clock(frame_count: int, sample_rate: int) -> str:
    """A length as people read it: `3:07.250`."""
    milliseconds = frames(seconds(frame_count, sample_rate), 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes}:{rest // 1000:02d}.{rest % 1000:03d}"


def spell_frame_rate(rate: Fraction, drop: bool) -> str:
    """A frame rate as people name it: `29.97df`."""
    usual = next((name for name, known in FRAME_RATES.items() if known == (rate, drop)), "")
    return usual or f"{float(rate):.6g}{'df' * drop}"


def parse_key(text: str) -> str:
    """The house spelling of a key: `Am`, `a minor`, `Bb`, `F#min`, `8A` (Camelot), `1m` (Open Key) -> `A minor`, ...

    Names are English, but for those in `dur` and `moll`: `B-Dur` is B flat major, `h-moll` B minor.

    Raises ValueError when the text is no key.
    """
    raw = text.strip().replace("♯", "#").replace("♭", "b")
    number, letter = raw[:-1].lstrip("0"), raw[-1:].upper()
    if number in _CLOCK and letter in _CLOCK_MODES:
        mode, hours = _CLOCK_MODES[letter]
        # An hour is a fifth, and 7 semitones are their own inverse mod 12.
        major = 7 * (int(number) - hours) % 12
        return f"{PITCH_CLASSES[major if mode == 'major' else (major + 9) % 12]} {mode}"
    raw = re.sub(r"^([A-Ga-g])[ _-]?flat", r"\1b", re.sub(r"^([A-Ga-g])[ _-]?sharp", r"\1#", raw))
    if german := _GERMAN.fullmatch(raw):
        note, sign, mode = german[1].upper(), (german[2] or "").lower(), german[3]
        if sign == "s" and note not in "AE":
            raise ValueError(f"{text!r} is not a key")
        raw = f"{_GERMAN_NOTES.get(note, note)}{_GERMAN_SIGNS[sign]} {mode}"
    if not raw or raw[0].upper() not in "ABCDEFG":
        raise ValueError(f"{text!r} is not a key")
    split = 2 if raw[1:2] in ("#", "b") else 1
    tonic = raw[0].upper() + raw[1:split]
    mode_text = raw[split:].strip(" _-")
    if mode_text in ("m", "min", "mi") or mode_text.lower() in ("minor", "min", "moll"):
        mode = "minor"
    elif mode_text in ("", "M", "maj") or mode_text.lower() in ("major", "maj", "dur"):
        mode = "major"
    else:
        raise ValueError(f"{text!r} is not a key")
    return f"{_SHARPS.get(tonic, tonic)} {mode}"


def key_signature_sharps(key: str) -> int:
    """Sharps (positive) or flats (negative) of a key such as `F# minor`, -5 to +6."""
    tonic, mode = key.split()
    major = (PITCH_CLASSES.index(tonic) + (3 if mode == "minor" else 0)) % 12
    fifths = 7 * major % 12
    return fifths - 12 if major in _FLAT_MAJORS else fifths


def spell_key(key: str) -> str:
    """A key with the accidental its signature asks for: `A# major` -> `Bb major`, `D# minor` stays."""
    tonic, mode = key.split()
    if key_signature_sharps(key) < 0 and tonic.endswith("#"):
        tonic = chr((ord(tonic[0]) - ord("A") + 1) % 7 + ord("A")) + "b"
    return f"{tonic} {mode}"


def short_key(key: str) -> str:
    """`A minor` -> `Am`, `A# major` -> `Bb`."""
    tonic, mode = spell_key(key).split()
    return tonic + ("m" if mode == "minor" else "")


def camelot(key: str) -> str:
    """DJ notation: `A minor` -> `8A`, `C major` -> `8B`."""
    return _on_the_clock(key, "A", "B")


def open_key(key: str) -> str:
    """The other notation of DJs: `A minor` -> `1m`, `C major` -> `1d`."""
    return _on_the_clock(key, "M", "D").lower()


def _on_the_clock(key: str, minor: str, major: str) -> str:
    tonic, mode = key.split()
    letter = minor if mode == "minor" else major
    relative_major = PITCH_CLASSES.index(tonic) + (3 if mode == "minor" else 0)
    return f"{(7 * relative_major + _CLOCK_MODES[letter][1] - 1) % 12 + 1}{letter}"


def listed(names: Iterable[str | Path], most: int = 3) -> str:
    """`Kick, Snare and Bass`, or of more the first ones: `Kick, Snare, Bass and 18 more`; of paths their names."""
    told = [name.name if isinstance(name, Path) else name for name in names]
    shown = [*told[:most], f"{len(told) - most} more"] if len(told) > most + 1 else told
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def many(count: int, noun: str, none: str = "0") -> str:
    """`1 file`, `2 files`; `none` is the word for 0."""
    return f"{count or none} {noun}{'' if count == 1 else 's'}"
