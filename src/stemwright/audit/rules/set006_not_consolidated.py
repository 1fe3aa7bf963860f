import re

from stemwright.audit import Finds, Found, rule
from stemwright.model import Stem, StemSet

SHORTER = 0.95
"""A piece is shorter than the longest one by this factor at least; files that differ by less are whole tracks."""
_REGION = re.compile(r"(?:[ _.-]+(?:\d{1,3}|cm|grp|A\d))+$", re.IGNORECASE)


@rule("SET006", severity="error", confidence="measured", daw="equal-length")
def not_consolidated(stems: StemSet) -> Finds:
    """A track was delivered in pieces.

    What
        Two files or more have one name but for the number of a region (Vox_01, Vox-02_03, Vox.cm), and their lengths
        differ.
    Why the mix engineer cares
        Nobody knows where each piece belongs; placing regions by ear is not mixing.
    How it is measured
        Names without their last numbers and region suffixes, grouped; lengths in frames. Pieces of equal length are
        taken for tracks of their own (two takes, two microphones).
    Fix
        Select every track from the start of the session to its end, consolidate (bounce in place, glue, join), and
        export again. With BWF time stamps the pieces can be put back where they were.
    Source
        Pro Tools export guide: consolidated files.
    """
    groups: dict[str, list[Stem]] = {}
    for stem in stems.stems:
        name = stem.file.path.stem
        groups.setdefault(_REGION.sub("", name).lower() if _REGION.search(name) else name.lower(), []).append(stem)
    for group in groups.values():
        lengths = {stem.file.frames for stem in group}
        if min(lengths) < SHORTER * max(lengths):
            first = min(group, key=lambda stem: stem.file.path)
            message = f"is one of {len(group)} pieces of a track, of different lengths"
            yield Found(message, first.file.path, len(lengths), 1, "lengths")
