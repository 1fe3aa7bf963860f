"""Fonts for a PDF: of Noto Sans (SIL Open Font License) just the letters that a text needs, regular and bold.

They come with the extra `pdf` as packages of their own, Latin and twenty more scripts in one, Chinese, Japanese and
Korean in another. Letters are cut out before the weight is set: whole variable fonts would take ten times as long.
"""

from __future__ import annotations

import importlib.util
import logging
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.errors import MissingExtra

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
_WEIGHTS = {"": 400, "B": 700}
_FIRST = "NotoSans["
_UNKNOWN = "\ufffd"


def files() -> tuple[Path, ...]:
    """The upright fonts that are installed, that for Latin first. Raises MissingExtra when there is none."""
    places = [spec.origin for spec in map(importlib.util.find_spec, _PACKAGES) if spec and spec.origin]
    found = [path for place in places for path in Path(place).parent.glob("Noto*.tt[fc]") if "Italic" not in path.name]
    if not any(path.name.startswith(_FIRST) for path in found):
        raise MissingExtra("no font for a PDF is installed", "pip install 'stemwright[pdf]'")
    return tuple(sorted(found, key=lambda path: (not path.name.startswith(_FIRST), path.suffix == ".ttc", path.name)))


def cut(text: str, folder: Path) -> Iterator[tuple[str, str, Path]]:
    """(family, style, file) of fonts that together hold the letters of a text, made in `folder`; the main one first."""
    from fontTools.ttLib import TTFont

    for talker in ("fontTools", "fpdf"):  # of every table that they do not know, and letters that nobody has
        logging.getLogger(talker).setLevel(logging.ERROR)
    left = {letter for letter in text if unicodedata.category(letter) not in ("Cc", "Cf")} | {_UNKNOWN}
    for number, path in enumerate(files()):
        with TTFont(path, fontNumber=0, lazy=True) as font:
            held = left & {chr(code) for code in font.getBestCmap()}
        if held:
            left -= held
            for style, weight in _WEIGHTS.items():
                target = folder / f"{number}{style}.ttf"
                _write(path, "".join(sorted(held | {" "})), weight, target)
                yield f"noto{number}", style, target
        if not left:
            return


def _write(path: Path, letters: str, weight: int, target: Path) -> None:
    """Some letters of a variable font in one weight."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont
    from fontTools.varLib.instancer import instantiateVariableFont

    options = Options()
    options.layout_features = ["*"]
    options.drop_tables += ["STAT", "vhea", "vmtx", "VORG"]
    subsetter = Subsetter(options)
    subsetter.populate(text=letters)
    with TTFont(path, fontNumber=0, lazy=True, recalcTimestamp=False) as font:
        subsetter.subset(font)
        instantiateVariableFont(
            font, {axis.axisTag: None for axis in font["fvar"].axes} | {"wght": weight}, inplace=True
        )
        if "CFF2" in font:
            _quadratic(font)
        font.save(target)


def _quadratic(font: TTFont) -> None:
    """Turn the outlines of a CFF2 font, which no PDF can hold, into those of TrueType (to 1/1000 of its size)."""
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.ttLib import newTable

    drawn = {}
    for name, glyph in font.getGlyphSet().items():
        pen = TTGlyphPen(None)
        glyph.draw(Cu2QuPen(pen, font["head"].unitsPerEm / 1000, reverse_direction=True))
        drawn[name] = pen.glyph()
    font["loca"], font["glyf"] = newTable("loca"), newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = font.getGlyphOrder(), drawn
    maxp = font["maxp"]
    maxp.tableVersion, maxp.maxZones = 0x00010000, 1
    for limit in (
        "TwilightPoints",
        "Storage",
        "FunctionDefs",
        "InstructionDefs",
        "StackElements",
        "SizeOfInstructions",
    ):
        setattr(maxp, f"max{limit}", 0)
    maxp.maxComponentElements = 0
    del font["CFF2"]
    font.sfntVersion = "\0\1\0\0"
