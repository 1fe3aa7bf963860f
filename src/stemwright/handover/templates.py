"""Text by Jinja templates: in a sandbox, because people share them, and with every name that is missing an error.

A template sees the values it is given and other templates of its kind, and nothing else: no file, no module, no
attribute that begins with `_`, no method of a text or list. What it may use up is limited, too: rounds of loops, and
what operators and filters are given, whose product bounds what comes out of them.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, wraps
from pathlib import Path
from typing import Any, TypeVar

from stemwright import resources
from stemwright.errors import SettingsError
from stemwright.handover import layout

T = TypeVar("T")

MOST_ROUNDS = 100_000
"""Rounds of all loops and calls of all macros of one text."""
MOST_LETTERS = 1_000_000
"""Of a text that a template puts together from others, and items of a list."""
LARGEST = 10**100
"""Number that may come out of a calculation."""
_WRONG = (TypeError, ValueError, AttributeError, ArithmeticError, LookupError, RecursionError)
"""What a wrong expression raises."""


def render(kind: str, name: str, values: Mapping[str, Any]) -> str:
    """The template `<name>.j2` of one kind, or the user's own of that name, filled in.

    What a template whose name ends with `.md` or `.html` prints is escaped on the way. Raises SettingsError, naming
    file and line, for a template that is missing, wrong, or not let do what it tries.
    """
    with _told(kind, name):
        text: str = _environment(kind, name).get_template(name).render(values)
        return text


def check(kind: str, name: str) -> None:
    """Raises SettingsError as `render` does for what can be told without values: a wrong name, wrong syntax."""
    with _told(kind, name):
        _environment(kind, name).get_template(name)


@contextmanager
def _told(kind: str, name: str) -> Iterator[None]:
    """What a template does wrong becomes a SettingsError with its file, line and that line's text."""
    import jinja2

    hint = f"mend the {kind} template, or remove it to go back to the packaged one"
    try:
        yield
    except jinja2.TemplateSyntaxError as error:
        where, number = error.filename or name, error.lineno
        raise SettingsError(f"{where}: line {number}: {error.message}{_quoted(where, number)}", hint) from error
    except (jinja2.TemplateError, *_WRONG) as error:
        lines = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(".j2")]
        where, number = (lines[-1].filename, lines[-1].lineno or 0) if lines else (f"{name}.j2", 0)
        at = f"line {number}: " if number else ""
        raise SettingsError(f"{where}: {at}{error}{_quoted(where, number)}", hint) from error


def _environment(kind: str, name: str) -> Any:
    import jinja2

    def source(wanted: str) -> tuple[str, str, Callable[[], bool]]:
        if wanted != name and ("/" in wanted or "\\" in wanted or wanted.endswith(".j2")):
            raise jinja2.exceptions.SecurityError(f"{wanted!r} is no name of a template, and files are not read here")
        path = resources.find(kind, wanted, suffix=".j2")
        try:
            return path.read_text(encoding="utf-8"), str(path), lambda: True
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: {error}", f"save the {kind} template as UTF-8 text") from error

    environment = _sandbox()(
        loader=jinja2.FunctionLoader(source),
        undefined=jinja2.StrictUndefined,
        autoescape=name.endswith(".html"),
        finalize=lambda value: layout.markdown(_fit(value)) if name.endswith(".md") else _fit(value),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    own = {"cell": layout.cell, "wrap": layout.wrap}
    usual = {name: made for name, made in environment.filters.items() if name != "format"}  # its text says how long
    environment.filters = {name: environment.bounded(made) for name, made in (usual | own).items()}
    del environment.globals["lipsum"]
    return environment


@cache
def _sandbox() -> Any:
    """Jinja's sandbox, with what it leaves open: methods of texts, endless loops and texts that double."""
    from jinja2 import nodes
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from jinja2.visitor import NodeTransformer

    class Guarded(NodeTransformer):
        """Puts a count into every loop and macro, and a limit on every `~`."""

        def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - jinja2 calls it so
            return self._counted(node)

        def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: N802
            return self._counted(node)

        def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
            self.generic_visit(node)
            return nodes.Call(nodes.EnvironmentAttribute("joined"), node.nodes, [], None, None, lineno=node.lineno)

        def _counted(self, node: Any) -> nodes.Node:
            self.generic_visit(node)
            count = nodes.Call(nodes.EnvironmentAttribute("count"), [], [], None, None, lineno=node.lineno)
            node.body.insert(0, nodes.ExprStmt(count, lineno=node.lineno))
            return node  # type: ignore[no-any-return]

    class Sandbox(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset("+*%") | {"**"}
        rounds = 0

        def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
            tree = super()._parse(source, name, filename)
            return Guarded().visit(tree)  # type: ignore[no-any-return]

        def count(self) -> None:
            self.rounds += 1
            if self.rounds > MOST_ROUNDS:
                raise SecurityError(f"more than {MOST_ROUNDS:,} rounds of loops")

        def joined(self, *parts: Any) -> str:
            return "".join(map(str, _fit(parts)))

        def bounded(self, made: Callable[..., Any]) -> Callable[..., Any]:
            """A filter that is only given what cannot grow beyond all bounds."""

            @wraps(made)
            def filtered(*given: Any, **named: Any) -> Any:
                value, *more = given[hasattr(made, "jinja_pass_arg") :]
                numbers = [abs(each) for each in (*more, *named.values()) if isinstance(each, (int, float))]
                texts = [each for each in (*more, *named.values()) if isinstance(each, str)]
                _fit(value, math.prod(max(1, each) for each in (*numbers, *map(len, texts))))
                found = made(*given, **named)
                self.rounds += _size(found) // 1000
                return found

            return filtered

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            sizes = [len(side) if isinstance(side, (str, list, tuple)) else side for side in (left, right)]
            if operator == "%" and isinstance(left, str):
                raise SecurityError("% of a text is not let; use the filter round")
            if max(map(abs, sizes)) > (1000 if operator == "**" else LARGEST):
                raise SecurityError("a number that large is not let")
            if sizes != [left, right]:  # texts or lists
                size = sizes[0] * sizes[1] if operator == "*" else sum(sizes)
                if size > MOST_LETTERS:
                    raise SecurityError(f"a text or list of more than {MOST_LETTERS:,} parts")
            return super().call_binop(context, operator, left, right)

        def is_safe_callable(self, obj: Any) -> bool:
            inner = getattr(obj, "__self__", None)
            return not isinstance(inner, (str, bytes, list, tuple, int, float)) and super().is_safe_callable(obj)

    return Sandbox


def _fit(value: T, times: float = 1) -> T:
    """The value, whose letters and items, so many times, are not too many. Raises SecurityError."""
    from jinja2.exceptions import SecurityError

    if _size(value) * times > MOST_LETTERS:
        raise SecurityError(f"a text or list of more than {MOST_LETTERS:,} parts")
    return value


def _size(value: Any) -> int:
    """Letters and items of a text or of nested lists; counting stops soon after `MOST_LETTERS`."""
    inner, count = [iter((value,))], 0
    while inner and count <= MOST_LETTERS:
        for each in inner[-1]:
            count += len(each) if isinstance(each, str) else 1
            if isinstance(each, (list, tuple)):
                inner.append(iter(each))
                break
        else:
            inner.pop()
    return count


def _quoted(path: str, number: int) -> str:
    """The line itself, short: ` in `{{ song.tilte }}``; empty when there is none."""
    with suppress(OSError, UnicodeDecodeError, IndexError):
        line = Path(path).read_text(encoding="utf-8").splitlines()[number - 1].strip()
        return f" in `{layout.visible(line)[:100]}`" if line else ""
    return ""
