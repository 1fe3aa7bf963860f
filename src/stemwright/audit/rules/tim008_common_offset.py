from stemwright.audit import Finds, Found, number, rule
from stemwright.model import StemSet


@rule("TIM008", severity="info", confidence="measured", daw="start", frames=1.0)
def common_offset(stems: StemSet, *, frames: float) -> Finds:
    """All stems stand by the same length before or behind the reference mix.

    What
        The reference mix lies more than `frames` behind or before the stems, all of them alike.
    Why the mix engineer cares
        The stems fit each other. But the mix does not lie under them when both are dropped at bar 1, and marks or
        notes in its time are off.
    How it is measured
        The sum of the stems against the mix, to a fraction of a frame; not for lossy mixes, as codecs add a delay of
        their own. A stem that is off by itself is MIX006.
    Fix
        Move the reference mix, not the stems; or bounce it again from the same start.
    Source
        Pro Tools export guide: all files from one start.
    """
    mix, mixdown = stems.mix, stems.compared.mixdown
    if mix and mixdown and not mix.file.format.lossy and abs(mixdown.lag) > frames:
        milliseconds = number(1000 * abs(mixdown.lag) / mix.file.format.sample_rate)
        side = "behind" if mixdown.lag > 0 else "before"
        message = f"lies {abs(mixdown.lag):.0f} frames ({milliseconds} ms) {side} all stems"
        yield Found(message, mix.file.path, round(mixdown.lag, 2), 0, "frames")
