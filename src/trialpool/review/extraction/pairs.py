"""Two extractors' readings side by side: rows matched by their key, then cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from trialpool.columns import Column
from trialpool.review.extraction.read import Row, Sheet, Value, show
from trialpool.review.schema.raw import ABSENT, DOUBLE_TABLES, PRESENT, WHOLE_ROW

Kind = Literal["row", "number", "choice"]
Key = tuple[Value, ...]

# Free text (notes, locator, time point) is worded by each reader; it is not compared.
KINDS: dict[str, Kind] = {
    "number": "number", "integer": "number", "choice": "choice", "yes_no": "choice",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPair:
    """What two extractors read in one cell, as typed, before any decision.

    `kind` row: whether each has the row at all. `row` and `second_row` are the row's numbers in
    the two tables as they are now, `ruling` the row of adjudication.csv that decides.
    """

    table: str
    key: Key
    column: str
    kind: Kind
    first: str
    second: str
    row: int | None
    second_row: int | None
    ruling: Row | None = None

    @property
    def trial(self) -> str:
        return str(self.key[0])

    @property
    def agree(self) -> bool:
        return same(self.first, self.second, self.kind)

    @property
    def agree_rounded(self) -> bool:
        """Whether two numbers could be one number, printed with more and with fewer decimals."""
        one, other = decimal(self.first), decimal(self.second)
        if one is None or other is None:
            return self.agree
        places = min(max(0, -int(n.as_tuple().exponent)) for n in (one, other))
        return abs(one - other) <= Decimal(5).scaleb(-places - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Double:
    """One table in both readings, and the decisions on it."""

    first: Sheet
    second: Sheet
    rulings: Mapping[tuple[Key, str], Row]

    @property
    def name(self) -> str:
        return self.first.table.name

    def key(self, row: Row) -> Key:
        return key_of(row, self.first.table.key)

    def kind(self, column: str) -> Kind:
        return "row" if column == WHOLE_ROW else KINDS[self.first.table[column].kind]

    def compared(self) -> list[Column]:
        table = self.first.table
        return [c for c in table.columns if c.kind in KINDS and c.name not in table.key]


def pairs(double: Double, covered: Sequence[str]) -> Iterator[RowPair]:
    """All cells of a table that either extractor filled in, and all rows that either has.

    Parameters
    ----------
    covered : the trials that were extracted twice
    """
    mine = {double.key(row): row for row in double.first.rows}
    theirs = {double.key(row): row for row in double.second.rows}
    # A row that a decision removed stands in neither table any more.
    ruled = [key for key, column in double.rulings if column == WHOLE_ROW]
    for key in dict.fromkeys((*mine, *theirs, *ruled)):
        if str(key[0]) not in covered and (key, WHOLE_ROW) not in double.rulings:
            continue
        a, b = mine.get(key), theirs.get(key)
        whole = _pair(double, key, WHOLE_ROW, a, b)
        yield whole
        if a is None or b is None or not whole.agree:
            continue
        for column in double.compared():
            pair = _pair(double, key, column.name, a, b)
            if pair.first or pair.second:
                yield pair


def _pair(double: Double, key: Key, column: str, a: Row | None, b: Row | None) -> RowPair:
    ruling = double.rulings.get((key, column))
    return RowPair(
        table=double.name,
        key=key,
        column=column,
        kind=double.kind(column),
        first=now(double.first, a, column) if ruling is None else str(ruling["first"] or ""),
        second=now(double.second, b, column),
        row=None if a is None else int(a["row"] or 0),
        second_row=None if b is None else int(b["row"] or 0),
        ruling=ruling,
    )


def key_of(row: Row, names: Sequence[str]) -> Key:
    """The cells that together name a row."""
    return tuple(row[name] for name in names)


def now(sheet: Sheet, row: Row | None, column: str) -> str:
    """What a table says now: the cell as typed, or whether the row is there."""
    if column == WHOLE_ROW:
        return ABSENT if row is None else PRESENT
    return "" if row is None else sheet.text(row, column)


def named(pair: RowPair) -> str:
    """The key of a pair's row in words, without the trial: `arm_id ket, outcome mood`."""
    table = next(t for t in DOUBLE_TABLES if t.name == pair.table)
    key_parts = zip(table.key[1:], pair.key[1:], strict=True)
    return ", ".join(f"{name} {show(value)}" for name, value in key_parts if value is not None)


def same(one: str, other: str, kind: Kind) -> bool:
    """Whether two cells say the same; 7 and 7.0 do."""
    if kind == "number" and one and other:
        return decimal(one) == decimal(other)
    return one == other


def decimal(text: str) -> Decimal | None:
    """A number as it is printed, with its decimals; None where it is not one."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
