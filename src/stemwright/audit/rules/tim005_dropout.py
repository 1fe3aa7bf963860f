from stemwright.audit import Finds, Found, many, measured, rule
from stemwright.model import StemSet


@rule("TIM005", severity="warning", confidence="heuristic", most=8)
def dropout(stems: StemSet, *, most: int) -> Finds:
    """A stem drops to digital silence for a moment.

    What
        Exact zeros for 1 to 500 ms with sound right before and right after.
    Why the mix engineer cares
        A disk or a processor that was too slow, or an edit without fades: a hole with a click at both ends.
    How it is measured
        Silence in all channels with both flanks above −40 dBFS, within 6 dB of each other over 10 ms, and not dying
        away in the 1 ms beside it. More than `most` of them are an instrument (a gate, chopped samples) and not told
        of; a few look the same, so this is a hint. The limits are a proposal.
    Fix
        Listen at the places given; bounce the track again, off-line or with a larger buffer.
    Source
        Essentia's gaps detector (−50 dB, 10 to 3500 ms) in a stricter form.
    """
    for stem, levels in measured(stems.stems):
        count = levels.dropouts.count
        if 0 < count <= most:
            message = f"drops out in {many(count, 'place')}"
            yield Found(message, stem.file.path, count, 0, "places", levels.dropouts.spans)
