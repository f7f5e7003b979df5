"""What is wrong with the raw data: one line per problem, all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from trialpool.results import TrialpoolError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem: where it is, the rule it breaks, and how to mend it.

    `row` counts as a spreadsheet does: the header is row 1. An error stops the run; a warning
    marks the result and is shown on the page.
    """

    file: str
    row: int | None
    column: str
    value: str
    rule: str
    fix: str
    check: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        where = self.file if self.row is None else f"{self.file} row {self.row}"
        what = ""
        if self.column:
            what = f", {self.column} = {self.value}" if self.value else f", {self.column}"
        return f"{where}{what}: {self.rule}. {self.fix}."


def merged_rows(problems: Iterable[Problem]) -> list[Problem]:
    """One problem for all rows of a file that have it in the same column with the same value."""
    alike: dict[Problem, list[Problem]] = {}
    for problem in problems:
        alike.setdefault(replace(problem, row=None), []).append(problem)
    return [
        replace(first, rule=f"{first.rule} (as in {_rows([p.row for p in rest])})")
        if rest
        else first
        for first, *rest in alike.values()
    ]


_MOST_RANGES = 6


def _rows(numbers: Sequence[int | None]) -> str:
    """Row numbers in words: `rows 3 to 5 and 9`."""
    ranges: list[list[int]] = []
    for number in sorted(n for n in numbers if n is not None):
        if ranges and number <= ranges[-1][-1] + 1:
            ranges[-1].append(number)
        else:
            ranges.append([number])
    parts = [[f"{r[0]} to {r[-1]}"] if len(r) > 2 else list(map(str, r)) for r in ranges]
    said = [part for each in parts[:_MOST_RANGES] for part in each]
    left = sum(map(len, ranges[_MOST_RANGES:]))
    said += [f"{left} more"] if left else []
    plural = "s" if len(numbers) > 1 else ""
    return f"row{plural} {', '.join(said[:-1])}{' and ' if said[1:] else ''}{said[-1]}"


class DataError(TrialpoolError):
    """The raw data cannot be used; the message lists every problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        lines = "\n".join(str(problem) for problem in problems)
        super().__init__(f"{count} in the raw data; nothing was written\n{lines}")
