from stemwright.audit import Finds, rule
from stemwright.audit.rules._damage import damaged
from stemwright.model import StemSet


@rule("INT010", severity="error")
def second_audio_part(stems: StemSet) -> Finds:
    """A file has a second audio part or a second format.

    What
        More than one 'data' or 'fmt' chunk in a WAV file.
    Why the mix engineer cares
        Which one plays depends on the program: the mix engineer may hear another take than you do.
    How it is measured
        All chunks are walked; the first of each kind is the one that was measured here.
    Fix
        Open the file where it sounds right, and export it again as a new file.
    Source
        RIFF/WAVE knows one of each. Of eight readers tried, four played the first part, three the second.
    """
    yield from damaged(stems, "second-data", "second-fmt")
