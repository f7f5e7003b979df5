"""Small-sample correction of standardised differences, and what goes with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from trialpool.effects import special
from trialpool.effects.registry import Rule, none_of
from trialpool.results import NAN, Array, check_choice

CORRECTIONS = ("exact", "approx", "none")

# gamma(x + 1/2)/(gamma(x) sqrt(x)) in powers of 1/x: below rounding error from x = 50 on.
_SERIES_FROM = 100.0
_GAMMA_RATIO = (1, -1 / 8, 1 / 128, 5 / 1024, -21 / 32768, -399 / 262144, 869 / 4194304)


def small_sample_factor(df: ArrayLike, correction: str = "exact") -> Array:
    """Factor J that removes the small-sample bias of a standardised difference, g = J d.

    Parameters
    ----------
    df : degrees of freedom of the standardiser, any shape
    correction : "exact" (ratio of gamma functions), "approx" (1 - 3/(4 df - 1)) or "none" (1)

    Returns
    -------
    J, same shape as df; NaN where df <= 1, where no unbiased factor exists

    Raises
    ------
    TrialpoolError
        for an unknown correction

    References
    ----------
    Hedges 1981, J Educ Stat 6:107, eq. 6e (exact) and its approximation; Tricomi & Erdelyi 1951,
    Pac J Math 1:133 (series of the gamma ratio)
    """
    check_choice("correction", correction, CORRECTIONS)
    m = np.asarray(df, dtype=np.float64)
    usable = np.where(m > 1, m, NAN)
    if correction == "none":
        return np.where(m > 0, 1.0, NAN)
    if correction == "approx":
        return np.asarray(1 - 3 / (4 * usable - 1))
    # Log-gamma keeps the small ones exact; for large df its difference cancels, and the
    # asymptotic series of the ratio is exact instead.
    small, large = np.minimum(usable, _SERIES_FROM), np.maximum(usable, _SERIES_FROM)
    log_j = special.gammaln(small / 2) - np.log(small / 2) / 2 - special.gammaln((small - 1) / 2)
    series = np.polynomial.polynomial.polyval(2 / (large - 1), _GAMMA_RATIO)
    return np.where(usable < _SERIES_FROM, np.exp(log_j), np.sqrt(1 - 1 / large) * series)


def unbiased_shape(g: Array, j: Array, df: Array) -> Array:
    """The part of the unbiased variance of g = J d that depends on g, shape (k,).

    References
    ----------
    Hedges 1983, Psychol Bull 93:388, eq. 9
    """
    return np.asarray((1 - (df - 2) / (df * j**2)) * g**2)


def mean_by_size(effects: Array, n: Array, rules: Sequence[Rule]) -> float:
    """Mean over the studies that have an effect, weighted by their numbers of people.

    Parameters
    ----------
    effects, n : (k,) effects and numbers of people
    rules : which studies have no effect, whatever the formula made of them
    """
    known = np.isfinite(effects) & np.isfinite(n) & none_of(rules, len(effects))
    return float(n[known] @ effects[known] / n[known].sum()) if known.any() else NAN
