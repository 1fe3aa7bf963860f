from stemwright.audit import Finds, rule
from stemwright.audit.rules._damage import damaged
from stemwright.model import StemSet


@rule("INT007", severity="error", repair="lossless")
def crashed_recording(stems: StemSet) -> Finds:
    """A file's header says that it holds no audio, but audio follows.

    What
        The size of the audio part is 0: the recorder or the DAW stopped before it could complete the header.
    Why the mix engineer cares
        Most programs import an empty track; the part seems lost though it is all there.
    How it is measured
        The size in the header is 0, and what follows cannot be the beginning of another chunk.
    Fix
        Write the true sizes into the header; no sample changes. Then listen whether the take is complete.
    Source
        RIFF/WAVE. Of eight readers tried, two found the audio.
    """
    yield from damaged(stems, "zero-size")
