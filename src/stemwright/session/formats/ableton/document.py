"""A Live set as a document: unpacked within limits and packed as Live does it, its values, its tempo map."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.errors import SessionError
from stemwright.naming import one_line
from stemwright.safety import atomic, readable
from stemwright.session.formats.ableton.parts import BEGINNING
from stemwright.session.formats.xml import parse
from stemwright.session.grid import GridPoint, changes_of, is_meter, is_tempo, points_of

if TYPE_CHECKING:
    from lxml.etree import _Element

_MOST_XML, _MOST_TAGS = 256 << 20, 10_000_000
"""Of a set without its compression; the largest seen has a twentieth of that."""

_MOST_STEPS = 20_000
"""Tempo and metre events that are read."""

_RAMP = 64
"""Steps for a ramp, at most."""


def unpacked(path: Path) -> bytes:
    """The XML of a set. Raises SessionError for no gzip or too much, InputError and its kin for what is locked."""
    try:
        with gzip.open(path) as stream:
            data = stream.read(_MOST_XML + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SessionError(f"{path}: is no Live set or a damaged one: {error}", "save it again in Live") from error
    except OSError as error:
        raise readable(error, path) from error
    if len(data) > _MOST_XML or data.count(b"<") > _MOST_TAGS:
        raise SessionError(f"{path}: is too large for a Live set when it is unpacked", "do not trust this file")
    return data


def save(xml: bytes, path: Path) -> None:
    """Write a set without a name or a time in the gzip header, and the folder by which Live knows a project folder."""
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 6, packed, mtime=0) as stream:
        stream.write(xml)
    with atomic(path) as part:
        part.write_bytes(packed.getvalue())
        (path.parent / "Ableton Project Info").mkdir(exist_ok=True)


def load(path: Path) -> _Element:
    """The root of a set. Raises SessionError for what is none, and as `unpacked` does."""
    root = parse(unpacked(path), path)
    if root.tag != "Ableton" or root.find("LiveSet/Tracks") is None:
        raise SessionError(f"{path}: is no Live set", "save it again in Live")
    return root


def value(element: _Element | None, path: str, default: str = "") -> str:
    """The value of the element at `path`."""
    found = element.find(path) if element is not None else None
    return found.get("Value", default) if found is not None else default


def number(element: _Element | None, path: str, default: float = 0.0) -> float:
    """The number at `path`; `default` where there is none, or one that no set has."""
    return plain(value(element, path), default)


def plain(text: str | None, default: float = 0.0) -> float:
    """The number that a text is, or `default`."""
    with suppress(ValueError, TypeError):
        found = float(text or "")
        return found if abs(found) < 1e9 else default
    return default


def single(value: float) -> float:
    """The nearest 32-bit float, in which Live holds a tempo."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def name_of(track: _Element) -> str:
    """As Live shows it: `#` in the user's own name stands for the number of the track."""
    own, shown = value(track, "Name/UserName"), value(track, "Name/EffectiveName")
    return one_line(shown if not own or ("#" in own and shown) else own)


def points_in(root: _Element) -> tuple[tuple[GridPoint, ...], bool]:
    """The tempo map, and whether it has ramps, which become short steps that take as long.

    Raises SessionError for a tempo that is none, and for more steps than anybody draws.
    """
    main = root.find("LiveSet/MainTrack")
    main = root.find("LiveSet/MasterTrack") if main is None else main  # before Live 12
    tempos = _events(main, "Tempo", 120.0)
    meters = _events(main, "TimeSignature", 201.0)
    if len(tempos) + len(meters) > _MOST_STEPS:
        raise SessionError(f"the set has {len(tempos)} tempo events", f"at most {_MOST_STEPS} are read: draw fewer")
    steps: dict[Fraction, float] = {}
    ramps = False
    for (at, bpm), (until, end) in zip(tempos, [*tempos[1:], tempos[-1]], strict=True):
        if not is_tempo(bpm):
            raise SessionError(f"the set has a tempo of {bpm:g} BPM", "save it again in Live")
        ramp = until > at >= 0 and bpm != end and end >= 1
        ramps |= ramp
        steps[max(at, Fraction(0))] = bpm
        if ramp:
            steps |= dict(_ramp(at, until, bpm, end))
    signatures = {max(at, Fraction(0)): _meter(code) for at, code in meters}
    exact = {at: Fraction(single(bpm)) for at, bpm in steps.items()}
    return points_of(changes_of(exact, signatures)), ramps


def _ramp(start: Fraction, stop: Fraction, bpm: float, end: float) -> Iterator[tuple[Fraction, float]]:
    """Steps of at least a 16th note in place of a line; each takes as long as its part of the line."""
    count = max(min(int(4 * (stop - start)), _RAMP), 1)
    tempos = [bpm + (end - bpm) * n / count for n in range(count + 1)]
    for n, (one, other) in enumerate(pairwise(tempos)):
        yield start + (stop - start) * n / count, (other - one) / log(other / one)


def _events(main: _Element | None, name: str, default: float) -> list[tuple[Fraction, float]]:
    """(quarters, value) of a parameter of the main track, in order; at least one."""
    mixer = f"DeviceChain/Mixer/{name}"
    target = main.find(f"{mixer}/AutomationTarget") if main is not None else None
    found = []
    for envelope in main.iterfind("AutomationEnvelopes/Envelopes/AutomationEnvelope") if main is not None else ():
        if target is not None and value(envelope, "EnvelopeTarget/PointeeId") == target.get("Id"):
            for event in envelope.iterfind("Automation/Events/*"):
                at = plain(event.get("Time"), BEGINNING)
                found.append((Fraction(at), plain(event.get("Value"), default)))
    found.sort(key=lambda event: event[0])
    return found or [(Fraction(BEGINNING), number(main, f"{mixer}/Manual", default))]


def _meter(code: float) -> tuple[int, int]:
    power, numerator = divmod(int(code), 99)
    meter = numerator + 1, 2 ** min(max(power, 0), 4)
    return meter if code >= 0 and is_meter(*meter) else (4, 4)
