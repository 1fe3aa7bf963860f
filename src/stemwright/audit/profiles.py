"""Profiles: what one receiver asks for, and what the user lets pass.

A profile is a TOML file in `templates/profiles`, or any path::

    extends = "protools"              # optional; what follows changes that profile
    [rules]
    NAM002 = "off"                    # or "info", "warning", "error"
    LVL001 = { limit_dbfs = -6.0 }    # options, and severity = "..." beside them
    [[waive]]                         # a finding to let pass, with a reason
    rule = "CLP001"                   # code or its beginning
    file = "Bass*.wav"                # optional: name pattern; role = "drums.*" is the other way
    reason = "distorted on purpose"
    until = 2027-01-31                # optional
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from stemwright import resources, toml
from stemwright.audit.rule import FAMILIES, Rule, catalogue, families
from stemwright.errors import SettingsError, UnknownName
from stemwright.model import SEVERITIES, Finding, Severity


@dataclass(frozen=True, slots=True)
class Waiver:
    """Findings that the user lets pass."""

    rule: str
    reason: str
    file: str = "*"
    role: str = "*"
    until: datetime.date | None = None

    def covers(self, finding: Finding, role: str, today: datetime.date) -> bool:
        """Whether this finding is meant, today."""
        name = finding.subject.name if finding.subject else ""
        return (
            finding.rule.startswith(self.rule)
            and fnmatchcase(name, self.file)
            and fnmatchcase(role, self.role)
            and (self.until is None or today <= self.until)
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """What one receiver asks for. Rules that it does not name run with their defaults."""

    name: str
    severities: Mapping[str, Severity | Literal["off"]] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    title: str = ""

    def rules(
        self, select: Iterable[str] = (), ignore: Iterable[str] = (), of_session: bool = False
    ) -> tuple[Rule, ...]:
        """The rules that run over stems, or `of_session` over an open session.

        Selecting a full code also runs a rule that is turned off. Raises SettingsError.
        """
        wanted, unwanted = _prefixes(select), _prefixes(ignore)
        return tuple(
            rule
            for code, rule in catalogue().items()
            if rule.of_session == of_session
            and (not wanted or code.startswith(wanted))
            and not (unwanted and code.startswith(unwanted))
            and (self.severities.get(code) != "off" or code in wanted)
        )

    def settings(self, rule: Rule) -> dict[str, Any]:
        """The options that a rule runs with."""
        return {**rule.options, **self.options.get(rule.code, {})}


def _prefixes(texts: Iterable[str]) -> tuple[str, ...]:
    prefixes = tuple(text.strip().upper() for text in texts)
    for prefix in prefixes:
        if not prefix or not any(code.startswith(prefix) for code in catalogue()):
            hint = f"known: {families(catalogue())}"
            raise UnknownName(f"no rule starts with {prefix!r}", hint, prefix, (*FAMILIES, *catalogue()))
    return prefixes


def load_profile(name: str, _below: tuple[str, ...] = ()) -> Profile:
    """A profile by name or TOML path, on top of the one it extends.

    Raises SettingsError naming the profile and the rule, option, severity or waiver that is wrong.
    """
    if name in _below:
        raise SettingsError(f"profile {name!r} extends itself", "remove one `extends` line of the circle")
    document = resources.load("profiles", name)
    for entry, value in document.items():
        if not isinstance(value, {"title": str, "extends": str, "rules": dict, "waive": list}.get(entry, ())):
            known = "title, extends (texts), [rules] and [[waive]]"
            raise SettingsError(f"profile {name!r}: {entry!r} is wrong", f"known: {known}")
    base = load_profile(document["extends"], (*_below, name)) if "extends" in document else Profile("")
    severities, options = dict(base.severities), {code: dict(values) for code, values in base.options.items()}
    for code, entry in document.get("rules", {}).items():
        known_rule = catalogue().get(code)
        if known_rule is None:
            raise SettingsError(
                f"profile {name!r}: there is no rule {code!r}", f"known: {families(catalogue())}; see `stemwright rule`"
            )
        values = dict(entry) if isinstance(entry, dict) else {"severity": entry}
        if "severity" in values:
            severities[code] = _severity(values.pop("severity"), f"profile {name!r}, {code}", known_rule)
        for option, value in values.items():
            options.setdefault(code, {})[option] = _option(known_rule, option, value, name)
    waivers = base.waivers + tuple(_waiver(entry, name) for entry in document.get("waive", []))
    return Profile(name, severities, options, waivers, document.get("title", base.title))


def _severity(value: Any, where: str, rule: Rule) -> Severity | Literal["off"]:
    if value not in (*SEVERITIES, "off"):
        raise SettingsError(f"{where}: {value!r} is no severity", f"known: {', '.join(SEVERITIES)}, off")
    if value == "error" and rule.confidence == "heuristic":
        raise SettingsError(f"{where} can be no error: it is a heuristic", "make it a warning")
    return value  # type: ignore[no-any-return]


def _option(known: Rule, option: str, value: Any, profile: str) -> Any:
    """A profile's value in the type of the option's default (a TOML list is a tuple, 3 may stand for 3.0)."""
    where = f"profile {profile!r}, {known.code}"
    if option not in known.options:
        names = ", ".join((*known.options, "severity"))
        raise SettingsError(f"{where}: there is no option {option!r}", f"known: {names}")
    default = known.options[option]
    items, wanted = (value, default) if isinstance(default, tuple) else ([value], (default,))
    kind = type(wanted[0]) if wanted else str
    if isinstance(items, list) and all(type(item) in (kind, int if kind is float else kind) for item in items):
        return tuple(items) if isinstance(default, tuple) else kind(value)
    raise SettingsError(f"{where}: {option} = {value!r} is wrong", f"the default is {toml.spelled(default)}")


def _waiver(entry: Any, profile: str) -> Waiver:
    kinds = {"rule": str, "reason": str, "file": str, "role": str, "until": datetime.date}
    right = isinstance(entry, dict) and all(isinstance(v, kinds.get(k, ())) for k, v in entry.items())
    if not right or not {"rule", "reason"} <= entry.keys() or not entry["reason"].strip():
        raise SettingsError(
            f"profile {profile!r}: [[waive]] {entry!r} is wrong",
            'it needs rule = "CODE" and reason = "...", and may have file, role (patterns) and until (a date)',
        )
    return Waiver(**{**entry, "rule": _prefixes([entry["rule"]])[0]})
