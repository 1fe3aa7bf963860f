from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet

_SUFFIXES = (
    *(".asd", ".reapeaks", ".reapindex", ".wfm", ".pkf", ".peak", ".pk", ".ovw", ".gpk", ".mrk", ".sfk", ".sfl"),
    *(".bak", ".rpp-bak", ".tmp", "~"),
)


@rule("PKG006", severity="info", repair="lossless")
def leftovers(stems: StemSet) -> Finds:
    """Working files of programs lie between the stems.

    What
        Analysis and overview files (.asd of Live, .reapeaks of REAPER, .wfm of Pro Tools, .pkf of Audition, .gpk of
        WaveLab, .sfk of Sound Forge) and backups (.bak, .ptx~).
    Why the mix engineer cares
        They weigh little and do no harm, but the receiver's own program finds them and may trust what they say of
        another version of the file.
    How it is measured
        By the end of the name, among everything that is no audio.
    Fix
        Leave them out of the delivery; the programs make them anew.
    Source
        The manuals of these programs.
    """
    for path in stems.other_files:
        if path.name.lower().endswith(_SUFFIXES):
            yield Found("is a working file of a program and no part of a delivery", path, path.name)
