"""The vocabulary of an AAF in pyaaf2's objects: mobs, slots, operations, identification.

Ids and times never depend on the clock. Operations, parameters and their identifiers are those of Media Composer and
Pro Tools.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from stemwright import __version__
from stemwright.model import Session
from stemwright.session.formats import STAMP, stable_id
from stemwright.units import linear

DAY_S = 24 * 60 * 60

_PRODUCT = UUID("3a0d6b0e-5d0c-5b53-8b8a-6a7d1a0f4c10")
GAIN, AMPLITUDE = "9d2ea894-0968-11d3-8a38-0050040ef7d2", "e4962321-2267-11d3-8a4c-0050040ef7d2"
PAN, POSITION = "9d2ea893-0968-11d3-8a38-0050040ef7d2", "e4962322-2267-11d3-8a4c-0050040ef7d2"
COMBINER = "6b46dd7a-132d-4856-ab21-8b751d8462ec"
_BYTE_ORDER, _EFFECT_ID = "c0038672-a8cf-11d3-a05b-006094eb75cb", "93994bd6-a81d-11d3-a05b-006094eb75cb"
_OPERATIONS = {
    GAIN: ("Audio Gain", ((AMPLITUDE, "Amplitude", "Rational"),)),
    PAN: ("Audio Pan", ((POSITION, "Pan", "Rational"),)),
    COMBINER: (
        "Audio Channel Combiner",
        ((_BYTE_ORDER, "AvidParameterByteOrder", "aafInt16"), (_EFFECT_ID, "AvidEffectID", "AvidBagOfBits")),
    ),
}
CHANNELS = "StemwrightChannels"
"""Tag of the first of several mono slots that are one track: how many."""
SOURCE = "Source File"
"""Comment of an essence that could not be named like the file it was taken from."""
_UNITY, _CENTRE = 1 << 29, 1 << 14
"""Gain of 0 dB, and pan to the middle of 0 to twice that."""


def identify(aaf: Any, session: Session) -> None:
    """Enter who wrote the file."""
    numbers = [*map(int, __version__.split(".")[:3]), 0, 0, 0]
    version = {"major": numbers[0], "minor": numbers[1], "tertiary": numbers[2], "patchLevel": 0}
    entry = aaf.header["IdentificationList"].value[0]
    for name, value in {
        "CompanyName": "stemwright",
        "ProductName": "stemwright",
        "ProductVersionString": __version__,
        "ProductVersion": {**version, "type": "VersionReleased"},
        "ToolkitVersion": {**version, "type": "VersionReleased"},
        "ProductID": _PRODUCT,
        "Platform": "any",
        "Date": STAMP,
        "GenerationAUID": stable_id(session, "generation"),
    }.items():
        entry[name].value = value
    aaf.header["LastModified"].value = STAMP


def define(aaf: Any) -> None:
    """Enter the operations and their parameters into the dictionary."""
    for operation, (name, parameters) in _OPERATIONS.items():
        definition = aaf.create.OperationDef(operation, name, "")
        aaf.dictionary.register_def(definition)
        definition.media_kind = "sound"
        definition.number_inputs = 1
        definition["IsTimeWarp"].value = False
        definition["Bypass"].value = 0
        definition["OperationCategory"].value = "OperationCategory_Effect"
        for identity, label, kind in parameters:
            parameter = aaf.create.ParameterDef(identity, label, "", kind)
            aaf.dictionary.register_def(parameter)
            definition.parameters.append(parameter)


def mob(aaf: Any, session: Session, kind: str, name: str, *identity: object) -> Any:
    """A new mob with an id and times that do not change from run to run."""
    new = getattr(aaf.create, kind)(name)
    number = new.mob_id
    number.material = stable_id(session, kind, *identity)
    new.mob_id = number
    new["CreationTime"].value = new["LastModified"].value = STAMP
    aaf.content.mobs.append(new)
    return new


def slot(aaf: Any, number: int, edit_rate: Any, name: str, segment: Any, track: int = 0) -> Any:
    """A new timeline slot that holds `segment`, for the slots of a mob; these are best given to it all at once."""
    new = aaf.create.TimelineMobSlot(number, edit_rate=edit_rate)
    new.name, new.segment = name, segment
    if track:
        new["PhysicalTrackNumber"].value = track
    return new


def clip(aaf: Any, source: Any, start: int, length: int) -> Any:
    """A reference to slot 1 of a mob, or to nothing: the end of the chain."""
    new = aaf.create.SourceClip(start=start, length=length, media_kind="sound")
    if source:
        new.mob_id, new.slot_id = source.mob_id, 1
    return new


def timecode(aaf: Any, session: Session, start_frame: int) -> Any:
    """A day of timecode from a frame of the session since midnight, to the nearest timecode frame."""
    fps = round(session.frame_rate)
    # A day of drop-frame timecode lacks 2 of every 1800 numbers but those of each tenth minute.
    day = DAY_S * fps - (DAY_S // 60 - DAY_S // 600) * 2 * (fps // 30) * session.drop_frame
    code = aaf.create.Timecode(fps, drop=session.drop_frame, length=day)
    code.start = round(start_frame * session.frame_rate / session.sample_rate)
    return code


def in_gain(aaf: Any, segment: Any, gain_db: float) -> Any:
    """A segment in constant gain: around a clip it is clip gain, around a sequence track gain."""
    return _scaled(aaf, GAIN, AMPLITUDE, segment, linear(gain_db) * _UNITY, _UNITY) if gain_db else segment


def in_pan(aaf: Any, segment: Any, pan: float) -> Any:
    """A segment panned to -1 (left) to +1 (right)."""
    return _scaled(aaf, PAN, POSITION, segment, (1 + pan) * _CENTRE, 2 * _CENTRE) if pan else segment


def combined(aaf: Any, channels: list[Any]) -> Any:
    """Mono segments as the channels of one; a single one stays as it is."""
    if len(channels) == 1:
        return channels[0]
    effect = {_BYTE_ORDER: 0x4949, _EFFECT_ID: bytearray(b"EFF2_AUDIO_CHANNEL_COMBINER\0")}
    return _operation(aaf, COMBINER, channels, effect)


def _scaled(aaf: Any, kind: str, parameter: str, segment: Any, numerator: float, denominator: int) -> Any:
    from aaf2.rational import AAFRational

    while abs(numerator) >= 1 << 31:  # a rational is two 32-bit integers; +12 dB and more need a smaller unit
        numerator, denominator = numerator / 2, denominator // 2
    return _operation(aaf, kind, [segment], {parameter: AAFRational(round(numerator), denominator)})


def _operation(aaf: Any, kind: str, inputs: list[Any], parameters: dict[str, Any]) -> Any:
    """An operation with constant parameters around segments of one length."""
    from aaf2.auid import AUID

    group = aaf.create.OperationGroup(AUID(kind), inputs[0].length, "sound")
    for segment in inputs:
        group.segments.append(segment)
    for name, value in parameters.items():
        group.parameters.append(aaf.create.ConstantValue(AUID(name), value))
    return group
