from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("SRC004", severity="info", confidence="heuristic", limit_dbfs=-60.0)
def noise_floor(stems: StemSet, *, limit_dbfs: float) -> Finds:
    """The pauses of a stem are noisy.

    What
        The quietest steady second that is not digital silence lies above `limit_dbfs`.
    Why the mix engineer cares
        Hiss and room add up over many stems and are brought up by compression.
    How it is measured
        RMS of 100 ms steps; ten in a row within 3 dB, 25 dB below the loud parts. A soft held note looks the same. The
        limit is a proposal.
    Fix
        Cut or gate the pauses, or say in the notes that the noise belongs to the sound.
    Source
        Mixers' checklists; this project's proposal.
    """
    for stem, levels in measured(stems.stems):
        floor = levels.spectrum.floor_dbfs
        if floor is not None and floor > limit_dbfs:
            message = f"has a noise floor of {number(floor, 1)} dBFS; the limit is {number(limit_dbfs, 1)} dBFS"
            yield Found(message, stem.file.path, floor, limit_dbfs, "dBFS")
