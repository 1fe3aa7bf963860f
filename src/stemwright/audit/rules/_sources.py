"""Where rates and codecs end a spectrum: the table that tells an upsampled source from a transcoded one."""

from __future__ import annotations

from dataclasses import dataclass

from stemwright.model import Spectrum


@dataclass(frozen=True, slots=True)
class Ending:
    """A source whose spectrum ends between two frequencies, in Hz."""

    low: float
    high: float
    source: str


RATES = (
    Ending(14_900, 15_850, "a 32 kHz source"),
    Ending(20_900, 22_050, "a 44.1 kHz source"),
    Ending(22_700, 24_000, "a 48 kHz source"),
    Ending(41_500, 44_100, "an 88.2 kHz source"),
    Ending(45_500, 48_000, "a 96 kHz source"),
)
"""Resamplers end at 0.94 to 1.0 of half the rate. Only rates below the file's own can show."""
CODECS = (
    Ending(15_850, 17_300, "MP3 or AAC at about 128 kbit/s"),
    Ending(17_300, 18_250, "AAC at about 128 or MP3 at about 160 kbit/s"),
    Ending(18_250, 19_300, "MP3 at about 192 kbit/s"),
    Ending(19_300, 20_700, "MP3 at 256 to 320 kbit/s, Opus or Vorbis"),
)
_EMPTY_DB = -95.0
"""Above a codec's or a resampler's cliff there is nothing; where something goes on, a filter or a sampler made it."""


def ending(spectrum: Spectrum, table: tuple[Ending, ...], sample_rate: int) -> Ending | None:
    """The entry at whose place the spectrum of a file falls off a cliff."""
    hz = spectrum.cliff_hz
    if hz is None or spectrum.above_db > _EMPTY_DB:
        return None
    return next((one for one in table if one.low <= hz < one.high and one.high < 0.49 * sample_rate), None)
