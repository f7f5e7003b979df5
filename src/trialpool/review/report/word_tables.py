"""A table of a manuscript as a Word document: landscape, three rules, headings on every page.

The same rows give the same bytes: a docx is a zip of files, whose dates are fixed.
"""

from __future__ import annotations

import re
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from docx import Document
from docx.document import Document as Pages
from docx.enum.section import WD_ORIENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Cm, Pt
from docx.table import Table, _Cell

from trialpool.review.report.grid import Cell, Grid

_DAY = datetime(2000, 1, 1)
_SAVED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
_FONT = "Times New Roman"
_TEXT, _CAPTION = Pt(7.5), Pt(10)
_LONG, _SHORT, _MARGIN = Cm(29.7), Cm(21.0), Cm(1.5)
_NARROWEST, _WIDEST = 6, 40  # characters that a column's width is reckoned from
_RULES = {"top": "12", "bottom": "12"}  # eighths of a point


def write_word_table(path: str | Path, grid: Grid, author: str) -> None:
    """Write a table as a document of its own, on landscape A4.

    Parameters
    ----------
    grid : the table; its notes stand below it
    author : whom the document's properties name
    """
    document = Document()
    _page(document)
    said = document.core_properties
    said.title, said.author, said.last_modified_by, said.comments = grid.caption, author, author, ""
    said.created = said.modified = _DAY
    _paragraph(document, grid.caption, bold=True)
    if grid.rows:
        _table(document, grid)
    else:
        _paragraph(document, grid.empty)
    for mark, text in grid.notes:
        _paragraph(document, f"{mark} {text}".strip())
    content = BytesIO()
    document.save(content)
    Path(path).write_bytes(with_fixed_dates(content.getvalue()))


def with_fixed_dates(content: bytes) -> bytes:
    """A zip (docx, xlsx) with its files in the same order, of one date, not compressed.

    Builds of zlib compress to different bytes, and the published record is compared by byte.
    """
    out = BytesIO()
    with ZipFile(BytesIO(content)) as read, ZipFile(out, "w") as written:
        for info in sorted(
            read.infolist(), key=lambda info: info.filename != "[Content_Types].xml"
        ):
            entry = ZipInfo(info.filename, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system = ZIP_STORED, 3
            part = read.read(info)
            if info.filename == "docProps/core.xml":  # one library writes the time of saving
                part = _SAVED.sub(rb"\g<1>2000-01-01T00:00:00Z", part)
            written.writestr(entry, part)
    return out.getvalue()


def _page(document: Pages) -> None:
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = _LONG, _SHORT
    section.left_margin = section.right_margin = _MARGIN
    section.top_margin = section.bottom_margin = _MARGIN
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = _FONT, _TEXT
    normal.paragraph_format.space_after = Pt(2)


def _paragraph(document: Pages, text: str, bold: bool = False) -> None:
    run = document.add_paragraph().add_run(_printable(text))
    run.bold = bold
    run.font.size = _CAPTION if bold else _TEXT


def _table(document: Pages, grid: Grid) -> None:
    made = document.add_table(rows=1 + len(grid.rows), cols=len(grid.columns))
    made.autofit = False
    widths = _widths(grid)
    for width, column in zip(widths, made.columns, strict=True):
        column.width = width
    _ruled(made, _RULES)
    lines = [tuple(Cell(lines=(column.heading,)) for column in grid.columns), *grid.rows]
    # All cells at once: asked row by row, python-docx walks the whole table each time.
    cells = iter(made._cells)
    for place, line in enumerate(lines):
        for shown, width in zip(line, widths, strict=True):
            cell = next(cells)
            cell.width = width
            _fill(cell, _words(shown), bold=place == 0)
            if place == 0:
                _under(cell)
    heading = made.rows[0]._tr.get_or_add_trPr()
    heading.append(OxmlElement("w:tblHeader"))
    for row in made.rows:
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def _words(shown: Cell) -> str:
    text = "\n".join((*shown.lines, *(link.text for link in shown.links)))
    return text + (f" ({shown.mark})" if shown.mark else "")


def _fill(cell: _Cell, text: str, bold: bool) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(1)
    paragraph.add_run(_printable(text)).bold = bold


def _printable(text: str) -> str:
    """Text without the control characters that XML cannot hold, and without turning marks."""
    return "".join(c for c in text if c == "\n" or c.isprintable())


def _widths(grid: Grid) -> list[int]:
    """Width by the text of each column, between bounds, all together the width of the page."""
    longest = [
        min(max(len(column.heading), *(_typical(row[place]) for row in grid.rows)), _WIDEST)
        for place, column in enumerate(grid.columns)
    ]
    asked = [max(each, _NARROWEST) for each in longest]
    return [int((_LONG - 2 * _MARGIN) * each / sum(asked)) for each in asked]


def _typical(shown: Cell) -> int:
    return max((len(line) for line in shown.lines), default=0)


def _ruled(made: Table, rules: dict[str, str]) -> None:
    borders = OxmlElement("w:tblBorders")
    for side, size in rules.items():
        borders.append(_rule(side, size))
    made._tbl.tblPr.append(borders)


def _under(cell: _Cell) -> None:
    borders = OxmlElement("w:tcBorders")
    borders.append(_rule("bottom", "6"))
    cell._tc.get_or_add_tcPr().append(borders)


def _rule(side: str, size: str) -> BaseOxmlElement:
    rule = OxmlElement(f"w:{side}")
    for name, value in {"val": "single", "sz": size, "space": "0", "color": "auto"}.items():
        rule.set(qn(f"w:{name}"), value)
    return rule
