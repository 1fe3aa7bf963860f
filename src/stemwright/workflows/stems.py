"""Where a delivery's stems come from when they are stems already: a folder is taken as it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stemwright.audio.probe import require_whole
from stemwright.audio.take import common_gain
from stemwright.audio.take import take as take_file
from stemwright.errors import InputError
from stemwright.model import Output, Progress, Song, Stem, StemSet, Workflow
from stemwright.naming import safe_name, unused
from stemwright.safety import writing
from stemwright.units import db
from stemwright.workflows.steps import Made


def take_parts(inputs: Any, stems: StemSet, song: Song) -> list[Any]:
    """Everything that taken stems depend on."""
    return [inputs, song.title, [(stem.file.path.name, stem.name, stem.role) for stem in stems.everything]]


def take(stems: StemSet, song: Song, folder: Path) -> Workflow[Made]:
    """Copy a folder's stems into the delivery under clean names.

    Nothing is done to their samples, unless a lossy one would clip as 24-bit: then all get one common gain.
    """
    _refuse_damaged(stems.everything)
    gain = common_gain(stem.file for stem in stems.everything)
    warnings = [f"all stems were lowered by {-db(gain):.2f} dB, because one would have clipped"] if gain < 1 else []
    outputs: list[Output] = []
    about: dict[str, Any] = {}
    used: set[str] = set()
    changed: dict[str, list[str]] = {}
    for number, stem in enumerate(stems.everything):
        yield Progress("stems", number, len(stems.everything), "files")
        target = folder / f"{unused(f'{safe_name(song.title, 24)}_{safe_name(stem.name, 24)}', used)}.wav"
        with writing(target):
            how = take_file(stem.file, target, gain)
        kind = "mix" if stem is stems.mix else "stem"
        outputs.append(Output(target, kind, stem.role))
        lossy = stem.file.format.container if stem.file.format.lossy else ""
        about[target.name] = {"name": stem.name, "gain_db": db(gain), "lossy": lossy}
        if how != "copied byte by byte":
            changed.setdefault(how, []).append(stem.file.path.name)
    every = len(stems.everything)
    done = [
        f"{f'All {every} files' if len(names) == every > 1 else ', '.join(names)}: {how}."
        for how, names in changed.items()
    ]
    return outputs, {"stems": about, "separation": None, "warnings": warnings, "done": done}


def _refuse_damaged(stems: Iterable[Stem]) -> None:
    for stem in stems:
        require_whole(stem.file)
        if not stem.file.frames:
            raise InputError(f"{stem.file.path}: holds no samples", "export it again, or take it out of the folder")
