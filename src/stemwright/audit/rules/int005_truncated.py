from stemwright.audit import Finds, Found, number, rule
from stemwright.model import StemSet


@rule("INT005", severity="error")
def truncated(stems: StemSet) -> Finds:
    """A file ends before the length that its header promises.

    What
        The header promises more frames than there are bytes.
    Why the mix engineer cares
        The end of the part is lost, and most programs play the rest without a word.
    How it is measured
        Frames by the header less frames in the file, divided by the sample rate; formats that do not tell their
        length are looked at for their end mark.
    Fix
        Copy or upload the file again and compare the sizes; if the original is cut as well, export the track again.
    Source
        RIFF/WAVE data chunk; EBU Tech 3306 for files above 4 GiB.
    """
    for stem in stems.everything:
        for damage in stem.file.damage:
            seconds = round(damage.lost_frames / stem.file.format.sample_rate, 3)
            if damage.kind == "truncated" and damage.lost_frames:
                message = f"is cut off: {number(seconds, 3)} s of audio are lost"
                yield Found(message, stem.file.path, seconds, 0.0, "s")
            elif damage.kind == "truncated":
                yield Found(f"is cut off: {damage.detail}", stem.file.path)
