from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet

RATES = (44100, 48000, 88200, 96000, 176400, 192000)


@rule("FMT009", severity="error", daw="sample-rate", rates=RATES)
def sample_rate(stems: StemSet, *, rates: tuple[int, ...]) -> Finds:
    """A stem has a sample rate that no session uses.

    What
        A rate outside the usual ones, such as 32 000 or 50 000 Hz.
    Why the mix engineer cares
        A Pro Tools session cannot be opened at that rate, so that the file must be resampled or plays at the wrong
        pitch.
    How it is measured
        The header's rate against the profile's `rates` (Hz).
    Fix
        Set the session to 44.1 or 48 kHz (or its multiples) and bounce again.
    Source
        Pro Tools export guide: the session's rate; these six are the rates that Pro Tools has.
    """
    for stem in stems.stems:
        rate = stem.file.format.sample_rate
        if rate not in rates:
            usual = ", ".join(map(str, rates))
            yield Found(f"is at {rate} Hz, which no session uses", stem.file.path, rate, usual, "Hz")
