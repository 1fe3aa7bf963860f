from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("SRC003", severity="info", confidence="heuristic", limit_db=20.0)
def hum(stems: StemSet, *, limit_db: float) -> Finds:
    """Mains hum stands in the pauses.

    What
        In the pauses the lines of 50 or 60 Hz and their multiples stand `limit_db` or more over the rest.
    Why the mix engineer cares
        A steady hum is easy to take out when it is known, and hard to find once everything plays.
    How it is measured
        Four or more windows of 4096 frames, at least 30 dB below the loudest: the energy that eight harmonics explain
        against what they leave below 1.5 kHz, half of the windows within 6 dB. Limits are proposals.
    Fix
        Look at the cable, the ground and the pick-ups. For what is recorded: a narrow filter at those lines, or say so
        in the notes.
    Source
        Mixers' checklists; least squares.
    """
    for stem, levels in measured(stems.stems):
        hz, level = levels.spectrum.hum_hz, levels.spectrum.hum_db
        if hz and level >= limit_db:
            message = f"hums at {number(hz, 0)} Hz in the pauses, {number(level, 0)} dB over the rest"
            yield Found(message, stem.file.path, level, limit_db, "dB")
