"""Text by Jinja templates: in a sandbox, because people share them, and with every name that is missing an error."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from stemwright import resources
from stemwright.errors import SettingsError
from stemwright.handover import layout


def render(kind: str, name: str, values: Mapping[str, Any]) -> str:
    """The template `<name>.j2` of one kind, or the user's own of that name, filled in.

    What a template whose name ends with `.md` or `.html` prints is escaped on the way. Raises SettingsError, naming
    file and line, for a template that is missing, wrong, or not let do what it tries.
    """
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    def broken(where: str, error: Exception) -> SettingsError:
        hint = f"mend the {kind} template, or remove it to go back to the packaged one"
        return SettingsError(f"{where}: {error}", hint)

    def source(wanted: str) -> tuple[str, str, Callable[[], bool]]:
        path = resources.find(kind, wanted, suffix=".j2")
        try:
            return path.read_text(encoding="utf-8"), str(path), lambda: True
        except (OSError, UnicodeDecodeError) as error:
            raise broken(str(path), error) from error

    environment = SandboxedEnvironment(
        loader=jinja2.FunctionLoader(source),
        undefined=jinja2.StrictUndefined,
        autoescape=name.endswith(".html"),
        finalize=layout.markdown if name.endswith(".md") else None,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"cell": layout.cell, "wrap": layout.wrap}
    try:
        return environment.get_template(name).render(values)
    except jinja2.TemplateSyntaxError as error:
        raise broken(f"{error.filename}: line {error.lineno}", error) from error
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        lines = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(".j2")]
        raise broken(f"{lines[-1].filename}: line {lines[-1].lineno}" if lines else f"{name}.j2", error) from error
