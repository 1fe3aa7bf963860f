"""`stemwright live HOST ACTION`: the session that is open in a DAW; hosts and what they can do are found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stemwright.cli import live_views, named, options, output
from stemwright.model import Outcome

if TYPE_CHECKING:
    from stemwright.live import Asked


class Hosts(click.Group):
    """A group for every host in `live`, with the actions that the host has; their context's object is its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All hosts."""
        from stemwright import live

        return list(live.hosts())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One host; its module is imported now, its client library is not."""
        from stemwright import live

        if cmd_name not in live.hosts():
            return None
        ctx.obj = cmd_name
        can = {action: one for action, one in _ACTIONS.items() if action in live.actions(cmd_name)}
        return click.Group(cmd_name, can, help=f"Work with the session that is open in {live.host(cmd_name).NAME}.")


@click.command(cls=Hosts)
def command() -> None:
    """Build, audit and export the session that is open in a DAW.

    Never seen with a real DAW by us: please send what `doctor` writes down on yours.

    \b
    stemwright live reaper setup
    stemwright live reaper build Stems/
    stemwright live reaper audit
    stemwright live reaper export -o Stems_for_mix/
    """


_PORT = click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the host, if not the usual one.")
_PROJECT = click.option("--project", default="", metavar="NAME", help="Of several open sessions this, not the front.")
_DRY = click.option("--dry-run", is_flag=True, help="Print the calls that would be made; make none, write nothing.")


def _action(*own: Callable[..., Any]) -> Callable[[Callable[..., Any]], click.Command]:
    """A command that gets the host's name, its own options and those of all actions."""
    flags = named.stack(*own, _PORT, _DRY, options.talks)
    return lambda function: click.command(click.pass_obj(flags(function)))


def _asked(flags: dict[str, Any]) -> Asked:
    from stemwright.live import Asked

    return Asked(flags.pop("port"), flags.pop("project", ""), flags.pop("dry_run"))


def _shown(outcome: Outcome[Any], view: Callable[[Any, Outcome[Any]], None], fail_on: str = "") -> int:
    """Show it; exit code 1 for what is not as it should be. A dry run always is."""
    made, dry = outcome.result, hasattr(outcome.result, "calls")
    ok = not (made.fails(fail_on) or made.unwritten) if fail_on and not dry else getattr(made, "ok", True)
    return output.show("live", outcome, live_views.calls if dry else view, ok=ok)


@_action(
    click.argument("path", type=options.PATH),
    click.option("--into", is_flag=True, help="Into the open session, in one step that can be undone."),
    click.option("--force", is_flag=True, help="Replace a session file that lies beside the stems."),
    named.layout("mix-engineer", "Session template: order, groups, colours."),
    options.heard_song,
    click.option("--markers", type=options.PATH, metavar="FILE", help="Markers: .csv, .cue, .mid, another session."),
    _PROJECT,
)
def build(host: str, path: Path, into: bool, force: bool, layout: str, markers: Path | None, **flags: Any) -> int:
    """Open stems, or a session file, as a session of their own, or put them into the open one."""
    from stemwright.workflows import live
    from stemwright.workflows.guides import Guides
    from stemwright.workflows.session import SessionOptions

    asked, given = _asked(flags), options.given(flags)
    wanted = SessionOptions(layout=layout, given=given, guides=Guides(markers), force=force, dry_run=asked.dry_run)
    return _shown(output.run(live.build(host, asked, path, into, wanted)), live_views.built)


@_action(
    options.judges,
    click.option("--media/--no-media", default=True, help="Audit the files in it, too."),
    _PROJECT,
)
def audit(host: str, media: bool, fail_on: str, **flags: Any) -> int:
    """Judge the open session, its render settings before anything is rendered, and its media."""
    from stemwright.workflows import live
    from stemwright.workflows.audit import AuditOptions

    asked = _asked(flags)
    wanted = AuditOptions(reports=flags.pop("report"), **flags)
    return _shown(output.run(live.audit_open(host, asked, wanted, media)), live_views.audited, fail_on)


@_action(
    named.profile(" to render and audit for"),
    click.option("-o", "--out", type=options.PATH, default=Path("Stems"), show_default=True, help="Folder for them."),
    click.option("--force", is_flag=True, help="Put them into a folder that holds something already."),
    click.option("--track", "tracks", multiple=True, help="Only this track; repeat it.  [default: those selected]"),
    options.fail_on,
    _PROJECT,
)
def export(host: str, fail_on: str, **flags: Any) -> int:
    """Render the stems as a profile wants them and audit what came out; the session's own settings stay."""
    from stemwright.workflows import live

    asked = _asked(flags)
    return _shown(output.run(live.export(host, asked, live.ExportOptions(**flags))), live_views.audited, fail_on)


@_action(
    click.option("-o", "--out", type=options.PATH, help="The report.  [default: HOST-doctor.txt]"),
    click.option("--force", is_flag=True, help="Replace an earlier report."),
)
def doctor(host: str, out: Path | None, force: bool, **flags: Any) -> int:
    """Write down what works here, without names and paths, to be sent to us."""
    from stemwright.workflows import live

    report = out or Path(f"{host}-doctor.txt")
    return _shown(output.run(live.doctor(host, _asked(flags), report, force)), live_views.examined)


@_action(
    click.argument("file", type=options.PATH),
    click.option(
        "--session-info", type=options.PATH, metavar="TEXT", help="What Pro Tools exported after it was opened by hand."
    ),
)
def verify(host: str, file: Path, session_info: Path | None, **flags: Any) -> int:
    """Let the host open an AAF of ours and tell what it made otherwise; what it made is removed again."""
    from stemwright.workflows import live

    return _shown(output.run(live.verify(host, _asked(flags), file, session_info)), live_views.verified)


@click.command()
@click.option("--write", is_flag=True, help="Do what can be done in the host's own settings files; copies are kept.")
@click.option("--folder", type=options.PATH, help="Of these settings, where it is not the usual one.")
@click.option("--dry-run", is_flag=True, help="Only tell the steps, even with --write.")
@options.talks
@click.pass_obj
def setup(host: str, write: bool, folder: Path | None, dry_run: bool) -> int:
    """Tell, or with --write do, what makes the host reachable."""
    from stemwright.workflows import live

    return _shown(live.setup(host, write and not dry_run, folder), live_views.set_up)


_ACTIONS = {"build": build, "audit": audit, "export": export, "verify": verify, "doctor": doctor, "setup": setup}
