"""What is dropped into a folder: songs and folders of stems, each ready once it has stopped growing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from stemwright.audio.probe import SUFFIXES
from stemwright.errors import NotFoundInput
from stemwright.handover import manifest
from stemwright.model import Outcome, Progress, Workflow
from stemwright.safety import PART, sha256
from stemwright.workflows.prep import Delivery

State = tuple[tuple[str, int, int], ...]
"""(name, bytes, modification time in ns) of every file of an input."""


def waiting(folder: Path) -> dict[Path, State]:
    """Songs and folders of stems that lie in a folder now. Deliveries, hidden and empty files are none.

    Raises NotFoundInput.
    """
    found: dict[Path, State] = {}
    try:
        everything = sorted(folder.iterdir())
    except OSError as error:
        raise NotFoundInput(f"{folder}: {error.strerror}", "give the folder that songs are dropped into") from error
    for path in everything:
        if path.name.startswith(".") or path.name.endswith(PART) or (path / manifest.NAME).exists():
            continue
        with suppress(OSError):  # gone again
            files = sorted(path.iterdir()) if path.is_dir() else [path]
            audio = [file for file in files if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
            stats = [(file.name, file.stat()) for file in files if file.is_file()]
            state = tuple((name, status.st_size, status.st_mtime_ns) for name, status in stats)
            if audio and all(size for name, size, _ in state if Path(name).suffix.lower() in SUFFIXES):
                found[path] = state
    return found


def ready(folder: Path, seen: Mapping[Path, State], settle_s: float) -> Workflow[dict[Path, State]]:
    """Wait for inputs that are not as they were `seen`, and have not changed for `settle_s` seconds.

    Yields once in a while, so that it can be stopped. Raises NotFoundInput when the folder has gone.
    """
    still: dict[Path, tuple[State, float]] = {}
    while True:
        now, there = time.monotonic(), waiting(folder)
        still = {
            path: still[path] if path in still and still[path][0] == state else (state, now)
            for path, state in there.items()
            if seen.get(path) != state
        }
        if settled := {path: state for path, (state, since) in still.items() if now - since >= settle_s}:
            return settled
        yield Progress("watch", 0, 0)
        time.sleep(1)


def once(source: Path, out: Path, work: Workflow[Outcome[Delivery]]) -> Workflow[Outcome[Delivery | None]]:
    """`work`, unless a finished delivery in `out` was made of these very bytes under other names.

    Then the outcome has no result, and a warning that says which. Under their own names `prep` finds them itself,
    and does what is missing. Raises what `work` raises.
    """
    yield Progress("read", 0, 0)
    if earlier := _delivered(source, out):
        return Outcome((), None, (f"is what was delivered as {earlier.name}",))
    return (yield from work)


def _delivered(source: Path, out: Path) -> Path | None:
    manifests = {
        path.parent: found for path in sorted(out.glob(f"*/{manifest.NAME}")) if (found := manifest.read(path))
    }
    finished = {folder: found for folder, found in manifests.items() if found.complete and found.inputs}
    if not finished:
        return None
    files = [path for path in (source.iterdir() if source.is_dir() else (source,)) if path.suffix.lower() in SUFFIXES]
    mine = {path.name: sha256(path) for path in files if path.is_file() and not path.name.startswith(".")}
    for folder, found in finished.items():
        names = {entry.path for entry in found.inputs}
        if sorted(entry.sha256 for entry in found.inputs) == sorted(mine.values()) and names != set(mine):
            return folder
    return None
