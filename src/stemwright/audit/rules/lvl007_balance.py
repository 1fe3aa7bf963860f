from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet

ONE_SIDED = 60.0
"""dB. From here on only one side sounds, which is CHN003's business."""


@rule("LVL007", severity="info", confidence="measured", limit_db=12.0)
def balance(stems: StemSet, *, limit_db: float) -> Finds:
    """One side of a stereo stem is much louder than the other.

    What
        The RMS of left and right differs by more than `limit_db`.
    Why the mix engineer cares
        A pan knob or one of two microphones may have been left wrong; a panned mono source is easier to mix as mono.
    How it is measured
        RMS over the whole file. Up to 60 dB; beyond that only one side sounds. The limit is a proposal.
    Fix
        Check the track's pan and both inputs. If it is panned on purpose, leave it, or send it as mono and note the
        pan.
    Source
        Mixers' checklists; this project's proposal.
    """
    for stem, levels in measured(stems.stems):
        difference = levels.sides.balance_db if levels.sides else 0.0
        if limit_db < abs(difference) < ONE_SIDED:
            side, size = "left" if difference > 0 else "right", round(abs(difference), 1)
            yield Found(f"is {number(size, 1)} dB louder {side}", stem.file.path, size, limit_db, "dB")
