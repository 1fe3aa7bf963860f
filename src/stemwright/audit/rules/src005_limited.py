from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import Levels, StemSet
from stemwright.units import linear


@rule("SRC005", severity="warning", confidence="heuristic", daw="master-bus", limit=0.5, crest_db=18.0, square=0.3)
def limited(stems: StemSet, *, limit: float, crest_db: float, square: float) -> Finds:
    """A limiter seems to have worked on a stem.

    What
        Very many peaks stand at one ceiling: more than the part `limit` of those in the uppermost dB lie within 0.1 dB
        of the highest, and the highest is no more than `crest_db` above the RMS.
    Why the mix engineer cares
        Limiting and bus compression belong to the mix; on a stem they cannot be undone.
    How it is measured
        Peaks of 10 ms blocks. Of 49 real and synthetic tracks none is named as it is, 11 limited by 3 dB, 27 by 6 dB
        and 37 by 12 dB; the limits were set on them. Programmed hits repeat their peaks, too, but are not so dense.
        Left alone is a wave that repeats at one level (a saw, a sine), whose peaks are all alike and whose uppermost
        dB holds more than a quarter of the energy, and what is flat tops for more than the part `square` (CLP006).
    Fix
        Bypass limiters and compressors on the master and the buses and bounce again; what is part of a sound may stay
        if the notes say so.
    Source
        Pro Tools export guide: no processing on the master bus; limits from this project's measurements.
    """
    for stem, levels in measured(stems.stems):
        pile, crest = levels.clipping.pile_up, levels.sample_peak_dbfs - levels.rms_dbfs  # NaN in silence
        meant = levels.clipping.flat_share > square
        if pile > limit and crest <= crest_db and not meant and not _repeats(levels, stem.file.frames):
            message = f"has {number(100 * pile, 0)} % of its loudest peaks at one ceiling: a limiter?"
            yield Found(message, stem.file.path, round(pile, 3), limit, "of the peaks")


def _repeats(levels: Levels, frames: int) -> bool:
    """Whether it is one wave at one level: a saw has 29 % of its energy in the uppermost dB, a square has no crest."""
    near = levels.clipping.below_peak / (frames * len(levels.channel_peaks_dbfs))
    crest = linear(levels.sample_peak_dbfs - levels.rms_dbfs)
    return levels.clipping.pile_up > 0.97 and (0.9 * near * crest**2 > 0.25 or crest < 1.1)
