from stemwright.audit import Finds, Found, listed, rule
from stemwright.model import StemSet


@rule("PKG007", severity="warning", confidence="heuristic")
def no_reference(stems: StemSet) -> Finds:
    """No reference mix lies with the stems.

    What
        A set of stems without a file that is the whole song; as an info, one with several of them.
    Why the mix engineer cares
        The rough mix tells how it is meant to sound, and it is the only proof that no stem is missing.
    How it is measured
        A file whose name means the mix (FullMix, RoughMix, Master, Bounce): see `templates/names/roles.toml`. Of
        several the first that is as long as most stems is compared with them.
    Fix
        Bounce the whole song from the same start with the same length, and call it Song_FullMix.wav. Of
        several mixes leave only the one that the stems belong to.
    Source
        Mixers' checklists: always send the rough mix.
    """
    if stems.folder and len(stems.stems) > 1 and not stems.mix:
        yield Found("no reference mix lies with the stems", None, 0, 1, "mixes")
    if stems.mix and stems.other_mixes:
        count, others = 1 + len(stems.other_mixes), [mix.file.path for mix in stems.other_mixes]
        verb = "is" if len(others) == 1 else "are"
        compared = f"{stems.mix.file.path.name} is compared, {listed(others)} {verb} not"
        yield Found(f"{count} reference mixes lie here; {compared}", None, count, 1, "mixes", minor=True)
