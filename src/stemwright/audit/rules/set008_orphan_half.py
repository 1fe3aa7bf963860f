from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._halves import halves
from stemwright.model import StemSet


@rule("SET008", severity="error", daw="split-mono")
def orphan_half(stems: StemSet) -> Finds:
    """One half of a split stereo track is missing.

    What
        A mono file is called .L or .R (.A1, .A2), and no file is its other half.
    Why the mix engineer cares
        Half of a part is not there.
    How it is measured
        Names and channels. Names that end in _L or _R are not judged: they may be one guitar, panned.
    Fix
        Export the track again as interleaved stereo, or send the other half.
    Source
        Pro Tools export guide: interleaved stereo.
    """
    found = list(halves(stems.stems))
    sides = {(half.base.lower(), half.left) for _, half in found}
    for stem, half in found:
        if half.sure and (half.base.lower(), not half.left) not in sides:
            side, other = ("left", "right") if half.left else ("right", "left")
            yield Found(f"is the {side} half of a stereo track; the {other} one is missing", stem.file.path)
