"""What the producer states beside the audio, in `notes.toml`: with the stems that are given, or in the delivery.

A delivery's file is ours as long as it is as we wrote it. Once edited it is the user's: it wins over everything but
options, and is never written to again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from stemwright.audio import stated
from stemwright.audio.folder import noted_names
from stemwright.audio.stated import Stated, StemWords
from stemwright.handover import manifest
from stemwright.handover.manifest import Ledger
from stemwright.model import Output, Stem, StemSet

_OURS, _EDITED = "facts", "edited facts"
"""Kinds of output that a `notes.toml` is recorded as."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stated, and whether the delivery's own file, which the user edited, states it."""

    stated: Stated = field(default_factory=Stated)
    edited: bool = False


def kept(found: Ledger | None, given: StemSet | None) -> Kept:
    """From a delivery that was made before, if the user edited its file, else from the stems that are given.

    Raises SettingsError, InputError.
    """
    if found and (found.folder / stated.NAME).is_file():
        entries = [entry for step in found.manifest.steps for entry in step.outputs if entry.path == stated.NAME]
        if not any(entry.kind == _OURS and found.unharmed(entry) for entry in entries):
            own = stated.read(found.folder)
            names = _names(found)
            return Kept(replace(own, stems={names.get(name, name): said for name, said in own.stems.items()}), True)
    if not given:
        return Kept()
    return Kept(replace(stated.read(given.folder), stems=_words({stem.name: stem for stem in given.stems})))


def record(stems: StemSet, known: Kept) -> Stated:
    """Everything that is known of a delivery, for its `notes.toml`."""
    names = noted_names(tuple(stem.file.path for stem in stems.everything))
    words = _words({names[stem.file.path.name]: stem for stem in stems.everything})
    return replace(known.stated, song=stems.song, stems=words)


def write(stems: StemSet, known: Kept) -> Output:
    """The delivery's `notes.toml`, written unless it is the user's. Raises OutputError."""
    assert stems.folder
    if known.edited:
        return Output(stems.folder / stated.NAME, _EDITED)
    return Output(stated.write(stems.folder, record(stems, known)), _OURS)


def made_anew(folder: Path, outputs: Iterable[Output]) -> None:
    """Tell the manifest of a delivery which of its files another command wrote: `prep` makes them again, as its own.

    Else it would take them for edits of the user and keep them aside.
    """
    found = manifest.read(folder / manifest.NAME)
    mine = [output.path for output in outputs if output.path.parent == folder]
    if found is None or not mine or found.folder != folder.resolve().name:
        return
    ledger, names = Ledger(folder, found), {path.name for path in mine}
    for path in mine:
        ledger.touch(path)
    steps = ledger.manifest.steps
    undone = [replace(step, key="") if names & {made.path for made in step.outputs} else step for step in steps]
    ledger.save(replace(ledger.manifest, steps=tuple(undone)))


def _names(found: Ledger) -> dict[str, str]:
    """Names in a delivery's `notes.toml` -> names of the stems, which may lie under other file names soon."""
    made = found.manifest.step("stems")
    about = made.result.get("stems") if made and isinstance(made.result, dict) else None
    known = {path: str(facts.get("name", path)) for path, facts in (about or {}).items()}
    return known | {said: known[path] for path, said in noted_names(tuple(map(Path, known))).items()}


def _words(stems: dict[str, Stem]) -> dict[str, StemWords]:
    """What is said of stems of which something is said."""
    said = {name: StemWords(stem.printed_effects, stem.comments) for name, stem in stems.items()}
    return {name: words for name, words in said.items() if words != StemWords()}
