"""Names: which role a file name means, what a role is called, and names that are safe on every system."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from stemwright import resources
from stemwright.errors import SettingsError
from stemwright.units import parse_key

DEFAULT_NAME = re.compile(
    r"(?:\d{1,4}[ _.-]+)*"  # track number
    r"(?:(?:(?:audio|midi|inst|(?:software )?instrument|sample)(?:[ _-]?(?:track|channel|clip))?|track|bounce|untitled"
    r"|new(?:[ _-](?:track|recording))?|recording|aux|bus|stereo[ _]out(?:put)?|mixdown|render|default preset)[ _-]?"
    r"|(?:master|insert|channel|group|out(?:put)?)[ _-]?(?=[\d(]|$))"
    r"(?:[ _.#()-]*(?:\d++|cm|bip|glued|copy|stems?|[lr](?![a-z])))*\)?",  # take, region, side, copy
    re.IGNORECASE,
)
"""Names that a DAW gave and nobody changed, for `fullmatch`: `Audio 1_07`, `Track 3#01`, `1-Audio`, `Insert 4`."""

_SPELLED = str.maketrans(dict(zip("♭øØłŁđĐ", "boOlLdD", strict=True)) | {"#": "sharp", "♯": "sharp", "ß": "ss"})
_SPELLED |= str.maketrans({"æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "þ": "th", "Þ": "Th"})
RESERVED = re.compile(r"^(con|prn|aux|nul|com[1-9]|lpt[1-9])(\.|$)", re.IGNORECASE)
"""Names of devices, which Windows takes for no file whatever their suffix."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_HALF = re.compile(r"(?P<base>.+?)(?P<mark>[. _-])(?P<side>l|r|left|right|a1|a2)", re.IGNORECASE)
_BPM = re.compile(
    r"(?<![\d.])(\d{2,3}(?:\.\d{1,3})?)\s*[_-]?\s*bpm(?![a-z])|(?<![a-z])bpm[ _-]?(\d{2,3}(?:\.\d{1,3})?)",
    re.IGNORECASE,
)
_FOLDER_BPM_KEY = re.compile(r"_(\d{2,3}(?:\.\d{1,3})?)_([A-G](?:#|b|sharp|flat)?m?)$")
_KEY = re.compile(
    r"(?:^|[ _-])([A-G](?:#|b|sharp|flat)?(?:m|min|maj|minor|major|[ _-](?:min|maj|minor|major)))(?=$|[ _-])"
)


@dataclass(frozen=True, slots=True)
class Role:
    """What a role is called, and what people call it."""

    label: str
    words: tuple[str, ...]
    weak: tuple[str, ...] = ()
    """Words that count only when no other word of the name means anything: "Vocals bounce" is no mix."""


@cache
def roles() -> dict[str, Role]:
    """The roles by name, in track order, from `templates/names/roles.toml`. Raises SettingsError."""
    table = resources.load("names", "roles")
    try:
        return {name: Role(e["label"], tuple(e["words"]), tuple(e.get("weak", ()))) for name, e in table.items()}
    except (KeyError, TypeError, AttributeError) as error:
        path = resources.find("names", "roles")
        raise SettingsError(f"{path}: a role needs a label and a list of words", "compare with the original") from error


def words(name: str) -> list[str]:
    """A name in lower-case words: `LeadVox_dbl.2` -> lead, vox, dbl, 2."""
    name = unicodedata.normalize("NFC", name)
    return _split(re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name))


def _split(text: str) -> list[str]:
    text = re.sub(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", " ", text.lower())
    return [word for word in re.split(r"[\W_]+", text) if word]


@cache
def guess_role(name: str) -> str:
    """The role that a stem's name means; `other` when it means none. The last words weigh most.

    `Song_LeadVox_dbl` -> `vocals.lead`, `BassDrums30` -> `drums`, `Bass_bounce` -> `bass`.
    """
    readings = (words(name), _split(unicodedata.normalize("NFC", name)))  # the second one knows `BGVs` and `HiHat`
    texts = {f" {' '.join(reading)} ": "".join(reading) for reading in readings}
    best: tuple[int, ...] = ()
    found = "other"
    for role, spaced, at_the_end, strong in _synonyms():
        for text, glued in texts.items():
            end = text.rfind(spaced)
            if end >= 0 or (at_the_end and glued.endswith(at_the_end)):
                rank = (strong, end + len(spaced) - len(text) if end >= 0 else 0, len(spaced))
                if rank > best:
                    best, found = rank, role
    return found


@cache
def _synonyms() -> tuple[tuple[str, str, str, bool], ...]:
    """The words for all roles: the role, the word between spaces, as it may end a name (`drumloopguitar`), not weak."""
    return tuple(
        (role, f" {word} ", word.replace(" ", "") if len(word) > 4 else "", word not in known.weak)
        for role, known in roles().items()
        for word in known.words + known.weak
    )


@dataclass(frozen=True, slots=True)
class Half:
    """One side of a stereo track by its name, `Kit.L`."""

    base: str
    left: bool
    sure: bool
    """Pro Tools writes `.L` and `.R`; `_L` may be a double-tracked guitar."""


def half(name: str) -> Half | None:
    """The side that a file name (without its suffix) says it is; None for every other name."""
    found = _HALF.fullmatch(name)
    return Half(found["base"], found["side"].lower() in ("l", "left", "a1"), found["mark"] == ".") if found else None


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """What sorts names as people count: `Gtr 2` before `Gtr 10`."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name.casefold()))


def label(role: str) -> str:
    """How files and tracks call a role: `vocals.lead` -> `LeadVocal`."""
    known = roles().get(role)
    return known.label if known else safe_name(role.replace(".", " ").title().replace(" ", ""))


def one_line(text: str) -> str:
    """Text without control characters, line breaks and what no file can hold (lone surrogates)."""
    return _UNPRINTABLE.sub(" ", text).encode("utf-8", "replace").decode()


def unique(names: Iterable[str]) -> list[str]:
    """Names on one line each; a repeated one gets ` (2)`, ` (3)`, ... so that DAWs and people can tell tracks apart."""
    taken: dict[str, None] = {}
    counts: dict[str, int] = {}
    for name in names:
        plain = candidate = one_line(name).strip() or "Track"
        while candidate in taken:
            counts[plain] = counts.get(plain, 1) + 1
            candidate = f"{plain} ({counts[plain]})"
        taken[candidate] = None
    return list(taken)


def unused(name: str, used: set[str]) -> str:
    """The name, with a number when it is used already; it is used from now on.

    Neither case nor the spelling of accents in Unicode tells names apart, as on macOS.
    """
    candidate, number = name, 1
    while (key := unicodedata.normalize("NFC", candidate).lower()) in used:
        number += 1
        candidate = f"{name}_{number}"
    used.add(key)
    return candidate


def role_order(role: str) -> int:
    """Where a role stands in a track list."""
    order = list(roles())
    return order.index(role) if role in order else len(order)


def bpm_and_key_in(name: str) -> tuple[float | None, str | None]:
    """BPM and key that a file or folder name states: `Song_93.5bpm_F#m`, `Song_120_Am`."""
    folder = _FOLDER_BPM_KEY.search(name)
    if folder and _bpm(folder[1]):  # "Take_12_A" states neither
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
    return re.sub(r"([ _-])[ _-]+", r"\1", _KEY.sub("", name) if key else name).strip(" _-")


def title_of(name: str) -> str:
    """The song that a file or folder is called after: `My_Song_120_Am` and `My Song - FullMix` -> `My Song`."""
    title = " ".join(without_bpm_and_key(name).replace("_", " ").split())
    for word in sorted((*roles()["mix"].words, *roles()["mix"].weak), key=len, reverse=True):
        cut = re.sub(rf"(?<=\S)[ -]+{re.escape(word)}$", "", title, flags=re.IGNORECASE)
        if cut != title:
            return cut
    return title or name


def _bpm(text: str) -> float | None:
    value = float(text)
    return value if 40 <= value <= 400 else None


def _key(text: str) -> str | None:
    try:
        return parse_key(re.sub("sharp", "#", re.sub("flat", "b", text)))
    except ValueError:
        return None


def safe_name(text: str, limit: int = 50) -> str:
    """A file name part that every system and DAW takes: ASCII letters, digits, `-`, `_`; never empty or reserved.

    `#` in a key becomes `sharp`; umlauts lose their dots; everything else becomes one underscore. A name of which
    nothing is left becomes `Untitled-` and a checksum of it.
    """
    given = text
    text = text.translate(_SPELLED)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    text = re.sub(r"[^A-Za-z0-9-]+", "_", text).strip("_-")[:limit].strip("_-")
    if not text:  # a name in another script: told apart by a number that stays the same
        return (
            f"Untitled-{zlib.crc32(given.encode('utf-8', 'replace')):08x}"[:limit].rstrip("-")
            if given.strip()
            else "Untitled"
        )
    return f"{text}_" if RESERVED.match(text) else text
