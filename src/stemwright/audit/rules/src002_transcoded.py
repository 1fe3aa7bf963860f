from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.audit.rules._sources import CODECS, ending
from stemwright.model import StemSet


@rule("SRC002", severity="warning", confidence="heuristic", daw="file-format")
def transcoded(stems: StemSet) -> Finds:
    """A stem seems to have been MP3, AAC or the like.

    What
        A lossless file whose spectrum falls off a cliff where lossy codecs end it, and above there is nothing.
    Why the mix engineer cares
        What the codec left out comes forward when the stem is equalised, compressed or turned up alone.
    How it is measured
        Fall of 30 dB or more within 600 Hz in the loudest windows, between 15.85 and 20.7 kHz, and 95 dB below the
        loudest band beyond it. Codecs that cut nothing are not seen, nor are sounds without treble; a steep low-pass
        can look the same, so it is a heuristic. Lossy files themselves are FMT001.
    Fix
        Bounce from the session, never from a download or a message; replace imported MP3 loops by their originals.
    Source
        This project; 8 synthetic sources through MP3, AAC, Vorbis and Opus.
    """
    for stem, levels in measured(stems.stems):
        found = ending(levels.spectrum, CODECS, stem.file.format.sample_rate)
        if found and levels.spectrum.cliff_hz and not stem.file.format.lossy:
            message = f"ends at {number(levels.spectrum.cliff_hz / 1000, 1)} kHz like {found.source}"
            yield Found(message, stem.file.path, levels.spectrum.cliff_hz, found.low, "Hz")
