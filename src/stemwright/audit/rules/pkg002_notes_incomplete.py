from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._notes import tells
from stemwright.model import StemSet


@rule("PKG002", severity="warning", confidence="heuristic", topics=("BPM", "key", "effects"))
def notes_incomplete(stems: StemSet, *, topics: tuple[str, ...]) -> Finds:
    """The notes leave something out.

    What
        Notes that say nothing of one of `topics`: BPM, key, effects; sample rate and bit depth may be asked for too.
    Why the mix engineer cares
        Delays need the tempo, tuning needs the key, and an effect that is meant to be there is not taken for a fault.
    How it is measured
        Words and units in the text (93 BPM, F#m, reverb, dry); "no effects" is an answer. Notes that are no plain text
        are not judged.
    Fix
        Add a line for each (`stemwright notes` writes them all).
    Source
        Pro Tools export guide: BPM, key and printed effects in writing.
    """
    missing = [topic for topic in topics if not tells(stems.notes, topic)]
    if stems.notes.strip() and missing:
        yield Found(f"the notes do not tell {', '.join(missing)}", None, ", ".join(missing), ", ".join(topics))
