from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._majority import odd_ones
from stemwright.model import StemSet


@rule("SET002", severity="warning")
def mixed_bit_depths(stems: StemSet) -> Finds:
    """The stems do not all have the same bit depth.

    What
        A stem's sample format is not that of most stems.
    Why the mix engineer cares
        It tells that this file took another path than the rest: an old bounce, a converted download, a wrong
        preset.
    How it is measured
        Bits and kind (integer or float) in the headers, among lossless stems; the most frequent pair is the set's.
    Fix
        Bounce the odd track again with the settings of the others. Converting upward keeps the samples and adds
        nothing.
    Source
        Pro Tools export guide: one bit depth for all files; mixers' checklists.
    """
    lossless = [stem for stem in stems.stems if not stem.file.format.lossy]
    for stem, depth, usual in odd_ones(lossless, lambda stem: (stem.file.format.encoding, stem.file.format.bits)):
        here, there = (f"{bits}-bit {kind}" for kind, bits in (depth, usual))
        yield Found(f"is {here}; the other stems are {there}", stem.file.path, here, there)
