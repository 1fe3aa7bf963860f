from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet

_SAME = {".wave": ".wav", ".bwf": ".wav", ".aif": ".aiff"}


@rule("NAM012", severity="info", repair="lossless")
def suffix_spelling(stems: StemSet) -> Finds:
    """Suffixes are spelled in several ways.

    What
        .wav beside .WAV, .wave or .bwf, .aif beside .aiff.
    Why the mix engineer cares
        File filters and scripts look for one spelling and miss the rest.
    How it is measured
        By name, one finding for the set; a set that spells it one way throughout is fine. What the file really is, is
        INT002's business.
    Fix
        Rename all to .wav (or .aiff, .flac), in lower case.
    Source
        Judgement.
    """
    spelled: dict[str, set[str]] = {}
    for stem in stems.everything:
        suffix = stem.file.path.suffix
        spelled.setdefault(_SAME.get(suffix.lower(), suffix.lower()), set()).add(suffix)
    for suffix, ways in spelled.items():
        if len(ways) > 1:
            message = f"the suffix is spelled in {len(ways)} ways: {', '.join(sorted(ways))}"
            yield Found(message, None, len(ways), suffix)
