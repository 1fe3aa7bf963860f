from stemwright.audit import Finds, Found, many, measured, rule
from stemwright.model import StemSet


@rule("CLP001", severity="error", daw="headroom")
def clipped(stems: StemSet) -> Finds:
    """A stem is clipped at full scale.

    What
        Three or more samples in a row stand at full scale.
    Why the mix engineer cares
        The tops are cut off for good; no plug-in brings them back unharmed, and turning the stem down keeps the
        crack.
    How it is measured
        Samples within 1 LSB of ±1.0 in the file's effective word length (16, 20 or 24 bits), counted per channel.
        Float samples beyond ±1.0 are not clipped yet.
    Fix
        Lower the track or the plug-in that overloads until its meter stays below 0 dBFS, then bounce again. If the
        clip was recorded, say so in the notes.
    Source
        Pro Tools export guide: no clipping; Netflix partner help (AudioClippingInspector).
    """
    for stem, levels in measured(stems.everything):
        runs = levels.clipping.full_scale
        if runs.count:
            message = f"is clipped at full scale in {many(runs.count, 'place')}"
            yield Found(message, stem.file.path, runs.count, 0, "runs", runs.spans)
