"""What measuring the samples finds: of one file (`Levels`) and of a whole set against its mix (`Across`).

dBFS re full scale = 1.0; -inf where there is only digital silence. Times are frames of the file. Where a thing could
not be measured the field is None, which is never the same as "nothing was found".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Span:
    """Frames [start, end) of one file; end is exclusive. `channel` counts from 0; None when all are meant."""

    start: int
    end: int
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Loudness:
    """ITU-R BS.1770-4 and EBU R 128 (Tech 3341, 3342). -inf where nothing passes the gates."""

    integrated_lufs: float = -math.inf
    momentary_max_lufs: float = -math.inf  # 400 ms
    short_term_max_lufs: float = -math.inf  # 3 s
    range_lu: float = 0.0
    jumps: tuple[Span, ...] = ()  # places where the loudness of 400 ms before and after differs by more than 15 LU


@dataclass(frozen=True, slots=True)
class Runs:
    """Places of one kind in the samples: how many there are in all, and where the first hundred lie."""

    count: int = 0
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Clipping:
    """Samples at full scale, and flat tops below it."""

    full_scale: Runs = Runs()  # runs of three or more samples at full scale
    isolated: Runs = Runs()  # runs of one or two
    flat: Runs = Runs()  # three or more equal samples below full scale, entered and left with a corner
    flat_dbfs: float = -math.inf  # median level of the flat tops
    flat_share: float = 0.0  # part of the sounding time that is flat top; above 0.3 it is a square wave
    at_peak: int = 0  # samples that stand exactly at the file's highest magnitude
    below_peak: int = 0  # samples within 1 dB below it, those at it left out
    pile_up: float = 0.0  # share of 10-ms block peaks within 0.1 dB of the peak among those within 1 dB; 0 if too few
    histogram_spike: float = 0.0  # how far the amplitude histogram's loudest bin stands over its neighbours (ratio)
    louder_than_0_45: Runs = Runs()  # flat runs at or above -0.45 dBFS (Netflix)


@dataclass(frozen=True, slots=True)
class Words:
    """Word length: what the samples' bits tell of where they come from."""

    used_bits: int = 0  # word length minus common trailing zeros; 0 for silence; 24 where samples are off that grid
    on_24_bit_grid: bool = True  # every sample is k / 2^23
    low_byte_empty: float = 0.0  # share of the non-zero samples whose lowest 8 of 24 bits are zero
    grid: float | None = None  # 0..1: samples stand on a coarser grid behind a gain change; None when undecidable
    grid_bits: float = 0.0  # word length that such a grid stands for
    rounding: Literal["", "toward zero", "floor"] = ""  # how floats seem to have been cut to integers


@dataclass(frozen=True, slots=True)
class Dither:
    """Dither: three-valued. `noise` is the floor of an analogue source or a plug-in."""

    state: Literal["present", "absent", "noise", "undetermined", "silent"] = "undetermined"
    kind: str = ""  # TPDF, TPDF high-pass, RPDF, noise-shaped, ... with "auto-blanked" where it stops in silence
    bits: int = 0  # the word length at whose last bit it stands
    windows: int = 0  # quiet windows that it was seen in


@dataclass(frozen=True, slots=True)
class Spectrum:
    """What the spectrum tells of the source; None where it tells nothing."""

    cliff_hz: float | None = None  # where the spectrum falls off a cliff
    cliff_db: float = 0.0
    above_db: float = -math.inf  # level above the cliff re the loudest band
    centroid_hz: float | None = None
    hum_hz: float | None = None  # 50 or 60 where mains hum stands out in the pauses
    hum_db: float = 0.0
    floor_dbfs: float | None = None  # RMS of the quietest sounding parts; None where nothing is quiet


@dataclass(frozen=True, slots=True)
class Sides:
    """Left against right; only of stereo files in which something sounds."""

    correlation: float | None = None  # -1..+1; None when a side is silent
    relation: Literal["", "equal", "opposite"] = ""  # to the bit
    difference_dbfs: float = -math.inf  # RMS of left minus right
    balance_db: float = 0.0  # RMS of left over right
    delay_frames: int = 0  # right behind left where one clear delay explains both (up to 40 ms)
    delay_correlation: float = 0.0
    mono_loss_db: float = 0.0  # what the power loses in the mono sum against uncorrelated sides; positive = loss


@dataclass(frozen=True, slots=True)
class Levels:
    """What one pass over the samples of a file finds."""

    sample_peak_dbfs: float
    channel_peaks_dbfs: tuple[float, ...]
    rms_dbfs: float
    dc_offset: float  # mean of the worst channel, fraction of full scale, signed
    true_peak_dbtp: float = -math.inf  # BS.1770-4 annex 2: 4x, never below the sample peak
    high_res_peak_dbtp: float = -math.inf  # 16x, 64 taps: what a good converter puts out
    intersample: Runs = Runs()  # blocks of 64 frames whose high-resolution peak is above full scale
    channel_rms_dbfs: tuple[float, ...] = ()
    lowest: float = 0.0  # smallest and largest sample, fractions of full scale
    highest: float = 0.0
    dc_sigma: float = 0.0  # of `dc_offset`: how much of it chance would explain (one standard error)
    dc_steady: bool = False  # it stands in the quiet parts, too, so it is no lopsided wave
    loudness: Loudness = Loudness()
    clipping: Clipping = Clipping()
    words: Words = Words()
    dither: Dither = Dither()
    spectrum: Spectrum = Spectrum()
    sides: Sides | None = None
    not_finite: Runs = Runs()  # NaN and infinite samples
    denormal: int = 0
    absurd: int = 0  # finite samples above +24 dBFS
    first_sound: int | None = None  # first frame that is not exactly zero; None in silence
    last_sound: int | None = None  # last frame that is not exactly zero; None in silence
    head_dbfs: float = -math.inf  # peak of the first 1 ms
    tail_dbfs: float = -math.inf  # peak of the last 10 ms
    first_sample_dbfs: float = -math.inf
    tail_fall_db_s: float | None = None  # how fast the last second dies away, dB a second; None when it does not
    silences: Runs = Runs()  # digital silence in all channels for 1 ms or more, also at head and tail
    dropouts: Runs = Runs()  # digital silence of 1 to 500 ms cut into sound: sound as loud before as after
    clicks: Runs = Runs()  # splices and clicks
    checksum: str = ""  # how the MD5 that the file carries contradicts its samples; empty when it does not
    overview: tuple[int, ...] = ()  # the waveform in 600 columns: lowest, highest, lowest, ... in 1/127 of full scale

    @property
    def silent(self) -> bool:
        """Only exact zeros; what is not finite is no silence."""
        return self.first_sound is None and not self.not_finite.count


@dataclass(frozen=True, slots=True)
class Part:
    """How one stem stands in the reference mix."""

    path: Path
    gain: float  # linear gain with which it stands in the mix; negative when inverted, near 0 when absent
    lag: float | None = None  # frames that the mix's copy lies behind the stem; None when no lag was found
    drift_ppm: float | None = None  # how much longer the mix's copy runs; None when not measured
    swapped: bool = False  # the mix fits better with left and right exchanged
    certain: bool = True  # False when stems resemble each other so much that gains cannot be told apart
    error: float = 0.0  # standard error of the gain
    level_db: float = math.inf  # what the stem would be of the mix at the gain of the others


@dataclass(frozen=True, slots=True)
class Mixdown:
    """The stems against the reference mix: least squares over all of the song."""

    parts: tuple[Part, ...]
    residual_db: float  # stems summed as they are (one common gain allowed), re the mix; -inf when exact
    fitted_db: float  # the same with the best gain for each stem
    bands_db: tuple[tuple[float, float, float], ...]  # (from Hz, to Hz, residual re mix in that band, as summed)
    gain: float  # the common gain: median of the parts' gains
    condition: float  # of the normalised Gram matrix; high when stems resemble each other
    spans: tuple[Span, ...] = ()  # where the residual is loudest
    level_dependent: bool = False  # the residual grows with level: master-bus processing
    late: bool = False  # the residual trails the stems: effect returns are missing
    filtered: bool = False  # one filter over the sum explains most of the residual: an equaliser on the master bus
    best_db: float = 0.0  # fitted residual re the mix in the tenth of the song that nulls best
    lag: float = 0.0  # frames that the whole mix lies behind the stems; the parts' lags are counted from there
    drift_ppm: float | None = None  # how much longer the whole mix runs; then there are no parts


@dataclass(frozen=True, slots=True)
class Twins:
    """Two files that hold the same sound; `gain` turns the first into the second."""

    first: Path
    second: Path
    gain: float
    exact: bool  # the same samples, to the bit
    correlation: float = 1.0


@dataclass(frozen=True, slots=True)
class Across:
    """What only the whole set can tell."""

    twins: tuple[Twins, ...] = ()
    sums: tuple[tuple[Path, tuple[Path, ...]], ...] = ()  # (a stem, the stems whose sum it is)
    sum_peak_dbfs: float | None = None  # peak of all stems at unity; None when no sum is made or it stays below 0 dBFS
    mixdown: Mixdown | None = None
