"""Reported differences: estimate, SE, interval, t, F and p of one row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import inf, log, sqrt
from typing import NamedTuple

from trialpool.effects.registry import reported_as
from trialpool.review.extraction.checks.agreement import SLACK, apart, middle, off_centre
from trialpool.review.extraction.checks.index import Index, number, span
from trialpool.review.extraction.checks.quantiles import NORMAL_975, t_of_p
from trialpool.review.extraction.checks.registry import Finding, error, warning
from trialpool.review.extraction.read import Row, Sheet, show

# Wald, score and likelihood-ratio tests of one estimate differ by this much and rarely more.
TEST_SLACK = 1.15
# Degrees of freedom when nothing says them: t is then taken to lie between this and the normal.
FEW_DF = 10.0

Span = tuple[float, float]


@error("Enter it as printed, not logged")
def ratio_above_zero(index: Index) -> Iterator[Finding]:
    """A ratio and its limits are above zero; they are logged."""
    sheet = index["contrasts"]
    for row in sheet.rows:
        for column in ("estimate", "ci_low", "ci_high"):
            value = row[column]
            if _is_ratio(row) and value is not None and float(value) <= 0:
                rule = f"a ratio ({row['effect_measure']}) must be above 0"
                yield Finding(sheet, row, column, rule)


@error("Write it as a fraction, 0.12 for 12 percentage points")
def risk_difference_range(index: Index) -> Iterator[Finding]:
    """A risk difference and its limits lie between -1 and 1."""
    sheet = index["contrasts"]
    for row in sheet.rows:
        for column in ("estimate", "ci_low", "ci_high"):
            # Limits computed without regard to the bound may pass it by a little.
            most = 1.0 if column == "estimate" else 1.5
            if row["effect_measure"] == "RD" and abs(number(row, column)) > most:
                yield Finding(sheet, row, column, "a risk difference lies between -1 and 1")


@error("Write the bound the source prints, e.g. 0.001, and set p_bound = yes")
def p_of_zero(index: Index) -> Iterator[Finding]:
    """A p value is never exactly 0, and a bound on p has its p."""
    sheet = index["contrasts"]
    for row in sheet.rows:
        if row["p_value"] == 0:
            yield Finding(sheet, row, "p_value", "a p value is never 0")
        elif row["p_bound"] == "yes" and row["p_value"] is None:
            yield Finding(sheet, row, "p_bound", "p_value is blank", "Write the bound in p_value")


@error("Correct the arms; a contrast is of an experimental arm with a control arm")
def contrast_arms(index: Index) -> Iterator[Finding]:
    """A contrast compares an arm of its trial with a control arm."""
    sheet = index["contrasts"]
    for row in sheet.rows:
        if index.role(row["trial_id"], row["control_arm"]) == "experimental":
            yield Finding(sheet, row, "control_arm", _not("control", "experimental"))


@warning(
    "Correct the arm, or leave the row out if the review does not ask for this comparison",
    flag="a comparison of two control arms",
)
def contrast_of_controls(index: Index) -> Iterator[Finding]:
    """The experimental arm of a contrast is an experimental arm of its trial."""
    sheet = index["contrasts"]
    for row in sheet.rows:
        if index.role(row["trial_id"], row["experimental_arm"]) == "control":
            yield Finding(sheet, row, "experimental_arm", _not("experimental", "control"))


def _is_ratio(row: Row) -> bool:
    return reported_as(row["effect_measure"]).is_ratio


def _not(role: str, actual: str) -> str:
    return f"its role in arms.csv is {actual}, not {role}"


class _Source(NamedTuple):
    """A way to the standard error: where from, the column, the values it allows."""

    name: str
    column: str
    allowed: Span
    is_test: bool = False


@warning(
    "Check the source: a statistic of another model, or a misprint",
    flag="estimate, CI and p contradict each other",
)
def contrast_contradicts(index: Index) -> Iterator[Finding]:
    """The estimate, standard error, interval, t, F and p of one contrast fit each other."""
    sheet = index["contrasts"]
    for row in index.having("contrasts", "estimate"):
        if _is_ratio(row) and not _positive(row):
            continue
        inexact = row["effect_measure"] not in ("MD", "RD")
        worst, farthest = 1.0, None
        for one, other in combinations(_sources(sheet, row), 2):
            factor = apart(one.allowed, other.allowed)
            slack = TEST_SLACK if inexact or one.is_test or other.is_test else SLACK
            if factor > max(slack, worst):
                worst, farthest = factor, (one, other)
        if farthest:
            one, other = farthest
            yield Finding(
                sheet,
                row,
                other.column,
                f"the standard error is {_in_words(one)} but {_in_words(other)}",
            )


def _positive(row: Row) -> bool:
    return all(row[c] is None or number(row, c) > 0 for c in ("estimate", "ci_low", "ci_high"))


def _in_words(source: _Source) -> str:
    low, high = source.allowed
    if high == inf:
        return f"at least {low:.3g} from {source.name}"
    if low <= 0:
        return f"at most {high:.3g} from {source.name}"
    return f"{middle(source.allowed):.3g} from {source.name}"


def _sources(sheet: Sheet, row: Row) -> list[_Source]:
    """Every standard error the row's numbers lead to, with room for rounding."""
    estimate = _absolute(_scaled(sheet, row, "estimate"))
    df = _df(row)
    fewest = FEW_DF if df is None else df
    out = []
    if row["se"] is not None:
        out.append(_Source("se", "se", span(sheet, row, "se")))
    if row["ci_low"] is not None and row["ci_high"] is not None:
        lower, upper = _scaled(sheet, row, "ci_low"), _scaled(sheet, row, "ci_high")
        least, most = max(0.0, upper[0] - lower[1]), upper[1] - lower[0]
        ci = least / (2 * t_of_p(0.05, fewest)), most / (2 * NORMAL_975)
        out.append(_Source("the width of the CI", "ci_low", ci))
    if row["t"] is not None:
        by_t = _divided(estimate, _absolute(span(sheet, row, "t")))
        out.append(_Source("estimate / t", "t", by_t))
    if row["f"] is not None:
        least, most = span(sheet, row, "f")
        by_f = _divided(estimate, (sqrt(max(0.0, least)), sqrt(most)))
        out.append(_Source("estimate / sqrt(F)", "f", by_f))
    if row["p_value"] is not None and number(row, "p_value") > 0:
        least, most = span(sheet, row, "p_value")
        least = 0.0 if row["p_bound"] == "yes" else max(0.0, least)
        t = t_of_p(min(1.0, most), inf), t_of_p(least, fewest) if least > 0 else inf
        out.append(_Source("estimate and p", "p_value", _divided(estimate, t), True))
    return out


def _df(row: Row) -> float | None:
    if row["df"] is not None:
        return max(1.0, number(row, "df"))
    if row["n_experimental"] is None or row["n_control"] is None:
        return None
    people = number(row, "n_experimental") + (row["period"] != "both") * number(row, "n_control")
    return max(1.0, people - 2)


def _scaled(sheet: Sheet, row: Row, column: str) -> Span:
    """The values a cell can stand for, logged for a ratio."""
    low, high = span(sheet, row, column)
    if _is_ratio(row):
        return log(max(low, number(row, column) / 2)), log(high)
    return low, high


def _absolute(values: Span) -> Span:
    low, high = values
    if low <= 0 <= high:
        return 0.0, max(-low, high)
    return min(abs(low), abs(high)), max(abs(low), abs(high))


def _divided(one: Span, by: Span) -> Span:
    return (one[0] / by[1] if by[1] > 0 else inf), (one[1] / by[0] if by[0] > 0 else inf)


@warning(
    "Check the source: an interval of another kind, or a misprint",
    flag="the estimate is not in the middle of its interval",
)
def estimate_off_centre(index: Index) -> Iterator[Finding]:
    """A difference lies in the middle of its interval, a ratio on the log scale."""
    sheet = index["contrasts"]
    for row in index.having("contrasts", "estimate", "ci_low", "ci_high"):
        if not _is_ratio(row):
            shift = off_centre(sheet, row, "estimate")
        else:
            shift = _off_centre_of_ratio(sheet, row) if _positive(row) else ""
        if shift:
            rule = f"{shift} of its interval, {show(row['ci_low'])} to {show(row['ci_high'])}"
            yield Finding(sheet, row, "estimate", rule)


def _off_centre_of_ratio(sheet: Sheet, row: Row) -> str:
    (e_low, e_high), (low, low_top), (high_bottom, high) = (
        _scaled(sheet, row, column) for column in ("estimate", "ci_low", "ci_high")
    )
    loose = (e_high - e_low + low_top - low + high - high_bottom) / 2
    width = (high + high_bottom - low - low_top) / 2
    shift = abs((e_low + e_high) / 2 - (low + low_top + high + high_bottom) / 4)
    if width <= 0 or shift <= loose + 0.1 * width:
        return ""
    return f"{100 * shift / width:.0f} % of the width away from the middle (on the log scale)"
