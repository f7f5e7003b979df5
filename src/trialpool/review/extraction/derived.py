"""Numbers that follow from reported ones: an SD, a mean and SD of quantiles, an estimate's SE.

The steps that use these numbers and the checks that question them ask here, so that what is
checked is what is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from trialpool.words import number, text

if TYPE_CHECKING:
    from trialpool.effects.medians import FromQuantiles

QUANTILES = ("minimum", "q1", "median", "q3", "maximum")
# What an SD that is not reported is computed from, the first that is there.
_BEHIND_SD = (("se",), ("ci_low", "ci_high"))


class Spread(NamedTuple):
    """A standard deviation, how it was worked out (blank where it is printed), from which cells."""

    sd: float
    how: str
    cells: tuple[str, ...]


def behind_sd(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that an SD which is not reported is computed from; none where it cannot be."""
    reported = (cells for cells in _BEHIND_SD if all(text(row[name]) for name in cells))
    return next(reported, ())


def spread(row: Mapping[str, Any]) -> Spread | None:
    """The SD of an arm's scores, as printed or from its SE or CI (Cochrane Handbook 6.5.2.2)."""
    if row["n"] is None:
        return None
    n = float(row["n"])
    if row["sd"] is not None:
        return Spread(float(row["sd"]), "", ("sd",))
    # scipy comes with these; `trialpool check` seldom needs it.
    from trialpool.effects.generic import sd_from_ci, sd_from_se

    cells = behind_sd(row)
    printed = [number(row[name]) for name in cells]
    if len(printed) == 1:
        return Spread(float(sd_from_se(printed[0], n)), "SD = SE x sqrt(n)", cells)
    if len(printed) == 2 and n > 1:
        sd = float(sd_from_ci(printed[0], printed[1], n))
        return Spread(sd, "SD = sqrt(n) x CI width / (2 t)", cells) if isfinite(sd) else None
    return None


def quantiles(row: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    """The quantiles that a row reports, by their names."""
    return tuple((name, value) for name in QUANTILES if isfinite(value := number(row[name])))


@cache
def from_quantiles(
    n: float, given: tuple[tuple[str, float], ...], method: str, strict: bool
) -> FromQuantiles:
    """Mean and SD of one arm from its quantiles; `strict` refuses those that look skewed.

    An arm is looked at under many choices, of which few concern its quantiles.
    """
    from trialpool.effects.medians import mean_sd

    return mean_sd(n, **dict(given), method=method, test=strict)
