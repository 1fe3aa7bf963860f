from stemwright.audit import Finds, Found, listed, rule
from stemwright.model import StemSet


@rule("SET011", severity="warning", confidence="measured")
def sum_of_others(stems: StemSet) -> Finds:
    """A stem is the sum of other stems.

    What
        Two or more stems, added at one gain, are this stem.
    Why the mix engineer cares
        Bus and members were both delivered: with all faders up these parts are 6 dB too loud.
    How it is measured
        Least squares of each stem on the others, as for SET010: the sum leaves less than −60 dB of the stem. A bus
        with processing on it is no sum any more and is not found.
    Fix
        Say which is meant, or leave out the bus.
    Source
        Mixers' checklists; the limit is a proposal.
    """
    for path, members in stems.compared.sums:
        names = listed(sorted(members))
        yield Found(f"is the sum of {names}", path, names, "parts of its own")
