from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules._majority import comparable
from stemwright.model import StemSet


@rule("SET014", severity="info", confidence="measured", daw="equal-length", frames=1)
def no_whole_bars(stems: StemSet, *, frames: int) -> Finds:
    """The stems do not last a whole number of bars.

    What
        The length of the stems is no multiple of a bar at the tempo of the song, by more than `frames`.
    Why the mix engineer cares
        Loops and remixes want stems that end on a bar; a length that is off by little also hints at another tempo.
    How it is measured
        The longest lossless stem against tempo and metre, if the tempo is known and does not change.
    Fix
        Export from bar 1 to a bar line behind the last tail.
    Source
        Sample and remix delivery; the limit is a proposal.
    """
    song = stems.song
    stem = max(comparable(stems.stems), key=lambda stem: stem.file.frames, default=None)
    if stem is None or song.bpm is None or song.tempo_map or len(song.meter_map) != 1:
        return
    meter = song.meter_map[0]
    bar = stem.file.format.sample_rate * 60 / song.bpm.value * 4 * meter.numerator / meter.denominator
    bars = stem.file.frames / bar
    if abs(bars - round(bars)) * bar > frames:
        message = f"the stems last {number(bars)} bars at {song.bpm.value:g} BPM"
        yield Found(message, None, round(bars, 3), round(bars), "bars")
