from stemwright.audit import Finds, Found, many, measured, rule
from stemwright.model import StemSet


@rule("TIM006", severity="warning", confidence="heuristic")
def click(stems: StemSet) -> Finds:
    """A stem clicks.

    What
        Single samples or steps that do not follow from the wave before them: splices without fades, digital clicks.
    Why the mix engineer cares
        Compressors and reverbs make them louder, and in a dense song nobody finds them any more.
    How it is measured
        What a linear prediction of the wave leaves over, against what it leaves over nearby. Hard drum samples and
        chiptune sounds can look the same, so this is a hint.
    Fix
        Listen at the places given; fade the edits, or draw the sample right, and bounce the track again.
    Source
        Essentia's click detector (linear prediction, order 12); Vaseghi and Rayner, IEE Proceedings I, 1990.
    """
    for stem, levels in measured(stems.stems):
        count = levels.clicks.count
        if count:
            message = f"clicks in {many(count, 'place')}"
            yield Found(message, stem.file.path, count, 0, "places", levels.clicks.spans)
