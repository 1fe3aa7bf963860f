"""README.md says what the code does."""

from __future__ import annotations

import importlib.util
import re

import click

from stemwright.cli import cli
from stemwright.cli.commands.session import verify
from stemwright.errors import StemwrightError
from support import REPOSITORY


def _docs():
    spec = importlib.util.spec_from_file_location("docs", REPOSITORY / "scripts" / "docs.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_parts_are_current() -> None:
    """When this fails, run ./scripts/docs."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert _docs().filled(text) == text


def test_every_command_line_in_the_readme_parses() -> None:
    """Each `stemwright ...` example names a command and options that exist."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    lines = re.findall(r"^(?:\./scripts/)?stemwright ([a-z]+)([^\n#]*)", blocks, re.MULTILINE)
    assert len(lines) >= 8
    context = cli.make_context("stemwright", [], resilient_parsing=True)
    for name, rest in lines:
        command = cli.get_command(context, name)
        assert command, name
        words = rest.split()
        while words and isinstance(command, click.Group) and (below := command.get_command(context, words[0])):
            command, words = below, words[1:]
        if (name, rest.split()[0]) == ("session", "verify"):
            command = verify
        known = {word for parameter in command.params for word in parameter.opts}
        for word in re.findall(r"(?<=\s)--?[a-z][a-z0-9-]*", rest):
            assert word in known, f"{name} {word}"


def test_pictures_exist() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"\]\((\.github/[^)]+)\)", text)
    assert pictures
    for picture in pictures:
        assert (REPOSITORY / picture).stat().st_size > 1000


def test_error_tree_is_drawn_whole() -> None:
    """Every error class stands in the docstring of errors.py."""
    from stemwright import errors

    def below(cls: type) -> list[type]:
        return [cls, *(leaf for child in cls.__subclasses__() for leaf in below(child))]

    for cls in below(StemwrightError):
        if cls.__module__ == errors.__name__:
            assert f" {cls.__name__} " in f"{errors.__doc__} ".replace("\n", " \n "), cls
