"""aaf lint: what keeps an AAF from opening; the file is not changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stemwright.model import Finding, Outcome
from stemwright.session.formats.aaf.lint import lint_aaf


@dataclass(frozen=True, slots=True)
class Linted:
    """What was found in one AAF."""

    file: Path
    findings: tuple[Finding, ...]

    @property
    def fails(self) -> bool:
        """Whether something would keep a host from opening it."""
        return any(finding.severity == "error" for finding in self.findings)


def lint(file: Path) -> Outcome[Linted]:
    """Lint an AAF. Raises NotFoundInput, InputError for what is none, SessionError for a damaged one."""
    return Outcome((), Linted(file, lint_aaf(file)))
