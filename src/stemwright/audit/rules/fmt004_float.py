from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("FMT004", severity="warning", repair="lossy", daw="bit-depth")
def float_samples(stems: StemSet) -> Finds:
    """A stem has floating-point samples where 24-bit integers are asked for.

    What
        32- or 64-bit float samples that 24-bit integers cannot hold as they are.
    Why the mix engineer cares
        Float files are a third larger, some hosts and hardware refuse them, and peaks above 0 dBFS clip as soon as
        somebody converts them.
    How it is measured
        The sample format in the header. A float file that is 24-bit inside loses nothing and is FMT005's business
        instead: a file never gets both.
    Fix
        Bounce as 24-bit PCM without dither, with the loudest peak below −3 dBFS.
    Source
        Pro Tools export guide: 24 bit PCM. Many mixers accept float: the `generic` profile only mentions it.
    """
    for stem in stems.stems:
        found, levels = stem.file.format, stem.levels
        if found.encoding == "float" and not (levels and levels.words.on_24_bit_grid and levels.sample_peak_dbfs <= 0):
            yield Found(f"has {found.bits}-bit float samples; 24-bit PCM is asked for", stem.file.path, "float", "pcm")
