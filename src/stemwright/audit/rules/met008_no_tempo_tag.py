from stemwright.audit import Finds, Found, listed, rule
from stemwright.model import StemSet


@rule("MET008", severity="info", repair="lossless", tags=("bpm", "key"))
def no_tempo_tag(stems: StemSet, *, tags: tuple[str, ...]) -> Finds:
    """Files carry no tags for tempo and key.

    What
        Stems without one of the tags that the profile wants.
    Why the mix engineer cares
        DJ software and music libraries sort and sync by them. A mix engineer reads the notes, so most profiles turn
        this off.
    How it is measured
        ID3, Vorbis comments, MP4 atoms and the tempo in iXML; one finding for the set.
    Fix
        Write the tags; the samples stay as they are.
    Source
        ID3v2.3 (TBPM, TKEY); music libraries' delivery pages.
    """
    odd = [stem.file.path for stem in stems.stems if not all(map(stem.file.tag, tags))]
    if odd:
        wanted = " and ".join(tags)
        message = f"{len(odd)} of {len(stems.stems)} stems lack tags ({wanted}): {listed(odd)}"
        yield Found(message, None, len(odd), 0, "stems")
