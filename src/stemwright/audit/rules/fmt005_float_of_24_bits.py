from stemwright.audit import Finds, Found, measured, rule
from stemwright.model import StemSet


@rule("FMT005", severity="info", repair="lossless", daw="bit-depth")
def float_of_24_bits(stems: StemSet) -> Finds:
    """A float stem holds nothing but 24-bit samples.

    What
        Every sample of the file is one that a 24-bit file can hold.
    Why the mix engineer cares
        A third of the bytes is for nothing, and some hosts and hardware refuse float.
    How it is measured
        Every sample is a whole multiple of 2⁻²³, finite, and none is above full scale. It takes the place of FMT004.
    Fix
        Write it as 24-bit PCM: every sample stays as it is.
    Source
        IEEE 754: 32-bit float holds all 24-bit integers exactly.
    """
    for stem, levels in measured(stems.stems):
        found, whole = stem.file.format, levels.words.on_24_bit_grid and not levels.not_finite.count
        if found.encoding == "float" and whole and levels.sample_peak_dbfs <= 0:
            message = f"has {found.bits}-bit float samples, but is 24-bit inside"
            yield Found(message, stem.file.path, found.bits, 24, "bits")
