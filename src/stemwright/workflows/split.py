"""split: a mix in, a folder of stems out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stemwright import serial
from stemwright.audio.said import said_by
from stemwright.handover import SeparationFacts, manifest
from stemwright.model import Estimate, Outcome, Song, Workflow
from stemwright.naming import bpm_and_key_in, safe_name, title_of
from stemwright.workflows import facts, mix, separation
from stemwright.workflows.facts import Given
from stemwright.workflows.separation import SplitOptions
from stemwright.workflows.steps import DryRunEnds, Place, Planned, hash_inputs


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
    place = Place.of(source, inputs, f"split{options.kind}", out, force, dry_run)
    place.require_room(0 if options.stretch else 2 * file.frames * file.format.channels)
    engines = {}
    if not (dry_run or (place.found and separation.is_done(place.found, inputs, song, options))):
        engines = yield from separation.ready(options)
    packages = manifest.package_versions("numpy", "soundfile", "soxr")
    run = place.open(f"{safe_name(name)}_stems{options.kind}", packages, serial.plain(options))
    folder = run.ledger.folder
    try:
        parts = separation.parts(inputs, song, options)
        made = yield from run.step("stems", parts, lambda: mix.split(file, song, options, folder, engines))
    except DryRunEnds:
        return Outcome((), Separation(folder, tuple(run.plan)), separation.to_fetch(options))
    how = serial.build(SeparationFacts, made.result["separation"])
    warnings = (*made.result["warnings"], *facts.told_by_tags((file,), song))
    return Outcome(run.finish(made), Separation(folder, tuple(run.plan), how), warnings, run.done)
