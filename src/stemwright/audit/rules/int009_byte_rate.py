from stemwright.audit import Finds, rule
from stemwright.audit.rules._damage import damaged
from stemwright.model import StemSet


@rule("INT009", severity="warning", repair="lossless")
def byte_rate(stems: StemSet) -> Finds:
    """A header's sample rate, channels, bits and byte rate contradict each other.

    What
        The byte rate is not sample rate × bytes per frame, or the frame size is not channels × bytes per sample.
    Why the mix engineer cares
        Programs that believe the wrong number show a wrong length, or play at the wrong speed.
    How it is measured
        Arithmetic on the 'fmt' chunk.
    Fix
        Write the right numbers into the header; no sample changes. Check by ear that the pitch is right.
    Source
        RIFF/WAVE (Multimedia Programming Interface, 1991): nAvgBytesPerSec, nBlockAlign.
    """
    yield from damaged(stems, "byte-rate")
