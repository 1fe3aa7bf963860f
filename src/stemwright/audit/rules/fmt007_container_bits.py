from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("FMT007", severity="info", repair="lossless", daw="bit-depth")
def container_bits(stems: StemSet) -> Finds:
    """A stem's samples take more bits in the file than they have.

    What
        Usually 24 valid bits in 32-bit containers.
    Why the mix engineer cares
        The file is a third larger than it must be, and some programs read it as something else: of eight readers
        tried, three refused it and one took it for 24-bit float.
    How it is measured
        Valid bits against container bits in the header.
    Fix
        Bounce as plain 24 bit; packing the samples closer changes none of them.
    Source
        WAVE_FORMAT_EXTENSIBLE (Microsoft): wValidBitsPerSample.
    """
    for stem in stems.stems:
        found = stem.file.format
        if found.container_bits > found.bits:
            message = f"keeps {found.bits}-bit samples in {found.container_bits} bits"
            yield Found(message, stem.file.path, found.container_bits, found.bits, "bits")
