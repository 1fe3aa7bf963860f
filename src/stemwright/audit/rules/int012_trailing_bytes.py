from stemwright.audit import Finds, rule
from stemwright.audit.rules._damage import damaged
from stemwright.model import StemSet


@rule("INT012", severity="info", repair="lossless")
def trailing_bytes(stems: StemSet) -> Finds:
    """Bytes that belong to nothing stand at the end of a file.

    What
        Behind the last chunk there is something that is no chunk.
    Why the mix engineer cares
        It is harmless in itself, but shows that a program wrote or cut the file in a wrong way.
    How it is measured
        All chunks are walked; what is left over is counted.
    Fix
        Cut these bytes off; no sample changes.
    Source
        RIFF (Multimedia Programming Interface, 1991).
    """
    yield from damaged(stems, "trailing")
