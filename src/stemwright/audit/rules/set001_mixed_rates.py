from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._majority import odd_ones
from stemwright.model import StemSet


@rule("SET001", severity="error")
def mixed_rates(stems: StemSet) -> Finds:
    """The stems do not all have the same sample rate.

    What
        A stem's rate is not that of most stems.
    Why the mix engineer cares
        Imported without conversion, it plays too fast or too slow; 44.1 kHz in a 48 kHz session is 147 cents sharp.
    How it is measured
        The rates in the headers; the most frequent one is the set's, the higher one if it is a tie.
    Fix
        Bounce the odd track again from a session at the set's rate; do not resample the file if you can bounce.
    Source
        Pro Tools export guide: one sample rate for all files.
    """
    for stem, rate, usual in odd_ones(stems.stems, lambda stem: stem.file.format.sample_rate):
        yield Found(f"is at {rate} Hz; the other stems are at {usual} Hz", stem.file.path, rate, usual, "Hz")
