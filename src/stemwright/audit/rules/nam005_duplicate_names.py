from unicodedata import normalize

from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("NAM005", severity="error", repair="lossless")
def duplicate_names(stems: StemSet) -> Finds:
    """Two files have the same name for some systems.

    What
        Names that differ only in upper and lower case, in how accents are coded (NFC, NFD), or in the suffix.
    Why the mix engineer cares
        On a Mac or PC one file overwrites the other on unpacking; in a DAW two tracks get the same name.
    How it is measured
        Names without suffix after Unicode composition and case folding.
    Fix
        Give each its own name, by what is on it or by a number: Gtr_1, Gtr_2.
    Source
        Pro Tools export guide: unique names; Unicode Standard, canonical caseless matching (D145).
    """
    seen: dict[str, str] = {}
    for path in sorted(stem.file.path for stem in stems.everything):
        folded = normalize("NFC", normalize("NFD", path.stem).casefold())
        if folded in seen:
            message = f"has the same name as {seen[folded]}, apart from case, accent coding and suffix"
            yield Found(message, path, path.stem, "unique")
        seen.setdefault(folded, path.name)
