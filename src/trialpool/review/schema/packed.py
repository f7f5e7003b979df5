"""Values that share one cell of a table: each kind has one form, written and read here alone.

Everything else handles the values. What a form writes it reads back as it was: a name that holds
the sign between names is refused, the text of an identity is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from itertools import groupby
from typing import Generic, TypeVar

from trialpool.results import TrialpoolError
from trialpool.words import text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row of a raw table, as `results.csv:14`; row 1 is the header."""

    table: str
    row: int

    def __str__(self) -> str:
        return f"{self.table}.csv:{self.row}"

    @classmethod
    def read(cls, words: str) -> RawRow:
        """The row that `str` of it names."""
        table, _, row = words.rpartition(".csv:")
        return cls(table, int(row))

    def cells(self, *columns: str) -> tuple[RawCell, ...]:
        """Some cells of the row."""
        return tuple(RawCell(self, column) for column in columns)


@dataclass(frozen=True, slots=True)
class RawCell:
    """A cell of a raw table."""

    at: RawRow
    column: str


@dataclass(frozen=True, slots=True)
class Packed(Generic[T]):
    """How several values stand in one cell: as texts, with a sign between them."""

    between: str
    one: Callable[[str], T]

    def write(self, values: Iterable[T]) -> str:
        """The cell of some values, each once, in their order.

        Raises
        ------
        TrialpoolError
            when a value is blank or holds the sign between values, so that it would not be read
            back as it is
        """
        several = tuple(dict.fromkeys(values))
        cell = self.between.join(map(str, several))
        if self.read(cell) != several:
            shown = ", ".join(repr(str(value)) for value in several)
            raise TrialpoolError(
                f"{shown} cannot share a cell: `{self.between.strip()}` stands between values"
            )
        return cell

    def read(self, cell: object) -> tuple[T, ...]:
        """The values of a cell; none of a blank one."""
        words = text(cell)
        return tuple(map(self.one, words.split(self.between))) if words else ()

    def union(self, cells: Iterable[object]) -> str:
        """One cell with the values of several."""
        return self.write(value for cell in cells for value in self.read(cell))


ARM_IDS = Packed("+", str)
FLAG_NAMES = Packed("; ", str)
RAW_ROWS = Packed(";", RawRow.read)
ADDRESSES = Packed(" ; ", str)
# Effects that were combined.
EFFECT_IDS = Packed(" || ", str)


class PackedCells:
    """Raw cells, row by row: `results.csv:14 n mean sd; results.csv:15 n`."""

    _rows = Packed("; ", str)

    def write(self, cells: Iterable[RawCell]) -> str:
        """The cell of some raw cells, each once, in their order."""
        rows = groupby(dict.fromkeys(cells), key=lambda cell: cell.at)
        return self._rows.write(
            " ".join([str(at), *(cell.column for cell in group)]) for at, group in rows
        )

    def read(self, cell: object) -> tuple[RawCell, ...]:
        """The raw cells of a cell; none of a blank one."""
        rows = (words.split(" ") for words in self._rows.read(cell))
        return tuple(raw for at, *columns in rows for raw in RawRow.read(at).cells(*columns))

    def union(self, cells: Iterable[object]) -> str:
        """One cell with the raw cells of several."""
        return self.write(raw for cell in cells for raw in self.read(cell))


RAW_CELLS = PackedCells()
# The columns of result tables that may hold several values.
FORMS: Mapping[str, Packed[str] | Packed[RawRow] | PackedCells] = {
    "effect_id": EFFECT_IDS,
    "experimental_arms": ARM_IDS,
    "control_arm": ARM_IDS,
    "flags": FLAG_NAMES,
    "records": RAW_ROWS,
    "cells": RAW_CELLS,
    "source_url": ADDRESSES,
}


class PackedFacts:
    """Facts by name: `condition: TAU | detail: 25 mg`; a bar in a fact is escaped."""

    def write(self, facts: Mapping[str, str]) -> str:
        """The cell of some facts, in their order; blank ones are left out.

        Raises
        ------
        TrialpoolError
            when a fact would not be read back as it is: its name holds a space, or its text ends
            with one
        """
        given = {name: fact for name, fact in facts.items() if fact}
        cell = " | ".join(f"{name}: {_escaped(fact)}" for name, fact in given.items())
        if self.read(cell) != given:
            raise TrialpoolError(f"{given} cannot share a cell as facts by name")
        return cell

    def read(self, cell: object) -> dict[str, str]:
        """The facts of a cell; none of a cell that somebody wrote in words."""
        parts = (part.strip().partition(": ") for part in _split(text(cell)))
        return {name: fact for name, colon, fact in parts if colon and " " not in name}


FACTS = PackedFacts()


@dataclass(frozen=True, slots=True)
class VariantName:
    """Which choice a variant of an effect makes otherwise, and how: `medians: qe`."""

    choice: str
    level: str

    def __str__(self) -> str:
        return f"{self.choice}: {self.level}"

    @classmethod
    def read(cls, cell: object) -> VariantName:
        """The variant that `str` of it names."""
        choice, _, level = text(cell).partition(": ")
        return cls(choice, level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What tells an effect from every other of its condition.

    `day` is as printed, `day 28`; `reported` is the measure of a reported contrast. A part that
    does not apply is blank and keeps its place, or two different effects could read the same.
    """

    trial_id: str
    arms: str
    outcome: str
    instrument: str
    definition: str
    day: str
    period: str
    outcome_type: str
    participants: str
    reported: str
    measure: str

    def __str__(self) -> str:
        return "|".join(map(_escaped, self.parts()))

    def parts(self) -> tuple[str, ...]:
        """All parts in their order."""
        return tuple(getattr(self, field.name) for field in fields(self))

    @classmethod
    def read(cls, cell: object) -> Identity:
        """The identity that `str` of it names."""
        names = [field.name for field in fields(cls)]
        return cls(**dict(zip(names, _split(text(cell)), strict=True)))


def _escaped(part: str) -> str:
    """The part with a backslash before each bar and backslash in it, as `_split` reads it."""
    return part.replace("\\", r"\\").replace("|", r"\|")


def _split(words: str) -> list[str]:
    """The parts between bars; a bar or backslash behind a backslash belongs to its part."""
    parts, signs = [""], iter(words)
    for sign in signs:
        if sign == "|":
            parts.append("")
        else:
            parts[-1] += next(signs, "") if sign == "\\" else sign
    return parts
