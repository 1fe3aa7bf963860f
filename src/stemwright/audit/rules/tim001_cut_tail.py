from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import Span, StemSet

GONE = -90.0
"""dBFS at which a tail is called gone."""
FALLING = 6.0
"""dB a second. What dies away more slowly than a reverb of 10 s tells nothing of its end."""


@rule("TIM001", severity="warning", confidence="measured", daw="tail", limit_dbfs=-60.0, error_dbfs=-40.0)
def cut_tail(stems: StemSet, *, limit_dbfs: float, error_dbfs: float) -> Finds:
    """A stem still sounds where its file ends.

    What
        The last 10 ms are louder than `limit_dbfs`; above `error_dbfs` it is an error.
    Why the mix engineer cares
        The reverb or the last note breaks off with a click, and the missing tail cannot be made again.
    How it is measured
        Sample peak of the last 10 ms; where the last second dies away, its fall in dB a second tells how much is
        missing until −90 dBFS. A song that ends on a hard stop is flagged too: then ignore it.
    Fix
        Extend the selection past the end until all reverbs and delays have died away, and bounce all tracks again.
    Source
        Pro Tools export guide: leave room for tails; mixers' checklists. The two limits are this project's
        proposal.
    """
    for stem, levels in measured(stems.stems):
        tail, fall = round(levels.tail_dbfs, 2), levels.tail_fall_db_s
        if tail > limit_dbfs:
            message = f"is still at {number(tail)} dBFS in its last 10 ms; the limit is {number(limit_dbfs)} dBFS"
            if fall and fall >= FALLING:
                message += f"; it needs about {number((tail - GONE) / fall, 1)} s more to die away"
            end = stem.file.frames
            span = Span(max(0, end - stem.file.format.sample_rate // 100), end)
            yield Found(message, stem.file.path, tail, limit_dbfs, "dBFS", (span,), error=tail > error_dbfs)
