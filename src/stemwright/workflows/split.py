"""split: a mix in, a folder of stems out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stemwright import serial
from stemwright.audio.said import said_by
from stemwright.handover import SeparationFacts, manifest
from stemwright.handover.manifest import Ledger, Manifest
from stemwright.model import Estimate, Outcome, Song, Workflow
from stemwright.naming import bpm_and_key_in, safe_name, title_of
from stemwright.workflows import facts, mix, separation
from stemwright.workflows.facts import Given
from stemwright.workflows.separation import SplitOptions
from stemwright.workflows.steps import DryRunEnds, Planned, Run, hash_inputs, open_folder


@dataclass(frozen=True, slots=True)
class Separation:
    """What `split` made, or would make."""

    folder: Path
    plan: tuple[Planned, ...]
    facts: SeparationFacts | None = None


def split(
    source: Path,
    options: SplitOptions,
    *,
    given: Given = Given(),  # noqa: B008
    out: Path | None = None,
    force: bool = False,
    dry_run: bool = False,
) -> Workflow[Outcome[Separation]]:
    """Split one mix into `<title>_stems/`. Raises as `prep` does."""
    file = separation.song_file(source)
    separation.selected(file, options)
    inputs = yield from hash_inputs([source])
    name = given.title or file.tag("title") or title_of(source.stem)
    said, (bpm, key) = said_by((file,)), bpm_and_key_in(source.stem)
    song = Song(
        name,
        file.format.sample_rate,
        artist=given.artist or file.tag("artist"),
        bpm=facts.surest(given.bpm, said.bpm, Estimate(bpm, 0.9, "filename") if bpm else None),
        key=facts.surest(given.key, said.key, Estimate(key, 0.9, "filename") if key else None),
    )
    parent = (out or source.resolve().parent).absolute()
    workflow = f"split{options.kind}"
    found = Ledger.find(parent, workflow, inputs)
    engines = {}
    if not (dry_run or (found and separation.is_done(found, inputs, song, options))):
        engines = yield from separation.ready(options)
    folder = f"{safe_name(name)}_stems{options.kind}"
    packages = manifest.package_versions("numpy", "soundfile", "soxr")
    fresh = Manifest(workflow, inputs, packages=packages, options=serial.plain(options))
    ledger = open_folder(parent, folder, found, fresh, avoid=source, force=force, dry_run=dry_run)
    run = Run(ledger, dry_run)
    try:
        parts = separation.parts(inputs, song, options)
        made = yield from run.step("stems", parts, lambda: mix.split(file, song, options, ledger.folder, engines))
    except DryRunEnds:
        return Outcome((), Separation(ledger.folder, tuple(run.plan)), separation.to_fetch(options))
    how = serial.build(SeparationFacts, made.result["separation"])
    warnings = (*made.result["warnings"], *facts.told_by_tags((file,), song))
    return Outcome(run.finish(made), Separation(ledger.folder, tuple(run.plan), how), warnings, run.done)
