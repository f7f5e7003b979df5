"""Numbers of one row that say the same in different ways, and contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, sqrt

from trialpool.review.extraction.checks.index import Index, half_unit, having, number, span
from trialpool.review.extraction.checks.quantiles import NORMAL_975, t_975
from trialpool.review.extraction.checks.registry import Finding, error, warning
from trialpool.review.extraction.read import Row, Sheet, show

# What rounding does not explain; a mean's SE may rest on a person more or less than its SD.
SLACK = 1.05
# How far from the middle an estimate may lie, as a share of its interval's width.
OFF_CENTRE = 0.1


@error("Correct the limits")
def limits_in_order(index: Index) -> Iterator[Finding]:
    """Lower limits lie below upper ones, and the estimate between them."""
    for name, middle in (("results", "mean"), ("contrasts", "estimate")):
        sheet = index[name]
        for row in index.having(name, "ci_low", "ci_high"):
            low, high, mid = number(row, "ci_low"), number(row, "ci_high"), row[middle]
            if low >= high:
                yield Finding(sheet, row, "ci_low", f"not below ci_high ({show(row['ci_high'])})")
            elif mid is not None and not low <= float(mid) <= high:
                yield Finding(
                    sheet,
                    row,
                    middle,
                    f"outside its own interval, {show(row['ci_low'])} to {show(row['ci_high'])}",
                    "Correct the value or the limits",
                )


@error("Correct whichever was typed wrong")
def quantiles_in_order(index: Index) -> Iterator[Finding]:
    """Minimum, quartiles, median and maximum rise, and the mean lies between the extremes."""
    sheet = index["results"]
    for row in sheet.rows:
        last = ""
        for column in ("minimum", "q1", "median", "q3", "maximum"):
            if row[column] is None:
                continue
            if last and number(row, column) < number(row, last):
                yield Finding(sheet, row, column, f"below {last} ({show(row[last])})")
            last = column
        mean = row["mean"]
        for column, wrong in (("minimum", -1), ("maximum", 1)):
            if (
                mean is not None
                and row[column] is not None
                and wrong * (float(mean) - number(row, column)) > 0
            ):
                side = "below" if wrong < 0 else "above"
                yield Finding(sheet, row, "mean", f"{side} {column} ({show(row[column])})")


@warning(
    "Check the source: an SE or CI of another model, another n, or a misprint",
    flag="SD, SE and CI of the mean contradict each other",
)
def spread_contradicts(index: Index) -> Iterator[Finding]:
    """SD, standard error and confidence interval of a mean fit each other and n."""
    sheet = index["results"]
    for row in having(index.scores, "n"):
        n = number(row, "n")
        if n < 2 or (row["se"] is None and row["ci_low"] is None):
            continue
        spans = []
        if row["sd"] is not None:
            spans.append(("sd", span(sheet, row, "sd")))
        if row["se"] is not None:
            low, high = span(sheet, row, "se")
            spans.append(("se x sqrt(n)", (low * sqrt(n), high * sqrt(n))))
        if row["ci_low"] is not None and row["ci_high"] is not None:
            half = (number(row, "ci_high") - number(row, "ci_low")) / 2
            loose = half_unit(sheet, row, "ci_low") + half_unit(sheet, row, "ci_high")
            low = (half - loose) * sqrt(n) / t_975(n - 1)
            spans.append(("the width of the CI", (low, (half + loose) * sqrt(n) / NORMAL_975)))
        for place, (what, one) in enumerate(spans):
            for other_what, other in spans[place + 1 :]:
                factor = apart(one, other)
                if factor > SLACK:
                    column = "ci_low" if other_what.startswith("the") else "se"
                    rule = (
                        f"the SD is {middle(one):.3g} from {what} but {middle(other):.3g} from "
                        f"{other_what} (n = {n:g})"
                    )
                    yield Finding(sheet, row, column, rule)


@warning(
    "Check the source: a model's interval, or a misprint",
    flag="the mean is not in the middle of its interval",
)
def mean_off_centre(index: Index) -> Iterator[Finding]:
    """A mean lies in the middle of its confidence interval."""
    sheet = index["results"]
    for row in having(index.scores, "mean", "ci_low", "ci_high"):
        shift = off_centre(sheet, row, "mean")
        if shift:
            rule = f"{shift} of its interval, {show(row['ci_low'])} to {show(row['ci_high'])}"
            yield Finding(sheet, row, "mean", rule)


def off_centre(sheet: Sheet, row: Row, column: str) -> str:
    """How far from the middle of its interval a value lies, in words; blank when it is there."""
    low, high = number(row, "ci_low"), number(row, "ci_high")
    width = high - low
    loose = sum(half_unit(sheet, row, name) for name in (column, "ci_low", "ci_high"))
    shift = abs(number(row, column) - (low + high) / 2)
    if width <= 0 or shift <= loose + OFF_CENTRE * width:
        return ""
    return f"{100 * shift / width:.0f} % of the width away from the middle"


def apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The factor between two ranges of a positive number: 1 where they overlap."""
    (_, high), (low, _) = sorted((one, other))
    if low <= high:
        return 1.0
    return low / high if high > 0 else inf


def middle(one: tuple[float, float]) -> float:
    """The middle of a range."""
    return (max(0.0, one[0]) + one[1]) / 2
