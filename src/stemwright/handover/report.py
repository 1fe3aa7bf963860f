"""report.json: everything that was measured and found, for machines. Paths are relative to the delivery."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from stemwright import __version__, serial
from stemwright.handover.notes import NotesFacts
from stemwright.model import SEVERITIES, Finding, Stem


def report_document(facts: NotesFacts) -> dict[str, Any]:
    """The document of a delivery: song, stems with levels, findings, what the sessions lost, how stems were made."""
    stems = facts.stems
    return serial.plain(  # type: ignore[no-any-return]
        {
            "schema": serial.schema("report"),
            "stemwright": __version__,
            "song": stems.song,
            "stems": [_relative(stem, stems.folder) for stem in stems.stems],
            "mix": _relative(stems.mix, stems.folder) if stems.mix else None,
            "findings": facts.findings,
            "counts": {name: sum(f.severity == name for f in facts.findings) for name in reversed(SEVERITIES)},
            "sessions": [{"file": name, "losses": losses} for name, losses in facts.sessions],
            "separation": facts.separation,
        }
    )


def _relative(stem: Stem, folder: Path | None) -> Stem:
    path = stem.file.path
    inside = folder is not None and path.is_relative_to(folder)
    return replace(stem, file=replace(stem.file, path=path.relative_to(folder) if inside and folder else Path(path.name)))


def counted(findings: tuple[Finding, ...]) -> str:
    """`2 errors, 1 warning, 3 infos`, or `nothing to send back`."""
    parts = []
    for severity in reversed(SEVERITIES):
        count = sum(finding.severity == severity for finding in findings)
        if count:
            parts.append(f"{count} {severity}{'s' if count > 1 else ''}")
    return ", ".join(parts) or "nothing to send back"
