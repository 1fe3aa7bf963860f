from stemwright.audit import Finds, rule
from stemwright.audit.rules._damage import damaged
from stemwright.model import StemSet


@rule("INT008", severity="info", repair="lossless")
def riff_size(stems: StemSet) -> Finds:
    """The file size in a header is not the size of the file.

    What
        The RIFF size is not the size of the file less 8 bytes. All samples are there.
    Why the mix engineer cares
        Most readers ignore this number; strict ones refuse the file, or miss what stands behind the claimed end.
    How it is measured
        Arithmetic, in files whose audio part is whole: a cut or unfinished file has its own finding.
    Fix
        Write the true size into the header; no sample changes.
    Source
        RIFF (Multimedia Programming Interface, 1991): the size counts all that follows it.
    """
    yield from damaged(stems, "riff-size")
