"""What a rule is, and where all of them are found.

A rule is one file in `audit/rules` that holds nothing else: a function `(StemSet, *, options) -> Finds` under `@rule`.
It opens nothing and changes nothing; samples were measured before (`measure`). One whose first argument is a
`DawSession` judges what is open in a DAW instead. Its docstring is its manual, with the headings of `HEADINGS`.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, Literal, get_type_hints

from stemwright import registry, toml
from stemwright.audit import daws
from stemwright.errors import SettingsError, UnknownName
from stemwright.model import Confidence, DawSession, Severity, Span

_WIDTH = 116
"""Columns of a manual, as its docstring has them."""

HEADINGS = ("What", "Why the mix engineer cares", "How it is measured", "Fix", "Source")

FAMILIES = {
    "INT": "is the file whole and what it says?",
    "FMT": "container, encoding, word length, sample rate",
    "SET": "the stems against each other",
    "LVL": "levels, loudness, true peak, DC",
    "CLP": "clipping",
    "BIT": "word length and dither",
    "TIM": "heads, tails, dropouts, clicks",
    "CHN": "silent, dual mono, one-sided, inverted",
    "MIX": "the stems against the reference mix",
    "SRC": "where the sound comes from: upsampled, lossy, limited, hum",
    "NAM": "names",
    "MET": "metadata",
    "PKG": "the folder",
    "SES": "the session that is open in a DAW, and its render settings",
}
"""What the families of rules look at, in the order of an audit."""

Repair = Literal["lossless", "lossy", "manual"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule yields; the audit adds code, severity and repair."""

    message: str
    """One plain sentence with the number, without the file's name."""
    path: Path | None = None
    """The file, or the track of an open session by its name; None when the whole set is meant."""
    measured: float | str | None = None
    limit: float | str = ""
    unit: str = ""
    spans: tuple[Span, ...] = ()
    error: bool = False
    """Graver than the rule's own severity: an error, unless the profile sets the severity."""
    channel: int | None = None
    """Counted from 0; None when all channels are meant."""
    undetermined: bool = False
    """It could not be decided. Such a finding is never more than an info."""
    minor: bool = False
    """Less grave than the rule's own severity: an info, whatever the profile says."""


Finds = Iterator[Found]
"""What a rule's function gives."""

Check = Callable[..., Finds]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `options` holds the names and defaults of what a profile may set."""

    code: str
    severity: Severity
    repair: Repair
    confidence: Confidence
    daw: str
    options: Mapping[str, Any]
    check: Check

    @property
    def of_session(self) -> bool:
        """Whether it judges a `DawSession` and no `StemSet`, as the arguments of its function say."""
        return DawSession in get_type_hints(self.check).values()

    @property
    def title(self) -> str:
        """The first line of the manual."""
        return inspect.getdoc(self.check).splitlines()[0]  # type: ignore[union-attr]

    def sections(self) -> dict[str, str]:
        """Heading -> text of the manual, unwrapped."""
        found: dict[str, list[str]] = {}
        for line in (inspect.getdoc(self.check) or "").splitlines()[1:]:
            if line and not line.startswith(" "):
                found[line] = []
            elif found and line:
                found[next(reversed(found))].append(line.strip())
        return {heading: " ".join(lines) for heading, lines in found.items()}


def rule(
    code: str,
    *,
    severity: Severity,
    repair: Repair = "manual",
    confidence: Confidence = "exact",
    daw: str = "",
    **options: Any,
) -> Callable[[Check], Rule]:
    """Make a rule of a function; `options` are its keyword arguments with their defaults.

    `repair` says whether what the manual's "Fix" asks for keeps the samples ("lossless"), changes them ("lossy"),
    or needs a human at the DAW ("manual"). `daw` names the topic of `templates/daws` that tells where in each DAW
    the cause is. What a "heuristic" rule finds is never an error.
    """
    return lambda check: Rule(code, severity, repair, confidence, daw, MappingProxyType(options), check)


def collect(modules: Iterable[ModuleType]) -> dict[str, Rule]:
    """The rules that these modules define, by code. Raises SettingsError when two share a code."""
    found: dict[str, Rule] = {}
    for module in modules:
        for value in vars(module).values():
            if not isinstance(value, Rule) or value.check.__module__ != module.__name__:
                continue
            if value.code in found:
                both = f"{found[value.code].check.__module__} and {module.__name__}"
                raise SettingsError(f"two rules are called {value.code}: {both}", "give one of them another code")
            found[value.code] = value
    return dict(sorted(found.items()))


@cache
def catalogue() -> Mapping[str, Rule]:
    """All rules by code, sorted."""
    return MappingProxyType(collect(registry.discover("stemwright.audit.rules").values()))


def families(codes: Iterable[str]) -> str:
    """Codes as a short text: `BIT001-013, CHN001-007`; a full list of them would fill the screen."""
    by: dict[str, list[str]] = {}
    for code in codes:
        by.setdefault(code[:3], []).append(code[3:])
    return ", ".join(name + min(n) + (f"-{max(n)}" if n[1:] else "") for name, n in sorted(by.items()))


def explain(code: str) -> str:
    """The manual of one rule, as text. Raises UnknownName for an unknown code."""
    found = catalogue().get(code.upper())
    if found is None:
        raise UnknownName(f"there is no rule {code!r}", f"known: {families(catalogue())}", code, catalogue())
    text = f"{found.code} ({found.severity}, {found.confidence}): {inspect.getdoc(found.check)}"
    indent = "    "
    for title, step in daws.steps(found.daw):
        text += f"\n\nIn {title}\n{textwrap.fill(step, _WIDTH, initial_indent=indent, subsequent_indent=indent)}"
    defaults = "".join(f"\n    {name} = {toml.spelled(value)}" for name, value in found.options.items())
    return text + (f"\n\nOptions in a profile, with their defaults{defaults}" if defaults else "")
