"""Notes as PDF: the Markdown notes, set on A4 pages by fpdf2, an optional extra. The same notes give the same bytes."""

from __future__ import annotations

import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from stemwright.errors import MissingExtra
from stemwright.handover import _fonts
from stemwright.handover._markdown import Table, Text, Words, blocks, plain

if TYPE_CHECKING:
    from fpdf import FPDF

INK, GREY, ACCENT, LINE, TINT = (30, 34, 42), (104, 112, 124), (24, 78, 119), (208, 214, 221), (244, 246, 249)
_SEVERITIES = {"error": (172, 36, 42), "warning": (158, 98, 0)}
_MARGIN, _LABEL = 18.0, 26.0
"""Of the page, and the width of the labels in a box of facts; mm."""
_BODY, _SMALL, _LEADING = 9.6, 8.6, 5.0
"""Points, points, and mm from line to line."""


def require() -> None:
    """Raises MissingExtra when a PDF cannot be made here."""
    try:
        import fpdf  # noqa: F401
        import markdown_it  # noqa: F401
    except ImportError as error:
        raise MissingExtra("a PDF needs packages that are not installed", "pip install 'stemwright[pdf]'") from error
    _fonts.files()


def typeset(markdown: str, date: str, producer: str) -> bytes:
    """The pages of Markdown notes; `date`, as 2026-11-21, and `producer` stand in the file. Raises MissingExtra."""
    require()
    found = list(blocks(markdown))
    title = next((plain(block.words) for block in found if isinstance(block, Text) and block.level == 1), "Notes")
    with TemporaryDirectory(prefix="stemwright-") as folder:
        pages = _pages(markdown, title, Path(folder))
        pages.set_title(title)
        pages.set_producer(producer)
        pages.set_creation_date(datetime.datetime.fromisoformat(date).replace(tzinfo=datetime.UTC))
        pages.add_page()
        head = True
        for block in found:
            head = head and not (isinstance(block, Text) and block.kind == "heading" and block.level > 1)
            if isinstance(block, Table):
                _table(pages, block) if block.head else _box(pages, block)
            elif block.kind == "heading":
                _title(pages, block.words) if block.level == 1 else _heading(pages, block.words)
            else:
                _text(pages, block, GREY if head else INK)
        return bytes(pages.output())


def _pages(text: str, title: str, folder: Path) -> FPDF:
    from fpdf import FPDF

    class Pages(FPDF):
        def footer(self) -> None:
            self.set_y(-14)
            self.set_font(size=8)
            self.set_text_color(*GREY)
            self.cell(0, 5, title[:90])
            self.set_x(self.l_margin)
            self.cell(0, 5, str(self.page_no()), align="R")

    pages = Pages(format="A4")
    pages.set_margin(_MARGIN)
    pages.c_margin = 0
    pages.set_auto_page_break(True, margin=20)
    families = []
    for family, style, path in _fonts.cut(f"{text}{title}0123456789•–", folder):
        pages.add_font(family, style, path)
        families.append(family)
    pages.set_fallback_fonts(list(dict.fromkeys(families[1:])), exact_match=False)
    pages.set_font(families[0], size=_BODY)
    try:
        pages.set_text_shaping(True)  # joins Arabic letters, and sets it from the right
    except ImportError:
        pages.set_text_shaping(False)
    return pages


def _title(pages: FPDF, words: Words) -> None:
    pages.set_font(style="B", size=21)
    pages.set_text_color(*INK)
    pages.multi_cell(0, 9, plain(words), align="L", new_x="LMARGIN", new_y="NEXT")
    pages.set_draw_color(*ACCENT)
    pages.set_line_width(0.8)
    y = pages.get_y() + 2
    pages.line(_MARGIN, y, _MARGIN + 24, y)
    pages.set_y(y + 4)


def _heading(pages: FPDF, words: Words) -> None:
    if pages.will_page_break(32):  # never the last line of a page
        pages.add_page()
    pages.ln(5)
    pages.set_font(style="B", size=11.5)
    pages.set_text_color(*ACCENT)
    pages.multi_cell(0, 6, plain(words), align="L", new_x="LMARGIN", new_y="NEXT")
    pages.set_draw_color(*LINE)
    pages.set_line_width(0.25)
    pages.line(_MARGIN, pages.get_y(), _MARGIN + pages.epw, pages.get_y())
    pages.ln(2.2)


def _text(pages: FPDF, block: Text, colour: tuple[int, int, int]) -> None:
    """A paragraph, or an item with its bullet in the margin."""
    indent = 4.5 * (block.level + 1) if block.kind == "item" else 0.0
    pages.set_font(style="", size=_BODY)
    if pages.will_page_break(_LEADING):
        pages.add_page()
    if block.kind == "item":
        pages.set_text_color(*GREY)
        pages.set_x(_MARGIN + indent - 3.5)
        pages.cell(3.5, _LEADING, "•" if not block.level else "–")
    pages.set_left_margin(_MARGIN + indent)
    pages.set_x(_MARGIN + indent)
    for piece, bold in block.words:
        pages.set_font(style="B" if bold else "", size=_BODY)
        pages.set_text_color(*(_SEVERITIES.get(piece, INK) if bold else colour))
        pages.write(_LEADING, piece)
    pages.ln(_LEADING)
    pages.set_left_margin(_MARGIN)
    pages.ln(0.6 if block.kind == "item" else 1.2)


def _box(pages: FPDF, table: Table) -> None:
    """Facts on a tinted ground: names in grey, values in black."""
    from fpdf.enums import TableBordersLayout
    from fpdf.fonts import FontFace

    label, value = FontFace(color=GREY, fill_color=TINT, size_pt=_SMALL), FontFace(color=INK, fill_color=TINT)
    pages.set_font(style="", size=_BODY)
    widths = (_LABEL, pages.epw - _LABEL)
    with pages.table(
        col_widths=widths,
        text_align="LEFT",
        first_row_as_headings=False,
        borders_layout=TableBordersLayout.NONE,
        line_height=_LEADING,
        padding=(0.6, 3, 0.6, 3),
        v_align="T",
    ) as drawn:
        for row in table.rows:
            cells = drawn.row()
            cells.cell(row[0], style=label)
            cells.cell(" | ".join(row[1:]), style=value)
    pages.ln(2)


def _table(pages: FPDF, table: Table) -> None:
    """Rows under a head that every page repeats; file names keep their lines as long as there is room."""
    from fpdf.enums import TableBordersLayout, TableCellFillMode
    from fpdf.fonts import FontFace

    pages.set_font(style="", size=_SMALL)
    pages.set_text_color(*INK)
    pages.set_draw_color(*LINE)
    pages.set_line_width(0.2)
    with pages.table(
        col_widths=_widths(pages, table),
        text_align=tuple("RIGHT" if right else "LEFT" for right in table.right),
        headings_style=FontFace(emphasis="", color=GREY, fill_color=(255, 255, 255)),
        borders_layout=TableBordersLayout.SINGLE_TOP_LINE,
        cell_fill_color=TINT,
        cell_fill_mode=TableCellFillMode.EVEN_ROWS,
        line_height=_LEADING - 0.4,
        padding=(0.7, 1.6, 0.7, 1.6),
        v_align="T",
    ) as drawn:
        for row in (table.head, *table.rows):
            drawn.row((*row, *("",) * len(table.head))[: len(table.head)])
    pages.ln(2.5)


def _widths(pages: FPDF, table: Table) -> tuple[float, ...]:
    """As wide as the longest text of each column, the widest giving way where all are too much, or taking the rest."""
    rows = (table.head, *table.rows)
    widths = [max(pages.get_string_width(row[n]) for row in rows if n < len(row)) + 4.2 for n in range(len(table.head))]
    while sum(widths) > pages.epw:
        widest = widths.index(max(widths))
        second = max([width for n, width in enumerate(widths) if n != widest], default=0.0)
        widths[widest] = max(widths[widest] - (sum(widths) - pages.epw), second - 1.0, 10.0)
        if max(widths) <= 10.0:
            break
    texts = [width * (not right) for width, right in zip(widths, table.right, strict=True)]
    widths[texts.index(max(texts))] += max(pages.epw - sum(widths), 0.0)
    return tuple(widths)
