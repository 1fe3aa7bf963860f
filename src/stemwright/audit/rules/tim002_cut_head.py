from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import Span, StemSet


@rule("TIM002", severity="warning", confidence="measured", daw="start", limit_dbfs=-20.0)
def cut_head(stems: StemSet, *, limit_dbfs: float) -> Finds:
    """A stem sounds from its very first sample.

    What
        The first sample is above −20 dBFS (or the profile's `limit_dbfs`): something was cut.
    Why the mix engineer cares
        The first attack or the breath before it is missing, and the file starts with a click.
    How it is measured
        Magnitude of the first sample; a drum on the first beat rises only after it. The limit is a proposal: in the
        stems of an electronic song whole sounds began with samples of up to −28 dBFS.
    Fix
        Start the selection a bar before the song and bounce all tracks again from there.
    Source
        Universal Music content guide: a bar of lead-in; mixers' checklists. The limit is this project's.
    """
    for stem, levels in measured(stems.stems):
        first = round(levels.first_sample_dbfs, 2)
        if first > limit_dbfs:
            message = f"starts at {number(first)} dBFS with its first sample"
            yield Found(message, stem.file.path, first, limit_dbfs, "dBFS", (Span(0, 1),))
