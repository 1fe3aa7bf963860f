from stemwright.audit import Finds, rule
from stemwright.audit.rules._damage import damaged
from stemwright.model import StemSet


@rule("INT015", severity="warning", repair="lossless")
def odd_tail(stems: StemSet) -> Finds:
    """The audio part ends in the middle of a frame.

    What
        Its size is no multiple of the bytes that one frame takes.
    Why the mix engineer cares
        A few bytes are lost or too many: often the file was cut in transfer, and a click or swapped channels follow
        where somebody appends to it.
    How it is measured
        Size of the audio part modulo bytes per frame.
    Fix
        Compare with the original; if the length is right, cut these bytes off, which changes no sample.
    Source
        RIFF/WAVE (Multimedia Programming Interface, 1991): nBlockAlign.
    """
    yield from damaged(stems, "odd-tail")
