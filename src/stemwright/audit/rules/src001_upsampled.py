from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.audit.rules._sources import RATES, ending
from stemwright.model import StemSet


@rule("SRC001", severity="warning", confidence="heuristic", daw="sample-rate")
def upsampled(stems: StemSet) -> Finds:
    """A stem seems to come from a lower sample rate.

    What
        Its spectrum falls off a cliff where that of a lower rate ends, and above there is nothing.
    Why the mix engineer cares
        The stem was converted on its way, perhaps badly, and holds nothing that the lower rate did not; the originals
        may still be had.
    How it is measured
        Fall of 30 dB or more within 600 Hz in the loudest windows, above 14 kHz, at 0.94 to 1.0 of half of a known
        rate, and 95 dB below the loudest band beyond it. Samplers and oversampling plug-ins can end a spectrum there,
        so it is a heuristic. Darker sounds tell nothing.
    Fix
        Look at the rate of the session, the clips and the sampler's library. Bounce at the rate of the recording;
        leave conversions to the mix engineer.
    Source
        This project; 8 synthetic sources, each resampled.
    """
    for stem, levels in measured(stems.stems):
        found = ending(levels.spectrum, RATES, stem.file.format.sample_rate)
        if found and levels.spectrum.cliff_hz:
            message = f"ends at {number(levels.spectrum.cliff_hz / 1000, 1)} kHz like {found.source}"
            yield Found(message, stem.file.path, levels.spectrum.cliff_hz, found.low, "Hz")
