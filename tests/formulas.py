"""The textbook formulas of the normal model, written without regard to speed or extreme data.

A second route for the tests; the library's own are in `trialpool.pooling.studies`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trialpool.pooling.studies import Studies
from trialpool.pooling.tau2 import estimate_tau2

Array = NDArray[np.float64]


def tau2_of(code: str, yi: Array, vi: Array) -> float:
    """tau2 by the library's estimator of that code."""
    s = Studies(np.asarray(yi), np.asarray(vi))
    with np.errstate(all="ignore"):
        return float(estimate_tau2(code, s).tau2 * s.unit**2)


def residuals(yi: Array, w: Array) -> Array:
    """Distances from the weighted mean."""
    y = yi - yi[np.argmax(w)]
    return np.asarray(y - (w * y).sum() / w.sum())


def generalised_q(yi: Array, vi: Array, tau2: float) -> float:
    """Weighted sum of squares with weights 1/(vi + tau2)."""
    w = 1 / (vi + tau2)
    return float((w * residuals(yi, w) ** 2).sum())


def log_likelihood(yi: Array, vi: Array, tau2: float, *, restricted: bool) -> float:
    """(Restricted) log-likelihood with the mean profiled out (Harville 1977)."""
    k, w = len(yi), 1 / (vi + tau2)
    value = float(np.log(w).sum()) - generalised_q(yi, vi, tau2) - k * math.log(2 * math.pi)
    if restricted:
        value += math.log(2 * math.pi) + math.log(k) - math.log(float(w.sum()))
    return value / 2


def score(yi: Array, vi: Array, tau2: float, *, restricted: bool) -> float:
    """Twice the derivative of the log-likelihood: y'PPy - trace(P), for ML y'PPy - sum(w)."""
    w = 1 / (vi + tau2)
    fit = float(((w * residuals(yi, w)) ** 2).sum())
    if not restricted:
        return fit - float(w.sum())
    others = np.array([np.delete(w, i).sum() for i in range(len(w))])
    return fit - float((w * others).sum() / w.sum())
