"""Findings as labels inside copies of the stems, for editors that show cue points: `cue ` and `LIST adtl`.

Labels are ASCII, because their specification (see `audio.cue`) names no encoding. Samples and all other chunks stay as
they are, and so do cue points that are there; where there is a `bext` chunk (EBU Tech 3285), its description names the
findings. A file without one gets none, because it would state a start time.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from stemwright.audio import riff
from stemwright.audio.cue import MOST_BYTES, cue_chunks, free_numbers
from stemwright.audio.wav import is_whole, replace_chunks
from stemwright.errors import AlreadyThere
from stemwright.measure.spans import joined
from stemwright.model import Finding, Loss, Output, StemSet
from stemwright.safety import atomic
from stemwright.session.findings import subject
from stemwright.session.formats import Written

_PLAIN = str.maketrans({"−": "-", "–": "-", "×": "x", "…": "..."})
Label = tuple[int, int, bytes]
"""First frame, frames, text."""


def write_labelled(stems: StemSet, findings: tuple[Finding, ...], folder: Path) -> Written:
    """Copies into `folder` of the stems about which something was found; a loss for each that is no whole WAV file.

    Raises AlreadyThere before anything is written, OutputError and DiskFull.
    """
    told = [found for found in findings if found.subject and not found.waived]
    plans = {stem: [found for found in told if subject(stems, found) == stem.file.path] for stem in stems.everything}
    taken = next((path for stem in plans if (path := folder / stem.file.path.name).exists()), None)
    if taken:
        raise AlreadyThere(f"{taken}: is there already", "give a new folder for the labelled copies")
    outputs, losses = [], []
    for stem, mine in plans.items():
        file = stem.file
        if mine and is_whole(file.path):
            labels = [
                (place.start, place.end - place.start, _ascii(f"{found.rule}: {found.message}"))
                for found in mine
                for place, _ in joined(found.spans, file.format.sample_rate // 2)
            ]
            target = folder / file.path.name
            _copy(file.path, target, sorted(labels), _ascii("; ".join(f"{f.rule}: {f.message}" for f in mine)))
            outputs.append(Output(target, "stem", stem.role))
        elif mine:
            losses.append(Loss(stem.name, "markers", "only a whole WAV file can hold cue points"))
    return Written(tuple(outputs), tuple(losses))


def _ascii(text: str) -> bytes:
    return " ".join(text.translate(_PLAIN).split()).encode("ascii", "replace")


def _copy(source: Path, target: Path, labels: list[Label], description: bytes) -> None:
    points, entries = b"", b""
    with atomic(target) as part:
        shutil.copyfile(source, part)
        with part.open("r+b") as file:
            for chunk in list(riff.walk(file, part.stat().st_size)):
                if chunk.name == b"cue ":
                    points += riff.body(file, chunk, MOST_BYTES)[4:]
                elif chunk.name == b"LIST" and (body := riff.body(file, chunk, MOST_BYTES))[:4] == b"adtl":
                    entries += body[4:]
                elif chunk.name == b"bext" and chunk.size >= 602:
                    file.seek(chunk.offset)
                    file.write(description[:256].ljust(256, b"\0"))
        if labels:
            numbered = ((number, *label) for label, number in zip(labels, free_numbers(points), strict=False))
            cue, adtl = cue_chunks(numbered, points, entries)
            replace_chunks(part, {b"cue ": cue, b"LISTadtl": adtl})
