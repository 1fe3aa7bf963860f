"""Names: which role a file name means, what a role is called, and names that are safe on every system."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from stemwright import resources
from stemwright.units import parse_key


DEFAULT_NAME = re.compile(
    r"^(audio|bounce|track|inst|midi|untitled|new|stereo out|mixdown|render|aux|bus)[ _-]?\d*$", re.IGNORECASE
)
"""Names that a DAW gave and nobody changed."""

_RESERVED = re.compile(r"^(con|prn|aux|nul|com[1-9]|lpt[1-9])(\.|$)", re.IGNORECASE)
_BPM = re.compile(
    r"(?<![\d.])(\d{2,3}(?:\.\d{1,3})?)\s*[_-]?\s*bpm(?![a-z])|(?<![a-z])bpm[ _-]?(\d{2,3}(?:\.\d{1,3})?)",
    re.IGNORECASE,
)
_FOLDER_BPM_KEY = re.compile(r"_(\d{2,3}(?:\.\d{1,3})?)_([A-G](?:#|b|sharp|flat)?m?)$")
_KEY = re.compile(
    r"(?:^|[ _-])([A-G](?:#|b|sharp|flat)?(?:m|min|maj|minor|major|[ _-](?:min|maj|minor|major)))(?=$|[ _-])"
)


@cache
def roles() -> dict[str, tuple[str, tuple[str, ...]]]:
    """role -> (label, words that mean it), in track order, from `templates/names/roles.toml`."""
    table = resources.load("names", "roles")
    return {role: (entry["label"], tuple(entry["words"])) for role, entry in table.items()}


def words(name: str) -> list[str]:
    """A name in lower-case words: `LeadVox_dbl.2` -> lead, vox, dbl, 2."""
    text = unicodedata.normalize("NFC", name)
    text = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", text)
    return [word for word in re.split(r"[^\w]+|_+", text.lower()) if word]


def guess_role(name: str) -> str:
    """The role that a stem's name means; `other` when it means none. The last words weigh most.

    `Song_LeadVox_dbl` -> `vocals.lead`, `BassDrums30` -> `drums`, `PianoSynth` -> `keys.piano`.
    """
    found = f" {' '.join(words(name))} "
    joined = found.replace(" ", "")
    best: tuple[int, int, str] | None = None
    for role, (_, synonyms) in roles().items():
        for synonym in synonyms:
            at = found.rfind(f" {synonym} ")
            if at < 0 and len(synonym) > 4 and joined.endswith(synonym.replace(" ", "")):
                at = found.rfind(synonym.split()[-1])
            if at >= 0:
                rank = (at + len(synonym), len(synonym), role)
                if best is None or rank[:2] > best[:2]:
                    best = rank
    return best[2] if best else "other"


def label(role: str) -> str:
    """How files and tracks call a role: `vocals.lead` -> `LeadVocal`."""
    known = roles().get(role)
    return known[0] if known else safe_name(role.replace(".", " ").title().replace(" ", ""))


def role_order(role: str) -> int:
    """Where a role stands in a track list."""
    order = list(roles())
    return order.index(role) if role in order else len(order)


def bpm_and_key_in(name: str) -> tuple[float | None, str | None]:
    """BPM and key that a file or folder name states: `Song_93.5bpm_F#m`, `Song_120_Am`."""
    folder = _FOLDER_BPM_KEY.search(name)
    if folder:
        return _bpm(folder[1]), _key(folder[2])
    tempo = _BPM.search(name)
    key = _KEY.search(name)
    if key and not tempo and not (key.end() == len(name) and key[1][-3:] in ("min", "maj", "nor", "jor")):
        key = None  # "Who I Am" is no key
    return (_bpm(tempo[1] or tempo[2]) if tempo else None), (_key(key[1]) if key else None)


def without_bpm_and_key(name: str) -> str:
    """A name without the BPM and key it states."""
    bpm, key = bpm_and_key_in(name)
    if bpm is None:
        return name
    if _FOLDER_BPM_KEY.search(name):
        return _FOLDER_BPM_KEY.sub("", name)
    name = _BPM.sub("", name)
    return (_KEY.sub("", name) if key else name).strip(" _-")


def _bpm(text: str) -> float | None:
    value = float(text)
    return value if 20 <= value <= 400 else None


def _key(text: str) -> str | None:
    try:
        return parse_key(re.sub("sharp", "#", re.sub("flat", "b", text)))
    except ValueError:
        return None


def safe_name(text: str, limit: int = 50) -> str:
    """A file name part that every system and DAW takes: ASCII letters, digits, `-`, `_`; never empty or reserved.

    `#` in a key becomes `sharp`; umlauts lose their dots; everything else becomes one underscore.
    """
    text = text.replace("#", "sharp").replace("♯", "sharp").replace("♭", "b").replace("ß", "ss")
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    text = re.sub(r"[^A-Za-z0-9-]+", "_", text).strip("_-")[:limit].strip("_-")
    if not text:
        return "Untitled"
    return f"{text}_" if _RESERVED.match(text) else text
