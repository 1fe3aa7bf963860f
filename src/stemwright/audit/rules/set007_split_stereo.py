from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._halves import halves
from stemwright.model import StemSet


@rule("SET007", severity="warning", repair="lossless", daw="split-mono")
def split_stereo(stems: StemSet) -> Finds:
    """A stereo track was delivered as two mono files.

    What
        Vox.L and Vox.R (or .A1, .A2): both mono, both of one length. Where the names end in _L and _R it is only an
        info, for these may be two tracks: guitars are played twice for two sides.
    Why the mix engineer cares
        Every such pair has to be put together by hand, and one of them is panned wrong in the end.
    How it is measured
        Names, channels and frames.
    Fix
        Export as interleaved stereo. Putting the two files together keeps every sample.
    Source
        Pro Tools export guide: interleaved stereo.
    """
    sides = {(half.base.lower(), stem.file.frames, half.left): (stem, half) for stem, half in halves(stems.stems)}
    for (base, frames, left), (stem, half) in sides.items():
        right, other = sides.get((base, frames, False), (None, None)) if left else (None, None)
        if right and other:
            sure = half.sure and other.sure
            word = "is" if sure else "may be"
            message = f"{word} the left half of a stereo track; the right one is {right.file.path.name}"
            yield Found(message, stem.file.path, right.file.path.name, "one stereo file", minor=not sure)
