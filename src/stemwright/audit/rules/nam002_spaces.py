from stemwright.audit import Finds, Found, many, rule
from stemwright.model import StemSet


@rule("NAM002", severity="warning", repair="lossless")
def spaces(stems: StemSet) -> Finds:
    """A file name holds spaces.

    What
        At least one space in the name.
    Why the mix engineer cares
        Upload forms, scripts and archive tools cut names at spaces or turn them into %20.
    How it is measured
        Spaces in the name without suffix.
    Fix
        Put underscores in their place: Lead_Vox.wav.
    Source
        Pro Tools export guide: underscores instead of spaces.
    """
    for stem in stems.everything:
        count = stem.file.path.stem.count(" ")
        if count:
            yield Found(f"has {many(count, 'space')} in its name", stem.file.path, count, 0, "spaces")
