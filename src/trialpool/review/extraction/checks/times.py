"""Time: baseline comes first, and the words and the days of a time point agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from trialpool.review.extraction.checks.index import WITH_RESULTS, Index, having, number
from trialpool.review.extraction.checks.registry import Finding, error, warning
from trialpool.review.extraction.read import show

FACTOR = 1.6
# Half a day: an hour after the infusion is day 0.
_ROUNDED = 0.5

_UNITS = {"s": 1 / 86400, "min": 1 / 1440, "h": 1 / 24, "d": 1.0, "w": 7.0, "m": 30.44, "y": 365.25}
_UNIT = (
    r"(?P<{0}>(?P<{0}min>min(?:ute)?s?)|(?P<{0}h>h(?:ou)?rs?|h)|(?P<{0}d>days?|d)"
    r"|(?P<{0}w>w(?:ee)?ks?|w)|(?P<{0}m>months?|mo)|(?P<{0}y>years?|y))"
)
_NUMBER = r"\d+(?:\.\d+)?"
_TIME = re.compile(
    rf"\b(?P<n>{_NUMBER})[\s-]*{_UNIT.format('a')}\b"
    rf"|\b{_UNIT.format('b')}\s*(?P<of>{_NUMBER})\b(?!\s*(?:%|mg))",
    re.IGNORECASE,
)


@error("Correct time_days (days since the first dose) or outcome_type")
def time_runs_backwards(index: Index) -> Iterator[Finding]:
    """Baseline is not after the first dose, and no result is before it."""
    for name in WITH_RESULTS:
        for row in index.having(name, "time_days"):
            days = number(row, "time_days")
            baseline = row.get("outcome_type") == "baseline"
            if baseline and days > 0 and row["period"] != "both":
                yield Finding(index[name], row, "time_days", "a baseline after the first dose")
            elif days < 0 and not baseline:
                yield Finding(index[name], row, "time_days", "a result before the first dose")


@error("Swap them or correct one")
def window_runs_backwards(index: Index) -> Iterator[Finding]:
    """The first day of a missing result is not after its last."""
    sheet = index["missing_results"]
    for row in having(sheet.rows, "time_from_days", "time_to_days"):
        if number(row, "time_from_days") > number(row, "time_to_days"):
            yield Finding(
                sheet, row, "time_from_days", f"after time_to_days ({show(row['time_to_days'])})"
            )


@warning(
    "Correct time_days, which counts days since the first dose, or timepoint",
    flag="the words and the days of the time point disagree",
)
def time_contradicts_words(index: Index) -> Iterator[Finding]:
    """The days of a time point are those its words say."""
    for name in WITH_RESULTS:
        for row in index.having(name, "time_days", "timepoint"):
            days_named = days_in_words(str(row["timepoint"]))
            if (
                row.get("outcome_type") != "baseline"
                and days_named
                and not any(_agree(number(row, "time_days"), days) for days in days_named)
            ):
                said = " or ".join(dict.fromkeys(f"{days:.3g}" for days in days_named))
                rule = f"the time point '{row['timepoint']}' is day {said}"
                yield Finding(index[name], row, "time_days", rule)


@cache
def days_in_words(words: str) -> tuple[float, ...]:
    """The times named in words, in days.

    >>> days_in_words("24 h post infusion")
    (1.0,)
    >>> days_in_words("day 7, end of week 1")
    (7.0, 7.0)
    """
    out = []
    for match in _TIME.finditer(words):
        side = "a" if match["n"] else "b"
        unit = next(u for u in ("min", "h", "d", "w", "m", "y") if match[side + u])
        out.append(float(match["n"] or match["of"]) * _UNITS[unit])
    return tuple(out)


def _agree(time: float, named: float) -> bool:
    """Whether days agree with words; to some, day 1 is the day of the dose and not the next."""
    if abs(time - named) <= _ROUNDED or time == named - 1 == round(time):
        return True
    least, most = sorted((time, named))
    return least > 0 and most <= FACTOR * least
