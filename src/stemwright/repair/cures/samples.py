"""Samples changed one file at a time: DC, a cut tail, samples that no 24-bit file holds.

DC is subtracted, the mean of what sounds from all that is not digital silence. A constant is what was found, and taking
it off leaves the wave as it is; a high-pass filter would turn the phase of the bass or, run both ways, ring in front of
every attack. A cut tail fades over 10 ms so that it does not click; it stays cut, and the finding stays.
"""

from __future__ import annotations

from typing import Any

from stemwright.audio.stream import blocks
from stemwright.model import Finding, StemSet
from stemwright.repair.treatment import Plan, Treatment

CODES = ("LVL006", "TIM001", "FMT004", "FMT013")
LOSSY = True
ORDER = 80


def treat(stems: StemSet, findings: tuple[Finding, ...], plan: Plan) -> Plan:
    """Take off DC (LVL006), fade (TIM001), round to 24 bits, half to even, without dither (FMT004, FMT013)."""
    for finding in findings:
        t = plan.of(finding.subject)
        if finding.rule == "TIM001" and t and t.levels.last_sound == t.stem.file.frames - 1:
            fade: dict[str, Any] = {
                "fade": round(t.rate / 100),
                "bits": max(t.bits, 24),
                "lossy": True,
            }
            plan = plan.change(t, "the last 10 ms faded out", **fade)
    return plan.each(findings, _changed)


def _changed(t: Treatment, finding: Finding) -> dict[str, Any] | str:
    if finding.rule == "TIM001":
        return "the missing tail cannot be made again; a fade of 10 ms keeps it from clicking"
    if finding.rule in ("FMT004", "FMT013"):
        if t.levels.sample_peak_dbfs + t.gain_db > 0 or t.levels.not_finite.count:
            return "as integers its peaks would clip; headroom first (LVL001, FMT006)"
        return {"step": "rounded to 24-bit without dither", "bits": 24, "encoding": "pcm", "lossy": True}
    if t.levels.silences.count > len(t.levels.silences.spans):
        return "it has too many silent gaps; a high-pass filter in the DAW does it"
    means = _means(t)
    step = f"DC taken off ({', '.join(f'{mean:+.6f}' for mean in means)} of full scale)"
    return {"step": step, "offset": means, "bits": max(t.bits, 24), "lossy": True}


def _means(t: Treatment) -> tuple[float, ...]:
    file = t.stem.file
    sounding = file.frames - sum(span.end - span.start for span in t.levels.silences.spans)
    total = sum(block[list(t.channels)].sum(axis=1, dtype="f8") for block in blocks(file))
    return tuple(float(channel) / max(1, sounding) for channel in total)
