from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._damage import damages
from stemwright.model import StemSet


@rule("INT011", severity="warning", repair="lossless")
def no_pad(stems: StemSet) -> Finds:
    """A chunk of odd size is not followed by its pad byte.

    What
        All chunks behind it stand one byte too early.
    Why the mix engineer cares
        Where this happens before the audio, most programs cannot open the file: seven of eight readers tried failed.
    How it is measured
        The next chunk's name can be read one byte earlier than it should.
    Fix
        Write the file again with the pad byte; no sample changes.
    Source
        RIFF (Multimedia Programming Interface, 1991): chunks are padded to an even size.
    """
    for path, damage in damages(stems, "no-pad"):
        yield Found(damage.detail, path)
