from pathlib import Path

from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet

_WORDS = ("notes", "info", "readme", "session")


@rule("PKG001", severity="warning")
def no_notes(stems: StemSet) -> Finds:
    """No notes lie with the stems.

    What
        The folder holds no text that tells about the song.
    Why the mix engineer cares
        BPM, key, sample rate, effects that are part of the sound and wishes for the mix have to be asked for by
        mail.
    How it is measured
        Looked for: any .txt or .md file, or a .pdf, .rtf or .docx with notes, info, readme or session in its name.
    Fix
        Write a notes file (`stemwright notes` makes one) and put it beside the stems.
    Source
        Pro Tools export guide: BPM, key and printed effects in writing.
    """
    if stems.folder and not any(map(_is_notes, stems.other_files)):
        yield Found("no notes file lies with the stems (BPM, key, printed effects)", None, 0, 1, "files")


def _is_notes(path: Path) -> bool:
    name, suffix = path.name.lower(), path.suffix.lower()
    if name.startswith((".", "_incomplete")):  # the mark of an unfinished delivery is no notes file
        return False
    return suffix in (".txt", ".md") or (suffix in (".pdf", ".rtf", ".docx") and any(word in name for word in _WORDS))
