"""What an import hands over: raw tables, what was assumed, and what was not understood."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trialpool.review.exchange.revman_parts import StoredResult
from trialpool.review.schema.raw import CONDITION_TABLES, INSTRUMENTS

Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Left:
    """One thing of the source that has no place in the raw tables, and why.

    `effect` says that it is a result of a trial that was lost.
    """

    where: str
    what: str
    value: str
    why: str
    effect: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The raw tables read from another tool's file.

    `tables` maps the name of a raw table to its rows, cells as text in the code book's columns.
    `headers` are the columns of a table that has a header of its own; else it gets all columns.
    `assumed` are sentences: what the importer took to be so. `left` lists what it did not take.
    `outcomes` gives kind and better direction of the outcomes, and the title they have in the
    source, where it shows them. Where the source has analyses of its own, `analyses` is what a
    protocol is to ask of each outcome, and `stored` are their results. `effects_in` counts the
    lines of the source that hold a result of a trial, `effects_taken` those in the tables.
    """

    tables: Mapping[str, Sequence[Cells]]
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()
    outcomes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    analyses: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    stored: tuple[StoredResult, ...] = ()
    effects_in: int = 0
    effects_taken: int = 0

    def write(self, raw: Path, condition: str) -> None:
        """Write instruments.csv and the condition's folder; columns nobody filled are blank.

        Of the optional columns those that nobody filled are left out.
        """
        for table in (INSTRUMENTS, *CONDITION_TABLES):
            folder = raw if table is INSTRUMENTS else raw / condition
            rows = self.tables.get(table.name, ())
            filled = {name for row in rows for name, cell in row.items() if cell}
            usual = [n for n in table.names if n in filled or n not in table.may_lack]
            header = self.headers.get(table.name, usual)
            _write(folder / f"{table.name}.csv", header, rows)


def _write(path: Path, header: Sequence[str], rows: Sequence[Cells]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, header, restval="", lineterminator="\n")
        writer.writeheader()
        # A blank cell of a column that is left out is nothing; any other would be an error.
        writer.writerows({n: c for n, c in row.items() if c or n in header} for row in rows)
