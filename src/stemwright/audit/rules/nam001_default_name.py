from stemwright.audit import Finds, Found, rule
from stemwright.model import Stem, StemSet
from stemwright.naming import DEFAULT_NAME, guess_role


@rule("NAM001", severity="warning", confidence="heuristic", daw="names")
def default_name(stems: StemSet) -> Finds:
    """A file has the name that the DAW gave it.

    What
        Names such as Audio 1_07 (Pro Tools), Track 3#01 (Logic), 1-Audio (Live), 01-untitled (REAPER), Stereo Out
        (Cubase) or Insert 4 (FL Studio).
    Why the mix engineer cares
        The engineer has to solo every file to find out what it is, and colours and templates by instrument do not
        work.
    How it is measured
        The whole name is a default word with numbers, take and side at most; Audio_Guitar is none. Where all names
        begin alike and tell no instrument, what follows that beginning is looked at too. The words are a list.
    Fix
        Rename the track in the DAW to what is on it (Kick, LeadVox, GtrRhythmL), then export again.
    Source
        Pro Tools export guide: descriptive track names.
    """
    for stem in stems.stems:
        name = stem.file.path.stem
        if any(map(DEFAULT_NAME.fullmatch, _names(stem))):
            yield Found("has a name that the DAW gave it", stem.file.path, name, "descriptive")


def _names(stem: Stem) -> tuple[str, ...]:
    name = stem.file.path.stem
    return (name, stem.name) if guess_role(name) == "other" else (name,)
