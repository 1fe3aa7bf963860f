"""The audit: rules over measured stems, and the profiles that say what a mix engineer asked for.

A rule is one file in `audit/rules`: a function `(StemSet, *, options) -> Iterator[Found]` under `@rule`. It opens
nothing and changes nothing; samples were measured before (`measure.levels`). Its docstring is its manual, with the
headings of `HEADINGS`. A profile is a TOML file in `templates/profiles`::

    extends = "protools"              # optional; what follows changes that profile
    [rules]
    NAM002 = "off"                    # or "info", "warning", "error"
    LVL001 = { limit_dbfs = -6.0 }    # options, and severity = "..." beside them
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, Literal

from stemwright import registry, resources
from stemwright.errors import SettingsError
from stemwright.model import SEVERITIES, Evidence, Finding, Fix, Levels, Severity, Span, Stem, StemSet

HEADINGS = ("What", "Why the mix engineer cares", "How it is measured", "Fix", "Source")

Repair = Literal["lossless", "lossy", "manual"]
Confidence = Literal["exact", "measured", "heuristic"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule yields; the audit adds code, severity and repair."""

    message: str
    """One plain sentence with the number, without the file's name."""
    path: Path | None = None
    """The file; None when the whole set is meant."""
    measured: float | str | None = None
    limit: float | str = ""
    unit: str = ""
    spans: tuple[Span, ...] = ()
    error: bool = False
    """Graver than the rule's own severity: an error, unless the profile sets the severity."""


Check = Callable[..., Iterator[Found]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `options` holds the names and defaults of what a profile may set."""

    code: str
    severity: Severity
    repair: Repair
    confidence: Confidence
    options: Mapping[str, Any]
    check: Check

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
    **options: Any,
) -> Callable[[Check], Rule]:
    """Make a rule of a function; `options` are its keyword arguments with their defaults.

    `repair` says whether what the manual's "Fix" asks for keeps the samples ("lossless"), changes them ("lossy"),
    or needs a human at the DAW ("manual").
    """
    return lambda check: Rule(code, severity, repair, confidence, MappingProxyType(options), check)


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


def explain(code: str) -> str:
    """The manual of one rule, as text. Raises SettingsError for an unknown code."""
    found = catalogue().get(code.upper())
    if found is None:
        raise SettingsError(f"there is no rule {code!r}", f"known: {', '.join(catalogue())}")
    defaults = "".join(f"\n    {name} = {_toml(value)}" for name, value in found.options.items())
    head = f"{found.code} ({found.severity}): {inspect.getdoc(found.check)}"
    return head + (f"\n\nOptions in a profile, with their defaults{defaults}" if defaults else "")


def _toml(value: Any) -> str:
    return (
        str(list(value)) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else repr(value)
    )


# ---- profiles -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Profile:
    """What one receiver asks for. Rules that it does not name run with their defaults."""

    name: str
    severities: Mapping[str, Severity | Literal["off"]] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def load_profile(name: str, _below: tuple[str, ...] = ()) -> Profile:
    """A profile by name or TOML path, on top of the one it extends.

    Raises SettingsError naming the profile and the rule, option or severity that does not exist.
    """
    if name in _below:
        raise SettingsError(f"profile {name!r} extends itself", "remove one `extends` line of the circle")
    document = resources.load("profiles", name)
    for entry, value in document.items():
        if not isinstance(value, {"title": str, "extends": str, "rules": dict}.get(entry, ())):
            raise SettingsError(f"profile {name!r}: {entry!r} is wrong", "known: title, extends (texts) and [rules]")
    base = load_profile(document["extends"], (*_below, name)) if "extends" in document else Profile("")
    severities, options = dict(base.severities), {code: dict(values) for code, values in base.options.items()}
    for code, entry in document.get("rules", {}).items():
        known = catalogue().get(code)
        if known is None:
            raise SettingsError(f"profile {name!r}: there is no rule {code!r}", f"known: {', '.join(catalogue())}")
        values = dict(entry) if isinstance(entry, dict) else {"severity": entry}
        if "severity" in values:
            severities[code] = _severity(values.pop("severity"), f"profile {name!r}, {code}")
        for option, value in values.items():
            options.setdefault(code, {})[option] = _option(known, option, value, name)
    return Profile(name, severities, options)


def _severity(value: Any, where: str) -> Severity | Literal["off"]:
    if value not in (*SEVERITIES, "off"):
        raise SettingsError(f"{where}: {value!r} is no severity", f"known: {', '.join(SEVERITIES)}, off")
    return value  # type: ignore[no-any-return]


def _option(known: Rule, option: str, value: Any, profile: str) -> Any:
    """A profile's value in the type of the option's default (a TOML list is a tuple, 3 may stand for 3.0)."""
    where = f"profile {profile!r}, {known.code}"
    if option not in known.options:
        names = ", ".join((*known.options, "severity"))
        raise SettingsError(f"{where}: there is no option {option!r}", f"known: {names}")
    default = known.options[option]
    items, wanted = (value, default) if isinstance(default, tuple) else ([value], (default,))
    kind = type(wanted[0])
    if isinstance(items, list) and all(type(item) in (kind, int if kind is float else kind) for item in items):
        return tuple(items) if isinstance(default, tuple) else kind(value)
    raise SettingsError(f"{where}: {option} = {value!r} is wrong", f"the default is {_toml(default)}")


# ---- running --------------------------------------------------------------------------------------------------


def audit(
    stems: StemSet, profile: str = "protools", select: Iterable[str] = (), ignore: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """All findings over a measured set, the gravest first, then by file and code.

    `select` and `ignore` are codes or their beginnings (`LVL`, `SET003`); selecting a full code also runs a rule
    that the profile turned off. Stems without levels pass all rules that need levels. Raises SettingsError.
    """
    policy = load_profile(profile)
    wanted, unwanted = _prefixes(select), _prefixes(ignore)
    findings: list[Finding] = []
    for code, one in catalogue().items():
        severity = policy.severities.get(code)
        if (wanted and not code.startswith(wanted)) or (unwanted and code.startswith(unwanted)):
            continue
        if severity != "off" or code in wanted:
            override = None if severity == "off" else severity
            settings = {**one.options, **policy.options.get(code, {})}
            findings += (_finding(one, found, override) for found in one.check(stems, **settings))
    return tuple(sorted(findings, key=_rank))


def _prefixes(texts: Iterable[str]) -> tuple[str, ...]:
    prefixes = tuple(text.strip().upper() for text in texts)
    for prefix in prefixes:
        if not prefix or not any(code.startswith(prefix) for code in catalogue()):
            raise SettingsError(f"no rule starts with {prefix!r}", f"known: {', '.join(catalogue())}")
    return prefixes


def _finding(one: Rule, found: Found, override: Severity | None) -> Finding:
    return Finding(
        rule=one.code,
        severity=override or ("error" if found.error else one.severity),
        message=found.message,
        subject=found.path,
        spans=found.spans,
        evidence=None if found.measured is None else Evidence(found.measured, found.limit, found.unit),
        fix=Fix(one.sections()["Fix"], one.repair),
        confidence=one.confidence,
    )


def _rank(finding: Finding) -> tuple[int, str, str, str]:
    path = finding.subject.as_posix() if finding.subject else ""
    return -SEVERITIES.index(finding.severity), path, finding.rule, finding.message


# ---- what rules share -----------------------------------------------------------------------------------------


def measured(stems: Iterable[Stem]) -> Iterator[tuple[Stem, Levels]]:
    """The stems that were measured and hold samples, with their levels."""
    return ((stem, stem.levels) for stem in stems if stem.levels and stem.file.frames)


def number(value: float, digits: int = 2) -> str:
    """A number as a message shows it, with a real minus sign and no minus zero."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")
