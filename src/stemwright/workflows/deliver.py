"""The steps that turn finished stems into a delivery: tag, audit, sessions, notes. `prep` runs them in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stemwright import audit, config, resources, serial
from stemwright.audio.probe import probe
from stemwright.audio.tagging import facts_of, tag_file
from stemwright.errors import OutputError, SessionError, SettingsError
from stemwright.handover import pdf, templates
from stemwright.handover.manifest import Ledger, Step
from stemwright.handover.notes import NotesFacts, render_notes
from stemwright.handover.report import report_document
from stemwright.measure.sets import measure_set
from stemwright.model import Finding, Loss, Output, Progress, Song, Stem, StemSet, Workflow
from stemwright.safety import tidy, write_bytes, write_text
from stemwright.session.arrange import arrange
from stemwright.session.formats import formats, placed, write_session
from stemwright.session.verify import Verified, prove
from stemwright.workflows.facts import Given
from stemwright.workflows.guides import Guides
from stemwright.workflows.kept import Kept
from stemwright.workflows.kept import write as write_kept
from stemwright.workflows.steps import Made

Losses = tuple[tuple[str, tuple[Loss, ...]], ...]
"""(session file name, what it could not express)."""

FORMATS = ("reaper", "aaf", "midi")
"""Session formats that are written unless others are asked for."""

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


def tag_facts(song: Song, acid: bool = False) -> list[Any]:
    """Whatever of a song stands inside the stems."""
    return [facts_of(song, "", ""), acid]


def tag(made: Step, song: Song, ledger: Ledger, acid: bool = False) -> Workflow[Made]:
    """Write names, tempo and key into every delivered WAV (see `tagging`); samples and other tags stay untouched."""
    outputs = []
    for number, entry in enumerate(made.outputs):
        yield Progress("tags", number, len(made.outputs), "files")
        file = probe(ledger.folder / entry.path)
        role = "mix" if entry.kind == "mix" else entry.role or ""
        tag_file(file.path, facts_of(song, made.result["stems"][entry.path]["name"], role, file.tags), acid=acid)
        ledger.touch(file.path)
        outputs.append(Output(file.path, entry.kind, entry.role))
    return outputs, None


def audit_step(stems: StemSet, made: Step, profile: str) -> Workflow[Made]:
    """Measure and audit the stems of a delivery, and its click; the notes that come last count as present."""
    folder = stems.folder or Path()
    planned = tuple(folder / f"{folder.name}_notes{suffix}" for suffix in SUFFIXES)
    measured = yield from measure_set(replace(stems, other_files=planned))
    findings = sorted(audit.audit(measured, profile) + _born_lossy(measured, made, profile), key=audit.rank)
    levels = {stem.file.path.name: stem.levels for stem in measured.everything}
    return (), {"findings": [audit.relative(finding, folder) for finding in findings], "levels": levels}


def _born_lossy(stems: StemSet, made: Step, profile: str) -> tuple[Finding, ...]:
    """FMT001 for stems that came as MP3 and the like: unpacking does not bring back what they lost."""

    def as_it_came(stem: Stem) -> Stem:
        container = made.result["stems"].get(stem.file.path.name, {}).get("lossy")
        form = replace(stem.file.format, container=container, encoding="lossy", bits=0) if container else None
        return replace(stem, file=replace(stem.file, format=form)) if form else stem

    if audit.load_profile(profile).severities.get("FMT001") == "off":
        return ()
    return audit.audit(replace(stems, stems=tuple(map(as_it_came, stems.stems))), profile, select=("FMT001",))


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonOptions:
    """What a user can ask of `prep` and of `session` alike."""

    embed: bool = False
    """Put the audio inside the AAF instead of beside it."""
    dawproject_style: str = ""
    layout: str = "mix-engineer"
    fps: str = ""
    """Frame rate of timecode, one of `FRAME_RATES`; that of the layout unless given."""
    given: Given = field(default_factory=Given)
    guides: Guides = field(default_factory=Guides)
    out: Path | None = None
    force: bool = False
    dry_run: bool = False

    def of_formats(self, *, replace_media: bool) -> dict[str, Any]:
        """The options of session formats, by the names that these have for them."""
        return {"embed": self.embed, "replace_media": replace_media, "style": self.dawproject_style}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How sessions are to be."""

    to: tuple[str, ...]
    layout: str
    frame_rate: str = ""  # of `FRAME_RATES`; "" is that of the layout
    mixed_rates: bool = False
    verify: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of session formats; each takes those that it knows."""


def sessions(stems: StemSet, base: Path, wanted: Wanted) -> Workflow[Made]:
    """Write one session per format, called like `base`, and prove each if that is wanted.

    Raises SessionError and its kin, OutputError for a session that is not what was planned; that one is removed.
    """
    session = arrange(stems, wanted.layout, mixed_rates=wanted.mixed_rates, frame_rate=wanted.frame_rate)
    outputs: list[Output] = []
    losses: list[tuple[str, tuple[Loss, ...]]] = []
    verified: list[Verified] = []
    told: list[str] = []
    for number, name in enumerate(wanted.to):
        yield Progress("sessions", number, len(wanted.to), "files")
        options = {key: value for key, value in wanted.options.items() if key in formats()[name].OPTIONS}
        path = placed(name, base)
        with tidy(path.parent):
            written = write_session(name, session, path, **options)
            if wanted.verify:
                try:
                    verified.append(prove(path, session))
                except OutputError:
                    for output in written.outputs:
                        output.path.unlink(missing_ok=True)
                    raise
        outputs += written.outputs
        losses.append((path.name, written.losses))
        told += [written.told] if written.told else []
    return outputs, {"losses": losses, "verified": verified, "told": told, "warnings": []}


def sessions_step(stems: StemSet, base: Path, wanted: Wanted) -> Workflow[Made]:
    """`sessions` for a delivery, proved: a format that these stems cannot have is a warning, the others are written."""
    outputs: list[Output] = []
    found: dict[str, list[Any]] = {"losses": [], "verified": [], "told": [], "warnings": []}
    for name in wanted.to:
        try:
            made, result = yield from sessions(stems, base, replace(wanted, to=(name,)))
        except SessionError as error:
            found["warnings"].append(f"no {name} session: {error.message}; {error.hint}")
        else:
            outputs += made
            for kind, more in result.items():
                found[kind] += more
    return outputs, found


def notes_text(template: str) -> list[str]:
    """The text of the notes templates, so that an edited one counts as a changed option."""
    files = [resources.find("notes", template, suffix + ".j2") for suffix in _forms(template)]
    files.append(resources.find("notes", "imports"))
    return [file.read_text(encoding="utf-8", errors="replace") for file in files]


def _forms(template: str) -> tuple[str, ...]:
    """In which forms there is that template; a user may have dropped but one. Raises UnknownName for none."""
    found = tuple(suffix for suffix in SUFFIXES if template in resources.names("notes", suffix + ".j2"))
    if not found:
        resources.find("notes", template, SUFFIXES[0] + ".j2")
    return found or SUFFIXES


@dataclass(frozen=True, slots=True)
class NotesForm:
    """How notes are to be."""

    template: str = "mix-engineer"
    pdf: bool = False

    def check(self) -> None:
        """Raises UnknownName or SettingsError for a template, MissingExtra for a PDF that there cannot be."""
        for suffix in _forms(self.template):
            templates.check("notes", self.template + suffix)
        if self.pdf and ".md" not in _forms(self.template):
            raise SettingsError(f"there is no {self.template}.md.j2", "a PDF is set from the Markdown template")
        if self.pdf:
            pdf.require()

    def planned(self, base: Path) -> tuple[Path, ...]:
        """The files that are written, called like `base`."""
        return tuple(
            base.with_name(f"{base.name}_notes{suffix}") for suffix in (*_forms(self.template), *[".pdf"] * self.pdf)
        )


def write_notes(facts: NotesFacts, base: Path, form: NotesForm) -> tuple[Output, ...]:
    """The notes as text, as Markdown and if wanted as PDF. Raises SettingsError, MissingExtra, OutputError."""
    planned = form.planned(base)
    for path in planned:
        text = render_notes(facts, form.template, ".md" if path.suffix == ".pdf" else path.suffix)
        if path.suffix == ".pdf":
            write_bytes(path, pdf.typeset(text, facts.date, f"stemwright {facts.version}"))
        else:
            write_text(path, text)
    return tuple(Output(path, "notes") for path in planned)


def contact() -> tuple[str, ...]:
    """Whom the notes name, by the settings files. Raises SettingsError."""
    return tuple(setting.value for setting in config.contact(Path.cwd()).values())


def notes(facts: NotesFacts, base: Path, form: NotesForm, known: Kept) -> Workflow[Made]:
    """Write the notes, `notes.toml` and the report."""
    yield Progress("notes", 0, 1)
    outputs = [*write_notes(facts, base, form), write_kept(facts.stems, known)]
    path = base.with_name("report.json")
    write_text(path, serial.dumps(report_document(facts)))
    outputs.append(Output(path, "report"))
    return outputs, None
