"""Where the parts of a song begin, and which of them are alike: few and sure, on bar lines, or none.

For every bar line three contrasts of the bars before with those after: of their mean pitch classes and of their mean
spectrum (Foote 2000: the checkerboard kernel of a self-similarity matrix of squared distances is this contrast of
means), and how far the repetition of chords breaks there (a lag of the self-similarity, as in Goto 2006). Dynamic
programming chooses the bar lines, with a price for parts that are no multiple of four bars long. Parts are named by
what can be heard, A, B, A2, never verse or chorus.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stemwright.measure.beats import Beat, beats
from stemwright.measure.harmony import pitch_classes
from stemwright.measure.onsets import Array, Floats, levelled
from stemwright.model import Marker, Song

_SIZE = 4096
_BANDS = 16
_PHRASE = 4
"""Bars that are compared on either side."""
_LEAST_BARS = 12
_LONGEST_PART = 64
_SURE_BPM = 0.5
_HARMONY, _SPECTRUM, _BREAK = 4.0, 0.15, 4.0
"""Weights of the contrasts: cosine distances, dB, cosine distances."""
_MOST_DB = 8.0
"""From an intro without drums to a verse; more says no more."""
_TAIL = 0.1
"""Up to four last bars with less of the usual power are the sounds that die away."""
_PRICE = 1.2
"""Of a part: five of six boundaries in rendered pieces are right then; lower, more are found and more wrong."""
_ODD = {1: 1.2, 2: 0.6, 4: 0.15, 8: 0.0}
"""What a part costs besides, by the largest of these numbers of bars that divides it."""
_BUSIEST = 6
"""Parts shorter than that on average are no parts."""
_ALIKE, _ALIKE_DB = 0.05, 2.0
"""Parts of one letter differ by less: mean distance of the chords, and of the mean spectrum."""


def section_markers(mono: Floats, sample_rate: int, song: Song) -> tuple[Marker, ...]:
    """`Section A`, `Section B`, `Section A2`, ... at bar lines of a song, in its frames; empty when nothing is sure.

    `mono` is the song `[frames]`, best at 22.05 kHz. Raises nothing.
    """
    audio = levelled(mono)
    if audio is None or not song.bpm or (song.bpm.source == "measured" and song.bpm.confidence < _SURE_BPM):
        return ()
    length = Fraction(len(audio), sample_rate)
    every = [beat for beat in beats(song, Fraction(song.downbeat_frame, song.sample_rate), length) if beat.bar > 0]
    lines = [place for place, beat in enumerate(every) if beat.number == 1]
    if len(lines) <= _LEAST_BARS:
        return ()
    chords, bands = _bars(audio, sample_rate, every, lines)
    parts = _named(chords, bands, [0, *_boundaries(chords, bands)])
    if len(parts) < 2 or len(bands) < _BUSIEST * len(parts):
        return ()
    return tuple(Marker(every[lines[bar]].frame(song.sample_rate), f"Section {name}") for bar, name in parts)


def _bars(audio: Floats, sample_rate: int, every: list[Beat], lines: list[int]) -> tuple[Array, Array]:
    """Of each whole bar the pitch classes of four parts, all and bass, `[bars, 4, 24]`, and bands in dB, `[bars, 16]`.

    From eight spectra of 186 ms.
    """
    edges = np.array([float(every[place].at) for place in lines])
    at = (edges[:-1, None] + np.diff(edges)[:, None] * (np.arange(8) + 0.5) / 8).ravel()
    padded = np.pad(audio, _SIZE)
    starts = np.clip(np.round(at * sample_rate).astype(int) + _SIZE // 2, 0, len(padded) - _SIZE)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[starts]
    spectra = np.abs(np.fft.rfft(frames * np.hanning(_SIZE).astype(np.float32), axis=1)).astype(np.float32)
    hertz = np.fft.rfftfreq(_SIZE, 1 / sample_rate)
    bars = len(edges) - 1
    classes = (np.sqrt(spectra) @ pitch_classes(hertz)).reshape(bars, 4, 2, 2, 12).mean(axis=2)
    classes /= np.linalg.norm(classes, axis=-1, keepdims=True) + 1e-9
    limits = np.geomspace(40, min(10_000, sample_rate / 2), _BANDS + 1)
    inside = ((hertz >= limits[:-1, None]) & (hertz < limits[1:, None])).T.astype(np.float32)
    power = (np.square(spectra) @ inside).reshape(bars, 8, _BANDS).mean(axis=1)
    quiet = power.sum(axis=1) < _TAIL * np.median(power.sum(axis=1))
    kept = bars - int(np.argmin(np.append(quiet[: -_PHRASE - 1 : -1], False)))
    loudness = 10 * np.log10(power + 1e-4 * power.max() + 1e-12)
    return classes.reshape(bars, 4, 24)[:kept].astype(np.float64), loudness[:kept]


def _boundaries(chords: Array, bands: Array) -> list[int]:
    """The numbers of the bars, from 0, at which another part begins."""
    flat = _unit(chords)
    lag, away = _PHRASE, _apart(flat, _PHRASE)
    for longer in (2 * _PHRASE, 4 * _PHRASE):
        apart = _apart(flat, longer)
        if len(flat) > 3 * longer and np.median(apart[longer:]) < 0.75 * np.median(away[lag:]):
            lag, away = longer, apart
    harmony = _contrast(chords.mean(axis=1), lag)
    spectrum = np.minimum(_contrast(bands, lag) / np.sqrt(bands.shape[1]), _MOST_DB)
    return _parts(_HARMONY * harmony + _SPECTRUM * spectrum + _BREAK * _breaks(away, lag))


def _apart(flat: Array, lag: int) -> Array:
    """Distance of the chords of each bar from those `lag` bars before; 0 for the first ones."""
    return np.pad(1 - (flat[lag:] * flat[:-lag]).sum(axis=1), (lag, 0))


def _unit(chords: Array) -> Array:
    flat = chords.reshape(len(chords), -1)
    return np.asarray(flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-9))


def _contrast(values: Array, reach: int) -> Array:
    """Distance of the mean of up to `reach` bars before each bar line from that of those after; less near the ends."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    bars = len(values)
    line = np.arange(1, bars)
    before, after = np.minimum(reach, line), np.minimum(reach, bars - line)
    mean_before = (total[line] - total[line - before]) / before[:, None]
    mean_after = (total[line + after] - total[line]) / after[:, None]
    whole = np.sqrt(np.minimum(before, after) / reach)
    return np.concatenate([[0.0], np.linalg.norm(mean_before - mean_after, axis=1) * whole])


def _breaks(away: Array, lag: int) -> Array:
    """How much further the bars after each line are from those `lag` before than is usual around; at least 0."""
    found = np.zeros(len(away))
    for line in range(lag, len(away) - _PHRASE + 1):
        around = np.concatenate([away[max(lag, line - lag) : line], away[line + lag : line + 2 * lag]])
        here = away[line : line + _PHRASE].mean()
        found[line] = max(0.0, here - around.mean()) if len(around) else 0.0
    return found


def _parts(score: Array) -> list[int]:
    """The bar lines with the best sum of scores less prices; what is left at the end may have any length."""
    bars = len(score)
    best, back = np.full(bars + 1, -np.inf), np.zeros(bars + 1, int)
    best[0] = 0
    for end in range(1, bars + 1):
        for begin in range(max(0, end - _LONGEST_PART), end):
            length = end - begin
            value = best[begin] - min(_odd(length), 0.3 if end == bars else 2.0)
            value += score[end] - _PRICE if end < bars else 0
            if length >= _PHRASE and value > best[end]:
                best[end], back[end] = value, begin
    found, end = [], bars
    while end := int(back[end]):
        found.append(end)
    return found[::-1]


def _odd(length: int) -> float:
    return next(_ODD[bars] for bars in (8, 4, 2, 1) if length % bars == 0)


def _named(chords: Array, bands: Array, starts: list[int]) -> list[tuple[int, str]]:
    """First bar and name of each part: one that sounds like an earlier one has its letter, like the last one is it."""
    flat, ends = _unit(chords), [*starts[1:], len(chords)]
    letters: list[tuple[int, int]] = []
    found: list[tuple[int, int]] = []
    for part in zip(starts, ends, strict=True):
        letter = next((n for n, known in enumerate(letters) if _same(flat, bands, known, part)), len(letters))
        letters += [part] if letter == len(letters) else []
        if not found or found[-1][1] != letter:
            found.append((part[0], letter))
    counts = [[letter for _, letter in found[: place + 1]].count(found[place][1]) for place in range(len(found))]
    return [
        (bar, f"{_letter(letter)}{count if count > 1 else ''}")
        for (bar, letter), count in zip(found, counts, strict=True)
    ]


def _same(flat: Array, bands: Array, one: tuple[int, int], other: tuple[int, int]) -> bool:
    bars = min(one[1] - one[0], other[1] - other[0])
    apart = 1 - (flat[one[0] : one[0] + bars] * flat[other[0] : other[0] + bars]).sum(axis=1)
    louder = bands[slice(*one)].mean(axis=0) - bands[slice(*other)].mean(axis=0)
    return bool(apart.mean() < _ALIKE and np.sqrt(np.mean(louder**2)) < _ALIKE_DB)


def _letter(number: int) -> str:
    """A to Z, then AA, AB, ..."""
    return ("" if number < 26 else chr(64 + number // 26)) + chr(65 + number % 26)
