from stemwright.audit import Finds, Found, rule
from stemwright.model import DawSession


@rule("SES002", severity="warning", daw="bit-depth", bits=24)
def session_bits(session: DawSession, *, bits: int) -> Finds:
    """The session records fewer than 24 bits.

    What
        The session's own bit depth is lower than the profile's `bits`.
    Why the mix engineer cares
        What is recorded and consolidated in the session has no more bits than the session, whatever the export dialog
        says afterwards.
    How it is measured
        The bit depth that the host tells; 32-bit float passes.
    Fix
        In Pro Tools choose 24-bit or 32-bit float under Setup > Session, before recording and consolidating.
    Source
        Pro Tools export guide: 24 bit.
    """
    if session.bits is not None and session.bits < bits:
        message = f"the session records {session.bits} bits; {bits} bits are asked for"
        yield Found(message, None, session.bits, bits, "bits")
