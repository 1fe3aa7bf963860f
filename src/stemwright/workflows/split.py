"""split: a mix in, a folder of stems out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from stemwright import serial
from stemwright.handover import SeparationFacts, manifest
from stemwright.handover.manifest import Ledger, Manifest
from stemwright.model import Outcome, Output, Song
from stemwright.naming import safe_name, title_of
from stemwright.workflows import separation
from stemwright.workflows.separation import SplitOptions
from stemwright.workflows.steps import DryRunEnds, Planned, Run, Workflow, hash_inputs, open_folder


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
    title: str = "",
    out: Path | None = None,
    force: bool = False,
    dry_run: bool = False,
) -> Workflow[Outcome[Separation]]:
    """Split one mix into `<title>_stems/`. Raises as `prep` does."""
    file = separation.song_file(source)
    inputs = yield from hash_inputs([source])
    name = title or file.tag("title") or title_of(source.stem)
    song = Song(name, file.format.sample_rate, artist=file.tag("artist"))
    parent = (out or source.resolve().parent).absolute()
    workflow = f"split{options.stretch}"
    fresh = Manifest(workflow, inputs)
    found = Ledger.find(parent, workflow, inputs)
    if not (dry_run or (found and separation.is_done(found, inputs, song, options))):
        yield from separation.ready(options)
    folder = f"{safe_name(name)}_stems{options.stretch}"
    ledger = open_folder(parent, folder, found, fresh, avoid=source, force=force, dry_run=dry_run)
    run = Run(ledger, dry_run)
    if not dry_run:
        packages = manifest.package_versions("numpy", "soundfile", "soxr", "torch", "demucs")
        ledger.save(replace(ledger.manifest, packages=packages, options=serial.plain(options), complete=False))
    try:
        parts = separation.parts(inputs, song, options)
        made = yield from run.step("stems", parts, lambda: separation.split(file, song, options, ledger.folder))
    except DryRunEnds:
        return Outcome((), Separation(ledger.folder, tuple(run.plan)))
    if not dry_run:
        ledger.save(replace(ledger.manifest, complete=True))
    outputs = [Output(ledger.folder / entry.path, entry.kind, entry.role) for entry in made.outputs]
    outputs.append(Output(ledger.folder / manifest.NAME, "manifest"))
    facts = serial.build(SeparationFacts, made.result["separation"])
    done = tuple(planned.step for planned in run.plan if planned.action == "done before")
    return Outcome(
        tuple(outputs),
        Separation(ledger.folder, tuple(run.plan), facts),
        (*made.result["warnings"], *made.result["done"]),
        done,
    )
