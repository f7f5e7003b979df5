"""Counts: events and the people they happened to, and the percentages printed beside them."""

from __future__ import annotations

from collections.abc import Iterator

from trialpool.effects.registry import reported_as
from trialpool.review.extraction.checks.index import Index, decimals, half_unit, having, number
from trialpool.review.extraction.checks.registry import Finding, error, warning
from trialpool.review.extraction.read import Row, show
from trialpool.review.schema.outcomes import OUTCOME_TYPES

_OTHER_TOTALS = 3
_SCORE_COLUMNS = ("mean", "sd", "se", "ci_low", "ci_high", "median", "q1", "q3", "minimum",
                  "maximum", "correlation")  # fmt: skip
_COUNT_COLUMNS = ("event", "totaln", "percent", "time_at_risk")
# The numbers of a row that is no score, by its outcome_type.
_COLUMNS = {
    "event": ("event", "totaln", "percent"),
    "rate": ("event", "time_at_risk"),
    "association": ("correlation",),
}


@error("Correct event or totaln")
def events_above_n(index: Index) -> Iterator[Finding]:
    """No more people have the event than were at risk."""
    for row in index.having("results", "event", "totaln"):
        if number(row, "event") > number(row, "totaln"):
            rule = f"more events than people ({show(row['totaln'])})"
            yield Finding(index["results"], row, "event", rule)


@error("Correct outcome_type or outcome", excluded_too=True)
def outcome_type(index: Index) -> Iterator[Finding]:
    """Counts are of binary outcomes, scores of continuous ones, rates of rates."""
    sheet = index["results"]
    for row in having(sheet.rows, "outcome_type"):
        kind = index.kind(row)
        if kind and row["outcome_type"] not in OUTCOME_TYPES[kind]:
            rule = f"does not fit outcome {row['outcome']}, which is {kind}"
            yield Finding(sheet, row, "outcome_type", rule)


@error("Correct effect_measure or outcome", excluded_too=True)
def effect_measure(index: Index) -> Iterator[Finding]:
    """Ratios and risk differences are of binary outcomes, differences of means of continuous."""
    sheet = index["contrasts"]
    for row in having(sheet.rows, "effect_measure"):
        kind = index.kind(row)
        if kind and reported_as(row["effect_measure"]).outcome != kind:
            rule = f"does not fit outcome {row['outcome']}, which is {kind}"
            yield Finding(sheet, row, "effect_measure", rule)


@error("Move it to a row of its own outcome_type; here it would be passed over in silence")
def number_in_wrong_column(index: Index) -> Iterator[Finding]:
    """A row of counts holds no score, and a row of scores no count."""
    sheet = index["results"]
    for row in having(sheet.rows, "outcome_type"):
        right = _COLUMNS.get(str(row["outcome_type"]), _SCORE_COLUMNS)
        for column in (*_SCORE_COLUMNS, *_COUNT_COLUMNS):
            if row.get(column) is not None and column not in right:
                kind = "score" if column in _SCORE_COLUMNS else "count"
                rule = f"a number of a {kind} in a row with outcome_type {row['outcome_type']}"
                yield Finding(sheet, row, column, rule)


@warning(
    "Check event, totaln and percent in the source; another denominator may have been used",
    flag="the printed percentage does not fit the count",
)
def percent_contradicts_count(index: Index) -> Iterator[Finding]:
    """A printed percentage is the count divided by the people at risk."""
    sheet = index["results"]
    for row in index.having("results", "percent", "event", "totaln"):
        event, total = int(number(row, "event")), int(number(row, "totaln"))
        if not fits(sheet_half := half_unit(sheet, row, "percent"), row, event, total):
            fitting = [
                m for m in _nearby(total) if m >= max(1, event) and fits(sheet_half, row, event, m)
            ]
            shown, places = sheet.text(row, "percent"), decimals(sheet.text(row, "percent"))
            hint = (
                f"{shown} % fits {event} of {_any_of(fitting)}"
                if fitting
                else f"no denominator near gives {shown} %"
            )
            rule = f"{event} of {total} is {100 * event / total:.{max(1, places)}f} %; {hint}"
            yield Finding(sheet, row, "percent", rule)


@warning(
    "Check totaln and percent in the source; another denominator may have been used",
    flag="no whole number of people gives the printed percentage",
)
def percent_impossible(index: Index) -> Iterator[Finding]:
    """A printed percentage is that of a whole number of people."""
    sheet = index["results"]
    for row in index.having("results", "percent", "totaln"):
        half, total = half_unit(sheet, row, "percent"), int(number(row, "totaln"))
        if row["event"] is not None or _count(row, half, total) is not None:
            continue
        shown, below = sheet.text(row, "percent"), int(number(row, "percent") * total / 100)
        near = " and ".join(f"{e} is {100 * e / total:.2f} %" for e in (below, below + 1))
        fitting = [
            f"{count} of {m}" for m in _nearby(total) if (count := _count(row, half, m)) is not None
        ]
        hint = f"; {shown} % fits {' or '.join(fitting[:_OTHER_TOTALS])}" if fitting else ""
        rule = f"no whole number of {total} people: {near}{hint}"
        yield Finding(sheet, row, "percent", rule)


def fits(half: float, row: Row, event: int, total: int) -> bool:
    """Whether a count of a total prints as the row's percentage."""
    return abs(100 * event / total - number(row, "percent")) <= half + 1e-9


def _count(row: Row, half: float, total: int) -> int | None:
    """The whole number of `total` people that prints as the row's percentage."""
    event = round(number(row, "percent") * total / 100)
    return event if fits(half, row, event, total) else None


def _nearby(total: int) -> list[int]:
    """Other denominators, the nearest first: people lost, or not yet lost."""
    reach = max(5, total // 5)
    return [m for d in range(1, reach + 1) for m in (total - d, total + d) if m > 0]


def _any_of(totals: list[int]) -> str:
    return " or ".join(map(str, totals[:_OTHER_TOTALS]))
