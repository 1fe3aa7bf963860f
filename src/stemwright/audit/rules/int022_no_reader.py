from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("INT022", severity="error")
def no_reader(stems: StemSet) -> Finds:
    """A file cannot be opened here.

    What
        A kind of audio that only an extra decoder reads, a copy-protected file, a file that is still in the cloud, or
        one that may not be read.
    Why the mix engineer cares
        What cannot be opened here was not checked at all, and may not open in the mix engineer's DAW either.
    How it is measured
        All readers that are installed were tried; protected M4P and iCloud placeholders are told by their content.
    Fix
        Export the track as WAV instead, or do what the message names: install a decoder, download the file, allow
        reading.
    Source
        Pro Tools export guide: WAV (BWF), which needs no decoder.
    """
    for bad in stems.unreadable:
        if bad.kind in ("no-reader", "locked"):
            yield Found(f"could not be checked: {bad.reason}", bad.path)
