from stemwright.audit import Finds, Found, many, measured, rule
from stemwright.model import StemSet


@rule("LVL008", severity="info", confidence="heuristic")
def level_jump(stems: StemSet) -> Finds:
    """A stem's level jumps from one moment to the next.

    What
        Places where the loudness steps by more than 15 LU.
    Why the mix engineer cares
        It may be automation that was forgotten or a take that was pasted in at another gain.
    How it is measured
        Loudness of the 400 ms before and after each place. Music does this too, with every break and entry: profiles
        leave the rule out, and it is there to be selected. The limit is a proposal.
    Fix
        Listen at the places given; if nothing is wrong, leave them.
    Source
        This project's proposal, on EBU Tech 3341 momentary loudness.
    """
    for stem, levels in measured(stems.stems):
        jumps = levels.loudness.jumps
        if jumps:
            message = f"jumps in level in {many(len(jumps), 'place')}"
            yield Found(message, stem.file.path, len(jumps), 0, "places", jumps)
