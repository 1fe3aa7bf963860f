from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("FMT003", severity="error", daw="bit-depth", bits=24, roles=("click",))
def bit_depth(stems: StemSet, *, bits: int, roles: tuple[str, ...]) -> Finds:
    """A stem has fewer than 24 bits.

    What
        The samples are stored with fewer bits than asked for.
    Why the mix engineer cares
        16-bit noise sits at −98 dBFS; stems that get compressed, equalised and summed lift it into the audible.
    How it is measured
        Valid bits per sample by the header. Whether 24 bits are really used is BIT001's question. What nobody mixes
        (`roles`) may have fewer.
    Fix
        Bounce again at 24 bit. Converting the file to more bits only hides the loss.
    Source
        Pro Tools export guide: 24 bit; Recording Academy P&E Wing, delivery recommendations (2018).
    """
    for stem in stems.stems:
        found = stem.file.format
        if found.encoding == "pcm" and found.bits < bits and stem.role not in roles:
            message = f"has {found.bits}-bit samples; {bits} bits are asked for"
            yield Found(message, stem.file.path, found.bits, bits, "bits")
