from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("INT016", severity="error")
def no_samples(stems: StemSet) -> Finds:
    """A file has a proper header and no audio behind it.

    What
        The audio part is 0 frames long.
    Why the mix engineer cares
        The track imports as nothing: the part is missing from the song.
    How it is measured
        Frames that can really be read.
    Fix
        Export the track again with the whole song selected; an empty time selection makes such files.
    Source
        Plain necessity: there is nothing to mix.
    """
    for stem in stems.everything:
        if stem.file.frames == 0:
            yield Found("holds no samples (0 frames)", stem.file.path, 0, 1, "frames")
