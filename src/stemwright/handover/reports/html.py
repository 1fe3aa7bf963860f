"""HTML: one page that needs nothing beside itself, for the client and for the mix engineer.

What is to do comes first, then every stem as a waveform with its findings marked on it; what is fine is folded away.
The page runs no script and loads nothing: its Content-Security-Policy lets in its own style sheet by hash, and the
stems for the audio players when it lies beside them. Texts are escaped by the templates in `templates/report`.
"""

from __future__ import annotations

import base64
import hashlib
import math
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import Any
from urllib.parse import quote

from stemwright.handover import layout, templates
from stemwright.handover.notes import local
from stemwright.handover.reports import AuditFacts, amount, by_rule, headline, see_also, side, summary, where
from stemwright.measure.spans import joined
from stemwright.model import SEVERITIES, Finding, Stem
from stemwright.units import clock, many, seconds

NAME = "HTML"
SUFFIX = ".html"

_HEADINGS = {"error": "Fix these first", "warning": "Worth a look", "info": "Good to know"}
_PLAYABLE = ("wav", "flac", "mp3", "ogg", "opus", "m4a")
_RULER_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
"""Seconds that the lines on the waveforms may lie apart."""


def render(facts: AuditFacts) -> str:
    """The page. Raises SettingsError for a broken template."""
    page = layout.visible(_page(facts))
    style = templates.render("report", "audit.css", {"daws": len(page["daws"])})
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return templates.render("report", "audit.html", page | {"style": style, "style_hash": f"sha256-{digest}"})


def _page(facts: AuditFacts) -> dict[str, Any]:
    """Everything that the template shows, as texts, lists and plain dicts."""
    rules = by_rule(facts)
    groups = [_rule(facts, code, rows) for code, rows in rules.items()]
    explained = {other.rule: code for code, rows in rules.items() for _, others in rows for other in others}
    explained |= {code: code for code in rules}
    length = max(map(_seconds, facts.stems.everything), default=Fraction(0))
    stems = [_stem(facts, number, stem, length, explained) for number, stem in enumerate(facts.stems.everything)]
    daws = list(dict.fromkeys(step["daw"] for group in groups for step in group["steps"]))
    for group in groups:
        group["steps"] = [step | {"number": daws.index(step["daw"])} for step in group["steps"]]
    return {
        "folder": facts.folder,
        "headline": headline(facts),
        "summary": summary(facts),
        "tone": facts.verdict if facts.verdict in ("error", "warning") else "fine",
        "profile": facts.profile_title or facts.profile,
        "date": facts.date,
        "version": facts.version,
        "daws": daws,
        "column": "Track" if facts.only_session else "File",
        "ruler": list(_ruler(length)),
        "groups": [
            {"tone": tone, "heading": _HEADINGS[tone], "rules": [group for group in groups if group["tone"] == tone]}
            for tone in SEVERITIES[::-1]
            if any(group["tone"] == tone for group in groups)
        ],
        "bad": sorted((stem for stem in stems if stem["bad"]), key=lambda stem: stem["tone"] != "error"),
        "fine": [stem for stem in stems if not stem["bad"]],
        "undetermined": [_row(facts, found) for found in facts.undetermined],
        "waived": [_row(facts, found) | {"reason": found.waived} for found in facts.waived],
        "passed": [{"code": code, "title": facts.titles.get(code, "")} for code in facts.passed],
    }


def _rule(facts: AuditFacts, code: str, rows: list[tuple[Finding, list[Finding]]]) -> dict[str, Any]:
    first = rows[0][0]
    summary = first.fix.summary if first.fix else ""
    return {
        "code": code,
        "tone": first.severity,
        "title": facts.titles.get(code, code),
        "why": facts.why.get(code, ""),
        "fix": facts.fixes.get(code, summary),
        "guess": first.confidence == "heuristic",
        "steps": [{"daw": daw, "text": text} for daw, text in facts.steps.get(code, ())],
        "rows": [_row(facts, found, see_also(others)) for found, others in rows],
    }


def _row(facts: AuditFacts, found: Finding, also: str = "") -> dict[str, Any]:
    """A finding as a line of a table. `stem` is the number of its waveform on the page, None when there is none."""
    name, evidence = facts.name(found.subject), found.evidence
    measured = amount(evidence.measured, evidence.unit) if evidence else ""
    return {
        "code": found.rule,
        "tone": found.severity,
        "file": name,
        "stem": facts.numbers.get(name),
        "text": found.message,
        "also": also,
        "where": where(facts, found),
        "measured": "" if measured == name.strip() else measured,
        "limit": amount(evidence.limit, "" if isinstance(evidence.limit, str) else evidence.unit) if evidence else "",
    }


def _stem(facts: AuditFacts, number: int, stem: Stem, length: Fraction, explained: dict[str, str]) -> dict[str, Any]:
    name = facts.name(stem.file.path)
    mine = [found for found in facts.failing if facts.name(found.subject) == name]
    tone = mine[0].severity if mine else "fine"
    path = quote(os.fsencode(local(stem.file.path, facts.stems.folder)), safe="/")
    return {
        "number": number,
        "name": name,
        "about": "the reference mix" if stem is facts.stems.mix else "",
        "tone": tone,
        "bad": tone in ("error", "warning"),
        "findings": [
            _row(facts, found) | {"id": f"stem-{number}-{n}", "explained": explained[found.rule]}
            for n, found in enumerate(mine)
        ],
        "facts": [{"name": what, "text": text} for what, text in _measures(stem)],
        "wave": _wave(stem.levels.overview) if stem.levels else "",
        "width": _percent(_seconds(stem), length),
        "marks": [
            mark | {"id": f"stem-{number}-{n}"}
            for n, found in reversed(list(enumerate(mine)))  # the gravest is drawn last, over the others
            for mark in _marks(stem, found, length)
        ],
        "audio": f"./{path}" if facts.beside and stem.file.format.container in _PLAYABLE else "",
    }


def _measures(stem: Stem) -> Iterator[tuple[str, str]]:
    form, levels = stem.file.format, stem.levels
    yield "Length", clock(stem.file.frames, form.sample_rate)
    depth = "lossy" if form.encoding == "lossy" else f"{form.bits}-bit{' float' if form.encoding == 'float' else ''}"
    channels = {1: "mono", 2: "stereo"}.get(form.channels, f"{form.channels} channels")
    yield "Format", f"{depth}, {amount(form.sample_rate / 1000).removesuffix('.00')} kHz, {channels}"
    if levels:
        yield "Peak", amount(levels.sample_peak_dbfs, "dBFS")
        yield "True peak", amount(levels.true_peak_dbtp, "dBTP")
        yield "Loudness", amount(levels.loudness.integrated_lufs, "LUFS", 1)
        yield "Range", amount(levels.loudness.range_lu, "LU", 1)


def _wave(overview: tuple[int, ...]) -> str:
    """The outline of a waveform as an SVG path, one unit a column, 127 up and down."""
    lows, highs = overview[::2], overview[1::2]
    top = [f"{x} {-high}" for x, high in enumerate(highs)]
    bottom = [f"{x} {-low}" for x, low in enumerate(lows)]
    return f"M{'L'.join(top + bottom[::-1])}Z" if top else ""


def _ruler(length: Fraction) -> Iterator[dict[str, str]]:
    """The times that stand over the waveforms, all of which share one axis."""
    step = next((s for s in _RULER_S if length <= 9 * s), _RULER_S[-1])
    for at in range(0, min(math.ceil(length), 100 * step), step):
        yield {"at": _percent(Fraction(at), length), "text": clock(at, 1).removesuffix(".000")}


def _marks(stem: Stem, found: Finding, length: Fraction) -> Iterator[dict[str, str]]:
    """The places of one finding on the waveform; those less than a few pixels apart are one mark."""
    frames, rate = stem.file.frames, stem.file.format.sample_rate
    for place, count in joined(found.spans, frames // 300):
        start = min(max(place.start, 0), frames - frames // 300)  # a mark at the very end would not be seen
        end = min(max(place.end, 0), frames)
        times = f" ({many(count, 'place')})" if count > 1 else ""
        channel = f" {side(place.channel)}," if place.channel is not None else ""
        yield {
            "tone": found.severity,
            "at": _percent(seconds(start, rate), length),
            "width": _percent(seconds(max(0, end - start), rate), length),
            "title": f"{clock(place.start, rate)}{times}:{channel} {found.message} – {found.rule}",
        }


def _seconds(stem: Stem) -> Fraction:
    return seconds(stem.file.frames, stem.file.format.sample_rate)


def _percent(part: Fraction, whole: Fraction) -> str:
    return f"{float(100 * part / whole) if whole else 0:.2f}%"
