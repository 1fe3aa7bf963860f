from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("CHN005", severity="info", repair="lossless", confidence="measured", correlation=0.9, least_ms=0.5)
def side_delay(stems: StemSet, *, correlation: float, least_ms: float) -> Finds:
    """One side of a stem is the other one, later.

    What
        A single delay of `least_ms` to 40 ms explains both sides: moved by it, they correlate above `correlation`.
    Why the mix engineer cares
        A Haas widener, or two microphones at different distances: in mono it sounds like a comb. The mix engineer may
        want to choose himself.
    How it is measured
        Cross-correlation of the sides in loud windows; it must be 0.1 better than that without the delay, for tones of
        one phase here and another there also look delayed. The limits are proposals.
    Fix
        Bypass the widener, or shift the later side; leave it if it is the sound.
    Source
        Haas (1951); mixers' checklists.
    """
    for stem, levels in measured(stems.stems):
        sides = levels.sides
        frames = abs(sides.delay_frames) if sides else 0
        together = max(correlation, (sides.correlation or 0.0) + 0.1) if sides else 1.0
        if sides and 1000 * frames >= least_ms * stem.file.format.sample_rate and sides.delay_correlation > together:
            side = "right" if sides.delay_frames > 0 else "left"
            milliseconds = number(1000 * frames / stem.file.format.sample_rate)
            message = f"has its {side} side {frames} frames ({milliseconds} ms) behind the other"
            yield Found(message, stem.file.path, frames, 0, "frames", channel=int(side == "right"))
