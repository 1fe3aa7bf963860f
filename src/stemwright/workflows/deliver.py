"""The steps that turn finished stems into a delivery: tag, audit, sessions, notes. `prep` runs them in order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from stemwright import audit, resources, serial
from stemwright.audio.chunks import build_ixml
from stemwright.audio.probe import probe
from stemwright.audio.tags import read_cover, stem_id3
from stemwright.audio.wav import replace_chunks
from stemwright.errors import SessionError
from stemwright.handover import SeparationFacts
from stemwright.handover.manifest import Ledger, Step
from stemwright.handover.notes import NotesFacts, render_notes
from stemwright.handover.report import report_document
from stemwright.measure.sets import measure_set
from stemwright.model import Finding, Loss, Output, Progress, Song, Stem, StemSet
from stemwright.safety import write_text
from stemwright.session.arrange import arrange
from stemwright.session.formats import placed, write_session
from stemwright.session.verify import Verified, prove
from stemwright.units import short_key
from stemwright.workflows.steps import Made, Workflow

Losses = tuple[tuple[str, tuple[Loss, ...]], ...]
"""(session file name, what it could not express)."""

SUFFIXES = (".txt", ".md")
"""Notes are written as each of these."""


def stem_set(folder: Path, made: Step, song: Song) -> StemSet:
    """The stems of a delivery as its "stems" step recorded them."""
    about: dict[str, Any] = made.result["stems"]
    found = []
    for entry in made.outputs:
        facts = about[entry.path]
        found.append(Stem(probe(folder / entry.path), entry.role, facts["name"], gain_db=facts["gain_db"]))
    kinds = [entry.kind for entry in made.outputs]
    mix = found[kinds.index("mix")] if "mix" in kinds else None
    return StemSet(song, tuple(stem for stem in found if stem is not mix), mix, folder)


def tag_facts(song: Song) -> list[Any]:
    """Whatever of a song stands inside the stems."""
    return [song.title, song.bpm.value if song.bpm else None, song.key.value if song.key else None]


def tempo_and_key(song: Song) -> dict[str, str]:
    """What is known of both, as tags are written."""
    bpm = {"bpm": f"{round(song.bpm.value, 2):g}"} if song.bpm else {}
    return {**bpm, **({"key": short_key(song.key.value)} if song.key else {})}


def tag(made: Step, song: Song, ledger: Ledger) -> Workflow[Made]:
    """Write title, track names, tempo and key into the iXML chunk of every delivered WAV; samples stay untouched."""
    outputs = []
    for number, entry in enumerate(made.outputs):
        yield Progress("tags", number, len(made.outputs), "files")
        file = probe(ledger.folder / entry.path)
        ixml = build_ixml(
            project=song.title,
            track=made.result["stems"][entry.path]["name"],
            channels=file.format.channels,
            sample_rate=file.format.sample_rate,
            bits=file.format.bits,
            tempo=song.bpm.value if song.bpm else None,
            note=f"key {song.key.value}" if song.key else "",
        )
        id3 = stem_id3({**dict(file.tags), **tempo_and_key(song)}.items(), read_cover(file.path)) if file.tags else b""
        replace_chunks(file.path, {b"iXML": ixml, **({b"id3 ": id3} if id3 else {})})
        ledger.touch(file.path)
        outputs.append(Output(file.path, entry.kind, entry.role))
    return outputs, None


def audit_step(folder: Path, made: Step, song: Song, profile: str) -> Workflow[Made]:
    """Measure and audit what lies in the folder; the notes that come last count as present."""
    planned = tuple(folder / f"{folder.name}_notes{suffix}" for suffix in SUFFIXES)
    measured = yield from measure_set(replace(stem_set(folder, made, song), other_files=planned))
    findings = audit.audit(measured, profile) + _born_lossy(measured, made, profile)
    levels = {stem.file.path.name: stem.levels for stem in measured.everything}
    return (), {"findings": [audit.relative(finding, folder) for finding in findings], "levels": levels}


def _born_lossy(stems: StemSet, made: Step, profile: str) -> tuple[Finding, ...]:
    """FMT001 for stems that came as MP3 and the like: unpacking does not bring back what they lost."""

    def as_it_came(stem: Stem) -> Stem:
        container = made.result["stems"][stem.file.path.name].get("lossy")
        form = replace(stem.file.format, container=container, encoding="lossy", bits=0) if container else None
        return replace(stem, file=replace(stem.file, format=form)) if form else stem

    if audit.load_profile(profile).severities.get("FMT001") == "off":
        return ()
    return audit.audit(replace(stems, stems=tuple(map(as_it_came, stems.stems))), profile, select=("FMT001",))


def sessions(
    stems: StemSet,
    base: Path,
    formats: tuple[str, ...],
    layout: str,
    *,
    embed: bool,
    replace_media: bool,
    verify: bool,
    mixed_rates: bool = False,
) -> Workflow[Made]:
    """Write one session per format, called like `base`, and prove each if `verify` is given.

    Raises SessionError and its kin, OutputError for a session that is not what was planned.
    """
    session = arrange(stems, layout, mixed_rates=mixed_rates)
    outputs: list[Output] = []
    losses: list[tuple[str, tuple[Loss, ...]]] = []
    verified: list[Verified] = []
    for number, name in enumerate(formats):
        yield Progress("sessions", number, len(formats), "files")
        options = {"embed": embed, "replace_media": replace_media} if name == "aaf" else {}
        written = write_session(name, session, placed(name, base), **options)
        outputs += written.outputs
        path = written.outputs[0].path
        losses.append((path.name, written.losses))
        if verify:
            verified.append(prove(path, session))
    return outputs, {"losses": losses, "verified": verified, "warnings": []}


def sessions_step(stems: StemSet, base: Path, formats: tuple[str, ...], layout: str, embed: bool) -> Workflow[Made]:
    """`sessions` for a delivery, proved: a format that these stems cannot have is a warning, the others are written."""
    outputs: list[Output] = []
    losses: list[tuple[str, tuple[Loss, ...]]] = []
    verified: list[Verified] = []
    warnings: list[str] = []
    for name in formats:
        try:
            made, result = yield from sessions(
                stems, base, (name,), layout, embed=embed, replace_media=True, verify=True
            )
        except SessionError as error:
            warnings.append(f"no {name} session: {error.message}; {error.hint}")
        else:
            outputs += made
            losses += result["losses"]
            verified += result["verified"]
    return outputs, {"losses": losses, "verified": verified, "warnings": warnings}


def notes_text(template: str) -> list[str]:
    """The text of the notes templates, so that an edited one counts as a changed option."""
    return [
        resources.find("notes", template, suffix + ".j2").read_text(encoding="utf-8", errors="replace")
        for suffix in SUFFIXES
    ]


def notes(
    folder: Path,
    name: str,
    stems: StemSet,
    findings: tuple[Finding, ...],
    separation: SeparationFacts | None,
    losses: Losses,
    done: tuple[str, ...],
    template: str,
) -> Workflow[Made]:
    """Write the notes and the report; `done` says what else was done to the audio."""
    yield Progress("notes", 0, 1)
    facts = NotesFacts(stems, findings, separation, losses, done)
    outputs = []
    for suffix in SUFFIXES:
        path = folder / f"{name}_notes{suffix}"
        write_text(path, render_notes(facts, template, suffix))
        outputs.append(Output(path, "notes"))
    path = folder / "report.json"
    write_text(path, serial.dumps(report_document(facts)))
    outputs.append(Output(path, "report"))
    return outputs, None
