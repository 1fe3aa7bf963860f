"""Notes for the mix engineer: facts put into words here, laid out by a Jinja template.

A template is `templates/notes/<name>.txt.j2` or `.md.j2`, or the user's own of that name, and may use what `words`
returns; a name that it does not return is an error, and so nothing is left blank by accident.
"""

from __future__ import annotations

import datetime
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stemwright import __version__, resources
from stemwright.audio.stated import Stated
from stemwright.errors import SettingsError
from stemwright.handover import SeparationFacts, layout, templates
from stemwright.handover.notes_song import release_words, sections, song_words
from stemwright.model import SEVERITIES, Finding, Loss, Stem, StemSet
from stemwright.naming import label
from stemwright.units import clock, many


@dataclass(frozen=True, slots=True)
class NotesFacts:
    """All that notes and report tell."""

    stems: StemSet
    findings: tuple[Finding, ...] = ()
    separation: SeparationFacts | None = None
    """None when the stems came as stems."""
    sessions: tuple[tuple[str, tuple[Loss, ...]], ...] = ()
    """(session file name, what it could not express)."""
    done: tuple[str, ...] = ()
    """What else was done to the audio, a sentence each."""
    stated: Stated = field(default_factory=Stated)
    """What of the producer's words stands neither in the song nor in a stem."""
    contact: tuple[str, ...] = ()
    """Whom to ask: name, studio, mail, ..., as it is to stand there."""
    date: str = field(default_factory=lambda: datetime.date.today().isoformat())
    version: str = __version__


def render_notes(facts: NotesFacts, template: str = "mix-engineer", suffix: str = ".txt") -> str:
    """The notes as text, by the template `<template><suffix>.j2`. Raises SettingsError as `templates.render` does."""
    return templates.render("notes", template + suffix, words(facts))


# ---- facts in words -------------------------------------------------------------------------------------------


def words(facts: NotesFacts) -> dict[str, Any]:
    """Everything that a template may use, as one-line texts, lists of texts and plain dicts."""
    stems = facts.stems
    judged = [found for found in facts.findings if not found.waived]
    found = {
        "song": song_words(stems) | {"click": facts.stated.click, "comments": facts.stated.comments},
        "release": release_words(facts.stated.release, stems),
        "contact": list(facts.contact),
        "sections": sections(stems.song),
        "tracks": [_track(number, stem) for number, stem in enumerate(stems.everything, 1)],
        "together": _together(stems),
        "samples": [*_alignment(stems), *_gains(facts), *facts.done],
        "effects": [f"{s.file.path.name}: {s.printed_effects}" for s in stems.everything if s.printed_effects],
        "comments": [f"{s.file.path.name}: {s.comments}" for s in stems.everything if s.comments],
        "separation": _separation(facts.separation, stems) if facts.separation else [],
        "sessions": [{"file": Path(name).name, "lacks": _lacks(losses)} for name, losses in facts.sessions],
        "has_mix": stems.mix is not None and any(not name.lower().endswith(".mid") for name, _ in facts.sessions),
        "imports": _imports(facts),
        "audit": _audit(judged),
        "findings": [
            _finding(stems, [found for found in judged if (found.severity, found.rule) == group])
            for group in dict.fromkeys(
                (kind, f.rule) for kind in ("error", "warning") for f in judged if f.severity == kind
            )
        ],
        "date": facts.date,
        "version": facts.version,
    }
    return {name: layout.visible(value) for name, value in found.items()}


def local(path: Path, folder: Path | None) -> str:
    """A path as seen from the delivery folder; only its name when it lies elsewhere."""
    if folder and path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    return path.as_posix() if not path.is_absolute() and ".." not in path.parts else path.name


def _track(number: int, stem: Stem) -> dict[str, Any]:
    peak = stem.levels.sample_peak_dbfs if stem.levels else None
    return {
        "number": number,
        "file": stem.file.path.name,
        "role": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label(stem.role)),
        "peak": "–" if peak is None else "silent" if peak == -math.inf else f"{peak:.1f}",
        "loudness": _loudness(stem),
        "length": clock(stem.file.frames, stem.file.format.sample_rate),
        "effects": stem.printed_effects,
        "comments": stem.comments,
    }


def _loudness(stem: Stem) -> str:
    lufs = stem.levels.loudness.integrated_lufs if stem.levels else -math.inf
    return "–" if lufs == -math.inf else f"{lufs:.1f}"


def _imports(facts: NotesFacts) -> list[dict[str, str]]:
    """How each DAW takes what lies there: `templates/notes/imports.toml`. Raises SettingsError for a wrong one."""
    kinds = {Path(name).suffix.lower() for name, _ in facts.sessions}
    where = "together" if _together(facts.stems) else "apart"
    try:
        return [
            {"daw": str(guide["daw"]), "text": str(guide["text"])}
            for guide in resources.load("notes", "imports")["import"]
            if kinds.issuperset(guide.get("needs", ())) and guide.get("stems", where) == where
        ]
    except (KeyError, TypeError, AttributeError) as error:
        path = resources.find("notes", "imports")
        raise SettingsError(f"{path}: is wrong: {error}", "each [[import]] needs `daw` and `text`") from error


def _together(stems: StemSet) -> bool:
    return len({stem.file.start_frame or 0 for stem in stems.everything}) <= 1


def _alignment(stems: StemSet) -> list[str]:
    """What one has to know to lay the files under each other."""
    files = [stem.file for stem in stems.everything]
    what = f"{many(len(stems.stems), 'stem', 'no')}{' and the full mix' if stems.mix else ''}"
    if not _together(stems):
        return [f"The start times in the files differ: place the {what} by their BWF time stamps."]
    if len({(file.frames, file.format.sample_rate) for file in files}) > 1:
        return [f"THE LENGTHS DIFFER among the {what}; no file says that it starts elsewhere than the others."]
    return [f"All files ({what}) are equally long, to the sample, and start together."]


def _gains(facts: NotesFacts) -> list[str]:
    everything = facts.stems.everything
    gains = {stem.gain_db for stem in everything}
    undone = " The sessions undo it by clip gain." if facts.sessions else ""
    if gains - {0.0} and len(gains) == 1:
        return [f"One common gain of {gains.pop():+.2f} dB was applied to all files.{undone}"]
    if gains - {0.0}:
        each = ", ".join(f"{stem.file.path.name} {stem.gain_db:+.2f} dB" for stem in everything if stem.gain_db)
        return [f"Gain was applied: {each}.{undone}"]
    if not (facts.separation or facts.sessions):
        return []  # stems that someone else delivered: what was done to them is not known here
    resampled = facts.separation is not None and facts.separation.resampled
    return [f"Stemwright applied no gain{'' if resampled else ', no resampling'} and no dither to these samples."]


def _separation(made: SeparationFacts, stems: StemSet) -> list[str]:
    prefixes = ", ".join(sha[:12] for sha in made.weights_sha256.split(", "))
    versions = "".join(f", {name} {version}" for name, version in made.versions.items())
    preset = f" (preset {made.preset})" if made.preset else ""
    said = [
        f"Separated from the finished mix by the network {made.model}{preset} on {made.device}, "
        f"{made.precision} precision{versions}.",
        "They are not the original tracks: what bleeds or swirls in a soloed stem comes from the separation.",
        f"Weights: {f'SHA-256 {prefixes}…' if prefixes else 'none.'} Terms: {made.terms.strip().splitlines()[0]}",
        *made.remarks,
    ]
    if made.resampled:
        said.append("The mix was resampled for the network, and the stems back to the rate of the mix.")
    if made.residual_dbfs is not None:
        level = "digital silence" if made.residual_dbfs == -math.inf else f"{made.residual_dbfs:.1f} dBFS RMS"
        then = "shared among them" if made.shared else "not shared, so they do not add up to the mix"
        said.append(f"Residual (the mix minus the raw stems): {level}, {then}.")
    if made.calmed_s:
        said.append(
            f"For {math.ceil(1000 * made.calmed_s)} ms the network put out stems far louder than the mix that cancel "
            "each other; there they were turned down and the difference was shared."
        )
    if made.exact_sum and stems.mix:
        said.append(f"The stems add up to {stems.mix.file.path.name} sample by sample (0 LSB); this was verified.")
    return said


def _lacks(losses: Iterable[Loss]) -> list[str]:
    """What a session lacks; of one without audio only that, for what else tracks lack in it follows."""
    told = [loss for loss in losses if loss.field == "audio"] or losses
    return [f"{loss.field.replace('_', ' ')}: {loss.reason} ({loss.subject})" for loss in told]


def _finding(stems: StemSet, alike: list[Finding]) -> dict[str, str]:
    """What one rule found: of several files their names, and the first one's figures."""
    names = list(dict.fromkeys(local(found.subject, stems.folder) for found in alike if found.subject))
    messages = list(dict.fromkeys(found.message for found in alike))
    text = f"{''.join(names)} {'; '.join(messages)}".strip()
    if len(names) > 1:
        every = len(names) == len(stems.everything)
        who = f"all {len(names)} files" if every else f"{len(names)} files ({', '.join(names)})"
        text = f"{who}: {'each' if len(messages) == 1 else 'the first'} {messages[0]}"
    fix = alike[0].fix.summary if alike[0].fix else ""
    return {"severity": alike[0].severity, "rule": alike[0].rule, "text": text, "fix": fix}


def _audit(findings: Iterable[Finding]) -> str:
    count = Counter(found.severity for found in findings)
    if not count:
        return "No finding."
    told = f"{', '.join(many(count[kind], 'remark' if kind == 'info' else kind, 'no') for kind in SEVERITIES[::-1])}."
    return told[0].upper() + told[1:]
