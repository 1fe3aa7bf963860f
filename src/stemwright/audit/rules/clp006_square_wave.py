from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("CLP006", severity="info", confidence="heuristic", limit=0.3)
def square_wave(stems: StemSet, *, limit: float) -> Finds:
    """A stem looks like a square wave.

    What
        More than the part `limit` of the sound is flat tops: a square-wave synthesiser, a chip sound, or clipping as an
        effect. CLP002 and SRC005 then stay silent.
    Why the mix engineer cares
        He should know that it is meant before he reports it as broken.
    How it is measured
        Frames in flat tops (see CLP002) against all samples that are not zero. The limit is a proposal.
    Fix
        Nothing if it is meant; say so in the notes. If not, see CLP002.
    Source
        This project.
    """
    for stem, levels in measured(stems.stems):
        share = levels.clipping.flat_share
        if share > limit:
            message = f"is flat tops for {number(100 * share, 0)} % of its sound: meant as a square wave?"
            yield Found(message, stem.file.path, round(share, 3), limit, "of the sound")
