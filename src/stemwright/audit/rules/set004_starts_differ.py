from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules._majority import comparable, odd_ones
from stemwright.model import StemSet


@rule("SET004", severity="error", repair="lossless")
def starts_differ(stems: StemSet) -> Finds:
    """The stems' BWF time stamps differ.

    What
        A stem's TimeReference is not that of most stems: by its stamp it belongs elsewhere on the timeline.
    Why the mix engineer cares
        Spotted to its stamp it lands elsewhere than dragged to bar 1; one of the two is wrong and only the artist
        knows which.
    How it is measured
        TimeReference (frames since midnight) of the `bext` chunks, among stems at the set's sample rate that have
        one.
    Fix
        Consolidate all tracks from the same start (bar 1 or the session start) and export again. Silence in front
        of the later ones, as long as the difference, does the same.
    Source
        Pro Tools export guide: all files start together; Recording Academy P&E Wing, delivery recommendations
        (2018); EBU Tech 3285 (TimeReference).
    """
    stamped = [stem for stem in comparable(stems.stems) if stem.file.start_frame is not None]
    for stem, start, usual in odd_ones(stamped, lambda stem: stem.file.start_frame or 0):
        milliseconds = number(1000 * abs(start - usual) / stem.file.format.sample_rate)
        word = "after" if start > usual else "before"
        message = f"starts {abs(start - usual)} frames ({milliseconds} ms) {word} the other stems"
        yield Found(message, stem.file.path, start, usual, "frames")
