from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("FMT013", severity="warning", repair="lossy", daw="bit-depth", bits=24)
def more_bits(stems: StemSet, *, bits: int) -> Finds:
    """A stem has integers of more bits than asked for.

    What
        Usually 32-bit integer PCM, which is neither 24-bit nor the 32-bit float that it is taken for.
    Why the mix engineer cares
        The file is a third larger for bits that no converter has, and 24-bit sessions convert it on import.
    How it is measured
        Valid bits per sample by the header. 24 valid bits in 32-bit words are FMT007's business.
    Fix
        Bounce again as 24-bit PCM without dither.
    Source
        Pro Tools export guide: 24-bit PCM; Recording Academy P&E Wing, delivery recommendations (2018).
    """
    for stem in stems.stems:
        found = stem.file.format
        if found.encoding == "pcm" and found.bits > bits:
            message = f"has {found.bits}-bit integer samples; {bits}-bit ones are asked for"
            yield Found(message, stem.file.path, found.bits, bits, "bits")
