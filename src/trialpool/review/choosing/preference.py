"""Which of a trial's effects comes first: the stated rules in their order, and what they leave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf, isnan
from typing import Any, NamedTuple

from trialpool.results import TrialpoolError
from trialpool.review.choosing.reasons import Reason
from trialpool.review.effects.crossover import FIRST
from trialpool.review.protocol.eligibility import Eligibility
from trialpool.words import text

Row = Mapping[str, Any]

# What an effect is made of, the preferred first.
BASES = ("arms", "contrast", "contrast, standardised")


class Order(NamedTuple):
    """What the rules go by: the question, and the kinds of control and of source in order."""

    question: Eligibility
    comparators: Sequence[str]
    confidence: Sequence[str]


class Preference(NamedTuple):
    """One rule: its name, what it ranks an effect by (the lowest first), and its words.

    The words hold the value of the effect that is left out and of the one that is used, in
    `column`.
    """

    rule: str
    rank: Callable[[Row, Order], float]
    column: str
    words: str


def _place(value: Any, order: Sequence[str]) -> float:
    return float(order.index(value)) if value in order else 0.0


def _distance(row: Row, order: Order) -> float:
    """In days from the preferred time; a time that is not known comes after every known one."""
    wanted, time = order.question.prefer_time, row["time_days"]
    if wanted is None:
        return 0.0
    return inf if isnan(time) else abs(time - wanted)


def _earlier(row: Row, order: Order) -> float:
    time = row["time_days"]
    return 0.0 if order.question.prefer_time is None or isnan(time) else float(time)


# In the order in which they decide. What the protocol states goes before what holds always.
PREFERENCES = (
    Preference(
        "instrument_order",
        lambda row, order: _place(row["instrument"], order.question.instruments),
        "instrument",
        "instrument {} comes after {}",
    ),
    Preference(
        "comparator_order",
        lambda row, order: _place(row["comparator_class"], order.comparators),
        "comparator_class",
        "comparator {} comes after {}",
    ),
    Preference(
        "outcome_type_order",
        lambda row, order: _place(row["outcome_type"], order.question.outcome_types),
        "outcome_type",
        "{} comes after {}",
    ),
    Preference(
        "prefer_time",
        _distance,
        "time_days",
        "day {} is further from the preferred day than day {}",
    ),
    Preference(
        "declared_primary",
        lambda row, _: float(row.get("primary") != "yes"),
        "primary",
        "the trial's declared primary result comes first",
    ),
    Preference(
        "all_people",
        lambda row, _: float(text(row.get("stratum")) != ""),
        "part",
        "the result of all people comes before that of strata",
    ),
    # Where both periods can be used the first one alone wastes half of the data.
    Preference(
        "both_periods",
        lambda row, _: float(row["design"] == FIRST),
        "design",
        "{} comes after {}",
    ),
    Preference(
        "arms_first",
        lambda row, _: float(BASES.index(row["basis"])),
        "basis",
        "a reported {} comes after {}",
    ),
    Preference(
        "confidence_order",
        lambda row, order: float(order.confidence.index(row["confidence"])),
        "confidence",
        "a source of confidence {} comes after {}",
    ),
    Preference(
        "earlier_time",
        _earlier,
        "time_days",
        "day {} is as near to the preferred day as day {}, and later",
    ),
)
_USED = "another effect of the trial is used: "


def first(rows: Sequence[Row], order: Order) -> list[Row]:
    """Those that come first by all rules: one, unless the rules leave a tie."""
    ranked = [([each.rank(row, order) for each in PREFERENCES], row) for row in rows]
    best = min(rank for rank, _ in ranked)
    return [row for rank, row in ranked if rank == best]


def versus(row: Row, best: Row, order: Order) -> Reason:
    """The first rule by which another effect of the trial was preferred."""
    for each in PREFERENCES:
        if each.rank(row, order) != each.rank(best, order):
            pair = (row.get(each.column), best.get(each.column))
            return Reason(each.rule, _USED + each.words.format(*map(_shown, pair)))
    raise AssertionError("effects that tie are not compared")


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) and not isnan(value) else text(value)


# What effects of a trial may differ in, with the way to say which one is meant.
_APART = (
    ("instrument", "instruments", "put `instruments` in the order in which they count"),
    ("time_days", "times", "name the day in `prefer_time`"),
    ("control_arm", "control arms", ""),
    ("experimental_arms", "experimental arms", ""),
    ("definition", "definitions", ""),
    ("outcome_type", "kinds of score", "put `outcome_types` in order"),
    ("design", "periods", ""),
)
_MARK = "mark the trial's main result `yes` in the column `primary` of its rows"
_NAMED = 3  # trials of an error
_TOGETHER = "take them all with `effects: combined` (or `che`)"
_OF_EFFECTS = "pool effects instead of counts (`method: IV`) and "


class Tie(NamedTuple):
    """Effects of a trial between which no rule decides."""

    study: str
    effects: tuple[Row, ...]

    @property
    def words(self) -> str:
        """Which trial, and what its effects differ in."""
        apart = []
        for column, name, _ in self._differing():
            values = dict.fromkeys(_shown(row[column]) or "not stated" for row in self.effects)
            apart.append(f"{name} {', '.join(values)}")
        return (
            f"{self.study} has {len(self.effects)} effects and no rule says which counts"
            f" ({'; '.join(apart) or ', '.join(str(row['effect_id']) for row in self.effects)})"
        )

    @property
    def ways(self) -> list[str]:
        """How the protocol can say which one is meant."""
        return [way for _, _, way in self._differing() if way]

    def _differing(self) -> list[tuple[str, str, str]]:
        return [each for each in _APART if len({text(row[each[0]]) for row in self.effects}) > 1]


class UndecidedError(TrialpoolError):
    """A trial has several effects, and no rule of the protocol says which counts.

    `counts` names the method that pools counts, which takes one effect of a trial; blank for none.
    """

    def __init__(self, ties: Iterable[Tie], counts: str = "") -> None:
        self.ties, self.counts = tuple(ties), counts
        super().__init__(f"{self.words}. {self.fix[0].upper()}{self.fix[1:]}")

    @property
    def words(self) -> str:
        """Which trials, the first few by what their effects differ in."""
        named = "; ".join(tie.words for tie in self.ties[:_NAMED])
        more = len(self.ties) - _NAMED
        rest = f"; and {more} more trial{'s' if more > 1 else ''} alike"
        return named + (rest if more > 0 else "")

    @property
    def fix(self) -> str:
        """The two ways out: say which, or take all."""
        ways = dict.fromkeys(way for tie in self.ties for way in tie.ways)
        first = _OF_EFFECTS if self.counts else ""
        return f"{'; '.join([*ways, _MARK])}; or {first}{_TOGETHER}"
