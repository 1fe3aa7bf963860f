from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules import _mixdown
from stemwright.model import StemSet


@rule("MIX007", severity="error", repair="lossy", confidence="measured", daw="sample-rate")
def drift(stems: StemSet) -> Finds:
    """A stem runs faster or slower than in the reference mix.

    What
        The stem lies further and further off its place in the mix; or the whole mix does so against all stems.
    Why the mix engineer cares
        After four minutes 100 ppm are 24 ms: the stem starts in time and ends out of it. It was recorded or converted
        on another clock, or stretched.
    How it is measured
        The lag in windows along the song (see MIX006) follows a straight line: its slope, the median of all slopes
        between windows; in songs of a few seconds, how the slope of the stem grows in what is left. It must explain
        far more than the best steady lag. Tests find 100 ppm within 1 ppm.
    Fix
        Bounce the stem again from the session of the mix. If only a converted file exists, resample it by the ratio
        given.
    Source
        Theil (1950), Sen (1968) for the line; this project's measurements.
    """
    solved = _mixdown.solved(stems)
    if not solved:
        return
    mix, made = solved
    drifts = [(part.path, part.drift_ppm) for part in made.parts] + [(mix.file.path, made.drift_ppm)]
    for path, ppm in drifts:
        if ppm is not None:
            faster = (ppm > 0) != (path == mix.file.path)
            word, other = "faster" if faster else "slower", "the stems" if path == mix.file.path else "in the mix"
            message = f"runs {number(abs(ppm), 1)} ppm {word} than {other}"
            yield Found(message, path, round(ppm, 1), 0, "ppm")
