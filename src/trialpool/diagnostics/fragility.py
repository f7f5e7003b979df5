"""The fragility index: how few people with another outcome would change a result of counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from trialpool.bayes.many import pool_sets
from trialpool.conclusions import ACROSS, BELOW, side_of
from trialpool.digits import first_highest
from trialpool.effects import effect_size
from trialpool.pooling.counts.columns import as_tables
from trialpool.pooling.counts.mantel_haenszel import TABLES
from trialpool.pooling.inference import check_level, half_width
from trialpool.results import NAN, Array, TrialpoolError, check_choice
from trialpool.same_rows import same_rows

MEASURES = ("OR", "RR", "RD")
NO_COUNTS = "the counts of some trials are not known"
NO_INTERVAL = "the result has no interval to begin with"
NOT_THESE = "the interval of the analysis does not come from these counts alone"
STUCK = "no further change of one person moves the interval closer"
_LOWER, _UPPER = 0, 1  # limits of an interval
_MOST = 2000  # changes that are tried at most
_SAME = 1e-6  # difference of two intervals that is rounding

# (B, k) events of arm 1 and arm 2, with the (k,) totals in between, to the limits (B, 2).
Refit = Callable[[Array, Array, Array, Array], Array]


class Moved(NamedTuple):
    """Net change of the events in one arm (1 or 2) of the trial at this place."""

    trial: int
    arm: int
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragility:
    """The fragility index and the changes behind it.

    `index` people of all `n` have another outcome, `quotient` is their share; `moved` says where.
    `side` is that of the interval (`ci_lb`, `ci_ub`, analysis scale) on which it lay before,
    `ACROSS` zero or to a side of it; `side_after` that after the changes, with its limits.
    `reasons` says why the index is NaN.
    """

    n: float
    side: int = ACROSS
    ci_lb: float = NAN
    ci_ub: float = NAN
    index: float = NAN
    quotient: float = NAN
    side_after: int = ACROSS
    ci_lb_after: float = NAN
    ci_ub_after: float = NAN
    moved: tuple[Moved, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)


def by_inverse_variance(
    measure: str,
    *,
    tau2: str = "REML",
    test: str = "hksj",
    level: float = 0.95,
    tau_scale: float | None = None,
) -> Refit:
    """Refit by `effect_size`, zero cells corrected as by default, and `bayes.many.pool_sets`."""
    check_choice("measure", measure, MEASURES)

    def refit(a: Array, n1: Array, c: Array, n2: Array) -> Array:
        sets, k = a.shape
        columns = {"ai": a, "n1i": np.tile(n1, (sets, 1)), "ci": c, "n2i": np.tile(n2, (sets, 1))}
        # Only one arm differs between the sets, so most tables stand there many times.
        tables = np.stack([x.ravel() for x in columns.values()], axis=1)
        once, place = np.unique(tables, axis=0, return_inverse=True)
        effects = effect_size(measure, **dict(zip(columns, once.T, strict=True)))
        y, v = (x[place.ravel()].reshape(sets, k) for x in (effects.yi, effects.vi))
        out = np.full((sets, 2), NAN)
        # A change must not take a trial out of the analysis.
        fit = np.isfinite(y).all(axis=1) & np.isfinite(v).all(axis=1)
        if fit.any():
            how: dict[str, Any] = {"tau2": tau2, "test": test, "tau_scale": tau_scale}
            pooled = pool_sets(y[fit], v[fit], level=level, **how)
            out[fit] = np.column_stack([pooled.ci_lb, pooled.ci_ub])
        return out

    return refit


def by_counts(
    measure: str, *, method: str = "MH", level: float = 0.95, variance: str | None = None
) -> Refit:
    """Refit by a closed form of `pool_counts`: "MH", "MH-DL" or "Peto"; `variance` of MH RD."""
    check_choice("measure", measure, MEASURES)
    check_choice("method", method, [code for code, of in TABLES if of == measure])
    check_level(level)
    closed, z = TABLES[(method, measure)], float(half_width(level, NAN))
    options = {"variance": variance} if variance else {}

    def refit(a: Array, n1: Array, c: Array, n2: Array) -> Array:
        out = np.full((len(a), 2), NAN)
        for i in range(len(a)):
            closed_form = closed(a[i], n1, c[i], n2, **options)
            if closed_form.var > 0:
                reach = z * closed_form.var**0.5
                out[i] = closed_form.beta - reach, closed_form.beta + reach
        return out

    return refit


@same_rows
def fragility(
    ai: ArrayLike,
    n1i: ArrayLike,
    ci: ArrayLike,
    n2i: ArrayLike,
    *,
    refit: Refit,
    expected: tuple[float, float] | None = None,
) -> Fragility:
    """How few people with another outcome would change whether a result excludes no difference.

    The iterative algorithm of Atal et al.: of all changes of one person in one arm of one trial
    that pull the effect the way wanted, from event to none or back, the one is made that brings
    the limit of the interval furthest, again and again. Where the interval includes no difference
    both sides are tried, and the shorter way counts. What is found can be done, so it is an upper
    bound of the smallest number, not always that number itself.

    Parameters
    ----------
    ai, n1i, ci, n2i : (k,) events and totals of arm 1 and arm 2
    refit
        the analysis' own model: `by_inverse_variance` or `by_counts`, each for a measure
    expected
        limits of the analysis' interval (analysis scale), which the counts should give; None does
        not compare

    Returns
    -------
    Fragility. For one trial this is Walsh's index by the interval of the analysis, where theirs
    takes Fisher's exact test. NaN, with the reason, where counts are missing, where there is no
    interval or not the expected one (paired or adjusted effects), and where the search gets stuck

    Raises
    ------
    TrialpoolError
        no trial; different lengths; counts that are negative or above their total

    References
    ----------
    Walsh et al. 2014, J Clin Epidemiol 67:622; Atal, Porcher, Boutron & Ravaud 2019, J Clin
    Epidemiol 111:32
    """
    given = [np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (ai, n1i, ci, n2i)]
    if len({x.shape for x in given}) > 1:
        shapes = ", ".join(str(x.shape) for x in given)
        raise TrialpoolError(f"ai, n1i, ci and n2i must be columns of one length, got {shapes}")
    if any(np.isnan(x).any() for x in given):
        return Fragility(n=NAN, reasons=dict.fromkeys(("index", "quotient", "n"), NO_COUNTS))
    a, n1, c, n2 = as_tables(*given, whole=False)
    n = float((n1 + n2).sum())
    now = refit(a[np.newaxis], n1, c[np.newaxis], n2)[0]
    if np.isnan(now).any():
        return Fragility(n=n, reasons=dict.fromkeys(("index", "quotient"), NO_INTERVAL))
    if expected is not None and not np.allclose(now, expected, rtol=_SAME, atol=_SAME):
        return Fragility(n=n, reasons=dict.fromkeys(("index", "quotient"), NOT_THESE))
    side = int(side_of(*now))
    low, high = float(now[0]), float(now[1])
    # Across zero: to either side, the nearer one first. Else: until the limit next to zero is past.
    up, down = (_LOWER, 1.0), (_UPPER, -1.0)
    aims = [(_UPPER, 1.0) if side == BELOW else (_LOWER, -1.0)]
    if side == ACROSS:
        aims = [up, down] if low + high > 0 else [down, up]
    best, most = None, _MOST
    for limit, sign in aims:
        way = _walk(a, n1, c, n2, refit, side, limit, sign, most)
        if way is not None:
            best, most = way, way[0] - 1
    if best is None:
        reasons = dict.fromkeys(("index", "quotient"), STUCK)
        return Fragility(n=n, side=side, ci_lb=low, ci_ub=high, reasons=reasons)
    steps, events, after = best
    change = np.round(events - np.stack([a, c])).astype(int)
    moved = [
        Moved(i, arm + 1, int(change[arm, i]))
        for i in range(len(a))
        for arm in (0, 1)
        if change[arm, i]
    ]
    return Fragility(
        n=n,
        side=side,
        ci_lb=low,
        ci_ub=high,
        index=float(steps),
        quotient=steps / n,
        side_after=int(side_of(*after)),
        ci_lb_after=float(after[0]),
        ci_ub_after=float(after[1]),
        moved=tuple(moved),
    )


def _walk(
    a: Array,
    n1: Array,
    c: Array,
    n2: Array,
    refit: Refit,
    side: int,
    limit: int,
    sign: float,
    most: int,
) -> tuple[int, Array, Array] | None:
    """Steps, at most so many, that move one limit up or down until the side changes.

    Returns the number of steps, the events (2, k) and the interval, or None where it does not.
    """
    k, totals = len(a), np.stack([n1, n2])
    events = np.stack([a, c])
    # More events in arm 1 or fewer in arm 2 raise the effect, in any of the measures.
    single = np.zeros((2 * k, 2, k))
    trials = np.arange(k)
    single[trials, 0, trials], single[k + trials, 1, trials] = sign, -sign
    reached = -np.inf
    for step in range(1, most + 1):
        tried = events + single
        tried = tried[((tried >= 0) & (tried <= totals)).all(axis=(1, 2))]
        if not len(tried):
            return None
        limits = refit(tried[:, 0], n1, tried[:, 1], n2)
        score = np.where(np.isnan(limits[:, limit]), -np.inf, sign * limits[:, limit])
        best = first_highest(score)
        # Steps forth and back would go on forever.
        if score[best] <= reached:
            return None
        reached, events = score[best], tried[best]
        if int(side_of(*limits[best])) != side:
            return step, events, limits[best]
    return None
