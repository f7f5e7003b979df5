"""Raw tables from a workbook, as strictly as from CSV: every problem with its cell, all at once."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.worksheet.worksheet import Worksheet

from trialpool.columns import Table
from trialpool.results import TrialpoolError
from trialpool.review.exchange import limits
from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.imported import Cells, Imported, Left
from trialpool.review.exchange.xlsx.cells import got
from trialpool.review.exchange.xlsx.write import CODE_BOOK
from trialpool.review.extraction.problems import DataError, Problem
from trialpool.review.extraction.read import read_table
from trialpool.review.schema.added import with_added
from trialpool.review.schema.raw import CONDITION_TABLES, INSTRUMENTS

_TABLES = {table.name: table for table in (INSTRUMENTS, *CONDITION_TABLES)}
_Cell = Cell | MergedCell
_AGAIN = "Give the cell the format Text and type it again"


def read(path: Path, options: ImportOptions) -> Imported:
    """Read a workbook with one sheet per raw table.

    Raises
    ------
    DataError
        listing every cell that is no number, date or text of the code book
    TrialpoolError
        when the file is not a workbook
    """
    content = limits.workbook_bytes(path)
    stored, formulas = (open_workbook(path, content, values=each) for each in (True, False))
    problems: list[Problem] = []
    tables: dict[str, list[Cells]] = {}
    headers: dict[str, list[str]] = {}
    computed = 0
    for name, declared in _TABLES.items():
        table = with_added(declared, options.added)
        if name not in stored.sheetnames:
            where, fix = f"{path.name}, sheet {name}", "Add it; a header row alone is enough"
            problems.append(_problem(where, None, "", "the sheet is missing", fix))
            continue
        if not isinstance(stored[name], Worksheet):
            where, rule = f"{path.name}, sheet {name}", "a chart, not a sheet of cells"
            problems.append(_problem(where, None, "", rule, "Rename it, and add the sheet"))
            continue
        far = stored[name].max_row, stored[name].max_column
        limits.of_table(path, f"sheet {name}", *far)
        sheet = _Sheet(path, stored[name], formulas[name], table)
        lines = sheet.lines()
        computed += sheet.computed
        problems += sheet.problems
        problems += _of_form(path, table, lines)
        headers[name] = lines[0]
        tables[name] = [
            dict(zip(lines[0], line, strict=True))
            for line in lines[1:]
            if any(cell.strip() for cell in line)
        ]
    if problems:
        raise DataError(problems)
    said = [f"{computed} formulas: the results stored in the file were taken"] if computed else []
    return Imported(
        tables=tables, headers=headers, assumed=tuple(said), left=tuple(_others(stored))
    )


def open_workbook(path: Path, content: bytes, *, values: bool) -> Workbook:
    """The workbook in these bytes; with `values`, of formulas the results that are stored.

    Raises
    ------
    TrialpoolError
        if they are no workbook
    """
    try:
        with warnings.catch_warnings():
            # openpyxl warns of parts it leaves out, such as drop-down lists; none holds data.
            warnings.simplefilter("ignore", UserWarning)
            return load_workbook(io.BytesIO(content), data_only=values)
    except Exception as error:  # whatever a damaged workbook can make its reader raise
        raise TrialpoolError(
            f"{path.name}: not a workbook that can be read ({error}); save it as .xlsx"
        ) from None


class _Sheet:
    """One sheet: its values, and which of its cells are formulas."""

    def __init__(self, path: Path, stored: Worksheet, formulas: Worksheet, table: Table) -> None:
        self.path, self.stored, self.formulas, self.table = path, stored, formulas, table
        self.problems: list[Problem] = []
        self.computed = 0

    def lines(self) -> list[list[str]]:
        """The text of each row, the header first; blank rows keep their place."""
        header = [str(cell.value or "").strip() for cell in self.stored[1]]
        while header and not header[-1]:
            header.pop()
        for area in self.stored.merged_cells.ranges:
            self._add(area.min_row, area.coord, "cells are merged", "Split them; one fact a cell")
        rows = self.stored.iter_rows(min_row=2)
        return [
            header,
            *([self._text(cell, name) for cell, name in self._named(row, header)] for row in rows),
        ]

    def _named(self, row: tuple[_Cell, ...], header: list[str]) -> Iterator[tuple[_Cell, str]]:
        for place, cell in enumerate(row):
            if place < len(header):
                yield cell, header[place]
            elif cell.value is not None:
                rule = "a cell beyond the last column of the header"
                self._add(cell.row, cell.coordinate, rule, "Remove it, or give the column its name")

    def _text(self, cell: _Cell, name: str) -> str:
        formula = self.formulas[cell.coordinate].data_type == "f"
        if formula and cell.value is None:
            fix = "Open the file in Excel and save it, or type the value"
            self._add(cell.row, cell.coordinate, "a formula without a stored result", fix)
            return ""
        self.computed += formula
        if cell.data_type == "e":
            rule = f"an error of Excel ({cell.value})"
            self._add(cell.row, cell.coordinate, rule, "Correct it or leave it blank")
            return ""
        if name not in self.table.names:
            return str(cell.value or "")
        text, wrong = got(cell.value, cell.number_format, self.table[name])
        if wrong:
            self._add(cell.row, cell.coordinate, wrong, _AGAIN)
        return text

    def _add(self, row: int | None, coordinate: str, rule: str, fix: str) -> None:
        file = f"{self.path.name}, sheet {self.table.name}"
        self.problems.append(_problem(file, row, coordinate, rule, fix))


def _of_form(path: Path, table: Table, lines: list[list[str]]) -> list[Problem]:
    """What the reader of CSV says of the same cells; rows have the same numbers in both."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{table.name}.csv"
        with file.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(lines)
        _, problems = read_table(file, table)
    return [replace(problem, file=f"{path.name}, sheet {table.name}") for problem in problems]


def _problem(file: str, row: int | None, cell: str, rule: str, fix: str) -> Problem:
    where = f"cell {cell}" if cell else ""
    return Problem(file=file, row=row, column=where, value="", rule=rule, fix=fix, check="xlsx")


def _others(book: Workbook) -> Iterator[Left]:
    for name in book.sheetnames:
        if name not in _TABLES and name != CODE_BOOK:
            rows = getattr(book[name], "max_row", 0)  # a chart has none
            yield Left(name, "sheet", f"{rows} rows", "not a raw table")
