from stemwright import naming
from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("SET012", severity="warning", required=())
def missing_stem(stems: StemSet, *, required: tuple[str, ...]) -> Finds:
    """A stem that the receiver asks for is missing.

    What
        No stem has a role of the list `required` of the profile (roles as in `drums`, `vocals.lead`); without a list
        nothing is asked for.
    Why the mix engineer cares
        The delivery is incomplete by its own specification.
    How it is measured
        Roles by file name. A stem called drums.kick serves for drums.
    Fix
        Bounce the missing stem, or rename the one that holds it.
    Source
        Delivery specifications of the receiver.
    """
    roles = {stem.role for stem in stems.stems}
    for wanted in required:
        if not any(role == wanted or role.startswith(f"{wanted}.") for role in roles):
            yield Found(f"there is no stem with {naming.label(wanted)}", None, "none", wanted)
