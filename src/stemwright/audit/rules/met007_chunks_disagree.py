from collections.abc import Iterator

from stemwright.audit import Finds, Found, rule
from stemwright.model import AudioFile, StemSet


@rule("MET007", severity="warning", repair="lossless")
def chunks_disagree(stems: StemSet) -> Finds:
    """Two chunks of a file disagree.

    What
        iXML names another sample rate, bit depth or number of channels than the format chunk, or another UMID than
        `bext`.
    Why the mix engineer cares
        The file was converted and its description was not: what else it says (time stamps, track names) may be of
        another file too, and some programs believe iXML.
    How it is measured
        Facts against facts; free text is not compared.
    Fix
        Write the metadata anew from what the file is.
    Source
        iXML specification (SPEED: FILE_SAMPLE_RATE, AUDIO_BIT_DEPTH; TRACK_COUNT).
    """
    for stem in stems.stems:
        for what, claim, value in _pairs(stem.file):
            if claim and claim != value:
                yield Found(f"says {what} {claim} in its iXML chunk; it is {value}", stem.file.path, claim, value)


def _pairs(file: AudioFile) -> Iterator[tuple[str, str, str]]:
    facts, form = dict(file.metadata.ixml_facts), file.format
    whole = {name: text.strip().split(".")[0] for name, text in facts.items()}
    yield "sample rate", whole.get("sample_rate", ""), str(form.sample_rate)
    yield "bit depth", whole.get("bits", ""), str(form.bits)
    yield "channels", whole.get("channels", ""), str(form.channels)
    told, held = (text.lower().rstrip("0") for text in (facts.get("umid", ""), file.metadata.umid))
    if held and not held.startswith(told):  # iXML may hold the basic half
        yield "UMID", told, held
