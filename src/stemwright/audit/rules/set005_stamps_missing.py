from stemwright.audit import Finds, Found, rule
from stemwright.audit.rules._majority import comparable
from stemwright.model import StemSet


@rule("SET005", severity="warning", repair="lossless")
def stamps_missing(stems: StemSet) -> Finds:
    """Some stems have a time stamp, others have none.

    What
        A stem has no BWF TimeReference while others of the set have one.
    Why the mix engineer cares
        Spotted to their stamps the others land in their place, and this one stays where it was dropped.
    How it is measured
        The `bext` chunks of the lossless stems at the set's sample rate.
    Fix
        Export all stems in one go as Broadcast Wave, or write the stamp of the others if they all start together.
    Source
        EBU Tech 3285; Recording Academy P&E Wing, delivery recommendations (2018).
    """
    compared = comparable(stems.stems)
    stamped = sum(stem.file.start_frame is not None for stem in compared)
    for stem in compared if stamped else ():
        if stem.file.start_frame is None:
            message = f"has no time stamp; {stamped} of {len(compared)} stems have one"
            yield Found(message, stem.file.path, "none", "TimeReference")
