"""Facts of an audit made by hand: stems with levels and waveforms, findings of every kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from stemwright.handover.reports import AuditFacts
from stemwright.model import (
    AudioFile,
    AudioFormat,
    Evidence,
    Finding,
    Fix,
    Levels,
    Loudness,
    Song,
    Span,
    Stem,
    StemSet,
    Unreadable,
)

FOLDER = Path("/home/anna/Desktop/Nachtzug_124_Am")
RATE = 48_000
FRAMES = 203 * RATE
TITLES = {
    "CLP001": "A stem is clipped at full scale.",
    "FMT003": "A stem has fewer than 24 bits.",
    "LVL001": "A stem has too little headroom.",
    "PKG001": "No notes lie with the stems.",
    "TIM001": "A stem ends while it still sounds.",
    "BIT013": "Whether there is dither cannot be told.",
    "SET001": "The stems have mixed sample rates.",
    "NAM002": "A file name holds spaces.",
    "INT003": "A file is damaged.",
}
WHY = {
    "CLP001": "The tops are cut off for good; no plug-in brings them back unharmed, and turning the stem down keeps "
    "the crack.",
    "LVL001": "A mix engineer needs room to work; a stem that nearly clips leaves none.",
    "TIM001": "A reverb that stops dead is heard at once when the stem plays alone.",
}
FIXES = {
    "CLP001": "Lower the track or the plug-in that overloads until its meter stays below 0 dBFS, then bounce again.",
    "LVL001": "Turn all stems down by the same amount; never one alone.",
    "TIM001": "Bounce again with a longer tail: to the last bar in which anything rings, and two seconds more.",
}
STEPS = {
    "LVL001": (
        ("Pro Tools", "Lower the Master Fader, or all tracks as one group, then File > Bounce Mix"),
        ("REAPER", "Lower the master fader, then File > Render"),
    ),
    "TIM001": (("Pro Tools", "Edit > Selection: drag the end past the tail"), ("REAPER", "Render: Tail 3000 ms")),
}


def stem(name: str, peak: float = -6.02, seed: int = 1, role: str = "bass", **changes: Any) -> Stem:
    """A stereo stem of 3:23 with a waveform that depends on the seed."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, 600)
    parts = np.repeat(rng.choice([0.0, 0.35, 0.7, 1.0], 12, p=[0.15, 0.2, 0.3, 0.35]), 50)
    swell = parts * (0.55 + 0.45 * np.abs(np.sin(t * rng.uniform(20, 90)))) * rng.uniform(0.75, 1, 600)
    top = 127 * 10 ** (peak / 20) * swell / max(1e-9, swell.max())
    bottom = top * rng.uniform(0.8, 1, 600)
    overview = tuple(int(v) for pair in zip(-bottom, top, strict=True) for v in pair)
    levels = Levels(
        peak, (peak, peak), peak - 14, 0.0, peak + 0.31, loudness=Loudness(peak - 12, range_lu=5.2), overview=overview
    )
    form = AudioFormat("wav", "pcm", 24, RATE, 2)
    file = AudioFile(FOLDER / name, form, FRAMES, 0)
    return replace(Stem(file, role, Path(name).stem, levels), **changes)


def finding(rule: str, name: str | None, message: str, severity: str = "error", **changes: Any) -> Finding:
    """A finding whose subject is named as seen from the folder."""
    subject = Path(name) if name else None
    made = Finding(rule, severity, message, subject, fix=Fix(FIXES.get(rule, ""), "manual"))  # type: ignore[arg-type]
    return replace(made, **changes)


def spans(*seconds: float, length: int = 5) -> tuple[Span, ...]:
    """Short spans of the left channel."""
    return tuple(Span(round(at * RATE), round(at * RATE) + length, 0) for at in seconds)


def facts(stems: int = 4, **changes: Any) -> AuditFacts:
    """An audit of that many stems and a mix, with an error, warnings, an info, a doubt and a waiver."""
    names = ["Kick.wav", "Bass.wav", "LeadVox.wav", "Piano room.wav"] + [f"Pad_{n:02}.wav" for n in range(stems)]
    made = tuple(stem(name, {1: 0.0, 2: -1.2}.get(n, -4.0 - n % 7), n) for n, name in enumerate(names[:stems]))
    song = Song("Nachtzug", RATE)
    mix = stem("FullMix.wav", -0.8, 99, "mix")
    broken = (Unreadable(FOLDER / "Strings.wav", "damaged", "it has no fmt chunk"),)
    found = (
        finding(
            *("CLP001", "Bass.wav", "is clipped at full scale in 7 places"),
            spans=spans(31.2, 31.5, 62, 62.1, 93, 124, 155.25),
            evidence=Evidence(7, 0, "runs"),
        ),
        finding("INT003", "Strings.wav", "has no fmt chunk"),
        finding(
            *("LVL001", "LeadVox.wav", "peaks at −1.20 dBFS", "warning"),
            spans=spans(77.7),
            evidence=Evidence(-1.2, -3.0, "dBFS"),
        ),
        finding(
            *("TIM001", "Piano room.wav", "still sounds at −38.5 dBFS when it ends", "warning"),
            spans=(Span(FRAMES - RATE // 100, FRAMES),),
            evidence=Evidence(-38.5, -60.0, "dBFS"),
        ),
        finding("NAM002", "Piano room.wav", "has a space in its name", "info"),
        finding("PKG001", None, "no notes file lies with the stems", "warning", evidence=Evidence(0, 1, "files")),
        finding("BIT013", "Kick.wav", "has no quiet place to look for dither in", "info", verdict="undetermined"),
        finding("CLP001", "Kick.wav", "is clipped in 1 place", waived="distorted on purpose", spans=spans(12)),
    )
    there = {*names[:stems], "Strings.wav", ""}
    found = tuple(f for f in found if (f.subject.name if f.subject else "") in there)
    base = AuditFacts(
        FOLDER.name,
        StemSet(song, made, mix, FOLDER, unreadable=broken),
        tuple(sorted(found, key=lambda f: (bool(f.waived), ("error", "warning", "info").index(f.severity)))),
        "protools",
        "Pro Tools, 24-bit WAV",
        ("FMT003", "SET001"),
        TITLES,
        WHY,
        FIXES,
        STEPS,
        date="2026-03-01",
        version="1.2.3",
    )
    return replace(base, **changes)
