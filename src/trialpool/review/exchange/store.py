"""Putting imported tables into the raw data folder: all of them, or none."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

from trialpool.results import TrialpoolError
from trialpool.review.exchange.imported import Cells, Imported
from trialpool.review.protocol.base import NAME_LETTERS, is_name
from trialpool.review.schema.raw import CONDITION_TABLES, INSTRUMENTS

# What decides how a number is used; names and notes are the first importer's.
_DECIDING = ("outcome", "better")


def store(
    imported: Imported, raw: Path, condition: str, *, force: bool = False, whole: bool = False
) -> list[Path]:
    """Write instruments.csv and the condition's folder.

    The tables are written beside their place and moved there at the end. Instruments that other
    conditions use are kept; one that both have keeps its row, unless the import is `whole`.

    Returns
    -------
    The files written

    Raises
    ------
    TrialpoolError
        when the condition is no name for a folder, when it is there and `force` is not given, or
        when an instrument that is there measures something else
    """
    if not is_name(condition):
        raise TrialpoolError(
            f"condition {condition}: must be {NAME_LETTERS}; it names a folder and a key of the "
            "protocol"
        )
    home = raw / condition
    if home.exists() and not force:
        raise TrialpoolError(
            f"{home.as_posix()}: is there already; nothing was written. Choose another condition, "
            "or write over it with --force"
        )
    merged = _merged(imported.tables.get(INSTRUMENTS.name, ()), raw / "instruments.csv", whole)
    raw.mkdir(parents=True, exist_ok=True)
    beside = Path(mkdtemp(prefix=".import-", dir=raw))
    try:
        tables = {**imported.tables, INSTRUMENTS.name: merged}
        replace(imported, tables=tables).write(beside, condition)
        _move(beside, raw, condition)
    finally:
        shutil.rmtree(beside)
    names = [f"{table.name}.csv" for table in CONDITION_TABLES]
    return [raw / "instruments.csv", *(home / name for name in names)]


def _move(beside: Path, raw: Path, condition: str) -> None:
    """Put the new folder in place; if that fails, put the old one back."""
    home, before = raw / condition, beside / ".before"
    if home.exists():
        os.replace(home, before)
    try:
        os.replace(beside / condition, home)
        os.replace(beside / "instruments.csv", raw / "instruments.csv")
    except OSError:
        shutil.rmtree(home, ignore_errors=True)
        if before.exists():
            os.replace(before, home)
        raise


def cells_of(path: Path) -> list[dict[str, str]]:
    """The rows of a raw table, each cell as it was typed; none where there is no file."""
    if not path.exists():
        return []
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def raw_cells(raw: Path, condition: str) -> dict[str, list[dict[str, str]]]:
    """All raw tables of a condition and the instruments, each cell as it was typed."""
    paths = {INSTRUMENTS.name: raw / "instruments.csv"}
    paths |= {table.name: raw / condition / f"{table.name}.csv" for table in CONDITION_TABLES}
    return {name: cells_of(path) for name, path in paths.items()}


def _merged(new: Sequence[Cells], path: Path, whole: bool) -> list[Cells]:
    stored: dict[str, Cells] = {row["instrument"]: row for row in cells_of(path)}
    mine = {row["instrument"]: row for row in new}
    shared = () if whole else [name for name in mine if name in stored]
    clashes = [
        f"{path.as_posix()}, instrument {name}, {column} = {stored[name].get(column, '')}: the "
        f"import has {mine[name].get(column, '')}. "
        "Give the import another outcome, or rename the scale."
        for name in shared
        for column in _DECIDING
        if mine[name].get(column, "") != stored[name].get(column, "")
    ]
    if clashes:
        raise TrialpoolError("\n".join(["nothing was written", *clashes]))
    both = {**stored, **mine} if whole else {**mine, **stored}
    return [both[name] for name in _order(stored, mine)]


def _order(stored: Mapping[str, Cells], mine: Mapping[str, Cells]) -> list[str]:
    """The order of the file, then what is new."""
    return [*stored, *(name for name in mine if name not in stored)]
