"""The detectors: what the windows that the pass kept tell of a file's history.

Each looks only where it can apply; all together they take a few milliseconds a file.
"""

from __future__ import annotations

import math
from dataclasses import replace

from stemwright.measure.dither import dither_of
from stemwright.measure.pileup import spike_of
from stemwright.measure.spectrum import spectrum_of
from stemwright.measure.splices import clicks_of
from stemwright.measure.stereo import delay_of
from stemwright.measure.windows import Windows
from stemwright.measure.wordlength import grid_of, rounding_of
from stemwright.model import Dither, Levels

_PADDED_BITS = 22
"""Up to this many used bits zeros say what the source was; no grid needs to be looked for."""


def detect(levels: Levels, windows: Windows) -> Levels:
    """The same levels with words.grid and rounding, dither, spectrum, clicks, histogram spike and delay filled in."""
    if levels.silent:
        return replace(levels, dither=Dither("silent"))
    loud = windows.loud[:, :1] if levels.sides and levels.sides.relation == "equal" else windows.loud
    words, sides, dither = levels.words, levels.sides, levels.dither
    if words.used_bits > _PADDED_BITS:
        grid, bits = grid_of(loud)
        words = replace(words, grid=grid, grid_bits=bits)
    if words.on_24_bit_grid and windows.quiet and words.used_bits:
        words = replace(words, rounding=rounding_of(windows.quiet, words.used_bits))
        sounding = tuple(peak > -math.inf for peak in levels.channel_peaks_dbfs)
        dither = dither_of(replace(windows, loud=loud), sounding, words.used_bits)
    if sides and sides.correlation is not None and not sides.relation and len(loud):
        delay, together = delay_of(loud, windows.sample_rate)
        sides = replace(sides, delay_frames=delay, delay_correlation=together)
    return replace(
        levels,
        words=words,
        sides=sides,
        dither=dither,
        spectrum=spectrum_of(replace(windows, loud=loud)),
        clicks=clicks_of(windows.suspects, windows.suspects_at),
        clipping=replace(levels.clipping, histogram_spike=spike_of(loud)),
    )
