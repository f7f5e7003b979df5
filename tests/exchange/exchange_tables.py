"""What the tests of all importers need: write, load and check what was imported."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from trialpool.review.exchange.imported import Cells, Imported
from trialpool.review.extraction.checking import load
from trialpool.review.extraction.clean import Cleaned, clean
from trialpool.review.schema.raw import CONFIDENCE

DATA = Path(__file__).parent / "data"
CONDITION = "example_disorder"
_PAIR = re.compile(r"(?:^|; )([^=;]+)=[<>= ]*([+-]?[\d.]+(?:[eE][+-]?\d+)?)(?=;|$)")


def outcomes_of(imported: Imported) -> dict[str, dict[str, str]]:
    """The outcomes a protocol would declare for the imported tables."""
    found = {name: dict(rule) for name, rule in imported.outcomes.items()}
    for scale in imported.tables.get("instruments", ()):
        found.setdefault(scale["outcome"], {})
        found[scale["outcome"]] |= {"kind": "continuous", "better": scale["better"]}
    for row in (*imported.tables.get("results", ()), *imported.tables.get("contrasts", ())):
        found.setdefault(row["outcome"], {"kind": "binary", "better": "lower"})
    return found


def cleaned(imported: Imported, folder: Path) -> Cleaned:
    """The tables after writing, checking (any error raises) and cleaning."""
    imported.write(folder, CONDITION)
    raw, _ = load(folder, CONDITION, outcomes_of(imported), CONFIDENCE, {})
    return clean(raw, ["primary", "abstract", "secondary"])


def rows(imported: Imported, table: str, **cells: str) -> list[Cells]:
    """The rows of a table that hold these cells."""
    return [
        row
        for row in imported.tables.get(table, ())
        if all(row.get(name, "") == text for name, text in cells.items())
    ]


def one(imported: Imported, table: str, **cells: str) -> Cells:
    """The only row of a table that holds these cells."""
    found = rows(imported, table, **cells)
    assert len(found) == 1, [*found]
    return found[0]


def numbers_left(imported: Imported, *settings: str) -> Counter[str]:
    """The numbers on the list of what was left, without those named as settings."""
    return Counter(
        number
        for left in imported.left
        for name, number in _PAIR.findall(left.value)
        if name not in settings
    )


def numbers_in(imported: Imported, table: str, *columns: str) -> Counter[str]:
    """The numbers that stand in these columns of a table."""
    found = imported.tables.get(table, ())
    return Counter(row[column] for row in found for column in columns if row.get(column))


def whys(imported: Imported, what: str) -> list[str]:
    """Why things were left whose place, name or value holds these words."""
    return [
        left.why for left in imported.left if what in f"{left.where} | {left.what} | {left.value}"
    ]
