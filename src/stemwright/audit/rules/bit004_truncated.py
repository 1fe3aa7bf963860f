from stemwright.audit import Finds, Found, measured, rule
from stemwright.model import StemSet


@rule("BIT004", severity="info", confidence="heuristic", daw="bit-depth")
def truncated_bits(stems: StemSet) -> Finds:
    """Samples were cut to their word length, not rounded.

    What
        The last bit shows that what lay below it was cut off.
    Why the mix engineer cares
        In 24 bits nobody hears it; it tells of an old plug-in or converter in the path, which may do worse elsewhere.
    How it is measured
        Windows of up to 24 last bits. Cut toward zero: twice as many zeros as ones, where one and two come equally
        often. Cut downwards: pauses stand half a bit below zero. Heuristic, tried on generated material only.
    Fix
        Nothing for this stem. Another bounce engine or DAW version may round.
    Source
        Quantisation theory; the test is this project's.
    """
    for stem, levels in measured(stems.stems):
        if levels.words.rounding:
            where = {"floor": "downwards", "toward zero": "toward zero"}[levels.words.rounding]
            yield Found(f"was cut {where} to {levels.words.used_bits} bits, not rounded", stem.file.path)
