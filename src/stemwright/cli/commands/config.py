"""`stemwright config`: which settings are in force, and why."""

from __future__ import annotations

import click

from stemwright.cli import options, output, settings, views
from stemwright.model import Outcome


@click.group()
def command() -> None:
    """Show settings and where they come from.

    \b
    stemwright config show
    stemwright config path
    """


@command.command()
@click.pass_context
@options.talks
def show(ctx: click.Context) -> None:
    """Show every option of every command with its value and its origin."""
    output.show("config", Outcome((), settings.in_force(ctx.find_root())), views.settings)


@command.command()
@options.talks
def path() -> None:
    """Print the settings files and template folders that are looked at."""
    output.show("config", Outcome((), settings.places()), views.lines)
