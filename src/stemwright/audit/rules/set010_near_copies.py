from stemwright import units
from stemwright.audit import Finds, Found, number, rule
from stemwright.model import StemSet


@rule("SET010", severity="warning", confidence="measured")
def near_copies(stems: StemSet) -> Finds:
    """Two stems hold the same sound, but for level or polarity, or a stem that of the reference mix.

    What
        The samples of two stems follow each other with a correlation above 0.9999.
    Why the mix engineer cares
        Doubling a part this way makes it louder and nothing else; inverted it cancels. Most likely a track was
        exported twice.
    How it is measured
        Correlation over the whole song where there is a reference mix to solve, else in pieces in which every stem is
        loud. What differs is below −37 dB.
    Fix
        Keep one of the two, after making sure that the other part is not missing.
    Source
        Mixers' checklists; the limit is a proposal.
    """
    for pair in stems.compared.twins:
        if not pair.exact:
            level = round(units.db(abs(pair.gain)), 2)
            how = f"{number(abs(level))} dB {'louder' if level > 0 else 'softer'}" if level else "equally loud"
            message = f"holds the sound of {pair.first.name}, {how}{', inverted' if pair.gain < 0 else ''}"
            yield Found(message, pair.second, round(pair.correlation, 6), 0.9999, "correlation")
