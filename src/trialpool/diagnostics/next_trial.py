"""What one more trial would do to a pooled result, by its effect and its size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.bayes.many import Credible, PosteriorMany, pool_sets
from trialpool.pooling.batch import PooledMany
from trialpool.pooling.inputs import as_numbers, as_studies
from trialpool.results import NAN, Array, Pooled, TrialpoolError, check_choice
from trialpool.same_rows import same_rows

LARGEST = 10_000  # people in both arms together, beyond which no size is tried
SMALLEST = 4
_SIZES = 60  # of the first search, on a geometric grid

MEASURES = ("SMD", "MD", "OR", "RR", "RD")


class Next(NamedTuple):
    """The smallest trial that does it: people in both arms, and the result with it.

    `n_total` is NaN and `pooled` None where no size from SMALLEST to LARGEST does.
    """

    n_total: float
    pooled: Pooled | Credible | None


@same_rows
def with_one_more(
    yi: ArrayLike,
    vi: ArrayLike,
    effect: ArrayLike,
    variance: ArrayLike,
    *,
    tau2: str = "REML",
    test: str = "hksj",
    level: float = 0.95,
    tau_scale: float | None = None,
) -> PooledMany | PosteriorMany:
    """The pooled effect with one more trial, once for each result it might have.

    Parameters
    ----------
    yi, vi : (k,) effects (ratios on the log scale) and sampling variances, k >= 1
    effect, variance : (B,) what the next trial finds, and its sampling variance, > 0
    tau2, test, level, tau_scale : as for `bayes.many.pool_sets`

    Returns
    -------
    PooledMany, or with a prior of tau PosteriorMany, of B fits to k + 1 trials

    Raises
    ------
    TrialpoolError
        as for `pool`

    References
    ----------
    Langan, Higgins, Gregory & Sutton 2012, J Clin Epidemiol 65:511
    """
    y, v = as_studies(yi, vi)
    new, spread = np.broadcast_arrays(
        as_numbers("effect", effect), as_numbers("variance", variance)
    )
    shape = (new.size, len(y))
    every = np.column_stack([np.broadcast_to(y, shape), new.ravel()])
    spreads = np.column_stack([np.broadcast_to(v, shape), spread.ravel()])
    return pool_sets(every, spreads, tau2=tau2, test=test, level=level, tau_scale=tau_scale)


def unit_variance(measure: str, effect: ArrayLike, *, risk: float = NAN, sd: float = NAN) -> Array:
    """Sampling variance of an effect times the number of people in each of two equal arms.

    Parameters
    ----------
    measure : "SMD", "MD", "OR", "RR" (both as logs) or "RD"
    effect : analysis scale
    risk : of an event in the control arm, for OR, RR and RD
    sd : within each arm, for MD

    Returns
    -------
    Of the shape of `effect`. SMD: 2 + d^2 / 4. MD: 2 sd^2. With the risks p of the control and q
    of the other arm: OR 1/p + 1/(1 - p) + 1/q + 1/(1 - q), RR (1 - p)/p + (1 - q)/q, RD p(1 - p)
    + q(1 - q). NaN where risk or sd is not known, and where q is not between 0 and 1

    Raises
    ------
    TrialpoolError
        an unknown measure
    """
    check_choice("measure", measure, MEASURES)
    d = as_numbers("effect", effect)
    if measure == "SMD":
        return np.asarray(2 + d**2 / 4)
    if measure == "MD":
        return np.full(d.shape, 2 * sd**2)
    with np.errstate(all="ignore"):
        odds = risk / (1 - risk) * np.exp(d)
        q = {"OR": odds / (1 + odds), "RR": risk * np.exp(d), "RD": risk + d}[measure]
        inside = (q > 0) & (q < 1) & (0 < risk < 1)
        return np.where(inside, _of_risk(measure, np.float64(risk)) + _of_risk(measure, q), NAN)


def _of_risk(measure: str, p: Array | np.float64) -> Array | np.float64:
    """What an arm with this risk adds to the variance, for one person."""
    if measure == "OR":
        return 1 / p + 1 / (1 - p)
    return (1 - p) / p if measure == "RR" else p * (1 - p)


@same_rows
def smallest_next(
    yi: ArrayLike,
    vi: ArrayLike,
    effect: float,
    unit: float,
    reached: Callable[[PooledMany | PosteriorMany], NDArray[np.bool_]],
    *,
    tau2: str = "REML",
    test: str = "hksj",
    level: float = 0.95,
    tau_scale: float | None = None,
) -> Next:
    """The smallest trial with equal arms that would change what a result says.

    A larger trial need not do what a smaller one does: under random effects a precise trial far
    from the others adds heterogeneity. So sizes are tried on a geometric grid from the smallest
    up, and then every size between the first that does it and the one before.

    Parameters
    ----------
    yi, vi, tau2, test, level, tau_scale : as for `with_one_more`
    effect : what the next trial finds, analysis scale
    unit : its `unit_variance`, > 0
    reached : of B fits, which do what is asked, (B,) of bool

    Raises
    ------
    TrialpoolError
        as for `pool`; a unit that is not > 0
    """
    if not unit > 0:
        raise TrialpoolError(f"unit = {unit!r}: the variance of one person per arm must be > 0")
    y, v = as_studies(yi, vi)

    how: dict[str, Any] = {"tau2": tau2, "test": test, "level": level, "tau_scale": tau_scale}

    def fit(arm: Array) -> tuple[PooledMany | PosteriorMany, NDArray[np.int64]]:
        fits = with_one_more(y, v, effect, unit / arm, **how)
        return fits, np.flatnonzero(reached(fits))

    least, most = SMALLEST // 2, LARGEST // 2
    arm = np.unique(np.geomspace(least, most, _SIZES).round())
    _, hits = fit(arm)
    if not len(hits):
        return Next(NAN, None)
    first = int(hits[0])
    between = np.arange(arm[max(first - 1, 0)], arm[first] + 1)
    fits, hits = fit(between)
    return Next(float(2 * between[hits[0]]), fits.row(int(hits[0])))
