from statistics import median

from stemwright.audit import Finds, Found, number, rule
from stemwright.model import StemSet


@rule("FMT012", severity="warning", confidence="heuristic", repair="lossless", tolerance=2e-4)
def wrong_rate(stems: StemSet, *, tolerance: float) -> Finds:
    """A stem seems to carry the wrong sample rate in its header.

    What
        It is as much shorter or longer than the others as 44.1 kHz audio that is marked 48 kHz, or the reverse.
    Why the mix engineer cares
        It plays 1.47 semitones too high and 8.8 % too fast, or as much too low and too slow.
    How it is measured
        Its duration over that of the other stems, which must agree among themselves, against 0.91875 and 1.08844,
        within `tolerance`. At least two others are needed. The tolerance is a proposal.
    Fix
        Listen; if the pitch is wrong, write the true rate into the header. No sample changes.
    Source
        147/160, the ratio of the two rates.
    """
    usable = [stem for stem in stems.stems if stem.file.frames and not stem.file.format.lossy]
    durations = [stem.file.frames / stem.file.format.sample_rate for stem in usable]
    usual = median(durations) if len(usable) > 2 else 0.0
    odd = [(stem, each) for stem, each in zip(usable, durations, strict=True) if abs(each - usual) > tolerance * usual]
    if len(odd) == 1 and usual:
        stem, length = odd[0]
        if any(abs(length / usual / ratio - 1) < tolerance for ratio in (147 / 160, 160 / 147)):
            share, rate = number(100 * length / usual, 1), stem.file.format.sample_rate
            message = f"lasts {share} % as long as the other stems: its {rate} Hz may be wrong"
            yield Found(message, stem.file.path, round(length, 3), round(usual, 3), "s")
