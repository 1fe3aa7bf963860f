"""push: an archive or a delivery to any place that fsspec knows; one that was stopped goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stemwright.errors import NotFoundInput, OutputError
from stemwright.handover import manifest, pack, push
from stemwright.model import Outcome, Workflow

_LAST = (manifest.NAME, *pack.LISTS)
"""Sent at the end, so that whoever finds them has everything."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was sent, or would be; `url` is without passwords."""

    url: str
    sent: tuple[str, ...]
    there_before: tuple[str, ...]
    complete: bool


def push_to(source: Path, url: str, *, force: bool = False, dry_run: bool = False) -> Workflow[Outcome[Pushed]]:
    """Send a file, or a folder with all that is in it, into the folder `url`, and read everything back.

    Raises NotFoundInput and InputError for a source or an address that cannot be used, MissingExtra, AlreadyThere for
    another file of the same name there, OutputError when the place refuses or the line breaks.
    """
    source = source.resolve()
    if not source.exists():
        raise NotFoundInput(f"{source}: no such file or folder", "give an archive that `stemwright pack` made")
    if (source / manifest.INCOMPLETE).exists() and not force:
        raise OutputError(f"{source}: this delivery is not finished", "give the same prep again; --force sends it so")
    files = {source.name: source}
    missed: tuple[str, ...] = ()
    if source.is_dir():
        members, missed = pack.members(source)
        lists = [source / name for name in pack.LISTS if (source / name).is_file()]
        found = [*(source / member.name for member in members), *lists]
        found.sort(key=lambda path: path.parent == source and path.name in _LAST)
        files = {f"{source.name}/{path.relative_to(source).as_posix()}": path for path in found}
    system, folder = push.place(url)
    told = push.spoken(url).rstrip("/")
    if dry_run:
        return Outcome((), Pushed(told, tuple(files), (), False), missed)
    sent: list[str] = []
    before: list[str] = []
    for name, path in files.items():
        new = yield from push.send(system, f"{folder}/{name}", path, url=url, force=force)
        (sent if new else before).append(name)
    return Outcome((), Pushed(told, tuple(sent), tuple(before), True), missed, tuple(before))
