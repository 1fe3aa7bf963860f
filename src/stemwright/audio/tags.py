"""Title, artist, BPM, key, ... and cover as a file carries them (ID3, Vorbis comments, MP4 atoms), through mutagen.

What was read from a song goes on to its stems as the ID3 tag of a WAV file (`stem_id3`, `WavWriter`).
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stemwright.audio.places import PLACES
from stemwright.audio.riff import walk

MAX_COVER = 20 << 20
"""Bytes of a picture that we are willing to carry on."""

_FRONT = 3
"""Picture type "cover (front)" of ID3 and FLAC."""

_LEAD_OUT = 170
"""Number of the track that ends a cue sheet of a CD; 255 elsewhere (RFC 9639, 8.7)."""

_IMAGES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
"""How the pictures begin that we carry on."""


@dataclass(frozen=True, slots=True)
class Cover:
    """The picture of a song, as its file holds it."""

    mime: str
    data: bytes


class Bounded(io.BufferedReader):
    """A file for mutagen, which asks for as many bytes as a header claims; never more are set aside than there are."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._length = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes; all that are left when it is negative or None."""
        return super().read(size if size is None else min(size, self._length))


def read_tags(path: Path) -> tuple[tuple[str, str], ...]:
    """(name, value) pairs, sorted by name; empty when there are none or they cannot be read."""
    try:
        file = _opened(path)
        stored = {key.lower(): value for key, value in getattr(file, "tags", file).items()}
    except Exception:  # mutagen raises whatever its parsers meet in broken tags; a tag is never worth an error
        return ()
    # COMM:description:language; the one without description first, and never the levels that iTunes keeps there
    comments = sorted(key for key in stored if key.startswith("comm:") and not key.startswith("comm:itun"))
    stored["comm"] = stored[comments[0]] if comments else None
    found = (
        (name, next(filter(None, (_text(stored.get(key)) for key in place.keys)), "")) for name, place in PLACES.items()
    )
    return tuple(sorted((name, text) for name, text in found if text))


def every(path: Path, name: str) -> tuple[tuple[str, str], ...]:
    """(key as the file has it, value) of everything that a file says about one fact; empty as for `read_tags`."""
    try:
        file = _opened(path)
        stored = {key.lower(): (key, value) for key, value in getattr(file, "tags", file).items()}
    except Exception:  # as above
        return ()
    found = ((stored[key][0], _text(stored[key][1])) for key in PLACES[name].keys if key in stored)
    return tuple((key, text) for key, text in found if text)


def read_cover(path: Path) -> Cover | None:
    """The front cover, or else the first picture (PNG, JPEG, GIF, WebP); None when there is none up to MAX_COVER."""
    try:
        pictures = list(_pictures(_opened(path)))
    except Exception:  # as above
        return None
    for _, data in sorted(pictures, key=lambda picture: picture[0] != _FRONT):
        # The bytes tell what it is: a stated type is often wrong, and an ID3 "picture" may be a link.
        mime = next((mime for magic, mime in _IMAGES.items() if data.startswith(magic)), "")
        if mime and len(data) <= MAX_COVER:
            return Cover(mime, data)
    return None


def read_cue_sheet(path: Path) -> tuple[tuple[int, int], ...]:
    """(number, first frame) of the tracks in a FLAC's cue sheet, without the lead-out; empty when there are none."""
    try:
        sheet = getattr(_opened(path), "cuesheet", None)
        tracks = sheet.tracks if sheet else ()
    except Exception:  # as above
        return ()
    return tuple((track.track_number, track.start_offset) for track in tracks if 0 < track.track_number < _LEAD_OUT)


def stem_id3(tags: Iterable[tuple[str, str]], cover: Cover | None, old: bytes = b"") -> bytes:
    """An ID3v2.3 tag, which more players and DAWs read than 2.4, of what `read_tags` and `read_cover` found.

    Values stand as they are given; names that `read_tags` does not know are left out. Frames of an `old` tag stay
    unless they say the same fact. The same input gives the same bytes, and none when nothing is to be said.
    """
    tag = _parsed(old)
    put_id3(tag, tags, cover)
    if not tag:
        return b""
    tag.update_to_v23()
    out = io.BytesIO()
    # mutagen overwrites a "TAG" 128 bytes before the end, even in a picture, as an ID3v1 tag: let zeros stand there.
    tag.save(out, v2_version=3, padding=lambda _: 132)
    return out.getvalue()


def put_id3(tag: Any, tags: Iterable[tuple[str, str]], cover: Cover | None) -> None:
    """Set facts in a mutagen ID3 tag, and a cover if it has none; what else it says about them goes, but comments."""
    from mutagen.id3 import APIC, Encoding, Frames

    for name, value in tags:
        text = value.replace("\0", " ").encode("utf-8", "replace").decode().strip()
        if text and name in PLACES:
            kind, _, about = PLACES[name].id3.partition(":")
            # Only COMM has a language; taggers write "eng" whatever it is, and some players look for no other.
            frame = Frames[kind](encoding=Encoding.UTF16, lang="eng", desc=about, text=text)
            if str(frame):  # a date may be none
                for key in [key for key in tag if key.lower() in PLACES[name].keys and kind != "COMM"]:
                    del tag[key]
                tag.add(frame)
    if cover and not tag.getall("APIC"):
        tag.add(APIC(encoding=Encoding.LATIN1, mime=cover.mime, type=_FRONT, data=cover.data))


def picture_of(cover: Cover) -> Any:
    """A cover as a picture of FLAC; in Ogg it is a comment of its bytes in base64."""
    from mutagen.flac import Picture

    picture = Picture()
    picture.type, picture.mime, picture.data = _FRONT, cover.mime, cover.data
    return picture


def _parsed(id3: bytes) -> Any:
    from mutagen.id3 import ID3

    try:
        return ID3(io.BytesIO(id3), load_v1=False) if id3 else ID3()
    except Exception:  # as above
        return ID3()


def _opened(path: Path) -> Any:
    """A file as mutagen sees it; of a WAV only its ID3 tag, for mutagen knows neither RF64 nor missing pad bytes."""
    import mutagen.id3

    with Bounded(path) as file:
        if file.peek(4)[:4] not in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
            return mutagen.File(file)
        chunk = next(chunk for chunk in walk(file, path.stat().st_size) if chunk.name in (b"id3 ", b"ID3 "))
        file.seek(chunk.offset)
        return mutagen.id3.ID3(file, load_v1=False)


def _pictures(file: Any) -> Iterator[tuple[int, bytes]]:
    """(type as in ID3, data) of every picture in what `_opened` gave."""
    from mutagen.flac import Picture

    tags = getattr(file, "tags", file) or {}
    yield from ((_FRONT, bytes(data)) for data in tags.get("covr", ()))
    found = tags.getall("APIC") if hasattr(tags, "getall") else getattr(file, "pictures", ())
    coded = (Picture(base64.b64decode(text)) for text in tags.get("metadata_block_picture", ()))
    yield from ((int(picture.type), picture.data) for picture in (*found, *coded))


def _text(value: Any) -> str:
    value = getattr(value, "text", value)
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    if isinstance(value, tuple):  # track and tracks of MP4, 0 when not known
        value = "/".join(str(number) for number in value if number)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(value if value is not None else "").strip()[:500]
