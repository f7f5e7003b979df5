"""The tables of a condition as one workbook, with a sheet that says what each column is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from trialpool import tables
from trialpool.columns import Column, Table
from trialpool.review.report.word_tables import with_fixed_dates
from trialpool.review.schema.results import RESULT_TABLES

_DAY = datetime(2000, 1, 1)
_LONGEST = 31  # letters of a sheet's name that a spreadsheet takes
# Letters that no cell may hold, and those that make a cell a formula.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_FORMULA = ("=", "+", "-", "@", "\t")


def write_workbook(path: str | Path, frames: Mapping[str, pd.DataFrame], title: str) -> None:
    """Write tables as sheets; the same tables give the same bytes.

    Parameters
    ----------
    frames : tables by the names of their sheets; the part before a blank names the declared table
    title : of the document
    """
    book = Workbook()
    said = book.properties
    said.title, said.creator, said.created, said.modified = title, "trialpool", _DAY, _DAY
    book.remove(book.worksheets[0])
    _fill(book.create_sheet("README"), ["sheet", "column", "meaning", "unit"], _described(frames))
    for name, frame in frames.items():
        sheet = book.create_sheet(name[:_LONGEST])
        _fill(sheet, list(frame.columns), frame.itertuples(index=False, name=None))
    content = BytesIO()
    book.save(content)
    Path(path).write_bytes(with_fixed_dates(content.getvalue()))


def _described(frames: Mapping[str, pd.DataFrame]) -> list[list[str]]:
    rows = []
    for name, frame in frames.items():
        declared: Table = RESULT_TABLES[name.partition(" ")[0]]
        known = {column.name: column for column in declared.columns}
        for column in map(str, frame.columns):
            said = known.get(column, Column(column, "text", "a column of this review’s own"))
            rows.append([name[:_LONGEST], column, said.meaning, said.unit])
    return rows


def _fill(sheet: Worksheet, heading: list[Any], rows: Any) -> None:
    sheet.append(heading)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    for row in rows:
        sheet.append([_cell(value) for value in row])
        # A name that begins as a formula is text: a spreadsheet would compute it.
        for cell in sheet[sheet.max_row]:
            if isinstance(cell.value, str) and cell.value.startswith(_FORMULA):
                cell.data_type = "s"


def _cell(value: Any) -> Any:
    """A value as a cell holds it; a blank for none."""
    if tables.cell(value) == "":
        return None
    return _CONTROL.sub("", value) if isinstance(value, str) else value
