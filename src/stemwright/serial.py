"""JSON of the model: `to_json` and `from_json`, exact both ways.

Every document carries `"schema": "stemwright.<name>/1"`. Paths are POSIX strings, fractions are "n/d" strings,
infinities and NaN are strings ("-inf"), because JSON has no such numbers. Unknown fields are ignored on reading.
Undecodable bytes of a file name (lone surrogates in Python) are escaped, so that every document is valid UTF-8.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import types
import typing
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from stemwright.errors import InputError

T = TypeVar("T")

_NO_NUMBERS = ("inf", "-inf", "nan")
_FRACTION = re.compile(r"-?\d{1,400}(/\d{1,400})?")


def schema(cls: type | str) -> str:
    """The label of a model class or of a document's name."""
    return f"stemwright.{cls if isinstance(cls, str) else cls.__name__.lower()}/1"


def plain(value: Any) -> Any:
    """A model object as JSON-able dicts, lists, strings and numbers, without a schema label."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def to_json(value: Any) -> str:
    """One model object as a labelled JSON document."""
    return dumps({"schema": schema(type(value)), **plain(value)})


def dumps(document: Any) -> str:
    """JSON as the house writes it: readable, UTF-8, ended by a newline."""
    text = json.dumps(plain(document), indent=1, ensure_ascii=False, allow_nan=False)
    return re.sub("[\ud800-\udfff]", lambda lone: f"\\u{ord(lone[0]):04x}", text) + "\n"


def from_json(cls: type[T], text: str) -> T:
    """The model object of a document written by `to_json`. Raises InputError when it is none."""
    try:
        document = json.loads(text)
        if document.get("schema") != schema(cls):
            raise ValueError(f"schema is {document.get('schema')!r}, not {schema(cls)!r}")
        return typing.cast(T, build(cls, document))
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise InputError(
            f"not a {cls.__name__} document: {error}", "it may come from another version; make it anew"
        ) from error


_CALLED: dict[Any, str] = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}


def build(kind: Any, value: Any) -> Any:
    """Turn plain JSON back into a value of type `kind`."""
    if type(value) is kind and kind in _CALLED:
        return value
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, typing.TypeVar) or kind is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        return None if value is None else build(_choice(arguments, value), value)
    if origin is tuple and arguments == (int, ...) and all(type(item) is int for item in value):
        return tuple(value)  # a waveform has a thousand of them
    if origin is tuple and isinstance(value, (list, tuple)):
        inner = arguments[:1] * len(value) if arguments[-1] is ... else arguments
        return tuple(build(kind_, item) for kind_, item in zip(inner, value, strict=True))
    if origin is dict and isinstance(value, dict):
        return {build(arguments[0], key): build(arguments[1], item) for key, item in value.items()}
    if origin is typing.Literal:
        if value not in arguments:
            raise ValueError(f"{value!r} is none of {arguments}")
        return value
    target = origin or kind
    if dataclasses.is_dataclass(target):
        hints = _hints(typing.cast(type, target))
        bound = dict(zip(getattr(target, "__parameters__", ()), arguments, strict=False))
        known = {f.name for f in dataclasses.fields(target)} & value.keys()
        return typing.cast(Any, target)(**{name: build(_bind(hints[name], bound), value[name]) for name in known})
    if kind is Path:
        return Path(value)
    if kind is float and (type(value) in (int, float) or value in _NO_NUMBERS):
        return float(value)
    if kind is Fraction and isinstance(value, str) and _FRACTION.fullmatch(value):
        return Fraction(value)
    raise TypeError(f"{value!r} is not {_CALLED.get(kind) or getattr(kind, '__name__', kind)}")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _choice(arguments: tuple[Any, ...], value: Any) -> Any:
    """The member of a union that a value was: text in `float | str` is text, unless it stands for an infinity."""
    text = isinstance(value, str) and str in arguments and value not in ("inf", "-inf", "nan")
    return str if text else next((a for a in arguments if a not in (type(None), str)), str)


def _bind(hint: Any, bound: dict[Any, Any]) -> Any:
    if isinstance(hint, typing.TypeVar):
        return bound.get(hint, hint)
    if typing.get_origin(hint) is tuple and any(a in bound for a in typing.get_args(hint)):
        return tuple.__class_getitem__(tuple(bound.get(a, a) for a in typing.get_args(hint)))
    return hint
