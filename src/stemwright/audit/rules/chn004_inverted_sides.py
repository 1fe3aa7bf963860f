from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("CHN004", severity="warning", repair="lossless", confidence="measured", limit=-0.5)
def inverted_sides(stems: StemSet, *, limit: float) -> Finds:
    """Left and right of a stem are against each other.

    What
        One side is the other one turned upside down (an error), or the correlation is below `limit`.
    Why the mix engineer cares
        In mono, on a phone or in a club, the stem loses most of its sound, or all of it.
    How it is measured
        Correlation of the sides over the whole file, and what the power loses in the mono sum against sides that do
        not resemble each other.
    Fix
        Turn the polarity of one side; look for a wrongly wired cable, or a widener.
    Source
        Mixers' checklists; the limit is a proposal.
    """
    for stem, levels in measured(stems.stems):
        sides = levels.sides
        if sides and sides.relation == "opposite":
            message = "vanishes in mono: one side is the other one inverted"
            yield Found(message, stem.file.path, -1.0, limit, "correlation", error=True)
        elif sides and sides.correlation is not None and sides.correlation < limit:
            loss = f"; the mono sum loses {number(sides.mono_loss_db, 1)} dB"
            message = f"has sides that work against each other (correlation {number(sides.correlation)}{loss})"
            yield Found(message, stem.file.path, round(sides.correlation, 2), limit, "correlation")
