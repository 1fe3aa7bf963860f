"""The report of a delivery, for programs: `report.json`, schema `stemwright.report/1`.

All paths are relative to the delivery folder, so that a report says nothing about the machine that it was made on.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from stemwright import serial
from stemwright.handover.notes import NotesFacts, local
from stemwright.model import SEVERITIES, Stem


def report_document(facts: NotesFacts) -> dict[str, Any]:
    """Everything that is known about a delivery, as JSON-able dicts and lists; units are in the names."""
    stems = facts.stems
    count = Counter(found.severity for found in facts.findings)

    def name(path: Path) -> str:
        return local(path, stems.folder)

    return {
        "schema": serial.schema("report"),
        "date": facts.date,
        "stemwright": facts.version,
        "song": serial.plain(stems.song),
        "stems": [_stem(stem, name(stem.file.path)) for stem in stems.stems],
        "mix": _stem(stems.mix, name(stems.mix.file.path)) if stems.mix else None,
        "unreadable": [serial.plain(bad) | {"path": name(bad.path)} for bad in stems.unreadable],
        "counts": {severity: count[severity] for severity in SEVERITIES[::-1]},
        "findings": [
            serial.plain(found) | {"subject": name(found.subject) if found.subject else None}
            for found in facts.findings
        ],
        "separation": serial.plain(facts.separation),
        "sessions": [{"file": Path(file).name, "losses": serial.plain(losses)} for file, losses in facts.sessions],
    }


def _stem(stem: Stem, path: str) -> dict[str, Any]:
    file = stem.file
    return {
        "file": path,
        "name": stem.name,
        "role": stem.role,
        "format": serial.plain(file.format),
        "frames": file.frames,
        "start_frame": file.start_frame,
        "gain_db": stem.gain_db,
        "printed_effects": stem.printed_effects,
        "damage": serial.plain(file.damage),
        "levels": serial.plain(stem.levels),
    }
