import re

from stemwright.audit import Finds, Found, listed, rule
from stemwright.model import StemSet

_NUMBER = re.compile(r"(?:\d{1,2}|0\d\d)[ ._-]+(?=.*[^\W\d_])")


@rule("NAM014", severity="info", confidence="heuristic", repair="lossless")
def track_numbers(stems: StemSet) -> Finds:
    """Some names begin with a track number and some do not.

    What
        01_Kick, 02_Snare, Bass.
    Why the mix engineer cares
        Sorted by name, the unnumbered tracks fall to the end and out of the order that was meant.
    How it is measured
        Most stems, and at least two, begin with a number of up to two digits (or 001) and a separator; the others are
        told, in one finding. 808_Kick has no track number.
    Fix
        Give every stem a number, or none.
    Source
        Judgement.
    """
    paths = [stem.file.path for stem in stems.stems]
    odd = [path for path in paths if not _NUMBER.match(path.stem)]
    if odd and len(paths) - len(odd) > max(1, len(odd)):
        yield Found(f"{len(odd)} of {len(paths)} names have no track number: {listed(odd)}", None, len(odd), 0, "stems")
