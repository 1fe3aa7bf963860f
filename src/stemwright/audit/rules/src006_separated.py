import re

from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet

NAMES = re.compile(r"htdemucs|mdx23c|spleeter|roformer|scnet|bandit|\(vocals\)|\(instrumental\)|uvr|lalal|moises", re.I)
"""What separators put into the names of their files."""
NETWORKS_HZ = (14_700.0, 17_640.0)
"""Where the MDX networks end: 2048 of 3072 and 3072 of 3840 bins of a 44.1 kHz spectrum."""


@rule("SRC006", severity="info", confidence="heuristic", hz=90.0)
def separated(stems: StemSet, *, hz: float) -> Finds:
    """A stem may have been separated from a finished mix.

    What
        Its name, or the end of its spectrum within `hz`, is that of a separation program.
    Why the mix engineer cares
        A separated stem holds traces of the others; he will treat it otherwise than an original track.
    How it is measured
        Words in the file's name; a cliff in the spectrum at 14.70 or 17.64 kHz. Newer networks leave no such cliff,
        and AAC ends near the second: a hint and no more. Off unless asked for.
    Fix
        Send the original tracks where there are any; else say in the notes which program made the stems.
    Source
        Settings of the published MDX networks; this project.
    """
    for stem, levels in measured(stems.stems):
        cliff = levels.spectrum.cliff_hz
        named = NAMES.search(stem.file.path.name)
        if named:
            yield Found(f"is named like the output of a separator ({named.group()})", stem.file.path, named.group())
        elif cliff and any(abs(cliff - edge) <= hz for edge in NETWORKS_HZ):
            message = f"ends at {number(cliff / 1000, 2)} kHz like a separation network"
            yield Found(message, stem.file.path, cliff, hz, "Hz")
