"""NAM001: default names."""

from __future__ import annotations

from collections.abc import Iterator

from stemwright.audit import Found, rule
from stemwright.model import StemSet
from stemwright.naming import DEFAULT_NAME


@rule("NAM001", severity="warning", confidence="heuristic")
def default_name(stems: StemSet) -> Iterator[Found]:
    """A file has the name that the DAW gave it.

    What
        Names such as Audio_1, Track 12, Bounce or Inst 3.
    Why the mix engineer cares
        The engineer has to solo every file to find out what it is, and colours and templates by instrument do not
        work.
    How it is measured
        The name without suffix is a default word, alone or with a number.
    Fix
        Rename the track in the DAW to what is on it (Kick, LeadVox, GtrRhythmL), then export again.
    Source
        Pro Tools export guide: descriptive track names.
    """
    for stem in stems.everything:
        name = stem.file.path.stem
        if DEFAULT_NAME.match(name):
            yield Found(f"has a default name ({name})", stem.file.path, name, "descriptive")
