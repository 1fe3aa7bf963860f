"""pack: a delivery in, one archive out that can be checked where it arrives; and that check."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from stemwright.archive import fault
from stemwright.audio.folder import read_stems
from stemwright.errors import AlreadyThere, InputError, OutputError, StemwrightError, WrongOption
from stemwright.handover import manifest, pack, received
from stemwright.handover.manifest import Manifest
from stemwright.handover.pack import Member, Sums
from stemwright.handover.received import Verified
from stemwright.handover.references import reference
from stemwright.model import Outcome, Output, Progress, Workflow
from stemwright.safety import require_room, safe_join
from stemwright.units import many
from stemwright.workflows.audit import AuditOptions, audit_folder
from stemwright.workflows.prep import Delivery

REPORT = "report.html"
MP3S = "MP3"
"""The side folder of references."""


@dataclass(frozen=True, slots=True)
class PackOptions:
    """What is asked of `pack`."""

    out: Path | None = None
    """The archive, or a folder to make it in; None: beside the folder, under its name."""
    mp3: bool = False
    profile: str = ""
    """To audit against; empty: the one of the delivery."""
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Packed:
    """An archive that was made, or would be."""

    archive: Path
    files: tuple[str, ...]
    """Its members, as seen from its one folder."""
    bytes: int
    """Of the members."""
    audio: int
    """Members with an MD5 of their samples."""
    complete: bool


def pack_folder(folder: Path, options: PackOptions = PackOptions()) -> Workflow[Outcome[Packed]]:
    """Pack a delivery, or any folder of stems; the folder itself stays as it is.

    An archive that was made of the same song's delivery is replaced, any other only by `force`, which also lets
    unfinished deliveries and errors of the audit pass. Raises AlreadyThere, OutputError, InputError and their kin.
    """
    folder = folder.resolve()
    target = _target(folder, options.out)
    found, missed = pack.members(folder, but=(target.resolve(),))
    if why := fault(folder.name):
        raise InputError(f"{folder}: its name {why}", "rename it")
    made = manifest.read(folder / manifest.NAME)
    if not options.force:
        _refuse_unfinished(folder, made)
        _refuse_taken(target, made)
    if not options.dry_run:
        require_room(target.parent, sum(member.bytes for member in found))  # told before minutes of work
    profile = options.profile or (made and made.option("profile")) or "protools"
    audited = yield from audit_folder(folder, AuditOptions(profile, form="html", beside=True))
    if audited.result.fails("error") and not options.force:
        count = audited.result.counts["error"]
        hint = f"`stemwright audit {folder}` lists them, `fix` mends what can be mended, --force packs all the same"
        raise OutputError(f"{folder}: the audit found {many(count, 'error')}", hint)
    if not any(member.name.endswith(".html") and "/" not in member.name for member in found):
        found = (*found, Member(REPORT, audited.result.text.encode("utf-8", "replace")))
    with TemporaryDirectory(prefix="stemwright-") as scratch:
        if options.mp3:
            found = yield from _with_references(folder, found, Path(scratch), dry_run=options.dry_run)
        found = tuple(sorted(found, key=lambda member: member.name))
        names, size = tuple(member.name for member in found), sum(member.bytes for member in found)
        if options.dry_run:
            return Outcome((), Packed(target, names, size, 0, False), missed)
        sums = yield from pack.write(target, folder.name, found)
    audio = sum(bool(one.audio_md5) for one in sums)
    result = Packed(target, (*(one.name for one in sums), *pack.LISTS), size, audio, True)
    return Outcome((Output(target, "archive"),), result, (*missed, *_changed(made, sums)))


def packed(work: Workflow[Outcome[Delivery]], options: PackOptions | None) -> Workflow[Outcome[Delivery]]:
    """`prep`, and then the archive beside the delivery, where `options` ask for one.

    Raises what `prep` raises; an archive that is refused is told in the outcome of the delivery.
    """
    outcome = yield from work
    if not options or not outcome.result.complete:  # a dry run
        return outcome
    try:
        more = yield from pack_folder(outcome.result.folder, options)
    except StemwrightError as error:
        return replace(outcome, failed=(*outcome.failed, f"not packed: {error.message}; {error.hint}"))
    return replace(outcome, outputs=(*outcome.outputs, *more.outputs), warnings=(*outcome.warnings, *more.warnings))


def verify(source: Path, extract: Path | None = None) -> Workflow[Outcome[Verified]]:
    """Check an archive or an unpacked folder; one without a fault is unpacked below `extract`, if that is given.

    Raises InputError and its kin for what cannot be checked at all, AlreadyThere and OutputError as unpacking does.
    """
    if source.is_dir():
        if extract:
            raise InputError(f"{source}: is a folder, there is nothing to unpack", "leave --extract away")
        return Outcome((), (yield from received.check_folder(source)))
    result = yield from received.check_archive(source)
    if result.problems or not extract:
        return Outcome((), result)
    folder = yield from received.extract(source, extract)
    return Outcome((Output(folder, "folder"),), replace(result, extracted=folder))


def _target(folder: Path, out: Path | None) -> Path:
    if out and out.suffix and not out.is_dir():
        if out.suffix.lower() != ".zip":
            raise WrongOption(f"{out}: an archive is a .zip", "give a name that ends so, or a folder that is there")
        return out
    return (out or folder.parent) / f"{folder.name}.zip"


def _refuse_unfinished(folder: Path, made: Manifest | None) -> None:
    hint = "give the same prep again to finish it; --force packs what there is"
    if (folder / manifest.INCOMPLETE).exists() or (made and not made.complete):
        raise OutputError(f"{folder}: this delivery is not finished", hint)
    for entry in (entry for step in (made.steps if made else ()) for entry in step.outputs):
        if not safe_join(folder, entry.path).is_file():
            raise OutputError(f"{folder}: {entry.path} is missing from this delivery", hint)


def _refuse_taken(target: Path, made: Manifest | None) -> None:
    if not target.exists():
        return
    earlier = received.origin(target) if target.is_file() else None
    if not (made and earlier and (made.workflow, made.inputs) == (earlier.workflow, earlier.inputs)):
        raise AlreadyThere(f"{target}: is there already", "--force replaces it, --out gives another name")


def _with_references(
    folder: Path, packed: tuple[Member, ...], scratch: Path, *, dry_run: bool
) -> Workflow[tuple[Member, ...]]:
    """The members, and an MP3 of every stem and the mix."""
    stems = read_stems(folder).everything
    names = Counter(stem.file.path.stem for stem in stems)
    made = {}
    for number, stem in enumerate(stems):
        yield Progress("mp3", number, len(stems), "files")
        path = stem.file.path
        name = f"{path.stem if names[path.stem] == 1 else path.name}.mp3"
        if not dry_run:
            reference(stem.file, scratch / name)
        made[f"{MP3S}/{name}"] = Member(f"{MP3S}/{name}", b"" if dry_run else scratch / name)
    return (*(member for member in packed if member.name not in made), *made.values())


def _changed(made: Manifest | None, sums: tuple[Sums, ...]) -> tuple[str, ...]:
    """What is not as `prep` left it: packed as it is now, but the sender should know."""
    delivered = {entry.path: entry.sha256 for step in (made.steps if made else ()) for entry in step.outputs}
    return tuple(
        f"{found.name} was changed since the delivery was made"
        for found in sums
        if delivered.get(found.name, found.sha256) != found.sha256
    )
