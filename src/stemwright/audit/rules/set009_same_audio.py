from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("SET009", severity="error", repair="lossless")
def same_audio(stems: StemSet) -> Finds:
    """Two stems hold the same samples, or a stem those of the reference mix.

    What
        Every sample is equal, whatever the files are called and in which container they are.
    Why the mix engineer cares
        One of them is the wrong export: the part that its name promises is missing, or everything in it plays twice.
    How it is measured
        Candidates by correlation and peaks; then the decoded samples are compared, all of them.
    Fix
        Bounce the track that is in the wrong file; if it is only a copy, take it away.
    Source
        Mixers' checklists.
    """
    for pair in stems.compared.twins:
        if pair.exact:
            message = f"holds the same samples as {pair.first.name}"
            yield Found(message, pair.second, pair.first.name, "different sound")
