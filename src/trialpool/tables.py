"""All reading and writing of tables and JSON: number format, blanks, order, line ends.

How many digits are written, and why the same inputs give the same bytes on any machine, is for
`trialpool.digits` to say.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trialpool.columns import Column, Table
from trialpool.digits import DIGITS, JSON_DIGITS, rounded, sure

if TYPE_CHECKING:
    import pandas as pd


def cell(value: Any, digits: int = DIGITS, nothing: float = 0.0) -> str:
    """A value as it stands in a table: blank when missing, whole numbers without a point.

    A number no farther from 0 than `nothing` is 0.
    """
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating | int | np.integer):
        number = sure(float(value))
        if abs(number) <= nothing:
            return "0"
        whole = number == round(number) and abs(number) < 1e15
        return str(round(number)) if whole else f"{number:.{digits}g}"
    return str(value)


def write_table(path: Path | str, rows: pd.DataFrame, table: Table) -> None:
    """Write rows as CSV, in the order they are in.

    Raises
    ------
    TrialpoolError
        when their columns are not those the table declares
    """
    header = [str(name) for name in rows.columns]
    write_rows(path, rows.itertuples(index=False, name=None), table.of_header(header))


def write_rows(path: Path | str, rows: Iterable[Iterable[Any]], columns: Sequence[Column]) -> None:
    """Write rows as CSV, each with a value for every column."""
    target = Path(path)
    digits, nothing = ([getattr(c, name) for c in columns] for name in ("digits", "nothing"))
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(column.name for column in columns)
        for row in rows:
            writer.writerow(map(cell, row, digits, nothing))


def read_table(path: Path | str, table: Table) -> pd.DataFrame:
    """Read a table this module wrote: declared numbers as floats, all else as text.

    A trial called 007 or 2021 does not become a number between two steps.

    Raises
    ------
    TrialpoolError
        when its columns are not those the table declares
    ValueError
        when there is no header, a row is longer or shorter than it, or a number is none
    """
    import pandas as pd  # a step that reads no table does without

    # Its reader would take three times as long, and a run reads a thousand small tables.
    with Path(path).open(encoding="utf-8", newline="") as stream:
        lines = list(csv.reader(stream))
    if not lines:
        raise ValueError("it has no header")
    header, *rows = lines
    columns = table.of_header(header)
    cells = zip(*rows, strict=True) if rows else ((),) * len(header)
    return pd.DataFrame(
        {
            column.name: _numbers(read) if column.numeric else _texts(read)
            for column, read in zip(columns, cells, strict=True)
        }
    )


def _numbers(cells: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([float(cell) if cell else np.nan for cell in cells], dtype=np.float64)


def _texts(cells: Sequence[str]) -> Any:
    import pandas as pd

    return pd.array([cell or None for cell in cells], dtype="str")


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as dictionaries; a missing cell is NaN or None."""
    names = [str(name) for name in table.columns]
    # One array of Python values; itertuples takes the columns out one by one, four times as slow.
    rows = table.to_numpy(dtype=object).tolist()
    return [dict(zip(names, row, strict=True)) for row in rows]


def write_json(path: Path | str, value: Mapping[str, Any]) -> None:
    """Write an object as JSON with sorted keys; NaN and infinities become null."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(plain(value), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    target.write_text(text + "\n", encoding="utf-8", newline="\n")


def read_json(path: Path | str) -> dict[str, Any]:
    """Read an object this module wrote."""
    value: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return value


def plain(value: Any) -> Any:
    """A value as JSON knows it, floats rounded, not-a-number as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return rounded(float(value), JSON_DIGITS) if isfinite(value) else None
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


def fingerprint(table: pd.DataFrame) -> str:
    """SHA-256 of a table as it would be written; names the inputs of a result."""
    digest = hashlib.sha256(",".join(map(str, table.columns)).encode())
    for row in table.itertuples(index=False, name=None):
        digest.update(("\n" + "\x1f".join(cell(value) for value in row)).encode())
    return digest.hexdigest()
