"""Options that several commands share, so that the same word means the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from stemwright.cli import output
from stemwright.cli.named import Named, beats, comma_list, formats, layout, profile, stack
from stemwright.units import FRAME_RATES

if TYPE_CHECKING:
    from stemwright.workflows.facts import Given
    from stemwright.workflows.guides import Guides
    from stemwright.workflows.prep import PrepOptions
    from stemwright.workflows.separation import SplitOptions
    from stemwright.workflows.session import SessionOptions

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

PATH = click.Path(path_type=Path)


class Number(click.FloatRange):
    """A number within a range, with a decimal point or comma; `nan` is none."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. Fails for what is none."""
        value = value.replace(",", ".") if isinstance(value, str) else value
        number = super().convert(value, param, ctx)
        return number if number == number else self.fail(f"{value!r} is not a number", param, ctx)


def _manner(*names: str, **settings: Any) -> Callable[[F], F]:
    """An option that goes to `output.manners` instead of the command."""

    def note(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
        setattr(output.manners, names[-1], value)

    return click.option(*names, expose_value=False, callback=note, **settings)


def _one_of(flag: str, words: str, default: str, about: str | None = None) -> Callable[[F], F]:
    """An option that is one of these words."""
    return click.option(flag, type=click.Choice(words.split()), default=default, show_default=True, help=about)


def spans(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[tuple[float, float], ...]:
    """`12.5:42,60:61` -> ((12.5, 42.0), (60.0, 61.0)); minutes as `1:05.5` are not taken, to be sure."""
    found = []
    for text in (value or "").split(",") if value else ():
        start, colon, end = text.partition(":")
        try:
            span = (float(start or 0), float(end))
            if end[:1] == "0" and end[1:2].isdigit():  # 1:02 is meant as minutes
                raise ValueError
        except ValueError:
            raise click.BadParameter(f"{text!r} is not FROM:TO in seconds, as in 62.5:90") from None
        if not (colon and 0 <= span[0] < span[1] < 1e6):
            raise click.BadParameter(f"{text!r}: it has to end after it starts")
        found.append(span)
    return tuple(found)


talks = stack(
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

writes = stack(
    click.option("-o", "--out", type=PATH, help="Folder to make the result in (default: beside the input)."),
    click.option("--force", is_flag=True, help="Replace files that are there already."),
    click.option("--dry-run", is_flag=True, help="Say what would be done, write nothing."),
)

song = stack(
    click.option("--bpm", type=Number(20, 400), help="Tempo, instead of the measured one."),
    click.option("--key", help="Key (Am, 'F# minor', 8A), instead of the measured one."),
    click.option("--title", help="Song title."),
    click.option("--artist", help="Artist."),
)
bpm_range = click.option("--bpm-range", metavar="LOW-HIGH", help="Where the tempo lies: 70-140.")
heard_song = stack(song, bpm_range, beats)

effects = click.option(
    "--effects",
    multiple=True,
    metavar="STEM=TEXT",
    help="Effects that are printed on a stem, for the notes; repeat it.",
)

acid = click.option(
    "--acid", is_flag=True, help="Also write tempo and root note as loops have them; DAWs may stretch such files."
)

quality = _one_of("--quality", "draft good best", "good", "Of a preset.")
device = _one_of("--device", "auto cuda mps cpu", "auto")

splits = stack(
    click.option("--preset", help="What to make of the mix; see `stemwright models presets`.  [default: 4_tracks]"),
    quality,
    click.option("--model", help="All stems of this model instead of a preset; see `stemwright models list`."),
    click.option("--only", multiple=True, metavar="STEM", help="Deliver only this stem; repeat it."),
    click.option("--without", multiple=True, metavar="STEM", help="Deliver all stems but this; repeat it."),
    click.option("--two-stems", metavar="STEM", help="This stem, and everything else as one."),
    _one_of(
        *("--residual", "spread other file off", "spread"),
        "What the network leaves over: to all stems, to `other`, to its own file, or nowhere.",
    ),
    click.option("--selection", callback=spans, metavar="FROM:TO", help="Only this stretch, in seconds."),
    click.option("--preview", type=Number(1, 600), metavar="SECONDS", help="Only the loudest stretch."),
    _one_of("--stereo-mode", "stereo mono mid_sides left_right", "stereo", "What is heard at once."),
    _one_of("--bit-depth", "16 24 32f", "24", "Of the stems."),
    click.option("--prompt", default="", help="What to listen for, in words (preset custom)."),
    click.option("--spans", callback=spans, metavar="FROM:TO,...", help="Where it sounds, in seconds."),
    click.option(
        "--shifts", type=click.IntRange(1, 16), default=1, show_default=True, help="Average so many shifted runs."
    ),
    click.option("--overlap", type=Number(0, 0.9), help="Of segments, instead of the model's own."),
    _one_of("--precision", "auto exact fast bf16", "auto", "exact: float32 throughout."),
    device,
    click.option("--offline", is_flag=True, help="Never use the network; the weights must be there."),
)


fail_on = _one_of("--fail-on", "error warning info never", "error", "Exit with 1 from this severity on.")

judges = stack(
    profile(),
    click.option("--select", default="", callback=comma_list, metavar="CODES", help="Only these rules (or prefixes)."),
    click.option("--ignore", default="", callback=comma_list, metavar="CODES", help="All rules but these."),
    fail_on,
    click.option(
        "--report",
        type=PATH,
        multiple=True,
        metavar="FILE",
        help="Write a report: .html, .md, .json, .xml (JUnit), .sarif; markers: .rpp, .mid; labelled copies: "
        "a folder. Repeat it.",
    ),
)

audits = stack(
    judges,
    click.option("--format", default="", metavar="KIND", help="Print a report of this kind, as `github`."),
    click.option("--baseline", type=PATH, help="Let pass what --write-baseline noted there."),
    click.option("--write-baseline", type=PATH, metavar="FILE", help="Note all findings as known."),
    click.option("--watch", is_flag=True, help="Audit again whenever something in the folder changes."),
    click.option("--remember/--no-remember", default=True, help="Take unchanged files' figures from the last time."),
)

sessions = stack(
    click.option(
        "--to",
        cls=Named,
        known=formats,
        default="reaper,aaf,midi",
        show_default=True,
        callback=comma_list,
        metavar="FORMATS",
        help="Session formats.",
    ),
    click.option("--embed", is_flag=True, help="Put the audio inside the AAF instead of beside it."),
    click.option(
        "--dawproject-style",
        type=click.Choice(["bitwig", "raw"]),
        help="bitwig: what most programs read; raw: clips in seconds, unwarped.  [default: bitwig]",
    ),
    layout("mix-engineer", "Session template: order, groups, colours, frame rate."),
    click.option(
        "--fps",
        type=click.Choice(tuple(FRAME_RATES)),
        help="Frame rate of timecode; df is drop-frame.  [default: that of the layout]",
    ),
)


guided = stack(
    click.option(
        "--markers",
        type=PATH,
        metavar="FILE",
        help="Markers instead of measured ones: .csv, .cue, .wav, .mid, .rpp or another session.",
    ),
    click.option("--sections/--no-sections", default=True, help="Mark the parts of the song where they are sure."),
    click.option("--click", is_flag=True, help="Add a click track."),
    click.option(
        "--count-in",
        type=click.IntRange(0, 8),
        default=0,
        metavar="BARS",
        help="Begin the click so many bars before bar 1, if there is room.",
    ),
)


def _made(kind: type[T], flags: Mapping[str, Any], **own: Any) -> T:
    """What a workflow is asked: the flags that are called as its options, as far as they were given, and its `own`."""
    named = {field.name: flags.get(field.name) for field in fields(cast(Any, kind))}
    return kind(**{name: value for name, value in named.items() if value is not None} | own)


def given(flags: Mapping[str, Any]) -> Given:
    """What the user says about the song."""
    from stemwright.workflows.facts import Given

    return _made(Given, flags)


def _guides(flags: Mapping[str, Any]) -> Guides:
    """What is to guide people through the song. Raises click.UsageError for a count-in without a click."""
    from stemwright.workflows.guides import Guides

    asked = _made(Guides, flags)
    if asked.count_in and not asked.click:
        raise click.UsageError("--count-in is about the click; add --click")
    return asked


def split_options(flags: dict[str, Any]) -> SplitOptions:
    """What the user asks of a split. Raises click.UsageError for options that exclude each other."""
    from stemwright.workflows.separation import SplitOptions

    for first, second in (("only", "without"), ("only", "two_stems"), ("without", "two_stems"), ("model", "preset")):
        if flags[first] and flags[second]:
            raise click.UsageError(f"--{first} and --{second.replace('_', '-')} exclude each other")
    if flags["selection"] and flags["preview"]:
        raise click.UsageError("--selection and --preview exclude each other")
    if len(flags["selection"]) > 1:
        raise click.UsageError("--selection takes one stretch")
    return _made(
        SplitOptions,
        flags,
        preset=flags["preset"] or ("" if flags["model"] else "4_tracks"),
        only=tuple(stem.lower() for stem in flags["only"]),
        without=tuple(stem.lower() for stem in flags["without"]),
        two_stems=(flags["two_stems"] or "").lower() or None,
        selection=next(iter(flags["selection"]), None),
        preview_s=flags["preview"],
    )


def prep_options(flags: dict[str, Any]) -> PrepOptions:
    """What the user asks of `prep`."""
    from stemwright.workflows.prep import PrepOptions

    _check_formats(flags)
    return _made(PrepOptions, flags, split=split_options(flags), given=given(flags), guides=_guides(flags))


def _check_formats(flags: dict[str, Any]) -> None:
    for option, form in (("embed", "aaf"), ("dawproject_style", "dawproject")):
        if flags[option] and form not in (flags["to"] or ()):
            raise click.UsageError(f"--{option.replace('_', '-')} is about {form}; add that to --to")


def session_options(flags: dict[str, Any]) -> SessionOptions:
    """What the user asks of `session`."""
    from stemwright.workflows.session import SessionOptions

    given_to = click.get_current_context().get_parameter_source("to") is click.core.ParameterSource.COMMANDLINE
    if flags["template"] and not given_to:
        flags["to"] = None
    if flags["template"] and flags["fps"]:
        raise click.UsageError("the --template has its own frame rate; leave --fps away")
    _check_formats(flags)
    files = [Path(word) for word in flags["map"] if "=" not in word]
    pairs = [word.partition("=") for word in flags["map"] if "=" in word]
    if (flags["map"] and not flags["template"]) or len(files) > 1 or any(f.suffix != ".toml" for f in files):
        raise click.UsageError("--map is STEM=TRACK for a track of the --template, or one TOML file of rules")
    return _made(
        SessionOptions,
        flags,
        given=given(flags),
        guides=_guides(flags),
        mapping=tuple((stem, track) for stem, _, track in pairs),
        rules=files[0] if files else None,
        mixed_rates=flags["allow_mixed_rates"],
    )
