import re
from fnmatch import fnmatchcase

from stemwright.audit import Finds, Found, listed, rule
from stemwright.model import StemSet


@rule("NAM008", severity="warning", confidence="heuristic", repair="lossless", pattern="")
def no_common_pattern(stems: StemSet, *, pattern: str) -> Finds:
    """The names do not follow one pattern.

    What
        With `pattern` (a name pattern such as *_*_MIX_*): names that it does not fit. Without: stems whose names do
        not begin with the same word, as Song_Kick, Song_Bass do.
    Why the mix engineer cares
        Files of several songs lie on the same drives; without the song's name a stray Kick.wav belongs to nobody.
    How it is measured
        By names without suffix, one finding for the set. The first word ends at a space, hyphen or underscore.
    Fix
        Put the song's name in front of every stem: Song_Kick.wav.
    Source
        Universal Music content guide and Recording Academy P&E Wing, both with patterns of their own.
    """
    paths = [stem.file.path for stem in stems.stems]
    if pattern:
        odd = [path for path in paths if not fnmatchcase(path.stem, pattern)]
        if odd:
            message = f"{len(odd)} of {len(paths)} names do not fit {pattern}: {listed(odd)}"
            yield Found(message, None, len(odd), pattern)
        return
    first = {re.split("[ _-]", path.stem.casefold())[0] if re.search("[ _-]", path.stem) else "" for path in paths}
    if len(paths) > 1 and (len(first) > 1 or "" in first):
        yield Found("the names do not begin with one word, the song's name", None, len(first), 1, "beginnings")
