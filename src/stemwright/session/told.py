"""What a reader leaves out or reads otherwise: one line a kind, with the first names of what it is about."""

from __future__ import annotations

from dataclasses import dataclass, field

from stemwright.naming import one_line
from stemwright.units import listed


@dataclass(frozen=True, slots=True)
class Told:
    """Kinds of things in the order in which they were met, and the names that go with each."""

    kinds: dict[str, dict[str, None]] = field(default_factory=dict)

    def tell(self, what: str, name: str = "") -> None:
        """Take note of `what`, said of something called `name`."""
        self.kinds.setdefault(what, {}).update({name: None} if name else {})

    def lines(self) -> tuple[str, ...]:
        """`plug-ins are not read: Kick, Snare, Bass and 12 more`."""
        told = (f"{what}: {listed([*names])}".removesuffix(": ") for what, names in self.kinds.items())
        return tuple(map(one_line, told))
