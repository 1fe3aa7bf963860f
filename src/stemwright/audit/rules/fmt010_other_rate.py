from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._majority import comparable
from stemwright.model import StemSet


@rule("FMT010", severity="error", daw="sample-rate", rate=0)
def other_rate(stems: StemSet, *, rate: int) -> Finds:
    """A stem is not at the sample rate that is asked for.

    What
        The profile asks for `rate` (Hz; 0 = for none), and a stem has another. Or all stems have another rate than
        the reference mix, which is only mentioned.
    Why the mix engineer cares
        Somebody must resample it, or it plays at the wrong pitch. Where mix and stems differ, one of them was not
        exported at the session's rate.
    How it is measured
        The rates in the headers. Lossy reference mixes are not asked; stems among each other are SET001's business.
    Fix
        Export again at the session's rate; the mix engineer should be told which one it is.
    Source
        Pro Tools export guide: the session's rate. Film and Atmos deliveries: 48 kHz.
    """
    for stem in stems.stems:
        found = stem.file.format.sample_rate
        if rate and found != rate:
            yield Found(f"is at {found} Hz; {rate} Hz is asked for", stem.file.path, found, rate, "Hz")
    usual, mix = comparable(stems.stems), stems.mix
    if usual and mix and not mix.file.format.lossy:
        ours, its = usual[0].file.format.sample_rate, mix.file.format.sample_rate
        if ours != its and not rate:
            yield Found(f"is at {its} Hz, the stems are at {ours} Hz", mix.file.path, its, ours, "Hz", minor=True)
