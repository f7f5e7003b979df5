"""What missing trials would have to have found to change a pooled result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from trialpool.bayes.many import PosteriorMany, pool_sets
from trialpool.conclusions import ACROSS, Sides, side_of
from trialpool.pooling.batch import PooledMany
from trialpool.pooling.inputs import as_numbers, as_studies
from trialpool.results import Array, TrialpoolError
from trialpool.same_rows import same_rows

NOT_CONVERGED = "a fit did not converge"

_SCAN = 401  # points of the first scan, odd so that no difference is one of them
_FINE = 101  # points around the place where a limit comes closest
_ROUNDS, _PARTS = 6, 33  # each round divides the bracket of a change by 32
_REACH = 2.0  # the scan goes this many times as far from 0 as any trial's own interval


class AnswerChange(NamedTuple):
    """A value `at` which the answer changes: what it is just `before` and just `after`."""

    at: float
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tipping:
    """Where a common assumed effect of the missing trials changes the pooled result.

    `sides` are the changes of the side on which the interval lies (BELOW, ACROSS or ABOVE zero),
    `passes` those of the side of the threshold on which the estimate lies; both in rising order.
    `side_at_null` and `pass_at_null` are the answers if the missing trials found no difference.
    `limit` is how far from zero, to each side, was searched. `reasons` says what was not.
    """

    limit: float
    side_at_null: int
    sides: tuple[AnswerChange, ...]
    pass_at_null: int = 0
    passes: tuple[AnswerChange, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)


@same_rows
def with_missing(
    yi: ArrayLike,
    vi: ArrayLike,
    v_missing: ArrayLike,
    assumed: ArrayLike,
    *,
    tau2: str = "REML",
    test: str = "hksj",
    level: float = 0.95,
    tau_scale: float | None = None,
) -> PooledMany | PosteriorMany:
    """The pooled effect with missing trials added, once for each effect they might have found.

    Parameters
    ----------
    yi, vi : (k,) effects (ratios on the log scale) and sampling variances, k >= 1
    v_missing : (m,) sampling variances of the missing trials, m >= 1, held whatever they found
    assumed : (B,) the effect that all missing trials are taken to have found
    tau2, test, level, tau_scale : as for `bayes.many.pool_sets`

    Returns
    -------
    PooledMany, or with a prior of tau PosteriorMany, of B fits to k + m trials

    Raises
    ------
    TrialpoolError
        as for `pool`; no missing trial
    """
    y, v = as_studies(yi, vi)
    extra, x = as_numbers("v_missing", v_missing), as_numbers("assumed", assumed)
    if extra.ndim != 1 or extra.size == 0:
        raise TrialpoolError("v_missing is empty: there is no missing trial to add")
    observed = np.broadcast_to(y, (len(x), len(y)))
    added = np.broadcast_to(x[:, np.newaxis], (len(x), len(extra)))
    every, spread = np.concatenate([observed, added], axis=1), np.concatenate([v, extra])
    return pool_sets(every, spread, tau2=tau2, test=test, level=level, tau_scale=tau_scale)


@same_rows
def tipping(
    yi: ArrayLike,
    vi: ArrayLike,
    v_missing: ArrayLike,
    *,
    threshold: float | None = None,
    limit: float | None = None,
    tau2: str = "REML",
    test: str = "hksj",
    level: float = 0.95,
    tau_scale: float | None = None,
) -> Tipping:
    """Every common effect of the missing trials at which the pooled conclusion changes.

    With random effects the interval need not move in one direction with what is assumed: trials
    far from the others add heterogeneity, which widens it again. So a grid is scanned first, and
    each change between two of its points is then narrowed down. There may be none.

    Parameters
    ----------
    yi, vi, v_missing, tau2, test, level, tau_scale : as for `with_missing`
    threshold : value that the pooled estimate may pass; None leaves it out
    limit
        how far from zero to search at most, > 0; in any case no further than twice the reach of
        the trials' own intervals, with those of the missing trials about zero

    Returns
    -------
    Tipping

    Raises
    ------
    TrialpoolError
        as for `with_missing`
    """
    y, v = as_studies(yi, vi)
    extra = as_numbers("v_missing", v_missing)

    how: dict[str, Any] = {"tau2": tau2, "test": test, "level": level, "tau_scale": tau_scale}

    def fit(x: Array) -> PooledMany | PosteriorMany:
        return with_missing(y, v, extra, x, **how)

    half = -float(ndtri(0.025))
    spread = max(np.sqrt(extra).max(initial=0.0), abs(threshold or 0.0))
    reach = _REACH * float(max((np.abs(y) + half * np.sqrt(v)).max(), half * spread))
    limit = reach if limit is None else min(limit, reach)
    grid = np.linspace(-limit, limit, _SCAN)
    first = fit(grid)
    # A stretch in which the interval just clears zero could lie between two points.
    fine = [_around(grid, first.ci_ub.argmin()), _around(grid, first.ci_lb.argmax())]
    grid = np.unique(np.concatenate([grid, *fine]))
    if not (first.converged.all() and fit(grid).converged.all()):
        return Tipping(limit=limit, side_at_null=ACROSS, sides=(), reasons={"sides": NOT_CONVERGED})

    def sides(x: Array) -> Sides:
        fits = fit(x)
        return side_of(fits.ci_lb, fits.ci_ub)

    null = np.zeros(1)
    passes: tuple[AnswerChange, ...] = ()
    at_null = 0
    if threshold is not None:
        aim = threshold

        def beyond(x: Array) -> Sides:
            return np.sign(fit(x).beta - aim).astype(np.int64)

        passes, at_null = changes(beyond, grid), int(beyond(null)[0])
    return Tipping(
        limit=limit,
        side_at_null=int(sides(null)[0]),
        sides=changes(sides, grid),
        pass_at_null=at_null,
        passes=passes,
    )


def changes(answer: Callable[[Array], Sides], grid: Array) -> tuple[AnswerChange, ...]:
    """Where an answer changes along a rising grid, each place narrowed down to rounding.

    Parameters
    ----------
    answer : gives a whole number for each value of an array; is called with arrays
    grid : (B,) rising values; of two changes between neighbours only one is found
    """
    answers = answer(grid)
    out = []
    for i in np.flatnonzero(np.diff(answers)):
        low, high, before, after = grid[i], grid[i + 1], answers[i], answers[i + 1]
        for _ in range(_ROUNDS):
            x = np.linspace(low, high, _PARTS)
            inside = answer(x)
            inside[0], inside[-1] = before, after  # known, whatever rounding says now
            j = int(np.flatnonzero(inside != before)[0])
            low, high, after = x[j - 1], x[j], inside[j]
        out.append(AnswerChange(float((low + high) / 2), int(before), int(after)))
    return tuple(out)


def nearest(
    places_of_change: tuple[AnswerChange, ...], at_null: int, wanted: Callable[[int], bool]
) -> tuple[bool, float | None]:
    """The value nearest to 0 from which an answer is a wanted one; 0 where it is so at 0.

    Returns
    -------
    (whether it is so at 0, the value or None where there is none)
    """
    if wanted(at_null):
        return True, 0.0
    places = [c.at for c in places_of_change if wanted(c.before) != wanted(c.after)]
    return False, min(places, key=abs) if places else None


def _around(grid: Array, i: np.int64) -> Array:
    low, high = grid[max(int(i) - 1, 0)], grid[min(int(i) + 1, len(grid) - 1)]
    return np.linspace(low, high, _FINE)
