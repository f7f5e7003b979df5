"""Problems as a table for people: columns aligned, long texts wrapped, one block per file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from textwrap import wrap

from trialpool.review.extraction.problems import Problem

_COLOURS = {"error": "\x1b[31m", "warning": "\x1b[33m"}
_PLAIN = "\x1b[0m"
_HEAD = ("", "row", "column = value", "rule", "fix")
# The shares of the width left for the last three columns, and their least widths.
_SHARES, _LEAST = (0.2, 0.42, 0.38), 14
_GAP = 2


def table(problems: Sequence[Problem], width: int | None, *, colours: bool = False) -> str:
    """The problems in columns, grouped by file.

    Parameters
    ----------
    problems : in the order to show them in
    width : of the page, in characters; None for one line per problem, however long
    colours : whether to colour the severity
    """
    widths = _widths(problems, width)
    lines: list[str] = []
    for file, file_problems in groupby(problems, key=lambda problem: problem.file):
        lines += [file, *_lines(_HEAD, widths)]
        for problem in file_problems:
            colour = _COLOURS[problem.severity] if colours else ""
            lines += _lines(_cells(problem), widths, colour)
        lines.append("")
    return "".join(f"{line}\n" for line in lines)


def _cells(problem: Problem) -> tuple[str, ...]:
    what = problem.column
    if problem.value:
        what = f"{what} = {problem.value}" if what else problem.value
    row = "" if problem.row is None else str(problem.row)
    return problem.severity, row, what, f"{problem.rule}.", f"{problem.fix}." * bool(problem.fix)


def _widths(problems: Sequence[Problem], width: int | None) -> list[int]:
    """As wide as needed, or what is left beside severity and row shared out."""
    rows = [_HEAD, *map(_cells, problems)]
    needed = [max(len(cells[place]) for cells in rows) for place in range(len(_HEAD))]
    if width is None:
        return needed
    left = width - sum(needed[:2]) - _GAP * len(_HEAD)
    return needed[:2] + [max(_LEAST, int(share * left)) for share in _SHARES]


def _lines(cells: Sequence[str], widths: Sequence[int], colour: str = "") -> Iterator[str]:
    wrapped = [
        wrap(cell, width) if len(cell) > width else [cell]
        for cell, width in zip(cells, widths, strict=True)
    ]
    for place, parts in enumerate(zip_longest(*wrapped, fillvalue="")):
        padded = [part.ljust(width) for part, width in zip(parts, widths, strict=True)]
        if colour and place == 0:
            padded[0] = f"{colour}{padded[0]}{_PLAIN}"
        yield (" " * _GAP + (" " * _GAP).join(padded)).rstrip()
