from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("CHN002", severity="warning", repair="lossless", daw="mono", near_dbfs=-90.0)
def dual_mono(stems: StemSet, *, near_dbfs: float) -> Finds:
    """A stereo file holds the same sound on both sides.

    What
        Left and right are equal, or differ by less than `near_dbfs` (dither or rounding only).
    Why the mix engineer cares
        A mono source belongs on a mono track: half the data, mono plug-ins, and a pan knob that does what it says.
    How it is measured
        All samples of both sides; else the RMS of their difference, which must also be 60 dB below the sound.
    Fix
        Export the track as mono. Equal sides lose nothing by it; of nearly equal ones the mean is meant.
    Source
        Mixers' checklists (mono sources as mono files).
    """
    for stem, levels in measured(stems.stems):
        sides = levels.sides
        if sides is None:
            continue
        difference = sides.difference_dbfs
        if sides.relation == "equal":
            yield Found("is mono: both sides are the same samples", stem.file.path, "-inf", near_dbfs, "dBFS")
        elif difference < min(near_dbfs, levels.rms_dbfs - 60):
            message = f"is as good as mono: the sides differ by {number(difference, 1)} dBFS"
            yield Found(message, stem.file.path, round(difference, 1), near_dbfs, "dBFS")
