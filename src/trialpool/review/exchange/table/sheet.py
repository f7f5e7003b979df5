"""The rows of a published sheet as texts, from CSV or a workbook."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from pathlib import Path

from trialpool.review.exchange import limits
from trialpool.review.exchange.draft import MalformedFileError, read_bytes
from trialpool.review.exchange.xlsx.read import open_workbook

_SIGNATURES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def rows_of(path: Path, sheet: str = "") -> list[list[str]]:
    """Every row of the file, or of a workbook's sheet: the named one, else the first with cells.

    Raises
    ------
    TrialpoolError
        if the file cannot be read, or is larger than the limits
    """
    content = read_bytes(path)
    if content.startswith(_SIGNATURES):
        return _of_workbook(path, sheet)
    return _of_csv(path, content)


def _of_csv(path: Path, content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    if "\x00" in text:
        raise MalformedFileError(path, "", "not a text file", "Save the sheet as CSV or .xlsx")
    lines = text.splitlines()[:50]
    # The separator that stands in most of the first lines; commas may be decimal marks.
    mark = max((";", "\t", ","), key=lambda sign: sum(sign in line for line in lines))
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))
    except csv.Error as error:
        raise MalformedFileError(path, "", f"not readable as CSV ({error})") from None
    limits.of_lines(path, rows)
    return [[cell.strip() for cell in row] for row in rows]


def _of_workbook(path: Path, wanted: str) -> list[list[str]]:
    book = open_workbook(path, limits.workbook_bytes(path), values=True)
    sheets = list(book.worksheets)  # without chart sheets
    named = [each for each in sheets if each.title == wanted] if wanted else sheets
    if not named:
        rule = f"no sheet is called {wanted}" if wanted else "no sheet with cells"
        names = ", ".join(each.title for each in sheets)
        raise MalformedFileError(path, "", rule, f"Name one of {names}" if names else "Add one")
    for each in named:
        limits.of_table(path, f"sheet {each.title}", each.max_row, each.max_column)
        rows = [[_text(value) for value in row] for row in each.iter_rows(values_only=True)]
        if wanted or any(any(row) for row in rows):
            return rows
    return []


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime | date):
        return f"{value:%Y-%m-%d}"
    return " ".join(str(value).split())
