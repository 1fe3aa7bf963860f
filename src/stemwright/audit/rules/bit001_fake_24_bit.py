from stemwright.audit import Finds, Found, measured, rule
from stemwright.model import StemSet


@rule("BIT001", severity="warning", daw="bit-depth", bits=22, error_bits=16)
def fake_24_bit(stems: StemSet, *, bits: int, error_bits: int) -> Finds:
    """A file says 24 bits and uses fewer.

    What
        The last bits of every sample are zero: the audio was 16 bits (or 20) and was stored as 24.
    Why the mix engineer cares
        The file promises a quality that is not there; usually a 16-bit bounce, sample or converter stands behind
        it.
    How it is measured
        All samples as 24-bit integers, or-ed together: the trailing zeros are unused. At most `bits` used is a
        warning, at most `error_bits` an error. Silence has no bits and passes.
    Fix
        Find where the 16-bit step is (bounce settings, a converted import, dither on the master) and bounce at 24
        bit.
    Source
        Pro Tools export guide: 24 bit; the two limits are this project's proposal.
    """
    for stem, levels in measured(stems.stems):
        used = levels.words.used_bits
        if stem.file.format.bits >= 24 and 0 < used <= bits:
            message = f"is stored with {stem.file.format.bits} bits but uses only {used}"
            yield Found(message, stem.file.path, used, 24, "bits", error=used <= error_bits)
