"""The command line: a lazy click group over `commands/`, and the one place where errors become exit codes.

Exit codes: 0 fine · 1 findings at or above --fail-on, or an error · 2 wrong usage · 3 a part of what was
asked failed, the rest is done · 130 interrupted. Ctrl-C is how a watch ends: 0, or the code of its last audit, unless
it was at work.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from stemwright import __version__
from stemwright.errors import StemwrightError, UnknownName
from stemwright.registry import module_names
from stemwright.safety import readable

_COMMANDS = "stemwright.cli.commands"


class Commands(click.Group):
    """Finds each command in its own module, by file name, when it is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands."""
        return list(module_names(_COMMANDS))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command; its module is imported now."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{_COMMANDS}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names. Raises UnknownName."""
        known, name = self.list_commands(ctx), args[0]
        if name not in known and not name.startswith("-"):
            if Path(name).exists():
                raise UnknownName(f"{name}: is no command", f"say what to do with it, as in `stemwright prep {name}`")
            raise UnknownName(f"there is no command {name!r}", "`stemwright --help` lists them", name, known)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Fill in the settings files before the command reads its options."""
        from stemwright import config

        try:
            settings = config.load(Path.cwd())
        except FileNotFoundError:  # the folder we stand in was deleted
            settings = ()
        if settings:
            known: dict[str, set[str]] = {}
            for name in self.list_commands(ctx):
                command = self.get_command(ctx, name)
                known[name] = {p.name for p in command.params if p.name} if command else set()
            ctx.default_map = config.default_map(settings, known)
        return super().invoke(ctx)


@click.group(
    cls=Commands,
    epilog="Exit codes: 0 fine, 1 findings or an error, 2 usage, 3 a part failed, the rest is done, 130 interrupted.",
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "STEMWRIGHT"},
)
@click.version_option(__version__, message="stemwright %(version)s")
def cli() -> None:
    """Get stems from a song to a mix engineer without a mistake.

    \b
    stemwright prep Song.wav       split, audit, sessions, notes: one folder to send
    stemwright prep --demo         the same with a small song of our own
    stemwright audit Stems/        what would a mix engineer send back?
    """


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit."""
    from stemwright.cli import output

    gc.set_threshold(50_000)  # else it goes through all that was imported again and again
    atexit.register(gc.freeze)  # and once more at the end, a tenth of a small audit
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's threads cost more at the start than they bring
    if sys.stdout is None:  # the caller closed it (>&-)
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - it lives as long as we do
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # file names need not be valid text
    if hasattr(signal, "SIGTERM"):
        signal.signal(signal.SIGTERM, _terminated)
    try:
        Path.home()
    except RuntimeError:  # a user of a container who has none: nothing is kept then
        os.environ["HOME"] = os.devnull
    try:
        code = cli.main(args=argv, prog_name="stemwright", standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except StemwrightError as error:
        output.fail(error)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        output.misused(error, sys.argv[1:] if argv is None else argv)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        output.interrupted()
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        if error.filename is not None:
            output.fail(readable(error, Path(error.filename)))
            sys.exit(1)
        output.say(f"error: the result cannot be printed: {error.strerror}\n  help: is the disk of stdout full?")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as bug:
        hint = "this is a bug in stemwright; please report it with what -vv prints"
        output.fail(StemwrightError(f"unexpected {type(bug).__name__}: {bug}", hint), cause=bug)
        sys.exit(1)


def _terminated(number: int, frame: object) -> None:
    """A polite kill leaves no half files either: unwind like Ctrl-C."""
    raise KeyboardInterrupt
