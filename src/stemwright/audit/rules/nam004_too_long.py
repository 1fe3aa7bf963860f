from unicodedata import normalize

from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("NAM004", severity="warning", repair="lossless", characters=50)
def too_long(stems: StemSet, *, characters: int) -> Finds:
    """A file name is too long.

    What
        The name without suffix has more than 50 characters (or the profile's `characters`).
    Why the mix engineer cares
        Track headers and mixer strips show the first dozen; some systems cut the rest, and cut names collide.
    How it is measured
        Characters after Unicode composition (NFC), so that é counts once.
    Fix
        Shorten the name to song and instrument: Song_LeadVox.wav.
    Source
        Pro Tools export guide: short names, at most 50 characters.
    """
    for stem in stems.everything:
        length = len(normalize("NFC", stem.file.path.stem))
        if length > characters:
            message = f"has a name of {length} characters; the limit is {characters}"
            yield Found(message, stem.file.path, length, characters, "characters")
