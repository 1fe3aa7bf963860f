"""What a workflow yields and ends with."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Progress:
    """The only thing a workflow yields while it runs."""

    step: str  # probe, measure, split, audit, session, notes, ...
    done: float
    total: float  # same unit as `done`; 0 when unknown
    unit: str = ""
    message: str = ""
    subject: str = ""  # the input this is about


Workflow = Generator[Progress, None, T]
"""Work that tells how far it is, and ends with its result."""


@dataclass(frozen=True, slots=True)
class Output:
    """A file that was written."""

    path: Path
    kind: str  # stem, mix, session, media, notes, report, manifest, model, archive, folder
    role: str = ""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T_co]):
    """What every workflow ends with: the files, what the user should know, and the result itself."""

    outputs: tuple[Output, ...]
    result: T_co
    warnings: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()  # steps that were found done and not run again
    failed: tuple[str, ...] = ()  # what was asked for and could not be, though the rest was: sentences
