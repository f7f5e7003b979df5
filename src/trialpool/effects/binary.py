"""Two independent arms, counts of events: odds ratio, risk ratio, risk difference."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialpool.effects.registry import Rule, finish, measure, reasons_for
from trialpool.results import Array, EffectSizes, TrialpoolError

COLUMNS = ("ai", "n1i", "ci", "n2i")
SUMS = {"n1i": ("ai", "bi"), "n2i": ("ci", "di")}
NO_EVENTS = "no events in either arm"
ONLY_EVENTS = "events in all participants of both arms"


class _Cells(NamedTuple):
    """The four cells after the correction, and per study why there is no effect."""

    a: Array
    b: Array
    c: Array
    d: Array
    reason: tuple[str, ...]


def one_sided(
    ai: Array, n1i: Array, ci: Array, n2i: Array
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Studies with no events at all, and studies with events in everyone; shapes (k,)."""
    return (ai == 0) & (ci == 0), (ai == n1i) & (ci == n2i)


def _cells(ai: Array, n1i: Array, ci: Array, n2i: Array, *, add: float, ratio: bool) -> _Cells:
    if not (np.isfinite(add) and add >= 0):
        raise TrialpoolError(f"add = {add}: must be a number >= 0")
    bi, di = n1i - ai, n2i - ci
    rules: list[Rule] = [
        (ai < 0, "ai < 0"),
        (ci < 0, "ci < 0"),
        (bi < 0, "ai > n1i"),
        (di < 0, "ci > n2i"),
        (n1i <= 0, "n1i is 0"),
        (n2i <= 0, "n2i is 0"),
    ]
    if ratio:
        # A ratio of two zero risks holds no information on the ratio; the added half would
        # pretend it is 1 when the arms are equal and make up an effect when they are not.
        none, all_ = one_sided(ai, n1i, ci, n2i)
        rules += [(none, NO_EVENTS), (all_, ONLY_EVENTS)]
    columns = dict(zip(COLUMNS, (ai, n1i, ci, n2i), strict=True))
    zero = (ai == 0) | (bi == 0) | (ci == 0) | (di == 0)
    extra = np.where(zero, add, 0.0)
    return _Cells(ai + extra, bi + extra, ci + extra, di + extra, reasons_for(columns, rules))


def _formula(name: str, add: float) -> str:
    return f"{name}, {add:g} added to the cells of studies with a zero cell"


@measure("OR", needs=COLUMNS, sums=SUMS)
def log_odds_ratio(
    ai: Array, n1i: Array, ci: Array, n2i: Array, *, add: float = 0.5
) -> EffectSizes:
    """Log odds ratio of arm 1 over arm 2.

    Parameters
    ----------
    ai, n1i, ci, n2i : (k,) events and totals of arm 1 and arm 2
    add : added to all four cells of a study that has a zero cell, and only there

    Returns
    -------
    EffectSizes on the log scale; NaN with the reason where neither arm has events, or both have
    nothing else

    References
    ----------
    Woolf 1955, Ann Hum Genet 19:251; Gart & Zweifel 1967, Biometrika 54:181 (the added half)
    """
    a, b, c, d, reason = _cells(ai, n1i, ci, n2i, add=add, ratio=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        yi = np.log(a) + np.log(d) - np.log(b) - np.log(c)
        vi = 1 / a + 1 / b + 1 / c + 1 / d
    return finish(yi, vi, measure="OR", formula=_formula("log OR", add), reason=reason)


@measure("RR", needs=COLUMNS, sums=SUMS)
def log_risk_ratio(
    ai: Array, n1i: Array, ci: Array, n2i: Array, *, add: float = 0.5
) -> EffectSizes:
    """Log risk ratio of arm 1 over arm 2; parameters and missing values as for OR.

    References
    ----------
    Katz et al. 1978, Biometrics 34:469
    """
    a, b, c, d, reason = _cells(ai, n1i, ci, n2i, add=add, ratio=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        yi = np.log(a / (a + b)) - np.log(c / (c + d))
        vi = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    return finish(yi, vi, measure="RR", formula=_formula("log RR", add), reason=reason)


@measure("RD", needs=COLUMNS, sums=SUMS)
def risk_difference(
    ai: Array, n1i: Array, ci: Array, n2i: Array, *, add: float = 0.5
) -> EffectSizes:
    """Risk of arm 1 minus risk of arm 2; parameters as for OR.

    Studies without events are kept: equal zero risks are information on a difference. The
    corrected cells give both the difference and its variance where a cell is zero, since a
    variance of 0 could not be weighted.
    """
    a, b, c, d, reason = _cells(ai, n1i, ci, n2i, add=add, ratio=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        yi = a / (a + b) - c / (c + d)
        vi = a * b / (a + b) ** 3 + c * d / (c + d) ** 3
    return finish(yi, vi, measure="RD", formula=_formula("RD", add), reason=reason)
