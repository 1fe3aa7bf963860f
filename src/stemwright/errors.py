"""Every error stemwright raises on purpose, as one tree.

::

    StemwrightError               exit code 1; carries a hint that names the next step
    ├── InputError                something given to us cannot be used
    │   ├── NotFoundInput         no such file or folder
    │   ├── NotAudio              the bytes are not audio we know (text, empty, an image, ...)
    │   ├── DamagedAudio          audio that stops or contradicts itself
    │   └── UnreadableAudio       audio that needs a reader which is not installed
    ├── OutputError               a result cannot be written
    │   ├── AlreadyThere          it exists and --force was not given
    │   └── DiskFull              no space left
    ├── MissingExtra              an optional package is not installed
    ├── WeightsError              model weights
    │   ├── WeightsUnavailable    no source could give them
    │   └── WeightsMismatch       bytes differ from the pinned hash, or are unsafe to load
    ├── SettingsError             a config file, profile, layout or template is wrong
    │   └── WrongOption           what an option says cannot be; exit code 2
    │       └── UnknownName       nothing is called so
    ├── SessionError              a DAW session cannot be built from what is there
    └── HostError                 a DAW that is open cannot be reached, or fails

Other usage errors (a wrong flag, exit code 2), work of which a part failed (3) and interrupts (130) belong to the
command line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Kind = Literal["empty", "not-audio", "damaged", "no-data", "no-reader", "locked", "changing"]
"""What keeps a file from being read."""


class StemwrightError(Exception):
    """Base of all errors. `message` says what is wrong in one line, `hint` what to do next."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(StemwrightError):
    """Something given to us cannot be used. `kind` says why, where it is a file of a set."""

    kind: Kind = "damaged"

    def __init__(self, message: str, hint: str = "", kind: Kind | None = None) -> None:
        super().__init__(message, hint)
        self.kind = kind or self.kind


class NotFoundInput(InputError):
    """No such file or folder."""


class NotAudio(InputError):
    """The bytes are not audio that we know."""

    kind = "not-audio"


class DamagedAudio(InputError):
    """Audio that stops early or contradicts itself."""


class UnreadableAudio(InputError):
    """Audio that needs a reader which is not installed."""

    kind = "no-reader"


class OutputError(StemwrightError):
    """A result cannot be written."""


class AlreadyThere(OutputError):
    """The result exists and --force was not given."""


class DiskFull(OutputError):
    """No space left on the device."""


class MissingExtra(StemwrightError):
    """An optional package is not installed."""


class WeightsError(StemwrightError):
    """Model weights cannot be used."""


class WeightsUnavailable(WeightsError):
    """No source could give the weights."""


class WeightsMismatch(WeightsError):
    """The bytes differ from the pinned hash, or are not safe to load."""


class SettingsError(StemwrightError):
    """A config file, profile, layout or template is wrong."""


class WrongOption(SettingsError):
    """What an option says cannot be: no key, no tempo, a place outside the song."""

    exit_code = 2


class UnknownName(WrongOption):
    """Nothing is called so. Of the `known` names the one that is most like it is offered in the hint."""

    def __init__(self, message: str, hint: str = "", name: str = "", known: Iterable[str] = ()) -> None:
        from difflib import get_close_matches

        alike = {other.lower(): other for other in known}
        meant = [alike[close] for close in get_close_matches(name.lower(), alike, 1)]
        super().__init__(message, " ".join(filter(None, (*(f"did you mean {close!r}?" for close in meant), hint))))


class SessionError(StemwrightError):
    """A DAW session cannot be built from what is there."""


class HostError(StemwrightError):
    """A DAW that is open cannot be reached, refuses a call, or does not answer."""
