import math

from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet

_PLAUSIBLE = {
    "bass": (0.0, 1_500.0),
    "drums.kick": (0.0, 2_000.0),
    "drums.hats": (500.0, math.inf),
    "vocals": (120.0, 6_000.0),
}
"""Role -> spectral centroid (Hz) that such a sound can have."""


@rule("NAM011", severity="info", confidence="heuristic")
def other_content(stems: StemSet) -> Finds:
    """A name says one instrument, the sound another.

    What
        A bass or kick whose energy lies high, hats whose energy lies low, a voice far off either way.
    Why the mix engineer cares
        Two files with each other's names cost an hour before somebody dares to say so.
    How it is measured
        The centroid of the power spectrum against a wide range for the role that the name means. Seen so far: basses
        at 120-190 Hz, kicks at 50-100 Hz, hats above 7 kHz, singing at 900 Hz; the ranges are a proposal, wide on
        purpose, so that only a gross mix-up is found.
    Fix
        Listen, and rename the file if the name is wrong.
    Source
        Judgement.
    """
    for stem, levels in measured(stems.stems):
        roles = (role for role in _PLAUSIBLE if f"{stem.role}.".startswith(f"{role}."))
        low, high = _PLAUSIBLE.get(next(roles, ""), (0.0, math.inf))
        centroid = levels.spectrum.centroid_hz
        if centroid is not None and not low <= centroid <= high:
            message = f"is called {stem.name}, but its energy lies around {number(centroid, 0)} Hz"
            yield Found(message, stem.file.path, round(centroid), high if centroid > high else low, "Hz")
