"""The demo: compose a small song and run the main job on it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from stemwright.errors import MissingExtra, WeightsError
from stemwright.handover import manifest
from stemwright.model import Outcome, Progress, Workflow
from stemwright.workflows.prep import Delivery, PrepOptions, prep

if TYPE_CHECKING:
    from stemwright.demo import DemoSong

FOLDER = "stemwright-demo"


def demo(options: PrepOptions) -> Workflow[Outcome[Delivery]]:
    """Prepare the demo song in `stemwright-demo/` (or --out); without weights go on from its own true stems."""
    from stemwright.demo import write_demo

    folder = options.out or Path(FOLDER)
    yield Progress("compose", 0, 0, message="composing a small song")
    with ExitStack() as stack:
        where = Path(stack.enter_context(TemporaryDirectory())) if options.dry_run else folder / "demo-song"
        song = write_demo(where)
        return (yield from _prepare(song, folder, options))


def _prepare(song: DemoSong, folder: Path, options: PrepOptions) -> Workflow[Outcome[Delivery]]:
    ours = (folder / "Demo_120_Am" / manifest.NAME).exists()  # split before, or not: the other may replace it
    asked = replace(options, out=folder, force=options.force or ours)
    if not options.given.title:
        asked = replace(asked, given=replace(options.given, title="Demo"))
    try:
        return (yield from prep(song.mix, asked))
    except (WeightsError, MissingExtra) as error:
        why = f"the mix was not split: {error.message}. These are the demo's own true stems."
    outcome = yield from prep(song.stems[next(iter(song.stems))].parent, asked)
    return replace(outcome, warnings=(why, *outcome.warnings))
