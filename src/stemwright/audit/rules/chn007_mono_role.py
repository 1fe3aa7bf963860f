from stemwright import naming
from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule(
    "CHN007",
    severity="info",
    daw="mono",
    roles=("drums", "drums.cymbals", "drums.room", "keys.piano", "strings", "instrumental"),
)
def mono_role(stems: StemSet, *, roles: tuple[str, ...]) -> Finds:
    """A stem is mono where stereo is expected.

    What
        A mono file has one of the `roles` that are mostly recorded or played in stereo.
    Why the mix engineer cares
        The width of overheads, rooms and pianos cannot be made afterwards; often only the export was set to mono.
    How it is measured
        Channels of the file and the role that its name means.
    Fix
        Look at the track: if it is stereo, export it as such.
    Source
        This project's proposal.
    """
    for stem in stems.stems:
        if stem.file.format.channels == 1 and stem.role in roles:
            message = f"is mono; {naming.label(stem.role)} is expected in stereo"
            yield Found(message, stem.file.path, 1, 2, "channels")
