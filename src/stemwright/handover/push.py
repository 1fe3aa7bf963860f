"""Files to any place that fsspec knows (S3, GCS, SFTP, a mounted disk, ...), so that a push that was stopped goes on.

A file gets its name only when all of it is there. Until then its bytes lie beside it, under a hidden name that holds
the start of their SHA-256: bytes of another version are never continued. How, depends on what the place can do:

- a store that joins objects (`merge`: S3, GCS) gets parts, and those that are there in full are not sent again
- where files can be added to (disks, SFTP, SMB) the hidden file is continued at its length
- elsewhere a file is sent in one piece, and one that was stopped begins anew

At the end every file is read back and compared. What fsspec says of an error is told without the address, which may
hold passwords.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from stemwright.audio.probe import require_unchanged
from stemwright.errors import AlreadyThere, InputError, MissingExtra, OutputError, StemwrightError
from stemwright.model import Progress
from stemwright.safety import reading, sha256

_PART = 64 << 20
"""Bytes between two moments from which a push can go on."""
_MOST_PARTS = 32
"""That Google's stores join at once; larger files get larger parts."""
_PIECE = 1 << 22

Sending = Generator[Progress, None, bool]


def spoken(url: str) -> str:
    """An address without user, password and query, for people to read."""
    return re.sub(r"[?#].*", "", re.sub(r"(?<=://)[^/\s]*@", "", url))


def place(url: str) -> tuple[Any, str]:
    """The file system of an address and the path in it. Raises MissingExtra and InputError."""
    try:
        import fsspec
    except ImportError:
        hint = "install it with: pip install 'stemwright[push]'"
        raise MissingExtra("push needs the package fsspec, which is not installed", hint) from None
    scheme = url.split("://")[0] if "://" in url else "file"
    try:
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        hint = f"pip install what {scheme}:// needs, as s3fs for S3, gcsfs for Google, paramiko for SFTP"
        raise MissingExtra(f"{scheme}://: {_said(error, url)}", hint) from None
    except Exception as error:  # each kind of place has errors of its own
        raise InputError(f"{spoken(url)}: {_said(error, url)}", "give an address as s3://bucket/folder") from None
    return system, str(path).rstrip("/")


def send(system: Any, target: str, source: Path, *, url: str, force: bool) -> Sending:
    """Bring one file to `target`; returns False when it was there already.

    Raises AlreadyThere for another file of that name, InputError and its kin for a source that cannot be read,
    OutputError for everything else, after which the same push goes on.
    """
    try:
        return (yield from _send(system, target, source, force))
    except StemwrightError:
        raise
    except Exception as error:  # the network, and whatever fsspec's file systems raise
        hint = "give the same command again: it goes on where it stopped"
        raise OutputError(f"{spoken(url)}: {_said(error, url)}", hint) from None


def _send(system: Any, target: str, source: Path, force: bool) -> Sending:
    before = source.stat()
    name, size = PurePosixPath(target).name, before.st_size
    yield Progress("read", 0, 0, subject=name)
    digest = sha256(source)
    if _size(system, target) is not None:
        if _size(system, target) == size and (yield from _digest(system, target, size)) == digest:
            return False
        if not force:
            raise AlreadyThere(f"{name}: another file of that name is there", "give --force to replace it")
    hidden = f"{target.rpartition('/')[0]}/.{name}.{digest[:16]}"
    with suppress(Exception):  # stores have no folders, and some forbid to ask; a place that needs one tells below
        system.makedirs(target.rpartition("/")[0], exist_ok=True)
    if hasattr(system, "merge"):
        yield from _in_parts(system, target, hidden, source, size)
    elif not (yield from _continued(system, target, hidden, source, size)):
        yield Progress("push", 0, 0, subject=name, message=f"{name}: sent in one piece; this place cannot go on later")
        system.put_file(str(source), target)
    require_unchanged(source, before)
    if (yield from _digest(system, target, size)) != digest:
        with suppress(Exception):
            system.rm_file(target)
        raise OutputError(f"{name}: did not arrive as it is here, and was removed there", "push it again")
    return True


def _in_parts(system: Any, target: str, hidden: str, source: Path, size: int) -> Generator[Progress, None, None]:
    """Send what is missing of the parts, and have the store join them."""
    each = max(_PART, -(-size // _MOST_PARTS))
    if size <= each:  # one request, and stores show an object only when it is whole
        yield Progress("push", 0, size, "bytes", subject=PurePosixPath(target).name)
        system.put_file(str(source), target)
        return
    parts = [(f"{hidden}/{start // each:05}", start, min(each, size - start)) for start in range(0, size, each)]
    with _source(source) as file:
        for part, start, length in parts:
            yield Progress("push", start, size, "bytes", subject=PurePosixPath(target).name)
            if _size(system, part) != length:
                file.seek(start)
                with system.open(part, "wb") as out:
                    yield from _copied(file, out, start, length, size, target)
    system.merge(target, [part for part, _, _ in parts])
    system.rm(hidden, recursive=True)


def _continued(system: Any, target: str, hidden: str, source: Path, size: int) -> Generator[Progress, None, bool]:
    """Add to the hidden file until it is whole, and give it its name; False where files cannot be added to."""
    done = _size(system, hidden) or 0
    if done > size:
        system.rm_file(hidden)
        done = 0
    with _source(source) as file:
        while done < size or not size:
            file.seek(done)
            try:
                with system.open(hidden, "ab" if done else "wb") as out:
                    yield from _copied(file, out, done, min(_PART, size - done), size, target)
            except (NotImplementedError, ValueError):  # what fsspec's file systems say to "ab"
                system.rm_file(hidden)
                return False
            grown = min(done + _PART, size)
            if _size(system, hidden) != grown:
                system.rm_file(hidden)
                return False
            done = grown
            if not size:
                break
    if _size(system, target) is not None:
        system.rm_file(target)
    system.mv(hidden, target)
    return True


def _copied(
    file: BinaryIO, out: Any, start: int, length: int, size: int, target: str
) -> Generator[Progress, None, None]:
    at = 0
    while at < length and (piece := file.read(min(_PIECE, length - at))):
        out.write(piece)
        at += len(piece)
        yield Progress("push", start + at, size, "bytes", subject=PurePosixPath(target).name)


def _digest(system: Any, path: str, size: int) -> Generator[Progress, None, str]:
    """The SHA-256 of what lies there."""
    digest, done = hashlib.sha256(), 0
    with system.open(path, "rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            done += len(piece)
            yield Progress("compare", done, size, "bytes", subject=PurePosixPath(path).name)
    return digest.hexdigest()


def _size(system: Any, path: str) -> int | None:
    """The size of a file there; None when there is none."""
    system.invalidate_cache()
    try:
        return int(system.info(path)["size"])
    except FileNotFoundError:
        return None


def _source(path: Path) -> BinaryIO:
    with reading(path):
        return path.open("rb")


def _said(error: Exception, url: str) -> str:
    """An error's own words on one line, without the address and all that is secret in it."""
    words = " ".join(str(error).split()) or type(error).__name__
    parts = urlsplit(url)
    secrets = (url, parts.netloc.rpartition("@")[0], parts.password or "", parts.username or "", parts.query)
    for form in sorted({*secrets, *map(unquote, secrets)}, key=len, reverse=True):
        words = words.replace(form, "***") if len(form) > 2 else words
    return words[:300]
