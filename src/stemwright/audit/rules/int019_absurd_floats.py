from stemwright.audit import Finds, Found, many, measured, rule
from stemwright.model import StemSet


@rule("INT019", severity="warning", repair="lossy", denormals=1000)
def absurd_floats(stems: StemSet, *, denormals: int) -> Finds:
    """A float file holds samples far beyond full scale, or ones so small that they only cost time.

    What
        Samples above +24 dBFS; or more than `denormals` samples that are denormal, which is only mentioned.
    Why the mix engineer cares
        The first is a plug-in that went wrong, or another program's idea of full scale: it can hurt ears and
        speakers. Denormal numbers make some plug-ins many times slower.
    How it is measured
        Every sample is looked at. Both limits are this project's proposal.
    Fix
        Find the plug-in that makes them and bounce again; denormal samples may be set to zero.
    Source
        IEEE 754: numbers below 1.2e-38 are denormal in 32 bits.
    """
    for stem, levels in measured(stems.everything):
        if levels.absurd:
            message = f"holds {many(levels.absurd, 'sample')} above +24 dBFS"
            yield Found(message, stem.file.path, levels.absurd, 0, "samples")
        if levels.denormal > denormals:
            message = f"holds {levels.denormal} denormal samples"
            yield Found(message, stem.file.path, levels.denormal, denormals, "samples", minor=True)
