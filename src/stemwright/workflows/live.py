"""live: the session that is open in a DAW gets stems, is audited, and is exported; a session file is tried in it."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from stemwright import __version__, audit, live
from stemwright.audio.probe import probe
from stemwright.audit.rule import FAMILIES
from stemwright.errors import (
    AlreadyThere,
    HostError,
    InputError,
    NotFoundInput,
    SessionError,
    StemwrightError,
    WrongOption,
)
from stemwright.live import Asked, Built, Check, Rendered, Setup, Wanted
from stemwright.model import DawSession, Outcome, Output, Progress, Session, Song, Stem, StemSet, Unreadable, Workflow
from stemwright.naming import guess_role
from stemwright.safety import PART, check_free, write_text, writing
from stemwright.session.arrange import arrange
from stemwright.session.compare import Difference
from stemwright.session.formats import format_of, read_session, readers
from stemwright.session.opened import opened_otherwise
from stemwright.workflows import facts
from stemwright.workflows.audit import Audited, AuditOptions, audit_folder, session_info
from stemwright.workflows.guides import marked
from stemwright.workflows.session import SessionOptions, build_sessions, whole_stems

MEDIA = ("INT", "FMT", "CLP", "CHN", "SRC")
"""Rules that judge single files: clips of a session need not be equally long, and their files have any names."""

CURED = ("SES003", "SES004", "SES005")
"""Rules that a render makes good: clips in pieces, of other starts and ends. Others, as of a solo, still count."""


@dataclass(frozen=True, slots=True)
class Dry:
    """The calls that a dry run would have made."""

    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """A doctor's report."""

    host: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether everything works."""
        return all(check.ok for check in self.checks)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a host read of a session file."""

    host: str
    file: str
    tracks: int
    differences: tuple[Difference, ...]

    @property
    def ok(self) -> bool:
        """Whether all is as planned."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What is asked of an export."""

    profile: str = "protools"
    out: Path = Path("Stems")
    force: bool = False
    tracks: tuple[str, ...] = ()
    """Names; none means those that are selected, or else all that sound."""


def build(host: str, asked: Asked, path: Path, into: bool, options: SessionOptions) -> Workflow[Outcome[Built | Dry]]:
    """Stems, or a session file, into the host: as a session of its own, or `into` the one that is open.

    Raises NotFoundInput, and what `build_sessions`, `read_session` and the host raise.
    """
    module = live.host(host)
    if not path.exists():
        raise NotFoundInput(f"{path}: no such file or folder", "check the spelling; quote names that hold spaces")
    if into and not hasattr(module, "open_session"):
        raise WrongOption(f"{module.NAME} only takes stems as a session of their own", "leave --into out")
    if asked.project and not into:
        raise WrongOption("--project means an open session", "give --into too, or leave it out")
    yield Progress(f"reach {module.NAME}", 0, 0)
    with module.connect(asked) as link:  # first: without it nothing need be built
        if into or not hasattr(module, "open_session"):
            session, told = yield from _session(path, options)
            built: Built = module.build(link, session)
            made = Outcome((), path, told)
        else:
            made = yield from _session_file(path, module, options)
            built = module.open_session(link, made.result)
    return Outcome(made.outputs, _or_dry(link, built), (*made.warnings, *built.warnings))


def _session_file(path: Path, module: Any, options: SessionOptions) -> Workflow[Outcome[Path]]:
    """A session file that the host opens: this one, or one made for this folder of stems."""
    if path.is_dir():
        try:
            made = yield from build_sessions(path, replace(options, to=(module.OPENS,)))
        except AlreadyThere as error:
            hint = "--force makes it anew; give the file itself to open it as it is"
            raise AlreadyThere(error.message, hint) from error
        return Outcome(made.outputs, made.result.planned[0], made.warnings)
    if format_of(path, readers)[0] != module.OPENS:
        raise SessionError(f"{path}: is no session that {module.NAME} opens", "give --into, or the folder of stems")
    return Outcome((), path)


def _session(path: Path, options: SessionOptions) -> Workflow[tuple[Session, tuple[str, ...]]]:
    """A session file, or a folder of stems, as a session, and warnings."""
    if not path.is_dir():
        opened = read_session(path)
        return opened.session, opened.warnings
    stems = whole_stems(path)
    song = yield from facts.song_of(stems, options.given)
    song, told = marked(song, path, options.guides.markers)
    told = (*told, *facts.told_by_stems(stems, song))
    return arrange(replace(stems, song=song), options.layout), told


def audit_open(host: str, asked: Asked, options: AuditOptions, media: bool = True) -> Workflow[Outcome[Audited | Dry]]:
    """Judge the open session and its render settings, and with `media` the files in it by the rules in `MEDIA`.

    Raises what the host and an audit raise.
    """
    module = live.host(host)
    yield Progress(f"read {module.NAME}", 0, 0)
    with module.connect(asked) as link:
        session: DawSession = module.state(link)
    if link.calls.dry:
        return Outcome((), _or_dry(link, None))
    unfit = tuple(family for family in FAMILIES if family not in (*MEDIA, "SES"))
    wanted = replace(options, ignore=(*options.ignore, *unfit))
    return (yield from audit_folder(None, wanted, session, _media(session) if media else None))


def _media(session: DawSession) -> StemSet | None:
    """The files that the clips of a session play, each once; None when there are none."""
    paths = [clip.file for track in session.tracks for clip in track.clips if clip.file and not clip.missing]
    stems, unreadable = [], []
    for path in dict.fromkeys(paths):
        try:
            stems.append(Stem(probe(path), guess_role(path.stem), path.stem))
        except InputError as error:
            unreadable.append(Unreadable(path, error.kind, error.message.removeprefix(f"{path}: ")))
    song = Song(session.name, session.sample_rate or 48_000)
    return StemSet(song, tuple(stems), unreadable=tuple(unreadable)) if paths else None


def export(host: str, asked: Asked, options: ExportOptions) -> Workflow[Outcome[Audited | Dry]]:
    """Render the stems of the open session as a profile wants them, and audit what came out and the session.

    The files appear in the folder when all of them are there. Raises AlreadyThere, what the host and an audit raise.
    """
    module = live.host(host)
    policy, rules = audit.load_profile(options.profile), audit.catalogue()
    bits = int(policy.settings(rules["SES021"])["bits"])
    tail = float(policy.settings(rules["SES027"])["seconds"])
    out = options.out.absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not options.force:
        raise AlreadyThere(f"{out}: is there already", "give --force to put the stems into it, or another --out")
    wanted = Wanted(out, bits, tail, options.tracks)
    yield Progress(f"render in {module.NAME}", 0, 0)
    with module.connect(asked) as link:
        session: DawSession = module.state(link)
        if link.calls.dry:
            module.export(link, wanted)
        else:
            made = _rendered(module, link, wanted, options.force)
    if link.calls.dry:
        return Outcome((), _or_dry(link, None))
    outputs = tuple(Output(out / file.name, "stem") for file in made.files)
    judged = replace(session, render=made.settings)
    audited = yield from audit_folder(out, AuditOptions(options.profile, ignore=CURED), judged)
    return replace(audited, outputs=(*outputs, *audited.outputs))


def _rendered(module: Any, link: Any, wanted: Wanted, force: bool) -> Rendered:
    """Render beside the folder, then move; what fails leaves nothing."""
    out = wanted.folder
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(mkdtemp(dir=out.parent, prefix=".stems.", suffix=PART))
        try:
            made: Rendered = module.export(link, replace(wanted, folder=scratch))
            for file in made.files:
                check_free(out / file.name, force=force)
            out.mkdir(exist_ok=True)
            for file in made.files:
                file.replace(out / file.name)
            return made
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def verify(host: str, asked: Asked, path: Path, exported: Path | None = None) -> Workflow[Outcome[Verified | Dry]]:
    """Let the host open a session file, and compare what it tells of it, or has `exported`, with the file.

    Raises NotFoundInput, and what `read_session`, `session_info` and the host raise.
    """
    module = live.host(host)
    if not path.is_file():
        raise NotFoundInput(f"{path}: no such file", "make one with `stemwright session STEMS --to aaf`")
    read = read_session(path)
    if exported:
        made = session_info(exported)
    else:
        yield Progress(f"into {module.NAME}", 0, 0)
        with module.connect(asked) as link:
            made = module.verify(link, path, read.session)
        if link.calls.dry:
            return Outcome((), _or_dry(link, None))
    found = opened_otherwise(read.session, made)
    return Outcome((), Verified(made.host, path.name, len(made.tracks), found), read.warnings)


def doctor(host: str, asked: Asked, report: Path, force: bool = False) -> Workflow[Outcome[Examined | Dry]]:
    """Try what works with the host here, and write that down; what the host says itself is left out.

    Raises AlreadyThere, OutputError.
    """
    module = live.host(host)
    check_free(report, force=force or asked.dry_run)
    yield Progress(f"examine {module.NAME}", 0, 0)
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    told = {"stemwright": __version__, "Python": platform.python_version(), "system": system}
    checks = [Check(what, True, version) for what, version in told.items()]
    try:
        with module.connect(asked) as link:
            checks.append(Check(f"{module.NAME} answers", True))
            checks.extend(module.doctor(link))
        if link.calls.dry:
            return Outcome((), _or_dry(link, None))
    except StemwrightError as error:
        ours = ": ".join(error.message.split(": ")[: 1 if isinstance(error, HostError) else 2])
        checks.append(Check(f"{module.NAME} answers all that it is asked", False, f"{ours}; {error.hint}"))
    examined = Examined(module.NAME, tuple(checks))
    lines = [f"stemwright live {host} doctor: {'all works' if examined.ok else 'something does not work'}", ""]
    lines += [f"[{'x' if check.ok else ' '}] {check.what}: {check.told or 'yes'}" for check in checks]
    write_text(report, "\n".join((*lines, "")))
    return Outcome((Output(report, "report"),), examined)


def setup(host: str, confirmed: bool, folder: Path | None) -> Outcome[Setup]:
    """The steps to a host that answers; those that need no hand are done when confirmed."""
    made: Setup = live.host(host).setup(confirmed, folder)
    return Outcome(made.outputs, made)


def _or_dry(link: Any, result: Any) -> Any:
    return Dry(tuple(link.calls.made)) if link.calls.dry else result
