from stemwright.audit import Finds, rule
from stemwright.audit.rules._damage import damaged
from stemwright.model import StemSet


@rule("INT013", severity="warning", repair="lossless")
def chunk_order(stems: StemSet) -> Finds:
    """The format or the start time stands behind the audio.

    What
        'fmt' or 'bext' comes after 'data'. A late 'bext' is only mentioned.
    Why the mix engineer cares
        A program that reads from front to back cannot know what it plays: four of eight readers tried refused the
        late 'fmt'. A late 'bext' may be overlooked, and the stem lands at bar 1.
    How it is measured
        The order of the chunks.
    Fix
        Write the file again in the right order; no sample changes.
    Source
        RIFF/WAVE: 'fmt' before 'data'; EBU Tech 3285: 'bext' before 'data'.
    """
    yield from damaged(stems, "fmt-late")
    yield from damaged(stems, "bext-late", minor=True)
