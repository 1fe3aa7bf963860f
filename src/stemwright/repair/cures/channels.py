"""Sides that add nothing are left out; what is inverted is turned, and exchanged sides are exchanged back."""

from __future__ import annotations

import math
from typing import Any

from stemwright.model import Finding, StemSet
from stemwright.repair.treatment import Plan, Treatment

CODES = ("CHN002", "CHN003", "CHN004", "CHN006", "MIX005")
LOSSY = False
ORDER = 40


def treat(stems: StemSet, findings: tuple[Finding, ...], plan: Plan) -> Plan:
    """Mono from one side (CHN002, CHN003), the right side inverted (CHN004), sides (CHN006) or stem (MIX005) turned."""
    parts = stems.compared.mixdown.parts if stems.compared.mixdown else ()
    unsure = {part.path for part in parts if not part.certain}

    def turned(t: Treatment, finding: Finding) -> dict[str, Any] | str:
        if finding.subject in unsure:
            return "the stems resemble each other too much to be sure"
        if finding.rule == "CHN006":
            return {"step": "left and right exchanged", "channels": (1, 0)}
        if t.levels.lowest <= -1 and t.encoding == "pcm":
            return "a sample at the lowest value has no inverse"
        if finding.rule == "CHN004":
            opposite = t.levels.sides and t.levels.sides.relation == "opposite"
            only = "the sides are out of phase but not each other's inverse"
            return {"step": "right channel inverted", "signs": (1, -1)} if opposite else only
        return {"step": "inverted", "signs": tuple(-sign for sign in t.signs)}

    return plan.each(findings, lambda t, finding: (_mono if finding.rule < "CHN004" else turned)(t, finding))


def _mono(t: Treatment, finding: Finding) -> dict[str, Any] | str:
    heard = tuple(index for index, peak in enumerate(t.levels.channel_peaks_dbfs) if peak > -math.inf)
    if t.levels.sides and t.levels.sides.relation == "equal":
        heard = (0,)
    if len(heard) != 1 or len(t.channels) == 1:
        return "the channels are alike but not the same; only the DAW can make it mono"
    side = "left" if heard == (0,) else "right"
    return {"step": f"mono: the {side} channel, the other adds nothing", "channels": heard, "signs": (1,)}
