"""The generated parts of README.md; `tests/test_docs.py` fails when they drift."""

from __future__ import annotations

import contextlib
import io
import math
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from stemwright import audit, resources
from stemwright.audit.rule import FAMILIES
from stemwright.cli import cli
from stemwright.separate import models, plan
from stemwright.session.fields import FIELDS
from stemwright.session.formats import formats

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / ".github" / "pictures"


def commands() -> str:
    """A table of all commands."""
    context = click.Context(cli)
    rows = ["| command | what it does |", "|---|---|"]
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command and command.help
        rows.append(f"| `stemwright {name}` | {command.help.splitlines()[0]} |")
    return "\n".join(rows)


def rules() -> str:
    """All audit rules, a folded table for each family."""
    off = {code for code, severity in audit.load_profile("protools").severities.items() if severity == "off"}
    blocks = []
    for family, about in FAMILIES.items():
        known = [rule for rule in audit.catalogue().values() if rule.code.startswith(family)]
        rows = ["| rule | severity | finds |", "|---|---|---|"]
        for rule in known:
            severity = f"{rule.severity}, when asked for" if rule.code in off else rule.severity
            rows.append(f"| `{rule.code}` | {severity} | {rule.title} |")
        head = f"<details><summary><b>{family}</b>: {about} ({len(known)} rules)</summary>"
        blocks.append("\n".join((head, "", *rows, "", "</details>")))
    return "\n".join(blocks)


def profiles() -> str:
    """The profiles by name."""
    named = [(name, audit.load_profile(name).title) for name in resources.names("profiles")]
    return "\n".join(["| profile | for |", "|---|---|", *(f"| `{name}` | {title} |" for name, title in named)])


def sessions() -> str:
    """What each session format holds, and how it was proved."""
    known = formats()
    rows = [f"| | {' | '.join(module.NAME for module in known.values())} |", f"|---|{'---|' * len(known)}"]
    for field in sorted(FIELDS):
        held = ("●" if field in module.EXPRESSES else "–" for module in known.values())
        rows.append(f"| {field.replace('_', ' ')} | {' | '.join(held)} |")
    rows += [
        "",
        "Whatever a format has no place for is told after writing and listed in the notes. How each was proved:",
        "",
    ]
    rows += ["| format | written files |", "|---|---|"]
    rows += [f"| {module.NAME} | {module.PROVED} |" for module in known.values()]
    return "\n".join(rows)


def presets() -> str:
    """What can be made of a mix."""
    rows = ["| preset | stems | models, by quality |", "|---|---|---|"]
    for preset in plan.presets():
        chosen = list(preset.plans.values())[-1]
        stems = ", ".join(chosen.stems) if len(chosen.stems) < 10 else f"{len(chosen.stems)} stems"
        made = "; ".join(f"{q}: {' + '.join(n.model for n in p.nodes)}" for q, p in preset.plans.items())
        rows.append(f"| `{preset.name}` | {stems} | {made} |")
    return "\n".join(rows)


def weights() -> str:
    """The models with the licences of their weights."""
    rows = ["| model | stems | weights | licence of the weights |", "|---|---|---|---|"]
    for card in models.cards():
        stems = (", ".join(card.stems) or "(beats)") if len(card.stems) < 10 else f"{len(card.stems)} stems"
        size = f"{math.ceil(card.bytes / 1e6)} MB" if card.bytes else "–"
        rows.append(f"| `{card.name}` | {stems} | {size} | {card.terms.licence} |")
    return "\n".join(rows)


def example() -> str:
    """Notes as they were when the pictures were taken."""
    return f"```\n{(PICTURES / 'notes.txt').read_text(encoding='utf-8').rstrip()}\n```"


def filled(readme: str) -> str:
    """README.md with every generated block made anew."""
    readme = re.sub(r"(number of models \|) \d+", rf"\1 {len(models.cards())}", readme)
    readme = re.sub(r"\d+( rules \|)", rf"{len(audit.catalogue())}\1", readme)
    blocks = {
        "commands": commands,
        "rules": rules,
        "profiles": profiles,
        "sessions": sessions,
        "presets": presets,
        "models": weights,
        "notes": example,
    }
    for name, make in blocks.items():
        block = f"<!-- {name} -->\n{make()}\n<!-- /{name} -->"
        readme, count = re.subn(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _, b=block: b, readme, flags=re.DOTALL)
        assert count == 1, f"README.md has no block {name}"
    return readme


def pictures() -> None:
    """SVG pictures of a real run of the demo and of an audit that finds things."""
    from rich.console import Console

    from stemwright.cli import main, output

    PICTURES.mkdir(parents=True, exist_ok=True)

    def picture(name: str, shown: str, *argv: str) -> None:
        plain = {"highlight": False, "markup": False, "emoji": False}
        screen = Console(record=True, width=104, file=io.StringIO(), force_terminal=True, **plain)
        screen.print(f"$ {shown}", style="bold")
        output.console = lambda stderr=False: screen  # type: ignore[assignment]
        with contextlib.suppress(SystemExit):
            main([*argv, "--progress", "none"])
        screen.save_svg(str(PICTURES / f"{name}.svg"), title="stemwright")

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        picture("prep", "stemwright prep --demo", "prep", "--demo")
        notes(Path("stemwright-demo/demo-song"))
        raw = Path("Stems")
        raw.mkdir()
        for wav in sorted(Path("stemwright-demo/demo-song").rglob("Demo_*.wav")):
            (raw / wav.name.replace("Demo_Bass", "Audio 1")).write_bytes(
                wav.read_bytes()[: 4_000_000 if "Drums" in wav.name else None]
            )
        picture("audit", "stemwright audit Stems/", "audit", "Stems")
        page(raw / "audit.html")
        Path("Song.wav").write_bytes((raw / "Demo_FullMix.wav").read_bytes())
        shown = "stemwright split Song.wav --title Song --preset 2_tracks --quality draft"
        picture("split", shown, *shown.split()[1:])


NOTES = """title = "Night Train"
artist = "Anna Berg"
click = "yes, in the whole song"
comments = "The vocal delay of the last chorus is meant; everything else may go."

[stems.Vocals]
printed_effects = "plate reverb 1.8 s, 1/4 delay"

[stems.Bass]
comments = "DI; re-amp it if you like"
"""


def notes(song: Path) -> None:
    """The notes of the demo as a picture and, for the README, as text."""
    from stemwright.cli import main

    stems = Path("Night Train")
    stems.mkdir()
    for wav in song.rglob("Demo_*.wav"):
        shutil.copyfile(wav, stems / wav.name.replace("Demo", "Night_Train"))
    (stems / "notes.toml").write_text(NOTES, encoding="utf-8")
    with contextlib.suppress(SystemExit):
        main(["prep", str(stems), "--pdf", "--out", "Notes", "--progress", "none"])
    [pdf] = Path("Notes").rglob("*_notes.pdf")
    if shutil.which("pdftoppm"):
        cut = ("-r", "80", "-png", "-f", "1", "-singlefile")
        subprocess.run(["pdftoppm", *cut, pdf, PICTURES / "notes"], check=True)
    (PICTURES / "notes.txt").write_bytes(pdf.with_suffix(".txt").read_bytes())


def page(path: Path) -> None:
    """A picture of the report page, where a browser is at hand."""
    from stemwright.workflows.audit import AuditOptions, audit_folder

    for _ in audit_folder(path.parent, AuditOptions(reports=(path,))):
        pass
    if browser := shutil.which("chromium") or shutil.which("google-chrome"):
        target = PICTURES / "report.png"
        size = ("--window-size=1180,1280", "--hide-scrollbars", "--force-color-profile=srgb", "--disable-gpu")
        shot = [browser, "--headless", "--no-sandbox", *size, f"--screenshot={target}", path.resolve().as_uri()]
        subprocess.run(shot, check=True, capture_output=True)


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(filled(readme.read_text(encoding="utf-8")), encoding="utf-8")
    if "--pictures" in sys.argv:
        pictures()
