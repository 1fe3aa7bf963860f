import unicodedata

from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("NAM007", severity="warning", repair="lossless")
def decomposed_name(stems: StemSet) -> Finds:
    """A file name holds characters that look like others or like nothing.

    What
        Accents as a letter and a mark of their own (NFD, as old Macs write them), and invisible characters: zero-width
        spaces, marks of writing direction.
    Why the mix engineer cares
        A session looks for é as one character, the disk holds two: the file is there and is not found. Two names
        that look the same are not.
    How it is measured
        The name is compared with its composed form (NFC); then Unicode category Cf (format characters) is looked for.
    Fix
        Type the name anew; best without accents.
    Source
        Unicode Standard Annex 15; Recording Academy P&E Wing, delivery recommendations (2018): no diacritics.
    """
    for stem in stems.everything:
        name = stem.file.path.stem
        odd = [unicodedata.name(c, hex(ord(c))).lower() for c in name if unicodedata.category(c) == "Cf"]
        if odd:
            yield Found(f"has an invisible character in its name ({odd[0]})", stem.file.path, odd[0], "none")
        elif not unicodedata.is_normalized("NFC", name):
            yield Found("has a name with accents coded as two characters (NFD)", stem.file.path, "NFD", "NFC")
