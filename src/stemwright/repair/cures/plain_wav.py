"""A header, container or word length that not every reader takes: written anew as plain WAV from what can be read."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from stemwright.audio.tags import read_cue_sheet
from stemwright.model import Finding, StemSet
from stemwright.repair.treatment import Plan, Treatment

CODES = (
    *("INT006", "INT007", "INT008", "INT009", "INT011", "INT012", "INT013", "INT015", "INT017", "INT021"),
    *("FMT002", "FMT004", "FMT005", "FMT007", "FMT008", "FMT013", "PKG008"),
)
LOSSY = False
ORDER = 30


def treat(stems: StemSet, findings: tuple[Finding, ...], plan: Plan) -> Plan:
    """Rewrite each file named. Floats become 24-bit integers where every sample is one; beyond 4 GiB it is RF64."""
    return plan.each(findings, _rewritten)


def _rewritten(t: Treatment, finding: Finding) -> dict[str, Any] | str:
    form, name = t.stem.file.format, f"{PurePath(t.name).stem}.wav"
    match finding.rule:
        case "FMT004" | "FMT005" | "FMT013":
            was = "float" if form.encoding == "float" else f"{form.bits}-bit"
            exact = {"step": f"{was} to 24-bit, every sample exact", "name": name, "bits": 24, "encoding": "pcm"}
            return exact if t.fits_24 else "its samples are no 24-bit ones; --lossy rounds them"
        case "FMT002":
            marked = any(chunk.name == "MARK" and chunk.bytes > 2 for chunk in t.stem.file.chunks)  # 2: their count
            more = ", with its markers" if marked else ", its cue sheet as markers" if _cued(t) else ""
            step = f"{form.container.upper()} to WAV{more}"
            return {"step": step, "name": name, "rewrite": True}
        case "FMT007":
            return {"step": f"{form.container_bits}-bit words to {t.bits}-bit words", "rewrite": True}
        case "FMT008":
            return {"step": "plain format tag", "rewrite": True}
        case "PKG008":
            return {"step": "a file instead of a link", "rewrite": True}
    return {"step": "header mended", "rewrite": True}


def _cued(t: Treatment) -> bool:
    return t.stem.file.format.container == "flac" and bool(read_cue_sheet(t.stem.file.path))
