from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("INT004", severity="error")
def no_audio_part(stems: StemSet) -> Finds:
    """A file has a header, but no audio part at all.

    What
        A WAV file without a 'data' chunk (AIFF: without 'SSND').
    Why the mix engineer cares
        The track imports as nothing or not at all: the part is missing from the song.
    How it is measured
        All chunks of the file are walked to its end.
    Fix
        Export the track again; a recorder or a copy that stopped after the header leaves such files.
    Source
        RIFF/WAVE; EBU Tech 3285 (required chunks).
    """
    for bad in stems.unreadable:
        if bad.kind == "no-data":
            yield Found(f"holds no audio: {bad.reason}", bad.path)
