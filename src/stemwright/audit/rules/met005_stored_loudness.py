import math

from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule("MET005", severity="warning", repair="lossless", confidence="measured", limit=0.5)
def stored_loudness(stems: StemSet, *, limit: float) -> Finds:
    """The loudness written in the file is not that of the file.

    What
        The integrated loudness or the true peak of a version 2 `bext` chunk is more than `limit` (LU, dB) off.
    Why the mix engineer cares
        Players that trust the figure play the stem too loud or too soft, and it betrays a file that was edited after
        it was measured.
    How it is measured
        Loudness by BS.1770-4, true peak with 4x oversampling; the unused value 0x7FFF passes, and so do zeros in
        both, which programs leave. The limit of 0.5 is a proposal: five times the tolerance of a meter.
    Fix
        Write the measured values, or mark them as unused.
    Source
        EBU Tech 3285 supplement 6 (version 2); EBU Tech 3341: meters agree within 0.1 LU.
    """
    for stem, levels in measured(stems.everything):
        stored = stem.file.metadata
        if stored.loudness_lufs == stored.true_peak_dbtp == 0:
            continue
        pairs = (
            ("loudness", stored.loudness_lufs, levels.loudness.integrated_lufs, "LUFS"),
            ("true peak", stored.true_peak_dbtp, levels.true_peak_dbtp, "dBTP"),
        )
        for what, claim, value, unit in pairs:
            if claim is not None and math.isfinite(value) and abs(claim - value) > limit:
                message = f"says {what} {number(claim)} {unit} in its bext chunk; it is {number(value)} {unit}"
                yield Found(message, stem.file.path, round(claim, 2), round(value, 2), unit)
