import re

from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet

_UNSAFE = re.compile(r"[^A-Za-z0-9_ -]")
_SIDE = re.compile(r"\.(L|R|C|Ls|Rs|LFE|M|S)$", re.IGNORECASE)
"""How Pro Tools marks the sides of a split file; SET007 judges that."""
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]')
"""What Windows does not allow in a file name."""


@rule("NAM003", severity="warning", repair="lossless")
def characters(stems: StemSet) -> Finds:
    """A file name holds characters that not every system takes.

    What
        Anything but ASCII letters, digits, hyphen and underscore; spaces are NAM002's business.
    Why the mix engineer cares
        Windows refuses some of them outright, others change between a Mac and a PC, and the session loses its
        files.
    How it is measured
        The name without suffix, character by character. A character that Windows forbids makes it an error.
    Fix
        Rename the file: `#` in a key becomes `sharp`, accents lose their marks, the rest becomes an underscore.
    Source
        Pro Tools export guide: letters, digits, hyphen, underscore; Recording Academy P&E Wing, delivery
        recommendations (2018): no diacritics.
    """
    for stem in stems.everything:
        name = _SIDE.sub("", stem.file.path.stem)
        odd = " ".join(dict.fromkeys(_UNSAFE.findall(name)))
        if odd:
            message = f"has unsafe characters in its name: {odd}"
            yield Found(message, stem.file.path, odd, "A-Z a-z 0-9 _ -", error=bool(_FORBIDDEN.search(name)))
