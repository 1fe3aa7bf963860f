import math

from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("CHN003", severity="warning", repair="lossless", daw="mono", limit_db=60.0)
def one_side(stems: StemSet, *, limit_db: float) -> Finds:
    """Only one side of a stereo stem sounds.

    What
        One side is digital silence, or more than `limit_db` below the other.
    Why the mix engineer cares
        A cable, an input or a pan knob was wrong; or it is a mono source, which belongs in a mono file.
    How it is measured
        RMS of both sides over the whole file.
    Fix
        Export the track as mono, or find out where the other side was lost. A silent side can be taken away without
        loss.
    Source
        Mixers' checklists; the limit is a proposal.
    """
    for stem, levels in measured(stems.stems):
        if len(levels.channel_rms_dbfs) == 2 and not levels.silent:
            left, right = levels.channel_rms_dbfs
            if abs(left - right) > limit_db:
                side, quiet, channel = ("left", right, 1) if left > right else ("right", left, 0)
                other = "silent" if quiet == -math.inf else f"{number(abs(left - right), 0)} dB below"
                message = f"sounds on the {side} only; the other side is {other}"
                yield Found(message, stem.file.path, number(quiet, 1), limit_db, "dB", channel=channel)
