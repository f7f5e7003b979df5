"""Tests, quantiles and heterogeneity shares that every model uses, for one or many fits at once.

Degrees of freedom are NaN for the normal distribution.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from numbers import Real

import numpy as np
from scipy.special import gammaincc, gammaincinv, ndtr, ndtri, stdtr, stdtrit

from trialpool.pooling.studies import Numbers, pick
from trialpool.results import NAN, ChiSquared, TrialpoolError

TESTS = ("z", "t", "knha", "hksj")
_DECIMALS = 10  # to which log likelihoods tell a difference


def check_level(level: float) -> None:
    """Raise unless level is a proportion between 0 and 1."""
    if not isinstance(level, Real) or not 0 < level < 1:
        raise TrialpoolError(f"level = {level!r}: must lie between 0 and 1, such as 0.95")


def _each(function: Callable[[float, float], float], p: float, df: Numbers) -> Numbers:
    """A quantile for each of a few different degrees of freedom: they are costly to compute."""
    if not isinstance(df, np.ndarray):
        return function(p, float(df))
    values, place = np.unique(df, return_inverse=True)
    return np.array([function(p, float(x)) for x in values])[place]


@lru_cache(maxsize=4096)
def _t(p: float, df: float) -> float:
    if math.isnan(df):
        return float(ndtri(p))
    return float(stdtrit(df, p)) if df > 0 else float("nan")


@lru_cache(maxsize=4096)
def _chi2(p: float, df: float) -> float:
    return 2 * float(gammaincinv(df / 2, p)) if df > 0 else float("nan")


def half_width(level: float, df: Numbers) -> Numbers:
    """How many standard errors an interval reaches to each side: quantile of t or normal."""
    return -_each(_t, (1 - level) / 2, df)


def chi2_quantile(p: float, df: Numbers) -> Numbers:
    """Quantile of the chi-squared distribution."""
    return _each(_chi2, p, df)


def p_value(stat: Numbers, df: Numbers) -> Numbers:
    """Two-sided p value of a t or z statistic."""
    # The lower tail, doubled: 1 - cdf would round small p values to 0.
    low = -abs(stat)
    normal = np.isnan(df)
    if isinstance(normal, np.ndarray):
        return 2 * np.where(normal, ndtr(low), stdtr(df, low))
    return 2 * (ndtr(low) if normal else stdtr(df, low))


def chi2_tail(q: Numbers, df: Numbers) -> Numbers:
    """Probability of a chi-squared value above q; 1 with no degrees of freedom."""
    some = df > 0
    return pick(some, gammaincc(pick(some, df, 1) / 2, q / 2), 1.0)


def chi_squared(stat: float, df: int, reason: str = "") -> ChiSquared:
    """The test of a statistic that is chi-squared under its hypothesis; NaN needs the reason."""
    if not math.isfinite(stat):
        return ChiSquared(stat=NAN, df=df, pval=NAN, reason=reason)
    stat = max(0.0, float(stat))
    return ChiSquared(stat=stat, df=df, pval=float(chi2_tail(stat, df)))


def likelihood_ratio(larger: float, smaller: float, df: int, reason: str = "") -> ChiSquared:
    """The test of the smaller of two models, by their log likelihoods."""
    # Equal ones differ by rounding, of which p, near 1, would show the square root.
    return chi_squared(round(2 * (float(larger) - float(smaller)), _DECIMALS), df, reason)


def i_squared(q: Numbers, df: Numbers) -> Numbers:
    """Share of Q beyond its expectation, in percent, never below 0; 0 where Q is 0."""
    return pick(q > 0, np.maximum(0.0, 100 * (q - df) / pick(q > 0, q, 1.0)), 0.0)


def knapp_hartung(q: Numbers, test: str) -> Numbers:
    """Factor on the squared standard error, from the generalised Q over its degrees of freedom."""
    if test == "knha":
        return q
    return np.maximum(1.0, q) if test == "hksj" else 1.0
