"""A WAV writer of the tests' own: right unless a case asks for something wrong."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import numpy as np

CLEAN: dict[str, Any] = {
    "file": "",  # name with suffix; "<stem>.wav" when empty
    "bits": 24,
    "float": False,
    "lost": 0,  # frames that the header promises and that are not there
    "bext": True,
    "start": 0,  # TimeReference
    "date": "2026-01-31",
    "clock": "12:00:00",
    "description": "",
    "umid": "",  # hex
    "version": 1,  # of bext
    "loudness": None,  # LUFS and dBTP stored in bext, which makes it version 2; 327.67 is "unused"
    "bext_bytes": 602,
    "cut": 0,  # bytes kept of the finished file; 0 for all
    "text": "",  # these characters instead of audio
    "empty": False,  # no bytes at all
    "chunks": ["bext", "fmt ", "data"],  # in this order; { name, text, hex, md5, more, claim, pad } for others
    "trailing": 0,  # bytes that are no chunk behind the last one
    "filler": 0,  # bytes of a last chunk that takes no room on the disk
    "riff": 0,  # added to the RIFF size
    "byte_rate": 0,  # added to the byte rate
    "extensible": False,
    "container": 0,  # bits that a sample takes; 0 for its own
}


def wav(samples: np.ndarray, plan: dict[str, Any]) -> bytes:
    """A RIFF/WAVE file (EBU Tech 3285 when it has a `bext`)."""
    size = 4 if plan["float"] else (plan["container"] or plan["bits"]) // 8
    align = size * len(samples)
    if plan["float"]:
        audio = samples.T.astype("<f4").tobytes()
    else:
        top = 1 << (plan["bits"] - 1)
        whole = np.clip(np.rint(np.nan_to_num(samples).T * top), -top, top - 1).astype("<i4")
        whole <<= 8 * size - plan["bits"]
        audio = whole[..., None].view(np.uint8)[..., :size].tobytes()
    bodies = {"bext": bext(plan), "fmt ": fmt(len(samples), align, size, plan), "data": audio}
    body = b"WAVE"
    for entry in plan["chunks"]:
        one = {"name": entry} if isinstance(entry, str) else entry
        if one["name"] != "bext" or plan["bext"]:
            part = bodies.get(one["name"], b"") + bytes.fromhex(one.get("hex", "")) + one.get("text", "").encode()
            part += hashlib.md5(audio).digest() * one.get("md5", False) + bytes(one.get("more", 0))
            lost = plan["lost"] * align * (one["name"] == "data")
            body += struct.pack("<4sI", one["name"].encode(), one.get("claim", len(part) + lost)) + part
            body += bytes(len(part) % 2 * one.get("pad", True))
    body += b"\xff" * plan["trailing"]
    if plan["filler"]:
        body += struct.pack("<4sI", b"FLLR", plan["filler"])
    return struct.pack("<4sI", b"RIFF", min(len(body) + plan["filler"] + plan["riff"], 0xFFFFFFFF)) + body


def bext(plan: dict[str, Any]) -> bytes:
    """The body of the `bext` chunk."""
    texts = ((plan["description"], 256), ("stemwright", 64), (plan["date"], 10), (plan["clock"], 8))
    body = b"".join(text.encode().ljust(size, b"\0") for text, size in texts)
    body += struct.pack("<QH", plan["start"], 2 if plan["loudness"] else plan["version"])
    body += bytes.fromhex(plan["umid"]).ljust(64, b"\0")
    if plan["loudness"]:  # value, range, true peak, momentary, short-term
        integrated, peak = (round(100 * value) for value in plan["loudness"])
        body += struct.pack("<5h", integrated, 0x7FFF, peak, 0x7FFF, 0x7FFF)
    return body.ljust(602, b"\0")[: plan["bext_bytes"]]


def fmt(channels: int, align: int, size: int, plan: dict[str, Any]) -> bytes:
    """The body of the `fmt ` chunk."""
    code, rate = 3 if plan["float"] else 1, plan["rate"]
    tag = 0xFFFE if plan["extensible"] else code
    plain = struct.pack("<HHIIHH", tag, channels, rate, rate * align + plan["byte_rate"], align, 8 * size)
    guid = struct.pack("<H", code) + bytes.fromhex("000000001000800000aa00389b71")
    valid = 8 * size if plan["float"] else plan["bits"]
    return plain + plan["extensible"] * (struct.pack("<HHI", 22, valid, 0) + guid)
