"""Where in each DAW the cause of a finding is: one TOML file per DAW in `templates/daws`.

::

    title = "Pro Tools"
    order = 1                    # place in lists
    [steps]
    bit-depth = "File > Bounce Mix: Bit Depth 24 Bit"   # topic -> what to do there; the topics are those of `rule`
"""

from __future__ import annotations

from functools import cache

from stemwright import resources
from stemwright.errors import SettingsError


@cache
def guides() -> tuple[tuple[str, dict[str, str]], ...]:
    """(title, topic -> step) of every DAW, in order. Raises SettingsError naming a file that is wrong."""
    found = []
    for name in resources.names("daws"):
        document = resources.load("daws", name)
        steps = document.get("steps")
        if not isinstance(document.get("title"), str) or not isinstance(steps, dict):
            raise SettingsError(f"DAW guide {name!r} is wrong", "it needs a title and a table [steps]")
        found.append((document.get("order", 99), document["title"], {str(k): str(v) for k, v in steps.items()}))
    return tuple((title, steps) for _, title, steps in sorted(found, key=lambda entry: entry[:2]))


def steps(topic: str) -> tuple[tuple[str, str], ...]:
    """(DAW, what to do there) for one topic; empty when no DAW says anything about it."""
    return tuple((title, known[topic]) for title, known in guides() if topic in known) if topic else ()
