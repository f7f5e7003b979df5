"""Ways to break a table of the made-up review: each takes its bytes and gives others."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

SMALL = Path(__file__).parents[1] / "fixtures" / "small" / "data" / "raw"

Change = Callable[[bytes], bytes]
Lines = list[list[str]]


def good(table: str) -> bytes:
    """The table as it should be, of condition `blue`."""
    folder = SMALL if table == "instruments" else SMALL / "blue"
    return (folder / f"{table}.csv").read_bytes()


def raw(change: Change) -> Change:
    """Any change of the bytes."""
    return change


def replaced(old: str, new: str) -> Change:
    """The first place where a text stands."""

    def change(content: bytes) -> bytes:
        assert old.encode() in content, old
        return content.replace(old.encode(), new.encode(), 1)

    return change


def cells(row: int, **changes: str) -> Change:
    """Cells of a row, which counts as a spreadsheet does."""

    def change(lines: Lines) -> Lines:
        for column, value in changes.items():
            lines[row - 1][lines[0].index(column)] = value
        return lines

    return _by_lines(change)


def another(row: int, **changes: str) -> Change:
    """A row once more at the end, with other cells."""

    def change(lines: Lines) -> Lines:
        new = list(lines[row - 1])
        for column, value in changes.items():
            new[lines[0].index(column)] = value
        return [*lines, new]

    return _by_lines(change)


def narrowed(content: bytes) -> bytes:
    """Judgements with the two columns that they may lack, of all results."""
    return _by_lines(
        lambda found: [
            [*found[0], "outcome", "instrument"],
            *([*line, "", ""] for line in found[1:]),
        ]
    )(content)


def widened(name: str, *given: tuple[int, str]) -> Change:
    """A table with an optional column more, blank but for the rows that are given."""

    def change(lines: Lines) -> Lines:
        values = dict(given)
        return [
            [*line, name if row == 1 else values.get(row, "")] for row, line in enumerate(lines, 1)
        ]

    return _by_lines(change)


def lines(change: Callable[[Lines], Lines]) -> Change:
    """A change of the lines, each a list of cells."""
    return _by_lines(change)


def then(*changes: Change) -> Change:
    """One change after the other."""

    def change(content: bytes) -> bytes:
        for each in changes:
            content = each(content)
        return content

    return change


def _by_lines(change: Callable[[Lines], Lines]) -> Change:
    def changed(content: bytes) -> bytes:
        found = list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows(change(found))
        return stream.getvalue().encode("utf-8")

    return changed
