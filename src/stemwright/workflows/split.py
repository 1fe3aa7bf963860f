"""split: a mix in, a folder of stems out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from stemwright import serial
from stemwright.handover import SeparationFacts, manifest
from stemwright.handover.manifest import Ledger, Manifest
from stemwright.model import Outcome, Output, Song
from stemwright.naming import safe_name, title_of
from stemwright.workflows import stems
from stemwright.workflows.stems import SplitOptions
from stemwright.workflows.steps import DryRunEnds, Made, Planned, Run, Workflow, hash_inputs, open_folder


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
    file = stems.song_file(source)
    inputs = yield from hash_inputs([source])
    name = title or file.tag("title") or title_of(source.stem)
    song = Song(name, file.format.sample_rate)
    parent = (out or source.resolve().parent).absolute()
    fresh = Manifest("split", inputs)
    found = Ledger.find(parent, "split", inputs)
    if not (dry_run or (found and stems.is_done(found, inputs, song, options))):
        yield from stems.ready(options)
    ledger = open_folder(parent, f"{safe_name(name)}_stems", found, fresh, avoid=source, force=force, dry_run=dry_run)
    run = Run(ledger, dry_run)
    try:
        parts = stems.split_parts(inputs, song, options)
        if not dry_run:
            packages = manifest.package_versions("numpy", "soundfile", "soxr", "torch", "demucs")
            ledger.save(replace(ledger.manifest, packages=packages, options=serial.plain(options), complete=False))
        with TemporaryDirectory(prefix="stemwright-") as scratch:

            def split_it() -> Workflow[Made]:
                heard = file
                if options.preview_s:
                    heard = yield from stems.loudest(file, options.preview_s, Path(scratch))
                return (yield from stems.split(heard, song, options, ledger.folder))

            made = yield from run.step("stems", parts, split_it)
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
