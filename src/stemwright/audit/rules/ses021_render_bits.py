from stemwright.audit import Finds, Found, rule
from stemwright.model import DawSession


@rule("SES021", severity="error", daw="bit-depth", bits=24)
def render_bits(session: DawSession, *, bits: int) -> Finds:
    """The render dialog is set to fewer than 24 bits.

    What
        The host would write samples with fewer than the profile's `bits`.
    Why the mix engineer cares
        16-bit noise sits at −98 dBFS; stems that get compressed, equalised and summed lift it into the audible.
    How it is measured
        The bit depth that the host tells; 32-bit float passes.
    Fix
        Set the export to 24 bit: in Pro Tools File > Bounce Mix, Bit Depth 24 Bit; in REAPER File > Render, WAV bit
        depth 24 bit PCM.
    Source
        Pro Tools export guide: 24 bit.
    """
    found = session.render.bits
    if found is not None and found < bits:
        yield Found(f"would be rendered with {found} bits; {bits} are asked for", None, found, bits, "bits")
