from stemwright.audit import Finds, rule
from stemwright.audit.rules._damage import damaged
from stemwright.model import StemSet


@rule("INT017", severity="info", repair="lossless")
def short_chunk(stems: StemSet) -> Finds:
    """A chunk that is no audio runs past the end of the file.

    What
        Metadata or filler whose size promises more bytes than there are.
    Why the mix engineer cares
        The audio is whole. Names, markers or loudness that stood there may be lost, and strict readers complain.
    How it is measured
        All chunks are walked. Pro Tools itself writes such filler, so it is only mentioned.
    Fix
        Write the chunk's true size; no sample changes.
    Source
        RIFF (Multimedia Programming Interface, 1991); seen in files that Pro Tools recorded.
    """
    yield from damaged(stems, "chunk-short")
