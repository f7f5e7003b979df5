"""Interval of Henmi and Copas: common-effect estimate, random-effects uncertainty.

Small studies get little weight, so that the estimate suffers less from publication bias than a
random-effects mean; the interval allows for heterogeneity nevertheless.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammainc

from trialpool.pooling.inference import check_level
from trialpool.pooling.inputs import as_studies
from trialpool.pooling.studies import Studies
from trialpool.pooling.tau2 import estimate_tau2
from trialpool.results import Array, TrialpoolError
from trialpool.same_rows import same_rows

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
_PANELS, _FAR = 16, 12.0  # standard deviations beyond which nothing is left to integrate


@dataclass(frozen=True, slots=True, kw_only=True)
class HenmiCopas:
    """Estimate, standard error, interval, p value; tau2 by DerSimonian-Laird."""

    beta: float
    se: float
    ci_lb: float
    ci_ub: float
    pval: float
    tau2: float
    level: float


@same_rows
def henmi_copas(yi: ArrayLike, vi: ArrayLike, *, level: float = 0.95) -> HenmiCopas:
    """Common-effect estimate with an interval that is valid under heterogeneity.

    Parameters
    ----------
    yi, vi : (k,) effects and sampling variances, vi > 0, k >= 2
    level : of the interval, between 0 and 1

    Returns
    -------
    HenmiCopas, on the scale of `yi`

    Raises
    ------
    TrialpoolError
        as for `pool`; k = 1

    References
    ----------
    Henmi & Copas 2010, Stat Med 29:2969
    """
    check_level(level)
    y, v = as_studies(yi, vi)
    if len(y) == 1:
        raise TrialpoolError("k = 1: the method needs two studies or more")
    s = Studies(y, v)
    tau2 = float(estimate_tau2("DL", s).tau2)
    w = s.weights(0.0)
    total, square = float(w.sum()), float((w * w).sum())
    se = math.sqrt((total + tau2 * square) / total**2)
    exceeds = _Pivot(w, tau2)
    alpha = 1 - level
    high = 2.0
    while exceeds(high) > alpha:
        high *= 2
    # Here, not above: it takes longer to import than all else that pools.
    from scipy.optimize import brentq

    reach = float(brentq(lambda t: exceeds(t) - alpha, 0.0, high, xtol=1e-13, rtol=1e-13))
    unit = float(s.unit)
    beta, se = float(s.origin + s.mean(w) * unit), se * unit
    return HenmiCopas(
        beta=beta,
        se=se,
        ci_lb=beta - reach * se,
        ci_ub=beta + reach * se,
        pval=exceeds(abs(beta) / se),
        tau2=tau2 * unit**2,
        level=level,
    )


class _Pivot:
    """Probability that |b - mu|/se exceeds t, where the se holds an estimated tau2.

    U = (b - mu) sqrt(sum w) is normal. Given U = r, the pivot exceeds t where the DL estimate of
    tau2, and so Q, stays below a bound that grows with r/t. Q given U is a quadratic form in
    normal variables; a gamma distribution with its mean and variance stands in for it.
    """

    def __init__(self, w: Array, tau2: float) -> None:
        self.k = len(w)
        whole = float(w.sum())
        self.ratio = float((w * w).sum()) / whole  # variance of U grows by this times tau2
        self.room = whole / self.ratio - 1
        self.var = 1 + tau2 * self.ratio
        # With D = diag(1/w + tau2), a = w/sqrt(sum w): U = a'(y - mu), mean of y - mu given U = r
        # is D a r/var, its covariance D - D a a'D/var. Sums of (1 + tau2 w)^j w^i follow.
        grown = 1 + tau2 * w
        one, two = (float((w * grown**j).sum()) / whole for j in (2, 3))
        trace, trace2 = float(grown.sum()), float((grown**2).sum())
        self.mean0 = trace - one / self.var
        self.mean2 = one / self.var**2 - 1
        self.var0 = 2 * (trace2 - 2 * two / self.var + (one / self.var) ** 2)
        self.var2 = 4 * (two / self.var**2 - one**2 / self.var**3)

    def __call__(self, t: float) -> float:
        """Two-sided probability, for t >= 0."""
        if t <= 0:
            return 1.0
        sd = math.sqrt(self.var)
        # Finer towards t, where the probability rises from 0 within a fraction of t.
        edges = t + _FAR * sd * np.append(0.0, np.geomspace(1e-6, 1.0, _PANELS))
        half = np.diff(edges)[:, None] / 2
        r = (edges[:-1, None] + half * (1 + _NODES)).ravel()
        mean, var = self.mean0 + self.mean2 * r**2, self.var0 + self.var2 * r**2
        bound = self.k - 1 + self.room * ((r / t) ** 2 - 1)
        below = gammainc(mean**2 / var, np.maximum(bound, 0.0) * mean / var)
        density = np.exp(-(r**2) / (2 * self.var)) / (sd * math.sqrt(2 * math.pi))
        return float(2 * ((half * _WEIGHTS).ravel() * below * density).sum())
