import re

from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet

_SUFFIX = re.compile(
    r".(?:[ _]\d{2}-\d{2}|[ _]\d{2}[.-]cm|\.(?:cm|grp|new\.\d+)|-(?:cm|glued|consolidated|merged)|[ _-](?:bip|dup\d*)"
    r"|#\d{2,}|[ _]?\(\d+\)|[ _-]+(?:copy|kopie|copie)(?:[ _]?\d+)?)$",
    re.IGNORECASE,
)


@rule("NAM009", severity="info", confidence="heuristic", repair="lossless", daw="names")
def daw_suffix(stems: StemSet) -> Finds:
    """A name carries what a DAW or a file manager hung to it.

    What
        _01-02, .cm and .grp (Pro Tools), #03 and _bip (Logic), -glued (REAPER), (1) and copy (file managers).
    Why the mix engineer cares
        It says nothing about the sound, and LeadVox (1) leaves open whether another LeadVox is the right one.
    How it is measured
        The end of the name against a list; a plain number (Gtr_01) is no such suffix.
    Fix
        Take the suffix off, after making sure that no other take is meant.
    Source
        Mixers' checklists.
    """
    for stem in stems.everything:
        match = _SUFFIX.search(stem.file.path.stem)
        if match:
            suffix = match[0][1:].strip()
            yield Found(f"carries a suffix of a program ({suffix})", stem.file.path, suffix, "none")
