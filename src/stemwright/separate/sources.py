"""Fetch one weights file over https: resumed after a cut, bounded, verified, never half there.

Bytes go to a hidden `.NAME.download` beside the target, which a later run resumes by an HTTP Range request. Only a
file whose length and sha256 are those of the card is renamed onto its name. Proxies are taken from the environment
(urllib), redirects are followed, no other scheme than http(s) is spoken.
"""

from __future__ import annotations

import http.client
import io
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from stemwright.errors import WeightsMismatch, WeightsUnavailable
from stemwright.model import Progress
from stemwright.safety import sha256, writable
from stemwright.separate.models import WeightsFile

TIMEOUT_S = 30
_CHUNK = 1 << 20
_TRIES = 3


def download(file: WeightsFile, target: Path) -> Iterator[Progress]:
    """Bring `file` to `target`, yielding Progress in bytes.

    Raises WeightsUnavailable with the reason in few words, WeightsMismatch, DiskFull or OutputError.
    """
    if not file.url.startswith(("https://", "http://")):
        raise WeightsUnavailable(f"not an http address: {file.url}")
    part = target.with_name(f".{target.name}.download")
    for left in reversed(range(_TRIES)):
        have = _size(part)
        try:
            if have < file.bytes:
                yield from _append(file, part, have)
            break
        except (OSError, http.client.HTTPException) as error:
            if left == 0 or _size(part) <= have:  # a source that gives nothing is not asked again
                raise WeightsUnavailable(_reason(error)) from error
    found = sha256(part)
    if found != file.sha256 or _size(part) != file.bytes:
        part.unlink()
        raise WeightsMismatch(f"sha256 is {found[:12]}…, not the pinned {file.sha256[:12]}…")
    part.replace(target)


def _append(file: WeightsFile, part: Path, have: int) -> Iterator[Progress]:
    request = urllib.request.Request(file.url, headers={"User-Agent": "stemwright"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        resumed = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        have = have if resumed else 0
        with part.open("ab" if resumed else "wb", buffering=0) as target:
            while chunk := answer.read(min(_CHUNK, file.bytes - have + 1)):
                have += len(chunk)
                if have > file.bytes:
                    part.unlink()
                    raise WeightsMismatch(f"longer than the {file.bytes} bytes it should have")
                _store(chunk, target, part)
                yield Progress("models", have, file.bytes, "bytes", file.url, file.name)
    if have < file.bytes:
        raise http.client.IncompleteRead(b"", file.bytes - have)


def _store(chunk: bytes, target: io.FileIO, part: Path) -> None:
    """Write all of a chunk; what the disk refuses ends the whole pull, not just this source."""
    view = memoryview(chunk)
    try:
        while view:
            view = view[target.write(view) :]
    except OSError as error:
        part.unlink()
        raise writable(error, part) from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: OSError | http.client.HTTPException) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"cannot be reached ({error.reason})"
    if isinstance(error, http.client.IncompleteRead):
        return f"the connection was cut with {error.expected} bytes missing; a new run goes on from there"
    return f"{type(error).__name__} {error}".strip()
