from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("MET009", severity="warning", repair="lossless")
def broken_ixml(stems: StemSet) -> Finds:
    """The iXML chunk cannot be read.

    What
        An `iXML` chunk that is not well-formed XML.
    Why the mix engineer cares
        Its track names, tempo and time stamps are lost, and some programs refuse the whole file.
    How it is measured
        The chunk is parsed, with entities and network off.
    Fix
        Write the chunk anew or remove it; the samples stay as they are.
    Source
        iXML specification; W3C XML 1.0.
    """
    for stem in stems.everything:
        if stem.file.metadata.ixml == "broken":
            yield Found("has an iXML chunk that is no well-formed XML", stem.file.path, "broken", "well-formed")
