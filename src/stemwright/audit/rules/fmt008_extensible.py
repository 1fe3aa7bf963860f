from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("FMT008", severity="info", repair="lossless", daw="file-format")
def extensible(stems: StemSet) -> Finds:
    """A mono or stereo stem has a header that is made for surround.

    What
        WAVE_FORMAT_EXTENSIBLE with one or two channels.
    Why the mix engineer cares
        Some samplers, players and scripts refuse such files: two of eight readers tried did.
    How it is measured
        The format tag in the header (0xFFFE). DAWs read it, so the `protools` profile leaves this rule out.
    Fix
        Write a plain PCM header; no sample changes.
    Source
        WAVE_FORMAT_EXTENSIBLE (Microsoft). Microsoft asks for it above 16 bits; Broadcast WAV and DAWs do without.
    """
    for stem in stems.stems:
        found = stem.file.format
        if found.extensible and found.channels <= 2 and found.container_bits <= found.bits:
            yield Found("has an extensible header, which a stereo file does not need", stem.file.path)
