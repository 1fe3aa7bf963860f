"""What a reader leaves out or reads otherwise: one line a kind, with the first names of what it is about."""

from __future__ import annotations

from dataclasses import dataclass, field

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Told:
    """Kinds of things in the order in which they were met, and the names that go with each."""

    kinds: dict[str, dict[str, None]] = field(default_factory=dict)

    def tell(self, what: str, name: str = "") -> None:
        """Take note of `what`, said of something called `name`."""
        self.kinds.setdefault(what, {})[name] = None

    def lines(self) -> tuple[str, ...]:
        """`plug-ins are not read: Kick, Snare, Bass and 12 more`."""
        return tuple(_line(what, [name for name in names if name]) for what, names in self.kinds.items())


def _line(what: str, names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{what}: {', '.join(names[:_SHOWN])}{more}" if names else what
