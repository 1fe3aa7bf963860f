from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules import _mixdown
from stemwright.model import StemSet


@rule("MIX008", severity="info", confidence="measured", daw="master-bus", lossy_db=-10.0)
def master_bus(stems: StemSet, *, lossy_db: float) -> Finds:
    """The reference mix went through a master bus that the stems did not.

    What
        What is left of the mix follows its level (compressor, limiter, saturator) or is one filter over all stems
        (equaliser, widener).
    Why the mix engineer cares
        It is the normal state of a rough mix with mastering on it, and means that the stems cannot be proved complete
        to more than what is left.
    How it is measured
        In windows of the song: the gain of the mix re the stems where it is loud against where it is not, or 3 dB and
        more of the residual explained by one 2 × 2 filter. Mixes of five songs with an equaliser, compressor, limiter
        or saturator were found except one limited in few places; missing stems were never taken for it.
    Fix
        None needed. Send a second bounce of the mix with the master bus bypassed if the stems are to be checked to
        the bit.
    Source
        This project's measurements.
    """
    solved = _mixdown.solved(stems)
    if not solved or not _mixdown.processed(solved[1]):
        return
    mix, made = solved
    if not _mixdown.lossy(stems) or made.fitted_db > lossy_db:
        kind = "dynamics" if made.level_dependent else "an equaliser or widener"
        left = number(made.fitted_db, 1)
        message = f"seems to have {kind} on its master bus; the stems are proved complete to {left} dB"
        yield Found(message, mix.file.path, round(made.fitted_db, 1), -60.0, "dB re the mix")
