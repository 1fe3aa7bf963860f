"""`stemwright session`: DAW sessions from a folder of stems; `session verify` proves one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stemwright.cli import named, options, output, session_views
from stemwright.errors import UnknownName


@click.command()
@click.argument("path", type=options.PATH)
@click.option("--against", type=options.PATH, metavar="STEMS", help="Folder of stems (default: that of the session).")
@named.layout("", "Only as this session template says it is laid out, instead of as any does.")
@click.option("--ardour", is_flag=True, help="Let the installed Ardour render it, and null that too.")
@click.option("--reaper", metavar="EXE", default="", help="Let this REAPER render it, and null that too.")
@options.talks
def verify(path: Path, against: Path | None, layout: str, ardour: bool, reaper: str) -> int:
    """Read a session back, compare it with its stems field by field, and null its render against theirs.

    The DAW itself can render it as well, from a copy: neither the session nor its media are touched. Exits with 1
    when anything differs.

    \b
    stemwright session verify Stems/Song.rpp
    stemwright session verify Song.rpp --against Stems/
    stemwright session verify "Song Ardour/Song.ardour" --ardour
    stemwright session verify Song.rpp --reaper /opt/REAPER/reaper
    """
    from stemwright.session.hosts import Host
    from stemwright.workflows import verify as verifying

    if ardour and reaper:
        raise click.UsageError("give --ardour or --reaper, not both: a session belongs to one DAW")
    host = Host("reaper", reaper) if reaper else Host("ardour") if ardour else None
    outcome = output.run(verifying.verify(path, against, host, layout))
    return output.show("verify", outcome, session_views.verified, ok=outcome.result.ok)


class WithVerify(click.Command):
    """A command whose first word may be `verify`, which is then a command of its own."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the command that is meant."""
        if args[:1] == ["verify"]:
            return verify.make_context(f"{info_name} verify", args[1:], parent, **extra)
        if args and not Path(args[0]).exists():
            near = UnknownName(f"there is no folder {args[0]}", "", args[0], ("verify",))
            if near.hint:
                raise near
        return super().make_context(info_name, args, parent, **extra)


@click.command(cls=WithVerify)
@click.argument("folder", type=options.PATH)
@options.sessions
@click.option("--verify", is_flag=True, help="Read each session back, compare it with the plan, null its render.")
@click.option("--allow-mixed-rates", is_flag=True, help="For DAWs that convert while they play.")
@click.option("--template", type=options.PATH, metavar="FILE", help="Your own project: stems go onto its tracks.")
@click.option(
    "--map",
    multiple=True,
    metavar="STEM=TRACK",
    help="Which track of the template takes a stem, or a TOML file of such rules (default: TEMPLATE.toml beside it).",
)
@options.heard_song
@options.guided
@options.writes
@options.talks
def command(folder: Path, **flags: Any) -> int:
    """Build DAW sessions for a folder of stems: tracks named, grouped, coloured, on the tempo grid.

    The sessions lie beside the stems, so that they find them; --out puts them elsewhere. `session verify --help`
    tells how a session is proved. A template (.rpp, .dawproject, .als) is copied, never changed: stems go onto the
    tracks of their names or roles, everything else in it stays as it was; --dry-run tells onto which.

    \b
    stemwright session Stems/ --to reaper --verify
    stemwright session Stems/ --to aaf --embed --bpm 120
    stemwright session Stems/ --template mix.RPP --map LeadVox="VOX MAIN"
    stemwright session verify Stems/Song.rpp
    """
    from stemwright.workflows.session import build_sessions

    outcome = output.run(build_sessions(folder, options.session_options(flags)))
    return output.show("session", outcome, session_views.sessions)
