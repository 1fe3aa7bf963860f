from stemwright.audit import Finds, Found, many, measured, rule
from stemwright.model import StemSet


@rule("CLP003", severity="warning", daw="headroom")
def full_scale_samples(stems: StemSet) -> Finds:
    """Single samples of a stem stand at full scale.

    What
        One or two samples in a row at full scale, and nowhere three (CLP001).
    Why the mix engineer cares
        It may be a peak that just fits, or the tip of a clip; a normalised file has one, a clipped one has many.
    How it is measured
        Samples within 1 LSB of ±1.0 in the file's effective word length, counted per channel.
    Fix
        Lower all stems by one common amount, turn normalising off, and bounce again.
    Source
        Pro Tools export guide: no clipping; the run lengths are a custom of clip meters.
    """
    for stem, levels in measured(stems.stems):
        runs = levels.clipping.isolated
        if runs.count and not levels.clipping.full_scale.count:
            message = f"touches full scale in {many(runs.count, 'place')}"
            yield Found(message, stem.file.path, runs.count, 0, "runs", runs.spans)
