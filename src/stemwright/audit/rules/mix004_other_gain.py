from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules import _mixdown
from stemwright.model import StemSet


@rule("MIX004", severity="warning", repair="lossy", confidence="measured", daw="normalise", limit_db=_mixdown.GAIN_DB)
def other_gain(stems: StemSet, *, limit_db: float) -> Finds:
    """A stem is louder or softer than in the reference mix.

    What
        The gain of the stem in the mix is off that of most stems by more than `limit_db`.
    Why the mix engineer cares
        The balance that the artist approved is gone: normalising on export, a moved fader, or automation that was not
        printed.
    How it is measured
        Gains of the least-squares fit, only where it leaves less than −50 dB of the mix and most stems agree. Mono
        stems are not judged: pan laws differ by 3 to 6 dB.
    Fix
        Bounce the stem again with its fader as in the mix and "normalise" off; or change it by the difference.
    Source
        Mixers' checklists; 0.1 dB is this project's proposal.
    """
    solved = _mixdown.solved(stems)
    for part, off in _mixdown.off_gains(stems, solved[1], limit_db) if solved else ():
        word = "louder" if off > 0 else "softer"
        message = f"is {number(abs(off))} dB {word} than in the reference mix"
        yield Found(message, part.path, round(off, 2), limit_db, "dB")
