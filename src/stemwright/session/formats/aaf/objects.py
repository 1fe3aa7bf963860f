"""The objects inside an AAF, read-only: nodes with typed properties and links, on top of the container alone.

Written after the AAF Low-Level Container Specification: a storage is an object, its stream `properties` lists property
number, form and bytes, references name child storages. pyaaf2 gives no more than the standard's table of classes; its
own reader believes counts and class definitions that a file makes up. Nothing here recurses or loops by such a count,
and an object has one owner because the container's directory is a tree.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import cache, cached_property
from pathlib import Path
from uuid import UUID

from stemwright.errors import InputError, SessionError
from stemwright.safety import reading
from stemwright.session.formats.aaf.compound import Compound, Entry, damage

_REFERENCE, _VECTOR, _SET = 0x22, 0x32, 0x3A
_HEADER, _CLASSES, _PROPERTIES = 0x0002, 0x0003, 0x0009
_IDENTIFICATION, _LOCAL = 0x0005, 0x000D
_DYNAMIC = 0x8000
"""Property numbers from here on are given out by each file anew."""


@cache
def _classes() -> dict[bytes, tuple[str, dict[str, tuple[UUID, int | None]]]]:
    """Name and properties (id, number unless it is dynamic) of every class by its id, inherited ones included."""
    from aaf2.model.classdefs import classdefs
    from aaf2.model.ext.classdefs import classdefs as extensions

    own = {UUID(auid): (name, parent, dict(more)) for name, (auid, parent, _, more) in classdefs.items()}
    for name, (auid, parent, _, more) in extensions.items():
        own.setdefault(UUID(auid), (name, parent, {}))[2].update(more)
    table = {}
    for auid, (name, _, _) in own.items():
        found: dict[str, tuple[UUID, int | None]] = {}
        above: UUID | None = auid
        while above in own:
            _, parent, properties = own[above]
            found = {key: (UUID(value[0]), value[1]) for key, value in properties.items()} | found
            above = UUID(parent) if parent else None
        table[auid.bytes_le] = (name, found)
    return table


class Node:
    """An object: `kind` is the name of its class, and each accessor reads a property by the name of the standard.

    A property that is absent gives nothing (None, 0, "", ()). Raises SessionError for one that cannot be what it is.
    """

    def __init__(self, compound: Compound, entry: Entry, dynamic: Mapping[UUID, int]) -> None:
        self._compound, self._entry, self._dynamic = compound, entry, dynamic
        self.kind, self._names = _classes().get(entry.class_id, ("", {}))
        self._children: dict[str, Node] = {}
        self._indexes: dict[str, bytes] = {}

    @cached_property
    def _properties(self) -> dict[int, tuple[int, bytes]]:
        stream = self._entry.children.get("properties")
        data = self._compound.read(stream) if stream else b"L \0\0"
        count = int.from_bytes(data[2:4], "little")
        at = 4 + 6 * count
        if data[:1] != b"L" or len(data) < at:
            raise damage("the properties of an object are damaged")
        found = {}
        for number, form, size in struct.iter_unpack("<3H", data[4:at]):
            found[number] = form, data[at : at + size]
            at += size
        if at > len(data):
            raise damage("a property of an object breaks off")
        return found

    def _property(self, name: str | int) -> tuple[int, bytes]:
        if isinstance(name, str):
            identity, number = self._names.get(name, (UUID(int=0), -1))
            name = self._dynamic.get(identity, -1) if number is None else number
        return self._properties.get(name, (0, b""))

    def __contains__(self, name: str) -> bool:
        return self._property(name)[0] != 0

    def data(self, name: str | int) -> bytes:
        """The bytes of a property."""
        return self._property(name)[1]

    def whole(self, name: str | int) -> int:
        """An integer of any width; those of 8 bytes are signed."""
        data = self.data(name)
        return int.from_bytes(data[:8], "little", signed=len(data) >= 8)

    def text(self, name: str | int) -> str:
        """A string, without what is no character."""
        return _text(self.data(name))

    def rational(self, name: str) -> Fraction:
        """A ratio of two 32-bit integers."""
        return _rational(self.data(name))

    def identity(self, name: str | int) -> UUID:
        """An AUID: the last 16 bytes of a weak reference are the id of what is meant."""
        data = self.data(name)
        return UUID(bytes_le=data[-16:]) if len(data) >= 16 else UUID(int=0)

    def value(self, name: str = "Value") -> int | Fraction | str | None:
        """An indirect value: byte order, id of the type, bytes. None for a type that sessions do not use."""
        data = self.data(name)
        kind, raw = data[1:17].hex(), data[17:]
        read = _TYPES.get(kind)
        return read(raw) if read and data[:1] == b"L" else None

    def node(self, name: str | int) -> Node | None:
        """The object that a property owns."""
        form, data = self._property(name)
        return self._child(_text(data)) if form == _REFERENCE else None

    def nodes(self, name: str | int) -> Iterator[Node]:
        """The objects that a property owns, in order."""
        form, data = self._property(name)
        if form not in (_VECTOR, _SET):
            return
        name = _text(data)
        if name not in self._indexes:
            entry = self._entry.children.get(f"{name} index")
            self._indexes[name] = self._compound.read(entry) if entry else b""
        index = self._indexes[name]
        first, step = (12, 4) if form == _VECTOR else (15, 8 + int.from_bytes(index[14:15], "little"))
        for at in range(first, min(len(index) - 3, first + step * int.from_bytes(index[:4], "little")), step):
            yield self._child(f"{name}{{{int.from_bytes(index[at : at + 4], 'little'):x}}}")

    def tags(self, name: str) -> dict[str, int | Fraction | str | None]:
        """The values that a property owns, by their names."""
        return {tag.text("Name"): tag.value() for tag in self.nodes(name)}

    def stream(self, name: str) -> Iterator[bytes]:
        """The bytes of the stream that a property names."""
        entry = self._entry.children.get(_text(self.data(name)[1:]))
        return self._compound.chunks(entry) if entry else iter(())

    def stream_bytes(self, name: str) -> int:
        """How long the stream is that a property names."""
        entry = self._entry.children.get(_text(self.data(name)[1:]))
        return entry.size if entry else 0

    def _child(self, name: str) -> Node:
        if name not in self._children:
            entry = self._entry.children.get(name)
            if entry is None:
                raise damage(f"the object {name!r} is missing")
            self._children[name] = Node(self._compound, entry, self._dynamic)
        return self._children[name]


class Aaf:
    """An open AAF: its header, its mobs by id, and which of them have their essence inside."""

    def __init__(self, compound: Compound) -> None:
        self.compound = compound
        dynamic: dict[UUID, int] = {}
        root = Node(compound, compound.root, dynamic)
        names = root.node(0x0001)
        for definition in names.nodes(_CLASSES) if names else ():
            for entry in definition.nodes(_PROPERTIES):
                if (number := entry.whole(_LOCAL)) >= _DYNAMIC:
                    dynamic[entry.identity(_IDENTIFICATION)] = number
        header = root.node(_HEADER)
        content = header.node("Content") if header else None
        if header is None or content is None:
            raise damage("there is no content")
        self.header = header
        self.mobs = {mob.data("MobID"): mob for mob in content.nodes("Mobs")}
        self.essences = {essence.data("MobID"): essence for essence in content.nodes("EssenceData")}
        self._slots: dict[bytes, dict[int, Node]] = {}

    def slot(self, reference: Node) -> tuple[Node, Node] | None:
        """Mob and slot that a SourceClip refers to; None for the end of the chain or for nothing that exists."""
        identity = reference.data("SourceID")
        mob = self.mobs.get(identity)
        if mob is None:
            return None
        if identity not in self._slots:
            self._slots[identity] = {slot.whole("SlotID"): slot for slot in mob.nodes("Slots")}
        slot = self._slots[identity].get(reference.whole("SourceMobSlotID"))
        return (mob, slot) if slot else None

    def compositions(self) -> list[Node]:
        """The compositions that are meant to be opened."""
        return [m for m in self.mobs.values() if m.kind == "CompositionMob" and m.identity("UsageCode") == _TOP_LEVEL]


@contextmanager
def opened(path: Path) -> Iterator[Aaf]:
    """An AAF to read from; errors inside the block get its path put in front.

    Raises NotFoundInput and InputError for what is no AAF, SessionError for a damaged one.
    """
    with reading(path), path.open("rb") as file:
        try:
            yield Aaf(Compound(file))
        except (InputError, SessionError) as error:
            raise type(error)(f"{path}: {error.message}", error.hint) from error


def _text(data: bytes) -> str:
    return data[: len(data) // 2 * 2].decode("utf-16-le", "replace").partition("\0")[0]


def _rational(data: bytes) -> Fraction:
    numerator, denominator = struct.unpack("<ii", data) if len(data) == 8 else (0, 1)
    return Fraction(numerator, denominator or 1)


def _int(data: bytes) -> int:
    return int.from_bytes(data[:8], "little", signed=True)


_TOP_LEVEL = UUID("0d010102-0101-0700-060e-2b3404010101")
_TYPES = {
    UUID(name).bytes_le.hex(): read
    for name, read in (
        ("01010600-0000-0000-060e-2b3401040101", _int),
        ("01010700-0000-0000-060e-2b3401040101", _int),
        ("01010200-0000-0000-060e-2b3401040101", _int),
        ("01010300-0000-0000-060e-2b3401040101", _int),
        ("03010100-0000-0000-060e-2b3401040101", _rational),
        ("01100200-0000-0000-060e-2b3401040101", _text),
    )
}
