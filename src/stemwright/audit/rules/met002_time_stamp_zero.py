from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("MET002", severity="info", repair="lossless", daw="start")
def time_stamp_zero(stems: StemSet) -> Finds:
    """The time stamps say midnight.

    What
        Every Broadcast WAV of the set has TimeReference 0.
    Why the mix engineer cares
        Picture sessions start at 01:00:00:00; spotted to its stamp, such a file lands an hour before the first frame.
    How it is measured
        The `bext` chunks; one finding for the set. For a song that starts at 0 this is right, so most profiles turn it
        off. Stamps that differ are SET004's business.
    Fix
        Set the session start in the DAW before the export, or write the true start into the files.
    Source
        EBU Tech 3285 (TimeReference: frames since midnight).
    """
    starts = [stem.file.start_frame for stem in stems.stems if stem.file.start_frame is not None]
    if starts and not any(starts):
        yield Found(f"the time stamp is 0 (midnight) in all {len(starts)} Broadcast WAVs", None, 0, "session start")
