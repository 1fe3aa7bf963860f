from stemwright.audit import Finds, Found, number, rule
from stemwright.model import StemSet

GIB = 1 << 30


@rule("INT021", severity="error", repair="lossless")
def too_large(stems: StemSet) -> Finds:
    """A WAV file is larger than a WAV file can be.

    What
        More than 4 GiB in a RIFF container. From 2 GiB on it is only mentioned.
    Why the mix engineer cares
        RIFF counts bytes in 32 bits: beyond 4 GiB the header must be wrong, and programs stop somewhere in the song.
        Older ones take the number as signed and stop at 2 GiB.
    How it is measured
        The size of the file. RF64 and BW64 are made for this and pass.
    Fix
        Write it as RF64 or BW64, which changes no sample; or export at a lower sample rate or in parts.
    Source
        EBU Tech 3306 (RF64); ITU-R BS.2088 (BW64).
    """
    for stem in stems.everything:
        size = stem.file.bytes
        if stem.file.format.container == "wav" and size > 2 * GIB:
            limit = 4 if size > 4 * GIB else 2
            message = (
                f"takes {number(size / GIB)} GiB; {'RIFF ends' if limit == 4 else 'older programs stop'} at {limit}"
            )
            yield Found(message, stem.file.path, round(size / GIB, 2), limit, "GiB", minor=limit == 2)
