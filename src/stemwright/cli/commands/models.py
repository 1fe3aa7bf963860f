"""`stemwright models`: which separation models there are, their weights and their terms."""

from __future__ import annotations

from pathlib import Path

import click

from stemwright.cli import options, output, views


@click.group()
def command() -> None:
    """List, pull, verify, import and remove model weights.

    \b
    stemwright models list
    stemwright models pull htdemucs
    """


@command.command("list")
@options.talks
def list_() -> None:
    """Show every model with its stems, terms and what is on disk."""
    from stemwright.workflows import models

    output.show("models", models.listing(), views.models)


@command.command()
@options.talks
def presets() -> None:
    """Show every preset: what it makes, with which models, in which qualities."""
    from stemwright.workflows import models

    output.show("presets", models.presets(), views.presets)


@command.command()
@click.argument("model")
@click.option("--from", "folder", type=options.PATH, help="Take the files from this folder first.")
@click.option("--offline", is_flag=True, help="Never use the network.")
@options.talks
def pull(model: str, folder: Path | None, offline: bool) -> None:
    """Get the weights of a model; its terms are shown first."""
    from stemwright.workflows import models

    output.show("models", output.run(models.pull(model, folder, offline)), views.files)


@command.command()
@click.argument("model")
@options.talks
def verify(model: str) -> None:
    """Check the weights on disk against their pinned hashes."""
    from stemwright.workflows import models

    output.show("models", models.verify(model), views.files)


@command.command("import")
@click.argument("file", type=options.PATH)
@options.talks
def import_(file: Path) -> None:
    """Take a weights file that you have; it is recognised by its hash."""
    from stemwright.workflows import models

    output.show("models", models.import_file(file), views.files)


@command.command()
@click.argument("model")
@options.talks
def remove(model: str) -> None:
    """Delete the weights of a model."""
    from stemwright.workflows import models

    output.show("models", models.remove(model), views.files)


@command.command()
@options.talks
def path() -> None:
    """Print the folder that the weights lie in."""
    from stemwright.workflows import models

    output.show("models", models.path(), views.files)
