from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules import _mixdown
from stemwright.model import StemSet


@rule("MIX006", severity="error", repair="lossless", confidence="measured", daw="start")
def shifted(stems: StemSet) -> Finds:
    """A stem is early or late against the reference mix.

    What
        The mix holds the stem some frames earlier or later than it stands in its file. If most stems lie so, it is
        the mix that was bounced from another start (TIM008).
    Why the mix engineer cares
        A stem that is 10 ms off plays out of time, and one that is 1 ms off sounds hollow beside its neighbours.
    How it is measured
        Generalised cross-correlation (the cross-spectrum over the square root of its magnitude, summed over windows
        of up to 3 s) of the stem with what the other stems leave of the mix. Less than 16 frames, which an equaliser
        could do, must explain half of what is left, or leave less than −50 dB. Up to 10 s are looked for; further
        than 32,768 frames (16,384 in sets of 2 s) the whole song must confirm it.
    Fix
        Bounce all tracks from the same start with plug-in delay compensation on; or shift the stem by that many
        frames.
    Source
        Mixers' checklists; Knapp and Carter (1976); tests find 480 frames as 480.0.
    """
    solved = _mixdown.solved(stems)
    for part in solved[1].parts if solved else ():
        if solved and part.lag is not None and part.drift_ppm is None:
            frames, rate = abs(part.lag), solved[0].file.format.sample_rate
            word = "early" if part.lag > 0 else "late"
            message = f"is {number(frames, 1)} frames ({number(1000 * frames / rate)} ms) {word} in the set"
            yield Found(message, part.path, round(part.lag, 1), 0, "frames")
