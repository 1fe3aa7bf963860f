"""Options that several commands share, so that the same word means the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stemwright.cli import output

if TYPE_CHECKING:
    from stemwright.workflows.facts import Given
    from stemwright.workflows.prep import PrepOptions
    from stemwright.workflows.session import SessionOptions
    from stemwright.workflows.stems import SplitOptions

F = TypeVar("F", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)


def _manner(*names: str, **settings: Any) -> Callable[[F], F]:
    """An option that goes to `output.manners` instead of the command."""

    def note(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
        setattr(output.manners, names[-1], value)

    return click.option(*names, expose_value=False, callback=note, **settings)


def _stack(*options: Callable[[F], F]) -> Callable[[F], F]:
    def apply(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return apply


talks = _stack(
    _manner("--json", "json", is_flag=True, help="One JSON document on stdout."),
    _manner("-q", "--quiet", "quiet", is_flag=True, help="Say nothing but errors."),
    _manner("-v", "--verbose", "verbose", count=True, help="Say how long each step takes; -vv also shows tracebacks."),
    _manner(
        "--progress",
        "progress",
        type=click.Choice(["auto", "bar", "plain", "json", "none"]),
        default="auto",
        help="How progress is shown on stderr.",
    ),
)

writes = _stack(
    click.option("-o", "--out", type=PATH, help="Folder to make the result in (default: beside the input)."),
    click.option("--force", is_flag=True, help="Replace files that are there already."),
    click.option("--dry-run", is_flag=True, help="Say what would be done, write nothing."),
)

song = _stack(
    click.option("--bpm", type=click.FloatRange(20, 400), help="Tempo, instead of the measured one."),
    click.option("--key", help="Key (Am, 'F# minor', 8A), instead of the measured one."),
    click.option("--title", help="Song title."),
    click.option("--artist", help="Artist."),
)

effects = click.option(
    "--effects",
    multiple=True,
    metavar="STEM=TEXT",
    help="Effects that are printed on a stem, for the notes; repeat it.",
)

splits = _stack(
    click.option(
        "--model", default="htdemucs", show_default=True, help="Separation model; see `stemwright models list`."
    ),
    click.option("--device", type=click.Choice(["auto", "cuda", "mps", "cpu"]), default="auto", show_default=True),
    click.option("--offline", is_flag=True, help="Never use the network; the weights must be there."),
    click.option(
        "--only", multiple=True, metavar="STEM", help="Deliver only this stem; repeat it. Same work, fewer files."
    ),
    click.option("--without", multiple=True, metavar="STEM", help="Deliver all stems but this; repeat it."),
    click.option("--two-stems", metavar="STEM", help="This stem, and everything else as one."),
    click.option("--no-sum", is_flag=True, help="Keep the raw model output; it does not add up to the mix."),
    click.option("--preview", type=click.FloatRange(1, 600), metavar="SECONDS", help="Only the loudest stretch."),
)


def comma_list(ctx: click.Context, parameter: click.Parameter, value: Any) -> tuple[str, ...]:
    """`a,b` -> ("a", "b")."""
    items = value if isinstance(value, (list, tuple)) else str(value).split(",")
    return tuple(item.strip() for item in items if item.strip())


sessions = _stack(
    click.option(
        "--to",
        default="reaper,aaf,midi",
        show_default=True,
        callback=comma_list,
        metavar="FORMATS",
        help="Session formats.",
    ),
    click.option("--embed", is_flag=True, help="Put the audio inside the AAF instead of beside it."),
    click.option(
        "--layout", default="mix-engineer", show_default=True, help="Session template: order, groups, colours."
    ),
)


def given(flags: dict[str, Any]) -> Given:
    """What the user says about the song."""
    from stemwright.workflows.facts import Given

    return Given(flags["bpm"], flags["key"], flags["title"] or "", flags["artist"] or "")


def split_options(flags: dict[str, Any]) -> SplitOptions:
    """What the user asks of a split. Raises click.UsageError for options that exclude each other."""
    from stemwright.workflows.stems import SplitOptions

    if sum(map(bool, (flags["only"], flags["without"], flags["two_stems"]))) > 1:
        raise click.UsageError("--only, --without and --two-stems exclude each other")
    return SplitOptions(
        model=flags["model"],
        device=flags["device"],
        offline=flags["offline"],
        only=tuple(flags["only"]),
        without=tuple(flags["without"]),
        two_stems=flags["two_stems"],
        sum_exact=not flags["no_sum"],
        preview_s=flags["preview"],
    )


def prep_options(flags: dict[str, Any]) -> PrepOptions:
    """What the user asks of `prep`."""
    from stemwright.workflows.prep import PrepOptions

    _embed_what(flags)
    return PrepOptions(
        split=split_options(flags),
        given=given(flags),
        **{
            name: flags[name]
            for name in ("to", "embed", "profile", "layout", "notes", "effects", "out", "force", "dry_run")
        },
    )


def _embed_what(flags: dict[str, Any]) -> None:
    if flags["embed"] and "aaf" not in flags["to"]:
        raise click.UsageError("--embed is about the AAF; add aaf to --to")


def session_options(flags: dict[str, Any]) -> SessionOptions:
    """What the user asks of `session`."""
    from stemwright.workflows.session import SessionOptions

    _embed_what(flags)
    return SessionOptions(
        given=given(flags), **{name: flags[name] for name in ("to", "embed", "layout", "out", "force", "dry_run")}
    )
