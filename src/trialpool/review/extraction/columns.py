"""The parts a table is declared with: columns, tables, and the words they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "text", "number", "integer", "choice", "yes_no", "url", "date"]

CONFIDENCE = ("primary", "abstract", "secondary")
JUDGEMENTS = ("low", "some_concerns", "high", "no_information")
ROB_DOMAINS = ("D1", "D2", "D3", "D4", "D5", "DS", "overall")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its type, what it means, and what may stand in it."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One raw table: its columns and the columns that together name a row."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    def __getitem__(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)


def column(
    name: str,
    kind: Kind,
    meaning: str,
    *,
    unit: str = "",
    required: bool = False,
    choices: tuple[str, ...] = (),
    low: float | None = None,
    high: float | None = None,
) -> Column:
    """A column; the short form the schema is written in."""
    return Column(
        name=name,
        kind=kind,
        meaning=meaning,
        unit=unit,
        required=required,
        choices=choices,
        low=low,
        high=high,
    )
