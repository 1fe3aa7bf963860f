from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet


@rule(
    "SET013",
    severity="warning",
    confidence="heuristic",
    repair="lossy",
    daw="normalise",
    within_db=0.02,
    stems_at_least=3,
)
def equal_peaks(stems: StemSet, *, within_db: float, stems_at_least: int) -> Finds:
    """All stems have the same peak.

    What
        The sample peaks of all stems lie within `within_db`.
    Why the mix engineer cares
        They were normalised one by one on export, or hit one limiter: the balance between them is gone.
    How it is measured
        Sample peaks of the stems that sound; three stems at least. Files of one drum machine may share a peak by
        chance, so it is a heuristic.
    Fix
        Turn "normalise" off in the export dialog and bounce again with the faders of the mix.
    Source
        Mixers' checklists; the limit is a proposal.
    """
    peaks = [levels.sample_peak_dbfs for _, levels in measured(stems.stems) if not levels.silent]
    if len(peaks) >= stems_at_least and max(peaks) - min(peaks) <= within_db:
        message = f"all {len(peaks)} stems peak at {number(max(peaks))} dBFS: normalised on export?"
        yield Found(message, None, round(max(peaks) - min(peaks), 3), within_db, "dB between the peaks")
