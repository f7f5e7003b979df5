"""Strict reading of the raw tables: text in, typed rows and a list of problems out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from trialpool.columns import Column, Table
from trialpool.review.extraction.cells import Value, typed
from trialpool.review.extraction.files import FormError, read_lines
from trialpool.review.extraction.forms import Fault
from trialpool.review.extraction.problems import DataError, Problem, merged_rows
from trialpool.review.schema.added import EXTENSIBLE, Added, with_added
from trialpool.review.schema.raw import CONDITION_TABLES, INSTRUMENTS

__all__ = ["Outcomes", "RawData", "Row", "Sheet", "Value", "raise_errors", "read_condition",
           "read_table", "second_look", "show"]  # fmt: skip

Row = dict[str, Value]
# outcome -> {"kind": "continuous" | "binary", "better": "lower" | "higher"}
Outcomes = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One table as read. Each row holds its typed cells and, under `row`, its number.

    `readable` is whether there are rows to look at, `whole` whether none had to be left out, and
    `sound` whether nothing at all was wrong with its form. `printed` holds the cells of a row as
    they were typed, in the order of `header`.
    """

    table: Table
    file: str
    rows: tuple[Row, ...]
    readable: bool = True
    whole: bool = True
    sound: bool = True
    header: Mapping[str, int] = field(default_factory=dict)
    printed: Mapping[int, Sequence[str]] = field(default_factory=dict)

    def text(self, row: Row, column: str) -> str:
        """A cell as it was typed: `5.50`, where the row holds 5.5; blank where there is none."""
        cells = self.printed.get(int(row["row"] or 0))
        return cells[self.header[column]].strip() if cells and column in self.header else ""

    def problem(
        self, row: Row | None, column: str, rule: str, fix: str, check: str, *, warn: bool = False
    ) -> Problem:
        """A problem in this table, at a row and column."""
        value = ""
        if row is not None and row.get(column) is not None:
            value = _visible(self.text(row, column) or show(row[column]))
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
    """The raw tables of one condition, with the instruments they use.

    `alone` are the outcomes of which one group is a result by itself.
    """

    condition: str
    sheets: Mapping[str, Sheet]
    alone: frozenset[str] = frozenset()

    def under(self, outcomes: Outcomes) -> RawData:
        """These data as the outcomes of the protocol are to be read."""
        alone = {name for name, rule in outcomes.items() if "1" in rule.get("groups", "2")}
        return replace(self, alone=frozenset(alone))

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
    names = str(row.get("checked") or "").split(";")
    return frozenset(name.strip() for name in names if name.strip())


def show(value: Value) -> str:
    """A cell as a person typed it: no trailing `.0`."""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def read_condition(folder: Path, condition: str, added: Added) -> tuple[RawData, list[Problem]]:
    """Read all raw tables of a condition and the instruments.

    Parameters
    ----------
    folder : the raw data folder, holding instruments.csv and one folder per condition
    added : the columns the protocol adds

    Returns
    -------
    The tables, and every problem of form: unreadable files, separators, columns, types.
    """
    sheets, problems = {}, []
    paths = [(INSTRUMENTS, folder / "instruments.csv")]
    paths += [(table, folder / condition / f"{table.name}.csv") for table in CONDITION_TABLES]
    for table, path in paths:
        sheet, sheet_problems = read_table(path, with_added(table, added))
        sheets[table.name] = sheet
        problems += sheet_problems
    return RawData(condition=condition, sheets=sheets), problems


def optional_file(folder: Path | str, name: str) -> list[str]:
    """The file of an optional table, by its name, if it exists."""
    path = Path(folder) / f"{name}.csv"
    return [path.as_posix()] if path.exists() else []


def read_table(path: Path, table: Table) -> tuple[Sheet, list[Problem]]:
    """Read one table, its cells typed as the schema says; an optional column may be missing.

    Returns
    -------
    The rows that could be read, and the problems found.
    """
    file = path.as_posix()
    nothing = Sheet(table=table, file=file, rows=(), readable=False, whole=False, sound=False)
    try:
        lines = read_lines(path)
    except FormError as error:
        return nothing, [_problem(file, error.row, "", "", error.fault)]
    header = [name.strip() for name in lines[0]]
    problems = [
        _problem(file, 1, column, "", fault) for column, fault in _header_faults(header, table)
    ]
    if problems:
        return nothing, problems

    rows: list[Row] = []
    printed: dict[int, Sequence[str]] = {}
    columns = [_Column(table[name]) for name in header]
    names = ["row", *header]
    blank = dict.fromkeys(name for name in table.names if name not in header)
    whole = True
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cells) or not any(cell.strip() for cell in cells):
            continue
        if fault := _line_fault(header, cells):
            problems.append(_problem(file, number, fault[0], "", fault[1]))
            whole = False
            continue
        values = [column[cell] for column, cell in zip(columns, cells, strict=True)]
        rows.append(dict(zip(names, [number, *values], strict=True)) | blank)
        printed[number] = cells
    for name, column in zip(header, columns, strict=True):
        # A row without its name is not there for those who refer to it.
        whole = whole and not (column.faults and name in table.key)
    places = {name: place for place, name in enumerate(header)}
    for number, typed_in in printed.items() if any(c.faults for c in columns) else ():
        for name, column, cell in zip(header, columns, typed_in, strict=True):
            if cell in column.faults:
                problems.append(_problem(file, number, name, cell.strip(), column.faults[cell]))
    sheet = Sheet(
        table=table,
        file=file,
        rows=tuple(rows),
        whole=whole,
        sound=not problems,
        header=places,
        printed=printed,
    )
    return sheet, merged_rows(problems)


class _Column(dict[str, Value]):
    """The values of a column's cells, each text looked at once: most say the same few things."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self.column = column
        self.faults: dict[str, Fault] = {}

    def __missing__(self, cell: str) -> Value:
        value, fault = typed(cell, self.column)
        self[cell] = value
        if fault:
            self.faults[cell] = fault
        return value


def _problem(file: str, row: int | None, column: str, value: str, fault: Fault) -> Problem:
    return Problem(
        file=file,
        row=row,
        column=_visible(column),
        value=_visible(value),
        rule=fault.rule,
        fix=fault.fix,
        check=fault.check,
    )


def _visible(text: str) -> str:
    """A cell as a message can show it: one short line, signs that cannot be seen as their code."""
    shown = "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _header_faults(header: Sequence[str], table: Table) -> Iterator[tuple[str, Fault]]:
    """What is wrong with the first line: the column it is about, and the fault."""
    if not any(header):
        rule = "blank, but the header must be the first line"
        yield "", Fault(rule, "Remove the blank lines above it", "header")
        return
    if separator := _other_separator(header, table):
        rule = f"the columns are separated by {separator}, not by commas"
        yield "", Fault(rule, "Save the file with commas (and decimal points)", "separator")
        return
    if not set(header) & {column.name for column in table.columns if column.required}:
        rule = "not the header: no column of the code book is named here"
        yield "", Fault(rule, f"Begin the file with the header of {table.name}.csv", "header")
        return
    missing = [name for name in table.names if name not in header]
    for name in missing:
        if table[name].required:
            yield name, Fault("the column is missing", f"Add the column {name}", "columns")
    for place, name in enumerate(header, start=1):
        if not name:
            fix = "Name it, or delete it; spreadsheets add such columns at the right edge"
            yield "", Fault(f"column {place} has no name", fix, "header")
        elif header.index(name) + 1 < place:
            yield name, Fault("the column stands twice", "Remove one of them", "columns")
        elif name not in table.names:
            near = get_close_matches(name.casefold().replace(" ", "_"), missing, n=1, cutoff=0.65)
            fix = "Remove it (data/raw/README.md lists all)"
            if near:
                fix = f"Rename it to {near[0]}"
            elif table.name in EXTENSIBLE:
                key = f"columns.{table.name}.{name}"
                fix = f"Declare it in config/review.yaml as {key} (docs/protocol.md), or remove it"
            yield name, Fault("unknown column", fix, "columns")


def _other_separator(header: Sequence[str], table: Table) -> str:
    if len(header) != 1:
        return ""
    for sign, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        parts = [part.strip() for part in header[0].split(sign)]
        if len(parts) > 1 and set(parts) & set(table.names):
            return name
    return ""


def _line_fault(header: Sequence[str], cells: Sequence[str]) -> tuple[str, Fault] | None:
    """Why a line is no row: the column it is about, and the fault."""
    if len(cells) != len(header):
        fix = "Quote cells that hold a comma"
        if len(cells) < len(header):
            fix = "Add the commas of the blank cells, or join a row that is broken in two"
        count = f"{len(cells)} cell{'s' if len(cells) > 1 else ''}"
        return "", Fault(f"{count} where the header has {len(header)}", fix, "cells")
    line = "".join(cells)
    broken = "\n" in line or "\r" in line
    for name, cell in zip(header, cells, strict=True) if broken else ():
        if len(cell.strip().splitlines()) > 1:
            return name, Fault(
                "the cell holds a line break",
                "Remove it, or close the quote that was left open",
                "line_break",
            )
    if cells[0].strip() == header[0] and [cell.strip() for cell in cells] == list(header):
        return "", Fault("the header again", "Remove the line", "header")
    return None


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
