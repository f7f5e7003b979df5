"""Strict reading of the raw tables: text in, typed rows and a list of problems out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import isfinite
from pathlib import Path

from trialpool.extraction.columns import Column, Table
from trialpool.extraction.problems import DataError, Problem
from trialpool.extraction.schema import CONDITION_TABLES, INSTRUMENTS

Value = str | float | int | None
Row = dict[str, Value]

_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
_DATE = re.compile(r"^\d{4}(-\d{2}(-\d{2})?)?$")
_DECIMAL_COMMA = re.compile(r"^[+-]?\d+,\d+$")
_NUMBER = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One table as read. Each row holds its typed cells and, under `row`, its number."""

    table: Table
    file: str
    rows: tuple[Row, ...]
    readable: bool = True
    printed: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def text(self, row: Row, column: str) -> str:
        """A cell as it was typed: `5.50`, where the row holds 5.5; blank where there is none."""
        cells = self.printed.get(int(row["row"] or 0))
        return cells[self.table.names.index(column)] if cells else ""

    def problem(
        self, row: Row | None, column: str, rule: str, fix: str, check: str, *, warn: bool = False
    ) -> Problem:
        """A problem in this table, at a row and column."""
        value = "" if row is None or row.get(column) is None else show(row[column])
        return Problem(
            file=self.file,
            row=None if row is None else int(row["row"] or 0),
            column=column,
            value=value,
            rule=rule,
            fix=fix,
            check=check,
            severity="warning" if warn else "error",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RawData:
    """The raw tables of one condition, with the instruments they use."""

    condition: str
    sheets: Mapping[str, Sheet]

    def __getitem__(self, name: str) -> Sheet:
        return self.sheets[name]

    def trials(self) -> dict[Value, Row]:
        """The trials by their id."""
        return {row["trial_id"]: row for row in self["trials"].rows}

    def instruments(self) -> dict[Value, Row]:
        """The instruments by their id."""
        return {row["instrument"]: row for row in self["instruments"].rows}


def second_look(row: Row) -> frozenset[str]:
    """The checks whose warning about this row a person has looked into and set aside."""
    return frozenset(name.strip() for name in str(row.get("checked") or "").split(";"))


def show(value: Value) -> str:
    """A cell as a person typed it: no trailing `.0`."""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def read_condition(folder: Path, condition: str) -> tuple[RawData, list[Problem]]:
    """Read all raw tables of a condition and the instruments.

    Parameters
    ----------
    folder : the raw data folder, holding instruments.csv and one folder per condition

    Returns
    -------
    The tables, and every problem of form: unreadable files, separators, columns, types.
    """
    sheets, problems = {}, []
    paths = [(INSTRUMENTS, folder / "instruments.csv")]
    paths += [(table, folder / condition / f"{table.name}.csv") for table in CONDITION_TABLES]
    for table, path in paths:
        sheet, found = read_table(path, table)
        sheets[table.name] = sheet
        problems += found
    return RawData(condition=condition, sheets=sheets), problems


def read_table(path: Path, table: Table) -> tuple[Sheet, list[Problem]]:
    """Read one table, its cells typed as the schema says.

    Returns
    -------
    The rows that could be read, and the problems found.
    """
    file = path.as_posix()
    problems: list[Problem] = []

    def add(row: int | None, column: str, value: str, rule: str, fix: str, check: str) -> None:
        problems.append(
            Problem(file=file, row=row, column=column, value=value, rule=rule, fix=fix, check=check)
        )

    def empty() -> tuple[Sheet, list[Problem]]:
        return Sheet(table=table, file=file, rows=(), readable=False), problems

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        add(None, "", "", "the file is missing", "Add it; a header line alone is enough", "file")
        return empty()
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        add(line, "", "", "not UTF-8 text", "Save the file as CSV UTF-8", "encoding")
        return empty()

    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        add(
            None,
            "",
            "",
            f"not readable as CSV ({error})",
            "Look for a quote that is opened and never closed",
            "csv",
        )
        return empty()
    if not lines or not any(lines[0]):
        add(None, "", "", "the file is empty", "Add the header line", "file")
        return empty()
    header = [name.strip() for name in lines[0]]
    separator = _other_separator(header, table)
    if separator:
        add(
            1,
            "",
            "",
            f"the columns are separated by {separator}, not by commas",
            "Save the file with commas (and decimal points)",
            "separator",
        )
        return empty()
    for name in table.names:
        if name not in header:
            add(
                1,
                name,
                "",
                "the column is missing",
                f"Add the column {name}; cells may be blank"
                if not table[name].required
                else f"Add the column {name}",
                "columns",
            )
    for name in header:
        if name not in table.names:
            add(
                1,
                name,
                "",
                "unknown column",
                "Remove it or fix the spelling (see data/raw/README.md)",
                "columns",
            )
        elif header.count(name) > 1:
            add(1, name, "", "the column stands twice", "Remove one of them", "columns")
    if problems:
        return empty()

    rows = []
    printed = {}
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            add(
                number,
                "",
                "",
                f"{len(cells)} cells where the header has {len(header)}",
                "Quote cells that hold a comma",
                "cells",
            )
            continue
        broken = next((n for n, c in zip(header, cells, strict=True) if "\n" in c.strip()), "")
        if broken:
            add(
                number,
                broken,
                "",
                "the cell holds a line break",
                "Remove it, or close the quote that was left open",
                "line_break",
            )
            continue
        row: Row = {"row": number}
        for name, cell in zip(header, cells, strict=True):
            value, fault = _typed(cell, table[name])
            row[name] = value
            if fault:
                add(number, name, cell.strip(), *fault)
        rows.append(row)
        typed = dict(zip(header, cells, strict=True))
        printed[number] = tuple(typed[name].strip() for name in table.names)
    return Sheet(table=table, file=file, rows=tuple(rows), printed=printed), problems


def _other_separator(header: list[str], table: Table) -> str:
    if len(header) != 1:
        return ""
    for sign, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        parts = [part.strip() for part in header[0].split(sign)]
        if len(parts) > 1 and set(parts) & set(table.names):
            return name
    return ""


Fault = tuple[str, str, str]


def _typed(cell: str, column: Column) -> tuple[Value, Fault | None]:
    """A cell's value, and what is wrong with it: rule, fix, check."""
    text = cell.replace("\u00a0", " ").strip()
    if not text:
        if column.required:
            return None, ("must not be blank", f"Fill in {column.meaning}", "required")
        return None, None
    return _PARSERS[column.kind](text, column)


def _number(text: str, column: Column) -> tuple[Value, Fault | None]:
    if _DECIMAL_COMMA.match(text):
        return None, ("a decimal comma", f"Write {text.replace(',', '.')}", "number")
    if not _NUMBER.match(text):
        return None, (
            "must be a number",
            "Write digits with a decimal point, or leave it blank and put the words in notes",
            "number",
        )
    value = float(text)
    if not isfinite(value):
        return None, ("is too large to be a number", "Correct the value", "number")
    if column.kind == "integer" and value != round(value):
        return None, (
            "must be a whole number",
            f"{column.meaning.capitalize()} cannot be a fraction; correct it",
            "integer",
        )
    if column.low is not None and value < column.low:
        return value, (f"must be at least {column.low:g}", _fix_low(column), "bounds")
    if column.high is not None and value > column.high:
        return value, (f"must be at most {column.high:g}", "Correct the value", "bounds")
    return (int(value) if column.kind == "integer" else value), None


def _fix_low(column: Column) -> str:
    if column.name in ("sd", "se", "sd_difference", "reference_sd"):
        return f"A {column.meaning} cannot be negative; check the sign in the source"
    return "Correct the value"


def _choice(text: str, column: Column) -> tuple[Value, Fault | None]:
    if text not in column.choices:
        return None, ("unknown value", f"Use one of {', '.join(column.choices)}", "choice")
    return text, None


def _yes_no(text: str, column: Column) -> tuple[Value, Fault | None]:
    if text not in ("yes", "no"):
        return None, ("must be yes or no", "Write yes or no", "choice")
    return text, None


def _identifier(text: str, column: Column) -> tuple[Value, Fault | None]:
    if not _ID.match(text):
        return text, (
            "not a valid short name",
            "Use letters, digits, `_`, `-` and `.` only, without spaces",
            "id",
        )
    return text, None


def _url(text: str, column: Column) -> tuple[Value, Fault | None]:
    if not text.startswith(("https://", "http://")):
        return text, ("not an address", "Write the full address, starting with https://", "url")
    return text, None


def _date(text: str, column: Column) -> tuple[Value, Fault | None]:
    try:
        if not _DATE.match(text):
            raise ValueError
        date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        return text, ("not a date", "Write YYYY-MM-DD, YYYY-MM or YYYY", "date")
    return text, None


_PARSERS: dict[str, Callable[[str, Column], tuple[Value, Fault | None]]] = {
    "number": _number,
    "integer": _number,
    "choice": _choice,
    "yes_no": _yes_no,
    "id": _identifier,
    "url": _url,
    "date": _date,
    "text": lambda text, column: (text, None),
}


def raise_errors(problems: list[Problem]) -> list[Problem]:
    """Raise when any problem is an error; otherwise hand back the warnings.

    Raises
    ------
    DataError
        listing every error, in the order of file and row
    """
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise DataError(sorted(errors, key=lambda p: (p.file, p.row or 0, p.column)))
    return problems
