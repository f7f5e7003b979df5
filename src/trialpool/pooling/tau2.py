"""Estimators of the between-study variance, in one registry, and its Q-profile interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaincinv

from trialpool.pooling.quantities import (
    generalised_q,
    log_likelihood,
    score,
    standard_units,
    trace_p,
    trace_square,
)
from trialpool.results import NAN, Array

Estimate = Callable[[Array, Array], float]
StandardError = Callable[[Array, Array, float], float]

GRID_STEP = 0.1  # of log(tau2 + smallest vi), on which scale the score bends over lengths near 1
_ROOT_RTOL = 4 * float(np.finfo(np.float64).eps)


class Estimator(NamedTuple):
    """A function of (yi, vi) that gives tau2, and one of (yi, vi, tau2) that gives its SE."""

    estimate: Estimate
    se: StandardError | None


ESTIMATORS: dict[str, Estimator] = {}


def register(code: str, *, se: StandardError | None = None) -> Callable[[Estimate], Estimate]:
    """Put an estimator of tau2 into the registry under its code."""

    def add(estimate: Estimate) -> Estimate:
        ESTIMATORS[code] = Estimator(estimate, se)
        return estimate

    return add


def tau2_estimate(code: str, yi: Array, vi: Array) -> float:
    """tau2 by the estimator of that code, for checked studies with k >= 2.

    Scale-free: the studies are brought to a typical variance near 1 by a power of two, which is
    exact in floating point, and centred on the most precise one.
    """
    y, v, unit = standard_units(yi, vi)
    return ESTIMATORS[code].estimate(y, v) * unit


def tau2_se(code: str, yi: Array, vi: Array, tau2: float) -> float:
    """Asymptotic standard error of tau2 for the estimator of that code; NaN if it has none."""
    formula = ESTIMATORS[code].se
    if formula is None:
        return NAN
    y, v, unit = standard_units(yi, vi)
    return formula(y, v, tau2 / unit) * unit


def _solve_q(y: Array, v: Array, target: float) -> float:
    """tau2 at which the generalised Q equals `target`; 0 where it starts below."""
    if generalised_q(y, v, 0.0) <= target:
        return 0.0
    # Q(t) <= SS/(t + min v), so the root cannot lie beyond SS/target: one bracketing search is
    # exact, where a fixed-point iteration can stop early when tau2 is small against vi.
    top = float(((y - y.mean()) ** 2).sum()) / target
    return _root(lambda t: generalised_q(y, v, t) - target, 0.0, top)


def _root(f: Callable[[float], float], low: float, high: float) -> float:
    """Root in a bracket to the last digits; tolerates a bound that is itself the root."""
    at_low, at_high = f(low), f(high)
    if at_low == 0 or at_low * at_high > 0:
        return low if abs(at_low) <= abs(at_high) else high
    return float(brentq(f, low, high, xtol=1e-300, rtol=_ROOT_RTOL, maxiter=1000))


def q_profile(yi: Array, vi: Array, level: float = 0.95) -> tuple[float, float]:
    """Exact confidence interval of tau2 from the distribution of the generalised Q.

    Parameters
    ----------
    yi, vi : (k,) effects and sampling variances, k >= 2
    level : confidence level, between 0 and 1

    Returns
    -------
    (lower, upper), squared units of yi, both >= 0; both 0 where even tau2 = 0 leaves more
    homogeneity than the level allows (the interval is empty then, and 0 its nearest value)

    References
    ----------
    Viechtbauer 2007, Stat Med 26:37
    """
    y, v, unit = standard_units(yi, vi)
    half = (len(y) - 1) / 2
    low, high = (
        _solve_q(y, v, 2 * float(gammaincinv(half, p))) * unit
        for p in ((1 + level) / 2, (1 - level) / 2)
    )
    return low, high


def _maximise(y: Array, v: Array, *, restricted: bool) -> float:
    """tau2 at the highest of all maxima of the (restricted) likelihood.

    The likelihood can have several local maxima, so the score is scanned over the whole range
    that can hold one, every downward crossing is solved, and the best is taken.
    """
    least = float(v.min())
    spread = float(((y - y.mean()) ** 2).sum())
    # Past this the score is negative for certain: with t >= 3 max(v) the weights differ by a
    # factor of at most 4/3, so trace(P) > (k - 4/3) min(w) >= 2/3 min(w), while
    # y'PPy <= max(w)^2 SS < 2/3 min(w) as soon as t > 2 SS.
    top = max(3 * float(v.max()), 2 * spread)
    n = 2 + math.ceil(math.log1p(top / least) / GRID_STEP)
    t = least * np.expm1(np.linspace(0.0, math.log1p(top / least), n))
    s = score(y, v, t, restricted=restricted)
    # A bump that stays below 0 on the grid may still cross between grid points: look closer.
    bump = np.flatnonzero((s[1:-1] < 0) & (s[1:-1] >= s[:-2]) & (s[1:-1] >= s[2:])) + 1
    if bump.size:
        fine = [np.linspace(t[j - 1], t[j + 1], 33)[1:-1] for j in bump]
        t = np.unique(np.concatenate([t, *fine]))
        s = score(y, v, t, restricted=restricted)

    def at(x: float) -> float:
        return float(score(y, v, x, restricted=restricted))

    falls = np.flatnonzero((s[:-1] > 0) & (s[1:] <= 0))
    maxima = [0.0] if s[0] <= 0 else []
    maxima += [_root(at, float(t[j]), float(t[j + 1])) for j in falls]
    if len(maxima) == 1:
        return maxima[0]
    # `max` keeps the first of equals: the smallest tau2 that explains the data equally well.
    return max(maxima, key=lambda x: log_likelihood(y, v, x, restricted=restricted))


# --- estimators ------------------------------------------------------------------------------


def _se_dl(y: Array, v: Array, tau2: float) -> float:
    w = 1 / v
    return math.sqrt(2 * trace_square(w, v + tau2)) / float(trace_p(w))


def _se_hs(y: Array, v: Array, tau2: float) -> float:
    w = 1 / v
    return math.sqrt(2 * trace_square(w, v + tau2)) / float(w.sum())


def _se_he(y: Array, v: Array, tau2: float) -> float:
    return math.sqrt(2 * trace_square(np.ones_like(v), v + tau2)) / (len(v) - 1)


def _se_sj(y: Array, v: Array, tau2: float) -> float:
    crude = float(((y - y.mean()) ** 2).mean())
    w = 1 / (v + crude)
    return crude * math.sqrt(2 * trace_square(w, v + tau2)) / (len(v) - 1)


def _se_ml(y: Array, v: Array, tau2: float) -> float:
    return math.sqrt(2 / float(((v + tau2) ** -2).sum()))


def _se_reml(y: Array, v: Array, tau2: float) -> float:
    return math.sqrt(2 / trace_square(1 / (v + tau2), np.ones_like(v)))


def _se_pm(y: Array, v: Array, tau2: float) -> float:
    k = len(v)
    return k * math.sqrt(2 / (k - 1)) / float((1 / (v + tau2)).sum())


@register("EE")
def common_effect(yi: Array, vi: Array) -> float:
    """No between-study variance: every study estimates the same effect."""
    return 0.0


@register("DL", se=_se_dl)
def dersimonian_laird(yi: Array, vi: Array) -> float:
    """Moment estimator on fixed-effect weights (DerSimonian & Laird 1986)."""
    w = 1 / vi
    excess = generalised_q(yi, vi, 0.0) - (len(yi) - 1)
    return max(0.0, excess / float(trace_p(w)))


@register("HE", se=_se_he)
def hedges(yi: Array, vi: Array) -> float:
    """Sample variance less the mean sampling variance (Hedges & Olkin 1985)."""
    return max(0.0, float(np.var(yi, ddof=1)) - float(vi.mean()))


@register("HS", se=_se_hs)
def hunter_schmidt(yi: Array, vi: Array) -> float:
    """Weighted variance less its sampling part (Hunter & Schmidt 1990; Viechtbauer 2005)."""
    return max(0.0, (generalised_q(yi, vi, 0.0) - len(yi)) / float((1 / vi).sum()))


@register("SJ", se=_se_sj)
def sidik_jonkman(yi: Array, vi: Array) -> float:
    """Model-error estimator with the crude variance as its start (Sidik & Jonkman 2005).

    Positive unless all effects are equal, where it is 0.
    """
    crude = float(((yi - yi.mean()) ** 2).mean())
    return crude * generalised_q(yi, vi, crude) / (len(yi) - 1)


@register("ML", se=_se_ml)
def maximum_likelihood(yi: Array, vi: Array) -> float:
    """Global maximum of the profile likelihood (Hardy & Thompson 1996)."""
    return _maximise(yi, vi, restricted=False)


@register("REML", se=_se_reml)
def restricted_maximum_likelihood(yi: Array, vi: Array) -> float:
    """Global maximum of the restricted likelihood (Viechtbauer 2005).

    Parameters
    ----------
    yi, vi : (k,) effects and their sampling variances, vi > 0, k >= 2

    Returns
    -------
    tau2 >= 0, in squared units of yi; exact to rounding, since it is a bracketed root of the
    score and not the last step of an iteration
    """
    return _maximise(yi, vi, restricted=True)


@register("PM", se=_se_pm)
def paule_mandel(yi: Array, vi: Array) -> float:
    """Value at which the generalised Q equals its expectation (Paule & Mandel 1982, eq. 4)."""
    return _solve_q(yi, vi, float(len(yi) - 1))


@register("EB", se=_se_pm)
def empirical_bayes(yi: Array, vi: Array) -> float:
    """Morris' estimator (1983): without covariates the same equation as Paule-Mandel."""
    return paule_mandel(yi, vi)
