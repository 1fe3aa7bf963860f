from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet
from stemwright.naming import RESERVED


@rule("NAM006", severity="error", repair="lossless")
def reserved_name(stems: StemSet) -> Finds:
    """A file cannot exist under its name on Windows.

    What
        CON, PRN, AUX, NUL, COM1-9 and LPT1-9, with any suffix, and names that end with a dot or a space.
    Why the mix engineer cares
        Unpacking on a PC stops at such a file or leaves it out without a word: AUX.wav is a stem that never arrives.
    How it is measured
        By name, stems and everything that lies beside them.
    Fix
        Rename the file to what is on it.
    Source
        Microsoft, Naming Files, Paths, and Namespaces.
    """
    for path in (*(stem.file.path for stem in stems.everything), *stems.other_files, *stems.subfolders):
        if RESERVED.match(path.name) or path.name != path.name.rstrip(". "):
            yield Found(f"has a name that Windows refuses ({path.name!r})", path, path.name)
