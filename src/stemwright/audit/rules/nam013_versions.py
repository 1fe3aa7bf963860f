import re
from pathlib import Path

from stemwright.audit import Finds, Found, listed, rule
from stemwright.model import StemSet

_VERSION = re.compile(
    r"(?:[ _.-]+(?:(?:v|ver|version|rev|take|tk)[ _.-]?\d+|final\d*|new|old)|(?<=[a-z])v\d+)+$", re.IGNORECASE
)


@rule("NAM013", severity="warning", confidence="heuristic")
def versions(stems: StemSet) -> Finds:
    """A stem is there in several versions.

    What
        Names that differ only in a version: LeadVox_v1 and LeadVox_v2, Bass and Bass_FINAL, Solo_take1 and Solo_take2.
    Why the mix engineer cares
        Imported together they double each other, and which one counts only the producer knows.
    How it is measured
        The version at the end of the name (v2, take 3, final, new, old, rev) is taken off; then two names are equal. A
        version that stands in one file's name only is none of ours.
    Fix
        Deliver the one that counts, or say in the notes what the others are for.
    Source
        Mixers' checklists: comp the takes, deliver one.
    """
    same: dict[str, list[Path]] = {}
    for stem in stems.stems:
        path = stem.file.path
        same.setdefault(_VERSION.sub("", path.stem).casefold(), []).append(path)
    for paths in same.values():
        if len({path.stem.casefold() for path in paths}) > 1:
            message = f"is there in {len(paths)} versions: {listed(sorted(paths))}"
            yield Found(message, min(paths), len(paths), 1, "versions")
