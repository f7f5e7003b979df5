"""A condition's raw tables as a workbook, with the code book on a sheet of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from trialpool.columns import Column, Table
from trialpool.results import TrialpoolError
from trialpool.review.exchange.formats import Export, Exported
from trialpool.review.exchange.store import raw_cells
from trialpool.review.exchange.xlsx.cells import TEXT, put
from trialpool.review.extraction.problems import DataError
from trialpool.review.extraction.read import read_condition
from trialpool.review.schema.added import with_added
from trialpool.review.schema.raw import CONDITION_TABLES, INSTRUMENTS

CODE_BOOK = "code book"
_HEADER = ("sheet", "column", "type", "unit", "required", "allowed", "meaning")
_WIDEST = 40
_LONGEST = 32767  # characters a cell of Excel holds


def write(path: Path, export: Export) -> Exported:
    """Write the raw tables of a condition, the instruments and the code book.

    Raises
    ------
    DataError
        when the raw tables cannot be read
    TrialpoolError
        when a cell holds what a workbook cannot
    """
    _, problems = read_condition(export.raw, export.condition, export.added)
    if problems:
        raise DataError(problems)
    tables = raw_cells(export.raw, export.condition)
    book = Workbook()
    book.remove(book.worksheets[0])
    declared = [with_added(table, export.added) for table in (INSTRUMENTS, *CONDITION_TABLES)]
    for table in declared:
        _sheet(book.create_sheet(table.name), table, tables[table.name])
    _code_book(book.create_sheet(CODE_BOOK), declared)
    book.save(path)
    return Exported(
        rows={name: len(rows) for name, rows in tables.items()},
        assumed=("numbers are number cells that show the digits typed; all else is text",),
    )


def _sheet(sheet: Worksheet, table: Table, rows: list[dict[str, str]]) -> None:
    for place, column in enumerate(table.columns, start=1):
        head = sheet.cell(row=1, column=place, value=column.name)
        head.font = Font(bold=True)
        # A column's format is what Excel gives to a cell that is typed into later.
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = _width(column, rows)
        if column.kind not in ("number", "integer"):
            sheet.column_dimensions[letter].number_format = TEXT
        for number, row in enumerate(rows, start=2):
            text = row.get(column.name, "")
            where = f"{sheet.title}!{letter}{number}"
            if len(text) > _LONGEST:
                raise TrialpoolError(f"{where}: {len(text)} characters; a cell holds {_LONGEST}")
            put(sheet.cell(row=number, column=place), text, column)
    sheet.freeze_panes = "B2"


def _width(column: Column, rows: list[dict[str, str]]) -> int:
    longest = max([len(column.name), *(len(row.get(column.name, "")) for row in rows)])
    return min(longest + 2, _WIDEST)


def _code_book(sheet: Worksheet, declared: Sequence[Table]) -> None:
    sheet.append(_HEADER)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for table in declared:
        for column in table.columns:
            kind, required = column.kind.replace("_", "/"), "yes" if column.required else ""
            about = (table.name, column.name, kind, column.unit, required)
            sheet.append((*about, _allowed(column), column.meaning))
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDEFG", (16, 20, 10, 10, 10, 40, 80), strict=True):
        sheet.column_dimensions[letter].width = width


def _allowed(column: Column) -> str:
    if column.choices:
        return ", ".join(column.choices)
    bounds = [f"at least {column.low:g}"] if column.low is not None else []
    bounds += [f"at most {column.high:g}"] if column.high is not None else []
    return ", ".join(bounds)
