from stemwright.audit import Finds, Found, many, measured, number, rule
from stemwright.model import StemSet


@rule("CLP002", severity="error", confidence="measured", daw="headroom", runs=2, square=0.3, within_db=1.0)
def flat_tops(stems: StemSet, *, runs: int, square: float, within_db: float) -> Finds:
    """A stem was clipped and then turned down.

    What
        `runs` or more flat tops below full scale: three or more equal samples, entered and left with a corner. Where
        they fill more than the part `square` of the sound, a square wave may be meant, and CLP006 tells of it instead.
        Where most of them lie more than `within_db` below the peak it is undetermined.
    Why the mix engineer cares
        The peaks look safe and crackle all the same; the headroom hides what cannot be repaired.
    How it is measured
        Runs of equal samples above half of the peak whose neighbours on both sides lie at least 8 last bits lower. Of
        46 real tracks none is called clipped as it is, 38 with 0.2 % of the samples clipped and then turned down by
        8 dB are; clips of noise are one or two samples wide and cannot be told. Low sounds from 16 bits turned up have
        flat tops at many levels; so has a clipped recording behind a fader that moves.
    Fix
        Find what clips (an input, a plug-in, a bus before a fader that was turned down), lower what goes into it and
        bounce again. If the recording clipped, or it is meant, say so in the notes.
    Source
        Netflix partner help (AudioClippingInspector); the corner test is this project's.
    """
    for stem, levels in measured(stems.stems):
        flat, level = levels.clipping.flat, number(levels.clipping.flat_dbfs)
        if flat.count >= runs and levels.clipping.flat_share <= square:
            unsure = levels.clipping.flat_dbfs < levels.sample_peak_dbfs - within_db
            why = "clipped before a fader, or a coarse source" if unsure else "clipped, then turned down"
            message = f"has {many(flat.count, 'flat top')} around {level} dBFS: {why}"
            yield Found(message, stem.file.path, flat.count, runs - 1, "runs", flat.spans, undetermined=unsure)
