from stemwright.audit import Finds, Found, many, rule
from stemwright.model import StemSet


@rule("MET010", severity="info", repair="lossless")
def private(stems: StemSet) -> Finds:
    """Metadata tells where the files come from.

    What
        Folders of the computer, user names or places in the text chunks.
    Why the mix engineer cares
        Harmless to the mix. The sender may not want a client's name or a home folder to travel with the song.
    How it is measured
        Texts of `bext`, iXML and LIST that look like absolute paths or coordinates; one finding for the set.
    Fix
        Clear these texts; the samples stay as they are.
    Source
        Judgement.
    """
    told = [(stem, stem.file.metadata.private) for stem in stems.everything if stem.file.metadata.private]
    if told:
        first, texts = told[0]
        message = (
            f"{many(len(told), 'file')} tell folders, user names or places, {first.file.path.name} for one: {texts[0]}"
        )
        yield Found(message, None, len(told), 0, "files")
