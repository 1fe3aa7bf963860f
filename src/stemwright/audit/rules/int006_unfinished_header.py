from stemwright.audit import Finds, rule
from stemwright.audit.rules._damage import damaged
from stemwright.model import StemSet


@rule("INT006", severity="warning", repair="lossless")
def unfinished_header(stems: StemSet) -> Finds:
    """A file's header was never completed; all samples are there.

    What
        The length in the header is a placeholder (such as 0xFFFFFFFF), as programs write it that stream their output.
    Why the mix engineer cares
        Readers disagree: of eight, three found the right length, three showed hours of audio, two gave up.
    How it is measured
        The audio part's size in the header against the placeholders known of sox, LAME, arecord and ffmpeg.
    Fix
        Write the true sizes into the header; no sample changes. Or let the program write to a file, not into a pipe.
    Source
        RIFF/WAVE. Readers tried: libsndfile, wavinfo, Python wave, mutagen, wave-bwf-rf64, ffprobe, soxi, mediainfo.
    """
    yield from damaged(stems, "streamed")
