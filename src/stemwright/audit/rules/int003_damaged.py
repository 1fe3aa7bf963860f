from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("INT003", severity="error")
def damaged(stems: StemSet) -> Finds:
    """A file is audio, but its samples cannot be read.

    What
        The format in its header is missing or makes no sense, or reading the samples fails half-way.
    Why the mix engineer cares
        The part is missing from the song; some DAWs import such a file as noise.
    How it is measured
        The file's structure is walked and every sample is read once.
    Fix
        Export the track again. If only this copy exists, a recorder's repair tool may bring the samples back.
    Source
        RIFF/WAVE; EBU Tech 3285 (required chunks).
    """
    for bad in stems.unreadable:
        if bad.kind == "damaged":
            yield Found(f"cannot be read: {bad.reason}", bad.path)
