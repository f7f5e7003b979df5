"""Reading a Metapsy file: separator and decimal mark found out, columns by one set of names."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trialpool.results import TrialpoolError
from trialpool.review.exchange import limits
from trialpool.review.exchange.draft import read_bytes
from trialpool.review.exchange.imported import Left
from trialpool.review.exchange.metapsy.columns import (
    ALIASES,
    COMPUTED,
    JUDGEMENTS,
    KNOWN,
    MISSING,
    NUMBERS,
    PEOPLE,
    ROW_NUMBER,
)

_SEPARATORS = {";": "semicolons", ",": "commas", "\t": "tabs"}
_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_POINT = re.compile(r"[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)?")
_WHOLE = re.compile(r"[+-]?\d+([eE][+-]?\d+)?")
_BREAK = re.compile(r"\s*[\r\n]+\s*")
_NEEDED = ("study", "condition_arm1", "condition_arm2")


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One row of the file, numbered as a spreadsheet does; cells by our names, blank = missing."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A Metapsy file as read. `columns` maps our names to the file's."""

    file: str
    lines: tuple[SourceLine, ...]
    columns: Mapping[str, str]
    assumed: tuple[str, ...]
    left: tuple[Left, ...]


def read_source(path: Path, rob_codes: Mapping[str, str] | None = None) -> Source:
    """Read a file in the Metapsy data standard, in either of its two styles.

    Parameters
    ----------
    rob_codes : the judgement that each number in a risk-of-bias column stands for

    Raises
    ------
    TrialpoolError
        when it is not text, has no such columns, or has rows of another length
    """
    header, numbered, separator = _table(path)
    rows = list(numbered.values())
    codes = dict(rob_codes or {})
    columns = {
        name: column for name in sorted(KNOWN) if (column := _column(name, header, rows, codes))
    }
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise TrialpoolError(
            f"{path.name}: no column {', '.join(missing)}; not a file in the Metapsy data "
            "standard (docs.metapsy.org/data-preparation/format)"
        )
    cells = {
        name: [_BREAK.sub(" ", row[header.index(column)]).strip() for row in rows]
        for name, column in columns.items()
    }
    said = _decimal(cells)
    left = []
    for name in columns if codes else ():
        if name.startswith("rob"):
            cells[name] = [codes.get(cell, cell) for cell in cells[name]]
    for name in sorted(NUMBERS & set(columns)):
        for i, (number, cell) in enumerate(zip(numbered, cells[name], strict=True)):
            value, why = _number(cell), "not a number; left blank"
            if value and name in PEOPLE and not float(value).is_integer():
                value, why = None, "not a whole number of people; left blank"
            if value is None:
                left.append(Left(f"row {number}, {columns[name]}", "cell", cell, why))
            cells[name][i] = value or ""
    lines = tuple(
        SourceLine(number, {n: "" if c[i] in MISSING else c[i] for n, c in cells.items()})
        for i, number in enumerate(numbered)
    )
    left += [
        Left(f"row {line.number}", "study", "", "the row names no study")
        for line in lines
        if not line["study"]
    ]
    spelt = [f"{column} as {name}" for name, column in columns.items() if column != name]
    assumed = [f"{path.name}: columns separated by {_SEPARATORS[separator]}, {said}"]
    if spelt:
        assumed.append(f"columns read under the standard's names: {', '.join(spelt)}")
    left += _unused(header, rows, columns, cells)
    lines = tuple(line for line in lines if line["study"])
    return Source(
        file=path.name, lines=lines, columns=columns, assumed=tuple(assumed), left=tuple(left)
    )


def _table(path: Path) -> tuple[list[str], dict[int, list[str]], str]:
    """The header, the rows by their number, and the separator."""
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TrialpoolError(f"{path.name}: not UTF-8 text; save it as CSV UTF-8") from None
    first = text.split("\n", 1)[0]
    separator = max(_SEPARATORS, key=first.count)
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise TrialpoolError(
            f"{path.name}: not readable as CSV ({error}); look for a quote that is never closed"
        ) from None
    limits.of_lines(path, table)
    if not table:
        raise TrialpoolError(f"{path.name}: the file is empty")
    header = [name.strip() for name in table[0]]
    twice = sorted(name for name, n in Counter(header).items() if n > 1 and name)
    if twice:
        raise TrialpoolError(f"{path.name} row 1: the column {', '.join(twice)} stands twice")
    rows = {i: row for i, row in enumerate(table[1:], start=2) if any(c.strip() for c in row)}
    for number, row in rows.items():
        if len(row) != len(header):
            raise TrialpoolError(
                f"{path.name} row {number}: {len(row)} cells where the header has {len(header)}; "
                "quote cells that hold the separator"
            )
    return header, rows, separator


def _column(
    name: str, header: Sequence[str], rows: Sequence[Sequence[str]], codes: Mapping[str, str]
) -> str:
    """The file's column for one of our names; judgements must be words, a bare code says nothing.

    One file has `rob` in numbers without a key beside `ROB` in words.
    """
    lower = [heading.lower() for heading in header]
    for spelling in ALIASES.get(name, (name,)):
        if spelling in header:
            column = spelling
        elif lower.count(spelling.lower()) == 1:
            column = header[lower.index(spelling.lower())]
        else:
            continue
        if name == "design":
            # Some files name by it what is compared.
            cells = [row[header.index(column)].lower() for row in rows]
            if not any("cross" in cell or "parallel" in cell for cell in cells):
                continue
        if name.startswith("rob"):
            place = header.index(column)
            words = {row[place].strip().lower() for row in rows} - {w.lower() for w in MISSING}
            if not words & {*JUDGEMENTS, *codes}:
                continue
        return column
    return ""


def _decimal(cells: Mapping[str, Sequence[str]]) -> str:
    """A sentence on the decimal marks: each cell is read by its own."""
    numbers = {name: cells[name] for name in NUMBERS & set(cells)}
    commas = sum(bool(_COMMA.fullmatch(c)) for column in numbers.values() for c in column)
    points = {n: k for n, column in numbers.items() if (k := sum(map(_has_point, column)))}
    if not commas:
        return f"decimal point (in {sum(points.values())} cells)"
    said = f"decimal comma (in {commas} cells)"
    if points:
        where = ", ".join(f"{n} of {name}" for name, n in sorted(points.items()))
        said += f"; a decimal point in {where} is read as a decimal point too"
    return said


def _has_point(cell: str) -> bool:
    return bool(_POINT.fullmatch(cell))


def _number(cell: str) -> str | None:
    """A number with a decimal point, blank where missing, None where it is no number."""
    if cell in MISSING:
        return ""
    if _COMMA.fullmatch(cell):
        return cell.replace(",", ".")
    return cell if _POINT.fullmatch(cell) or _WHOLE.fullmatch(cell) else None


def _unused(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    columns: Mapping[str, str],
    cells: Mapping[str, Sequence[str]],
) -> list[Left]:
    """One entry per column that is not read, with the number of its values."""
    left = []
    for place, column in enumerate(header):
        if column in columns.values() or column in ROW_NUMBER:
            continue
        values = [row[place].strip() for row in rows]
        count = sum(cell not in MISSING for cell in values)
        why = "no column of the Metapsy data standard, and no place in the raw tables"
        if column in COMPUTED:
            why = "computed by metapsyTools; not a result of the trial"
        elif count == 0:
            why = "holds no value"
        elif same := _repeats(values, cells):
            why = f"repeats {columns[same]}"
        elif column.lower() == "rob":
            why = "codes without a key: which number means which judgement is not said"
        left.append(Left(column, "column", f"{count} values", why))
    return left


def _repeats(values: Sequence[str], cells: Mapping[str, Sequence[str]]) -> str:
    """The column that was read and holds the same values."""
    mine = [_comparable(cell) for cell in values]
    for name, others in cells.items():
        if all(_comparable(cell) == value for cell, value in zip(others, mine, strict=True)):
            return name
    return ""


def _comparable(cell: str) -> str | float:
    text = cell.replace(",", ".")
    if _POINT.fullmatch(text) or _WHOLE.fullmatch(text):
        return float(text)
    return "" if cell in (*MISSING, "NR") else cell
