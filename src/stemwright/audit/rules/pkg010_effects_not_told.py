from stemwright.audit import Finds, Found, listed, rule
from stemwright.audit.rules._notes import tells
from stemwright.model import StemSet
from stemwright.naming import words

_PRINTED = frozenset({"wet", "fx", "efx", "print", "printed", "verb", "reverb", "delay", "dly", "send", "return"})


@rule("PKG010", severity="info", confidence="heuristic")
def effects_not_told(stems: StemSet) -> Finds:
    """Names speak of printed effects, the notes do not.

    What
        Stems called wet, FX, verb, print, return while the notes say nothing about effects.
    Why the mix engineer cares
        Is the reverb to stay, or was it forgotten on the track? Only the producer knows.
    How it is measured
        Words in names, words in the notes; one finding for the set. FX may as well mean sound effects, so most
        profiles turn this off; PKG002 asks for the same line in any case.
    Fix
        Say in the notes which effects are printed and whether they may go.
    Source
        Pro Tools export guide: printed effects in writing.
    """
    wet = [stem.file.path for stem in stems.stems if _PRINTED & set(words(stem.file.path.stem))]
    if wet and stems.notes.strip() and not tells(stems.notes, "effects"):
        yield Found(f"the notes do not tell of the effects in {listed(wet)}", None, len(wet), 0, "stems")
