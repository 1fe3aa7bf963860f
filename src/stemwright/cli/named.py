"""Options whose values are names of templates or of modules: their help lists them, a shell completes them.

Names are looked up only then, so that a command that is not asked for help starts without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])
Names = Callable[[], Iterable[str]]


class Named(click.Option):
    """An option for one of the names that `known` gives, or for several with commas."""

    def __init__(self, *flags: Any, known: Names, **settings: Any) -> None:
        super().__init__(*flags, **settings)
        self.known = known

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option and its help, with the names."""
        record = super().get_help_record(ctx)
        return record and (record[0], f"{record[1]}  Known: {', '.join(self.known())}.")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The names that begin like the last one."""
        before, comma, last = incomplete.rpartition(",")
        return [CompletionItem(f"{before}{comma}{name}") for name in self.known() if name.startswith(last)]


def stack(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator; help shows them in this order."""
    return lambda function: reduce(lambda made, option: option(made), reversed(options), function)


def templates(kind: str, suffix: str = ".toml") -> Names:
    """The names of all templates of a kind."""

    def known() -> Iterable[str]:
        from stemwright import resources

        return resources.names(kind, suffix)

    return known


def comma_list(ctx: click.Context, parameter: click.Parameter, value: Any) -> tuple[str, ...]:
    """`a,b` -> ("a", "b")."""
    items = value if isinstance(value, (list, tuple)) else str(value).split(",")
    return tuple(item.strip() for item in items if item.strip())


def formats() -> Iterable[str]:
    """The names of the session formats that can be written."""
    from stemwright.session.formats import formats

    return formats()


def hears_beats() -> Iterable[str]:
    """The names of the models that hear beats."""
    from stemwright.separate import beats

    return beats.names()


beats = click.option(
    *("--beats",), cls=Named, known=hears_beats, metavar="MODEL", help="Hear the beats with this model (extra: beats)."
)


def layout(default: str, about: str) -> Callable[[F], F]:
    """`--layout`, which may have a default."""
    known = templates("sessions")
    return click.option("--layout", cls=Named, known=known, default=default, show_default=bool(default), help=about)


def profile(purpose: str = "", default: str = "protools") -> Callable[[F], F]:
    """`--profile`, for that purpose; without a default it is "" when it is not given."""
    about = f"Delivery rules{purpose}: a name or a .toml file of your own."
    known = templates("profiles")
    return click.option(
        *("--profile",), cls=Named, known=known, default=default, show_default=bool(default), help=about
    )


def notes(flag: str) -> Callable[[F], F]:
    """The notes template, under that flag, and `--pdf`."""

    def known() -> Iterable[str]:
        return sorted({name for suffix in (".txt.j2", ".md.j2") for name in templates("notes", suffix)()})

    form = click.option(flag, cls=Named, known=known, default="mix-engineer", show_default=True, help="Notes template.")
    pdf = click.option("--pdf", is_flag=True, help="Write the notes as PDF, too (needs the extra `pdf`).")
    return stack(form, pdf)
