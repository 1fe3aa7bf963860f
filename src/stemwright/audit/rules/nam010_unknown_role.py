from stemwright.audit import Finds, Found, listed, rule
from stemwright.model import StemSet


@rule("NAM010", severity="info", confidence="heuristic")
def unknown_role(stems: StemSet) -> Finds:
    """Names tell no instrument that we know.

    What
        Stems whose names hold no word for an instrument, a voice or a group.
    Why the mix engineer cares
        Colours, order and routing by instrument leave these tracks out, and somebody has to listen to place them.
    How it is measured
        By the word list of `templates/names/roles.toml`, one finding for the set. The list is ours and never complete:
        a good name can be missing from it.
    Fix
        Name the instrument (Riser becomes FX_Riser), or add your word to the list.
    Source
        Mixers' checklists: name, then number or side.
    """
    odd = [stem.file.path for stem in stems.stems if stem.role == "other"]
    if odd:
        message = f"{len(odd)} of {len(stems.stems)} names tell no instrument: {listed(odd)}"
        yield Found(message, None, len(odd), 0, "stems")
