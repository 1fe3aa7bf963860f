"""The report of a delivery, for programs: `report.json`, schema `stemwright.report/1`.

All paths are relative to the delivery folder, so that a report says nothing about the machine that it was made on.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from stemwright import serial
from stemwright.handover.notes import NotesFacts, local
from stemwright.model import SEVERITIES, Finding, Stem, StemSet


def report_document(facts: NotesFacts) -> dict[str, Any]:
    """Everything that is known about a delivery, as JSON-able dicts and lists; units are in the names."""
    return {
        "schema": serial.schema("report"),
        "date": facts.date,
        "stemwright": facts.version,
        **set_document(facts.stems, facts.findings),
        "separation": serial.plain(facts.separation),
        "sessions": [{"file": Path(file).name, "losses": serial.plain(losses)} for file, losses in facts.sessions],
    }


def set_document(stems: StemSet, findings: tuple[Finding, ...]) -> dict[str, Any]:
    """What reports of every kind say of stems and findings; `counts` leaves out what is waived or undetermined."""
    count = Counter(found.severity for found in findings if found.verdict == "fail" and not found.waived)

    def name(path: Path) -> str:
        return local(path, stems.folder)

    return {
        "song": serial.plain(stems.song),
        "stems": [_stem(stem, name(stem.file.path)) for stem in stems.stems],
        "mix": _stem(stems.mix, name(stems.mix.file.path)) if stems.mix else None,
        "unreadable": [serial.plain(bad) | {"path": name(bad.path)} for bad in stems.unreadable],
        "counts": {severity: count[severity] for severity in SEVERITIES[::-1]},
        "findings": [
            serial.plain(found) | {"subject": name(found.subject) if found.subject else None} for found in findings
        ],
    }


def _stem(stem: Stem, path: str) -> dict[str, Any]:
    file = stem.file
    levels = serial.plain(stem.levels)
    return {
        "file": path,
        "name": stem.name,
        "role": stem.role,
        "format": serial.plain(file.format),
        "frames": file.frames,
        "start_frame": file.start_frame,
        "gain_db": stem.gain_db,
        "printed_effects": stem.printed_effects,
        "comments": stem.comments,
        "damage": serial.plain(file.damage),
        # A waveform is a picture for pages, and a thousand lines of a document.
        "levels": levels and {key: value for key, value in levels.items() if key != "overview"},
    }
