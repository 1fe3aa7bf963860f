from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules._majority import comparable, odd_ones
from stemwright.model import StemSet


@rule("SET003", severity="error", repair="lossless", frames=0)
def lengths_differ(stems: StemSet, *, frames: int) -> Finds:
    """The stems are not all equally long, to the sample.

    What
        A stem is shorter or longer than most stems.
    Why the mix engineer cares
        Stems of one length that are dropped at bar 1 are in sync. Another length raises the question where the file
        belongs, and often means a region was exported instead of the song.
    How it is measured
        Frames that can be read, among lossless stems at the set's sample rate; the most frequent length is the
        set's. `frames` is the difference that is let through.
    Fix
        Select all tracks from the song's start to its end, consolidate, and export again. If all files start
        together, silence at the end of the shorter ones does it.
    Source
        Pro Tools export guide: all files start and end together; Universal Music content guide.
    """
    for stem, length, usual in odd_ones(comparable(stems.stems), lambda stem: stem.file.frames):
        difference = abs(length - usual)
        if difference > frames:
            milliseconds = number(1000 * difference / stem.file.format.sample_rate)
            word = "shorter" if length < usual else "longer"
            message = f"is {difference} frames ({milliseconds} ms) {word} than the other stems ({usual} frames)"
            yield Found(message, stem.file.path, length, usual, "frames")
