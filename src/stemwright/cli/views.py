"""Results as people read them in a terminal."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemwright.cli.found import findings
from stemwright.model import Outcome, Output, Song
from stemwright.units import camelot, spell_key

if TYPE_CHECKING:
    from rich.console import Console

_KINDS = {
    "stem": "stem",
    "mix": "the whole mix, for reference",
    "markers": "for any DAW; yours to change",
    "click": "a click track, no part of the mix",
    "session": "DAW session",
    "media": "media of a session",
    "notes": "read this first",
    "facts": "what is known; yours to change",
    "edited facts": "yours, left as it is",
    "report": "all findings and measurements",
    "manifest": "hashes, versions, options",
}


def delivery(console: Console, outcome: Outcome[Any]) -> None:
    """What `prep` made: song, tree, findings, and where it lies."""
    from stemwright.cli.session_views import proof

    made = outcome.result
    console.print(song_line(made.song))
    if not made.complete:
        plan(console, made)
        return
    tree(console, made.folder, outcome.outputs)
    for archive in (output.path for output in outcome.outputs if output.kind == "archive"):
        console.print(f"packed as {archive}", soft_wrap=True)
    findings(console, made.findings, made.song.sample_rate)
    for line in made.told:
        console.print(line)
    for found in made.verified:
        console.print(proof(found))
    if separation := made.separation:
        console.print(split_line(separation))
    if len(outcome.skipped) == len(made.plan):
        console.print("nothing to do: everything was there already")
    elif outcome.skipped:
        console.print(f"done before: {', '.join(outcome.skipped)}")


def separation(console: Console, outcome: Outcome[Any]) -> None:
    """What `split` made."""
    made = outcome.result
    if not outcome.outputs:
        plan(console, made)
        return
    tree(console, made.folder, outcome.outputs)
    console.print(split_line(made.facts))
    if outcome.skipped:
        console.print("nothing to do: everything was there already")


def split_line(facts: Any) -> str:
    """Which network made the stems, and whether they add up."""
    sums = "are not all of the mix"
    if facts.shared:
        sums = f"add up to the mix {'exactly (0 LSB)' if facts.exact_sum else 'but for the rounding of floats'}"
    return f"split with {facts.model} on {facts.device}; the stems {sums}"


def plan(console: Console, made: Any) -> None:
    """What a dry run would do."""
    console.print(f"would write {made.folder}")
    for step in made.plan:
        console.print(f"  {step.step:10} {step.action}")


def song_line(song: Song) -> str:
    """`Demo · 120 BPM (measured) · A minor, 8A (measured)`."""
    from stemwright.workflows.facts import key_doubts

    parts = [f"{song.title}{f' - {song.artist}' if song.artist else ''}"]
    parts.append(f"{round(song.bpm.value, 2):g} BPM ({song.bpm.source})" if song.bpm else "BPM unknown")
    if song.key:
        perhaps = "perhaps " if key_doubts(song) else ""
        parts.append(f"{perhaps}{spell_key(song.key.value)}, {camelot(song.key.value)} ({song.key.source})")
    else:
        parts.append("key unknown")
    return " · ".join(parts)


def tree(console: Console, folder: Path, outputs: tuple[Output, ...]) -> None:
    """The files of a result, as a tree."""
    from rich.text import Text
    from rich.tree import Tree

    here = Path.cwd()
    root = Tree(Text(f"{folder.relative_to(here) if folder.is_relative_to(here) else folder}/", style="bold"))
    branches: dict[Any, Tree] = {folder: root}
    for output in (output for output in outputs if output.path.is_relative_to(folder)):
        parent = output.path.parent
        if parent not in branches:
            media = sum(o.path.parent == parent for o in outputs)
            branches[parent] = root.add(
                Text(f"{parent.name}/  ", style="bold").append(f"{media} files", style="not bold dim")
            )
        if parent == folder:
            about = _KINDS.get(output.kind, output.kind)
            root.add(Text(output.path.name).append(f"  {about}", style="dim"))
    console.print(root)


def files(console: Console, outcome: Outcome[Any]) -> None:
    """Paths that were written, found or removed; or what would be."""
    paths = [output.path for output in outcome.outputs]
    for path in paths:
        console.print(str(path))
    for path in () if paths else getattr(outcome.result, "planned", ()):
        console.print(f"would write {path}")


def models(console: Console, outcome: Outcome[Any]) -> None:
    """The models: stems, size, state, terms."""
    from rich.table import Table

    table = Table("model", "stems", "size", "here", "licence of the weights", box=None, padding=(0, 2, 0, 0))
    for row in outcome.result:
        size = f"{math.ceil(row.bytes / 1e6)} MB" if row.bytes else "-"
        stems = " ".join(row.stems) or "(beats)" if len(row.stems) < 10 else f"{len(row.stems)} stems"
        table.add_row(row.name, stems, size, "yes" if row.ready else "no", row.licence)
    console.print(table)
    console.print("`stemwright models pull NAME` tells the terms in full before anything is fetched", style="dim")


def presets(console: Console, outcome: Outcome[Any]) -> None:
    """The presets: what they make, and by which models in which quality."""
    from rich.table import Table

    table = Table("preset", "stems", "by quality", box=None, padding=(0, 2, 0, 0))
    for row in outcome.result:
        best = list(row.plans.values())[-1]
        stems = " ".join(best.stems) if len(best.stems) < 10 else f"{len(best.stems)} stems"
        models = "\n".join(f"{q}: {' + '.join(n.model for n in plan.nodes)}" for q, plan in row.plans.items())
        table.add_row(row.name, stems, models)
    console.print(table)


def speed(console: Console, outcome: Outcome[Any]) -> None:
    """What `bench split` measured."""
    heads = ("s", "x realtime", "CPU s", "RSS GiB", "device GiB", "SNR dB", "residual dBFS", "demucs / this")
    rows = []
    for row in outcome.result:
        figures = (row.seconds, row.realtime, row.cpu_s, row.rss_gib, row.device_gib)
        rows.append((f"{row.group}: {row.name}", *figures, row.snr_db, row.residual_dbfs, row.ratio))
    _figures(console, ("",), heads, rows)
    for row in outcome.result:
        if row.parts:
            parts = ", ".join(f"{name} {spent:.3f}" for name, spent in row.parts.items())
            console.print(f"{row.name}, CPU s: host {row.host_s:.3f}, device {row.device_s:.3f}; {parts}")


def quality(console: Console, outcome: Outcome[Any]) -> None:
    """What `bench sdr` measured, dB."""
    rows: list[tuple[Any, ...]] = []
    for row in outcome.result:
        for name in ("sdr", "si_sdr", "sdr_1s"):
            said = (row.truth, row.outputs) if name == "sdr" else ("", "")
            rows += [(*said, name, *(getattr(made, name) for made in row.by.values()))]
    heads = tuple(outcome.result[0].by) if outcome.result else ()
    _figures(console, ("true stems", "outputs", "dB"), heads, rows)


def _figures(console: Console, words: tuple[str, ...], heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    from rich.table import Table

    table = Table(*words, box=None, padding=(0, 2, 0, 0))
    for head in heads:
        table.add_column(head, justify="right")
    for row in rows:
        table.add_row(*("" if x is None else x if isinstance(x, str) else f"{x:.2f}" for x in row))
    console.print(table)


def settings(console: Console, outcome: Outcome[Any]) -> None:
    """Settings with their origin."""
    for row in outcome.result:
        value = "is not set" if row.value is None else f"= {row.value!r}  ({row.origin})"
        console.print(f"{row.command}.{row.option} {value}")


def lines(console: Console, outcome: Outcome[Any]) -> None:
    """Plain lines."""
    for line in outcome.result:
        console.print(str(line))
