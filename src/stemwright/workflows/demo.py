"""The demo: compose a small song and run the main job on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stemwright.errors import MissingExtra, WeightsError
from stemwright.model import Outcome, Progress
from stemwright.workflows.prep import Delivery, PrepOptions, prep
from stemwright.workflows.steps import Workflow

FOLDER = "stemwright-demo"


def demo(options: PrepOptions) -> Workflow[Outcome[Delivery]]:
    """Prepare the demo song in `stemwright-demo/` (or --out); without weights go on from its own true stems."""
    from stemwright.demo import write_demo

    folder = options.out or Path(FOLDER)
    yield Progress("compose", 0, 0, message="composing a small song")
    song = write_demo(folder / "song")
    asked = replace(options, out=folder, force=True)  # whatever lies there is a demo of ours
    if not options.given.title:
        asked = replace(asked, given=replace(options.given, title="Demo"))
    try:
        return (yield from prep(song.mix, asked))
    except (WeightsError, MissingExtra) as error:
        why = f"the mix was not split: {error.message}. These are the demo's own true stems."
    outcome = yield from prep(song.stems[next(iter(song.stems))].parent, asked)
    return replace(outcome, warnings=(why, *outcome.warnings))
