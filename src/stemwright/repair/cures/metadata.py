"""bext and iXML: written where they are missing, written anew where they are wrong."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from stemwright.audio.chunks import build_ixml
from stemwright.model import Finding, StemSet
from stemwright.repair.treatment import Plan, Treatment

CODES = ("MET001", "MET003", "MET004", "MET005", "MET006", "MET007", "MET009", "SET005")
LOSSY = False
ORDER = 85


def treat(stems: StemSet, findings: tuple[Finding, ...], plan: Plan) -> Plan:
    """A missing time stamp becomes the one that all others share, or 0 where nobody has one.

    It says where the file belongs, so it is only written where files of one length leave no doubt of that.
    """
    stamps = {t.start for t in plan.stems if t.start is not None} or {0}
    common = stamps.pop() if len(stamps) == 1 else None
    stamp: dict[str, Any] = {"step": f"bext chunk written, time stamp {common}", "start": common}

    def placed(t: Treatment) -> bool:
        alike = {other.frames for other in plan.stems if other.rate == t.rate}
        return common is not None and alike == {t.frames}

    def answer(t: Treatment, finding: Finding) -> dict[str, Any] | str:
        match finding.rule:
            case "MET001" | "SET005":
                return stamp if placed(t) else "its time stamp is not known: other lengths or time stamps differ"
            case "MET007":
                number = finding.evidence and str(finding.evidence.limit).isdecimal()  # else it is a UMID
                restated = {"step": "iXML brought into line", "rewrite": True}
                return restated if number else "which of the two is right, only you can tell"
            case "MET009":
                return {"step": "iXML written anew", "ixml": _ixml(stems, t)}
        return {"step": "bext chunk written anew", "new_bext": True}

    plan = plan.each(findings, answer)
    for t in plan.treatments:  # what becomes WAV becomes Broadcast WAV
        if t.rewrite and t.start is None and placed(t) and not t.stem.file.format.riff:
            plan = plan.change(t, **stamp)
    return plan


def _ixml(stems: StemSet, t: Treatment) -> bytes:
    return build_ixml(
        project=stems.song.title,
        track=PurePath(t.name).stem,
        channels=len(t.channels),
        sample_rate=t.rate,
        bits=t.bits,
        tempo=stems.song.bpm.value if stems.song.bpm else None,
        note="",
    )
