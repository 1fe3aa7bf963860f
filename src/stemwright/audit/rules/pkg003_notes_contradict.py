from collections.abc import Collection

from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules import _notes
from stemwright.model import StemSet


@rule("PKG003", severity="warning", confidence="heuristic")
def notes_contradict(stems: StemSet) -> Finds:
    """The notes say one thing, the files another.

    What
        A sample rate, bit depth, number of stems or tempo that stands in the notes and nowhere in the delivery.
    Why the mix engineer cares
        Either the notes are of another delivery or the export went wrong; both need a question before work begins.
    How it is measured
        Plain figures only (48 kHz, 24 bit, "Stems: 12", 120 BPM). A contradiction needs all figures of a kind to be
        wrong: "recorded at 96 kHz, delivered at 48 kHz" is none. The tempo is compared with the folder's name.
    Fix
        Correct the notes, or export again with the settings they name.
    Source
        Pro Tools export guide: notes with the facts of the session.
    """
    if not stems.notes:
        return
    whole = [stem.file.format for stem in stems.everything if not stem.file.format.lossy]
    several = {len(stems.stems), len(stems.everything)}
    several |= {count + len(stems.unreadable) for count in several}
    tempo = {round(stems.song.bpm.value, 2)} if stems.song.bpm and stems.song.bpm.source == "filename" else set()
    for what, told, true in (
        ("a sample rate", _notes.rates(stems.notes), {form.sample_rate for form in whole}),
        ("a bit depth", _notes.bits(stems.notes), {form.bits for form in whole}),
        ("a number of stems", _notes.counts(stems.notes), several),
        ("a tempo (BPM)", _notes.tempos(stems.notes), tempo),
    ):
        if told and true and not told & true:
            said, found = _either(told), _either(true)
            yield Found(f"the notes tell {what} of {said}; it is {found}", None, said, found)


def _either(values: Collection[float]) -> str:
    return " or ".join(number(value, 2 if value % 1 else 0) for value in sorted(values))
