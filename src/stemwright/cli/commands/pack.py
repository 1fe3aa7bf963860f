"""`stemwright pack`: one archive to send, and the check of one that was received."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from stemwright.cli import named, options, output, pack_views


@click.command()
@click.argument("source", type=options.PATH)
@click.option("--mp3", is_flag=True, help="Add a side folder of MP3 references (needs ffmpeg or lame).")
@click.option("--verify", is_flag=True, help="Check a received archive, or a folder, against its checksums.")
@click.option("--extract", type=options.PATH, metavar="DIR", help="With --verify: unpack there when nothing is wrong.")
@named.profile(" to audit against (default: the delivery's own)", default="")
@click.option("-o", "--out", type=options.PATH, help="FILE.zip, or the folder to make it in (default: beside SOURCE).")
@click.option("--force", is_flag=True, help="Replace an archive; pack what is unfinished or has errors.")
@click.option("--dry-run", is_flag=True, help="Say what would be packed, write nothing.")
@options.talks
def command(source: Path, verify: bool, extract: Path | None, **asked: Any) -> int:
    """Pack a delivery as one ZIP with checksums, manifest and report page.

    Unfinished deliveries and those in which the audit finds errors are refused; --force packs them all the same.

    \b
    stemwright pack My_Song_120_Am/ --mp3
    stemwright pack --verify My_Song_120_Am.zip --extract Received/
    """
    from stemwright.workflows import pack

    given = click.get_current_context().get_parameter_source
    if (extract and not verify) or (verify and any(given(name) is ParameterSource.COMMANDLINE for name in asked)):
        raise click.UsageError("--verify goes with --extract only, and --extract with --verify")
    if verify:
        checked = output.run(pack.verify(source, extract))
        return output.show("verify", checked, pack_views.verified, ok=not checked.result.problems)
    return output.show("pack", output.run(pack.pack_folder(source, pack.PackOptions(**asked))), pack_views.packed)
