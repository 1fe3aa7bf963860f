from stemwright import units
from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules import _mixdown
from stemwright.model import Span, StemSet


@rule("MIX003", severity="error", confidence="measured")
def in_no_stem(stems: StemSet) -> Finds:
    """The reference mix holds sound that is in no stem.

    What
        In some places much is left of the mix when the stems are taken from it, while in others it is exactly their
        sum.
    Why the mix engineer cares
        A stem is missing: the most frequent reason for which a mix has to wait.
    How it is measured
        The residual of the least-squares fit, in segments of about a second: above −40 dB re the mix over all, and
        below −50 dB in the tenth of the song that nulls best. A part that plays all through leaves no exact place;
        then MIX001 reports it. It is left open where a stem that was not found in the mix could be what is left.
    Fix
        Look for the muted, hidden or forgotten track at the places given, and bounce it from the same start.
    Source
        Mixers' checklists; limits from this project's measurements (missing stems of five songs).
    """
    solved = _mixdown.solved(stems)
    if solved and _mixdown.sound_missing(solved[1]) and not (_mixdown.lossy(stems) or _mixdown.damaged(stems)):
        mix, made = solved
        spans = tuple(Span(span.start + round(made.lag), span.end + round(made.lag)) for span in made.spans)
        at = units.clock(spans[0].start, mix.file.format.sample_rate)
        left = f"({number(made.fitted_db, 1)} dB of the mix are left)"
        unsure = _mixdown.sound_of(made)
        message = (
            f"holds sound that may be {unsure.path.stem}, changed or far from its place, or in no stem {left}"
            if unsure
            else f"holds sound that is in no stem, first at {at} {left}"
        )
        measured, limit = round(made.fitted_db, 1), _mixdown.EXPLAINED_DB
        yield Found(message, mix.file.path, measured, limit, "dB re the mix", spans, undetermined=unsure is not None)
