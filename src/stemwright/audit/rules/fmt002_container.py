from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("FMT002", severity="warning", repair="lossless", daw="file-format", containers=("wav", "rf64", "bw64"))
def container(stems: StemSet, *, containers: tuple[str, ...]) -> Finds:
    """A stem is lossless, but no WAV.

    What
        AIFF, FLAC, CAF and the like, where WAV (BWF) is asked for.
    Why the mix engineer cares
        Every DAW takes WAV; other containers get converted on import, and lose the BWF start time or never had one.
    How it is measured
        The container found in the file against the profile's `containers`. Lossy formats are FMT001's business.
    Fix
        Choose WAV or Broadcast WAV in the bounce dialogue; converting FLAC or AIFF to WAV keeps every sample.
    Source
        Pro Tools export guide: WAV (BWF); Recording Academy P&E Wing, delivery recommendations (2018): Broadcast
        Wave.
    """
    for stem in stems.stems:
        found = stem.file.format
        if not found.lossy and found.container not in containers:
            *others, last = map(str.upper, containers)
            asked = f"{', '.join(others)} or {last}" if others else last
            message = f"is {found.container.upper()}; {asked} is asked for"
            yield Found(message, stem.file.path, found.container, ", ".join(containers))
