from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.audit.rules._majority import comparable
from stemwright.model import Span, StemSet


@rule("TIM007", severity="info", seconds=30.0)
def ends_early(stems: StemSet, *, seconds: float) -> Finds:
    """A stem falls silent long before the song ends.

    What
        Its last sound is more than `seconds` before the last sound of the set.
    Why the mix engineer cares
        Most often the part is simply over; now and then only a region was bounced, or a mute was left on.
    How it is measured
        The last sample that is not exactly zero, against that of the stem that sounds longest. It is normal in music,
        so profiles leave the rule out.
    Fix
        Compare with the rough mix; if the part is over, leave it.
    Source
        This project's proposal.
    """
    heard = list(measured(comparable(stems.stems)))
    end = max((levels.last_sound or 0 for _, levels in heard), default=0)
    for stem, levels in heard:
        last, rate = levels.last_sound, stem.file.format.sample_rate
        if last is not None and (early := (end - last) / rate) > seconds:
            message = f"falls silent {number(early, 1)} s before the last sound of the set"
            yield Found(message, stem.file.path, round(early, 3), seconds, "s", (Span(last + 1, stem.file.frames),))
