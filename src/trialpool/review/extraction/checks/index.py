"""The raw tables as checks look at them: rows by id, side by side, and numbers as printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from operator import itemgetter
from typing import Any, TypeVar

from trialpool.review.extraction.read import Outcomes, RawData, Row, Sheet, Value
from trialpool.review.extraction.sorting import Dropped, sort_rows

Key = tuple[Value, ...]
T = TypeVar("T")

SCORES = ("msd", "change", "baseline")
WITH_RESULTS = ("results", "contrasts")
# What a score is of; the arms of one comparison share all of it.
COMPARISON = ("trial_id", "outcome", "instrument", "definition", "period", "time_days",
              "outcome_type", "stratum", "analysis_set", "source")  # fmt: skip


class Index:
    """The tables of one condition, with the look-ups that several checks need, made once.

    `elsewhere` are the tables of other conditions, where the same trials may stand.
    """

    def __init__(
        self,
        raw: RawData,
        outcomes: Outcomes,
        confidence_order: Sequence[str],
        elsewhere: Sequence[RawData] = (),
    ) -> None:
        self.raw = raw
        self.elsewhere = elsewhere
        self.outcomes = outcomes
        self.confidence_order = confidence_order
        self._ends: dict[tuple[Value, bool], tuple[float | None, float | None]] = {}
        self._shared: dict[object, Any] = {}
        # Whether the cleaning step could work with these tables.
        self.sound = all(sheet.sound for sheet in raw.sheets.values())

    def __getitem__(self, name: str) -> Sheet:
        return self.raw[name]

    @cached_property
    def trials(self) -> dict[Value, Row]:
        """The trials by their id."""
        return self.raw.trials()

    @cached_property
    def instruments(self) -> dict[Value, Row]:
        """The instruments by their id."""
        return self.raw.instruments()

    @cached_property
    def arms(self) -> dict[Key, Row]:
        """The arms by the ids of trial and arm."""
        return {(row["trial_id"], row["arm_id"]): row for row in self["arms"].rows}

    @cached_property
    def arms_of(self) -> dict[Value, list[Row]]:
        """The arms of each trial."""
        out: dict[Value, list[Row]] = {}
        for row in self["arms"].rows:
            out.setdefault(row["trial_id"], []).append(row)
        return out

    @cached_property
    def scores(self) -> list[Row]:
        """Results that are scores and that the extractor did not exclude."""
        return [row for row in self.used("results") if row["outcome_type"] in SCORES]

    @cached_property
    def comparisons(self) -> list[list[Row]]:
        """The scores side by side: the arms of one trial, result and source."""
        return list(grouped(self.scores, COMPARISON).values())

    def used(self, name: str) -> list[Row]:
        """The rows of a table that the extractor did not exclude."""
        return [row for row in self[name].rows if row.get("exclude_reason") is None]

    def having(self, name: str, *columns: str) -> list[Row]:
        """The rows of a table that have a value in each of the columns."""
        return having(self[name].rows, *columns)

    def scale(self, row: Row) -> Row:
        """The instrument of a row; nothing when it is unknown."""
        return self.instruments.get(row["instrument"], {})

    def reference_sd(self, row: Row) -> float | None:
        """The reference SD of a row's instrument; None where there is none above 0."""
        return number(self.scale(row), "reference_sd") or None if self.scale(row) else None

    def kind(self, row: Row) -> str:
        """Whether the row's outcome is continuous or binary; blank when it is unknown."""
        return self.outcomes.get(str(row["outcome"]), {}).get("kind", "")

    def ends(self, row: Row) -> tuple[float | None, float | None]:
        """The lowest and highest value a score can take; a change goes either way."""
        key = row["instrument"], row["outcome_type"] == "change"
        if key not in self._ends:
            self._ends[key] = _ends(self.scale(row), change=key[1])
        return self._ends[key]

    def shared(self, make: Callable[[Index], T]) -> T:
        """What `make` gives for these tables, made once for all checks that ask."""
        if make not in self._shared:
            self._shared[make] = make(self)
        value: T = self._shared[make]
        return value

    def role(self, trial: Value, arm: Value) -> str:
        """Whether an arm is experimental or control; blank when it is unknown."""
        return str(self.arms.get((trial, arm), {}).get("role") or "")

    def taken(self, name: str, rows: Sequence[Row]) -> Row | None:
        """Which one of some rows the cleaning step uses; None where that cannot be said."""
        if not self.sound:
            return None
        used = [row for row in rows if int(row["row"] or 0) not in self._dropped[name]]
        return used[0] if len(used) == 1 else None

    def tied(self, name: str, row: Row) -> bool:
        """Whether a row gives way to one of another source that is trusted as much."""
        dropped = self._dropped[name].get(int(row["row"] or 0)) if self.sound else None
        return dropped is not None and dropped.tied

    @cached_property
    def _dropped(self) -> Mapping[str, Mapping[int, Dropped]]:
        return sort_rows(self.raw, self.confidence_order)


def _ends(scale: Row, *, change: bool) -> tuple[float | None, float | None]:
    low, high = (None if scale.get(c) is None else number(scale, c) for c in ("low", "high"))
    if low is not None and high is not None and low >= high:
        return None, None  # the scale's own row is told to be wrong
    if not change:
        return low, high
    return (None, None) if low is None or high is None else (low - high, high - low)


def having(rows: Iterable[Row], *columns: str) -> list[Row]:
    """The rows that have a value in each of the columns."""
    if len(columns) == 1:
        return [row for row in rows if row[columns[0]] is not None]
    cells = itemgetter(*columns)
    return [row for row in rows if None not in cells(row)]


def grouped(rows: Iterable[Row], columns: Sequence[str]) -> dict[Key, list[Row]]:
    """The rows by what they have in the columns, in the order they stand in."""
    cells = itemgetter(*columns, columns[-1])  # of one column alone it would not give a tuple
    out: dict[Key, list[Row]] = {}
    for row in rows:
        out.setdefault(cells(row)[:-1], []).append(row)
    return out


def number(row: Row, column: str) -> float:
    """A cell that holds a number."""
    return float(row[column] or 0.0)


@cache
def decimals(text: str) -> int:
    """Digits behind the point of a printed number: 2 for `5.50`, 0 for `12`, 5 for `1e-5`."""
    mantissa, _, exponent = text.lower().partition("e")
    return len(mantissa.partition(".")[2]) - int(exponent or 0)


def half_unit(sheet: Sheet, row: Row, column: str) -> float:
    """Half a unit of a number's last printed digit: how far rounding can have moved it."""
    return 0.5 * 10.0 ** -decimals(sheet.text(row, column))


def span(sheet: Sheet, row: Row, column: str) -> tuple[float, float]:
    """The smallest and the largest value that print as the number in a cell."""
    value, half = number(row, column), half_unit(sheet, row, column)
    return value - half, value + half
