from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules import _mixdown
from stemwright.model import StemSet


@rule("MIX009", severity="warning", confidence="heuristic")
def returns_missing(stems: StemSet) -> Finds:
    """Reverb or delay returns of the reference mix are in no stem.

    What
        What is left of the mix when the stems are taken from it is what they did in the half second before.
    Why the mix engineer cares
        The artist hears a dry song and asks where the space has gone; the mix engineer cannot know which reverb it
        was.
    How it is measured
        A filter that looks back half a second takes at least 2 dB more from the residual than one that does not
        (convolutive transfer function, Talmon et al. 2009). Returns of all stems gave 9 to 13 dB, those of one stem 2
        to 6 dB, missing stems at most 1.1 dB, on five songs.
    Fix
        Bounce the effect returns as stems of their own, or print them into the stems, and note it.
    Source
        Recording Academy P&E Wing (effects as separate files); this project's measurements.
    """
    solved = _mixdown.solved(stems)
    if solved and _mixdown.returns_missing(solved[1]) and not (_mixdown.lossy(stems) or _mixdown.damaged(stems)):
        mix, made = solved
        left = number(made.fitted_db, 1)
        message = f"seems to hold effect returns that are in no stem ({left} dB of the mix are left, and they trail)"
        yield Found(message, mix.file.path, round(made.fitted_db, 1), _mixdown.EXPLAINED_DB, "dB re the mix")
