from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("FMT011", severity="warning", channels=2)
def multichannel(stems: StemSet, *, channels: int) -> Finds:
    """A stem has more channels than the delivery.

    What
        More than `channels` channels in one file.
    Why the mix engineer cares
        A stereo session splits it into mono tracks, or plays only the first two channels.
    How it is measured
        Channels by the header.
    Fix
        Bounce to a stereo bus; or, if the song is mixed in surround, use a profile that says so (`atmos`).
    Source
        Pro Tools export guide: mono and interleaved stereo files.
    """
    for stem in stems.stems:
        found = stem.file.format.channels
        if found > channels:
            message = f"has {found} channels; {channels} are asked for"
            yield Found(message, stem.file.path, found, channels, "channels")
