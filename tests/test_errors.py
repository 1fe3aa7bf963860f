"""The tree in the docstring is the tree of classes, and each error carries message, hint and exit code."""

from __future__ import annotations

import re

import pytest

from stemwright import errors

CLASSES = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)]


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn, path = {}, []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ((?:[│ ]   )*(?:[├└]── )?)(\w+)  +\S", line)
        if found:
            path[len(found[1]) // 4 :] = [found[2]]
            drawn[found[2]] = path[-2] if len(path) > 1 else "Exception"
    assert drawn == {c.__name__: c.__base__.__name__ for c in CLASSES}


@pytest.mark.parametrize("cls", CLASSES)
def test_message_hint_and_exit_code(cls: type[errors.StemwrightError]) -> None:
    error = cls("what", "next")
    assert (str(error), error.message, error.hint, cls("what").hint) == ("what", "what", "next", "")
    assert error.exit_code == (2 if issubclass(cls, errors.WrongOption) else 1) and cls.__doc__


def test_what_was_meant_is_offered() -> None:
    known = ("protools", "netflix", "LVL001")
    assert errors.UnknownName("what", "known: all", "ProTool", known).hint == "did you mean 'protools'? known: all"
    assert errors.UnknownName("what", "known: all", "lvl01", known).hint == "did you mean 'LVL001'? known: all"
    assert errors.UnknownName("what", "known: all", "xyz", known).hint == "known: all"
