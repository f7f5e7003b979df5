"""How many people an arm has: in each of its rows, beside the other arm, and when randomised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import log
from typing import NamedTuple

from trialpool.review.extraction.checks.index import COMPARISON, Index, grouped, having, number
from trialpool.review.extraction.checks.registry import Finding, warning
from trialpool.review.extraction.read import Row, Sheet, Value

# A digit dropped or added makes a factor of ten; two of three people lost, and not in the other
# arm as well, are not to be expected.
FACTOR = 3.0
# Arms may have been planned to be unequal, 3 or 4 to 1, and small ones lose people by chance.
FACTOR_OF_ARMS = 5.0
# Harms of one report are counted in the same people; if these are all who were randomised, one
# other count is enough to say so.
ALIKE, APART = 4, 0.1
# One person above the number randomised is no misprint to look for.
ONE_MORE = 1

_COLUMNS = (
    ("results", "arm_id", "n"),
    ("results", "arm_id", "totaln"),
    ("contrasts", "experimental_arm", "n_experimental"),
    ("contrasts", "control_arm", "n_control"),
)


class Size(NamedTuple):
    """How many people of an arm a row is about."""

    sheet: Sheet
    row: Row
    column: str
    arm: Value
    n: float

    @property
    def place(self) -> str:
        """Where the number stands, in words."""
        return f"{self.n:g} in {self.sheet.table.name}.csv row {self.row['row']}"


class _Sizes:
    """The sizes of each arm in all its rows; under both conditions of a crossover apart."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.all = [
            Size(index[name], row, column, row[arm], number(row, column))
            for name, arm, column in _COLUMNS
            for row in having(index.used(name), column)
            if row.get("stratum") is None
        ]
        self._of: dict[tuple[Value, Value, bool], list[Size]] = {}
        for size in self.all:
            self._of.setdefault(_key(size), []).append(size)

    def others(self, size: Size) -> list[Size]:
        """The same arm's sizes in other rows."""
        return [other for other in self._of[_key(size)] if other.row is not size.row]

    def randomised(self, size: Size) -> float | None:
        """How many were randomised to the arm, if that is known."""
        if size.row["period"] == "both":
            return None
        arm = self.index.arms.get((size.row["trial_id"], size.arm), {})
        return number(arm, "n_randomised") if arm.get("n_randomised") else None

    def usual(self, size: Size) -> tuple[float, str] | None:
        """The nearest of the arm's other sizes and of those randomised, and where it stands."""
        known = [(other.n, other.place) for other in self.others(size)]
        if randomised := self.randomised(size):
            known.append((randomised, f"{randomised:g} were randomised to it"))
        return min(known, key=lambda one: abs(log(one[0] / size.n)), default=None)


def _key(size: Size) -> tuple[Value, Value, bool]:
    return size.row["trial_id"], size.arm, size.row["period"] == "both"


@warning(
    "Check n or totaln in the source: a digit may be missing or doubled",
    flag="the number of people does not fit the arm's others",
)
def n_unlike_the_arm(index: Index) -> Iterator[Finding]:
    """An arm does not have several times more or fewer people in one row than in its others, or
    than were randomised to it, unless its other arm has as well.
    """
    for size, rule in index.shared(_unlike):
        yield Finding(size.sheet, size.row, size.column, rule)


def _unlike(index: Index) -> list[tuple[Size, str]]:
    sizes, out = index.shared(_Sizes), []
    beside = _beside(sizes.all)
    for size in sizes.all:
        usual = sizes.usual(size)
        if usual is None or 1 / FACTOR < size.n / usual[0] < FACTOR:
            continue
        factor = size.n / usual[0]
        if any(_as_much(factor, other, sizes) for other in beside[_result(size)]):
            continue
        rule = f"the arm {size.arm} has {_times(factor)} people than anywhere else: {usual[1]}"
        out.append((size, rule))
    return out


def _times(factor: float) -> str:
    return f"{factor:.1f} times more" if factor > 1 else f"{1 / factor:.1f} times fewer"


def _as_much(factor: float, other: Size, sizes: _Sizes) -> bool:
    """Whether another arm of the result has lost, or has more, to half of the factor."""
    usual = sizes.usual(other)
    if usual is None:
        return False
    theirs = other.n / usual[0]
    return theirs <= 2 * factor if factor < 1 else theirs >= factor / 2


def _result(size: Size) -> tuple[Value, ...]:
    """What the arms of one result share."""
    name = size.sheet.table.name
    if name == "contrasts":
        return name, size.row["row"], size.column
    return name, *(size.row[c] for c in COMPARISON if c in size.row), size.arm


def _beside(sizes: Sequence[Size]) -> dict[tuple[Value, ...], list[Size]]:
    """The other arms of each result."""
    together: dict[tuple[Value, ...], list[Size]] = {}
    for size in sizes:
        key = _result(size)
        together.setdefault(key[:-1], []).append(size)
    return {
        _result(size): [other for other in group if other.arm != size.arm]
        for group in together.values()
        for size in group
    }


@warning(
    "Check n or totaln of both arms in the source: a digit may be missing or doubled",
    flag="one arm has several times more people than the other",
)
def arms_of_unlike_size(index: Index) -> Iterator[Finding]:
    """The arms of a result have numbers of people in the ratio in which they were randomised; if
    that is not known, one has not several times more than the other.
    """
    sizes = index.shared(_Sizes)
    beside = _beside(sizes.all)
    known = {(id(size.row), size.column) for size, _ in index.shared(_unlike)}
    for size in sizes.all:
        for other in beside[_result(size)]:
            if known & {(id(each.row), each.column) for each in (size, other)}:
                continue
            planned = [sizes.randomised(each) for each in (size, other)]
            expected = planned[0] / planned[1] if planned[0] and planned[1] else 1.0
            factor = other.n / size.n * expected
            if factor >= FACTOR_OF_ARMS:
                rule = (
                    f"{factor:.1f} times fewer people than in the other arm (row "
                    f"{other.row['row']}: {other.n:g})"
                )
                rule += ", for those randomised" if expected != 1 else ""
                yield Finding(size.sheet, size.row, size.column, rule, others=(other.row,))
                break


@warning(
    "Check totaln in the source",
    flag="another number of people than in the same report's other counts",
)
def n_unlike_the_report(index: Index) -> Iterator[Finding]:
    """One source counts harms in the same people of an arm, give or take a tenth."""
    same = ("trial_id", "arm_id", "period", "time_days", "analysis_set", "source")
    rows = [row for row in having(index.used("results"), "totaln") if row.get("stratum") is None]
    for group in grouped(rows, same).values():
        totals = Counter(number(row, "totaln") for row in group)
        arm = index.arms.get((group[0]["trial_id"], group[0]["arm_id"]), {})
        planned = number(arm, "n_randomised") if arm.get("n_randomised") else 0.0
        all_of_arm = group[0]["period"] != "both" and planned in totals
        usual = planned if all_of_arm else totals.most_common(1)[0][0]
        times = totals[usual]
        if times < (1 if all_of_arm else ALIKE) or times < len(group) - 1:
            continue
        for row in group:
            if abs(number(row, "totaln") - usual) > APART * usual:
                rule = f"{usual:g} in the other counts of this arm and source ({times})"
                rule += ", as were randomised" if all_of_arm else ""
                yield Finding(index["results"], row, "totaln", rule)


@warning(
    "Check n or totaln of each arm, and n_randomised in trials.csv",
    flag="more people analysed in all arms than randomised",
)
def arms_above_randomised(index: Index) -> Iterator[Finding]:
    """The arms of a result have no more people than were randomised in the trial, or one more."""
    for column in ("n", "totaln"):
        rows = having(index.used("results"), column)
        apart = [row for row in rows if row["period"] != "both"]
        for group in grouped(apart, COMPARISON).values():
            first = max(group, key=lambda row: number(row, column))
            trial = index.trials.get(first["trial_id"], {})
            people = sum(number(row, column) for row in group)
            most = trial.get("n_randomised")
            known = index.arms.get((first["trial_id"], first["arm_id"]), {}).get("n_randomised")
            if most is not None and known is None and people > float(most) + ONE_MORE:
                rule = f"{people:g} in the {len(group)} arms; {most} were randomised"
                yield Finding(index["results"], first, column, rule)
