"""`stemwright push`: send an archive or a delivery."""

from __future__ import annotations

from pathlib import Path

import click

from stemwright.cli import options, output, pack_views


@click.command()
@click.argument("source", type=options.PATH)
@click.argument("url")
@click.option("--force", is_flag=True, help="Replace other files of the same names there.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, send nothing.")
@options.talks
def command(source: Path, url: str, force: bool, dry_run: bool) -> int:
    """Send an archive or a folder into a folder elsewhere: S3, Google, SFTP, a mounted disk, whatever fsspec knows.

    A push that was stopped goes on when the same command is given again. Everything is read back and compared.

    \b
    stemwright push My_Song_120_Am.zip s3://bucket/for-mix
    stemwright push My_Song_120_Am/ sftp://studio.example/incoming
    """
    from stemwright.workflows.push import push_to

    return output.show("push", output.run(push_to(source, url, force=force, dry_run=dry_run)), pack_views.pushed)
