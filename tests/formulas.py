"""The textbook formulas of the normal model, written without regard to speed or extreme data.

A second route for the tests; the library's own are in `trialpool.pooling.studies`.
"""

from __future__ import annotations

import math
from fractions import Fraction

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


def likelihood_curve(yi: Array, vi: Array, tau2: Array, *, restricted: bool) -> Array:
    """`log_likelihood` at many values of tau2 at once."""
    w = 1 / (vi + tau2[:, np.newaxis])
    y, whole, k = yi - yi[np.argmin(vi)], w.sum(axis=1), len(yi)
    away = y - ((w * y).sum(axis=1) / whole)[:, np.newaxis]
    value = np.log(w).sum(axis=1) - (w * away**2).sum(axis=1) - k * math.log(2 * math.pi)
    if restricted:
        value += math.log(2 * math.pi) + math.log(k) - np.log(whole)
    return np.asarray(value / 2)


def projection(w: Array, x: Array) -> Array:
    """P = W - WX(X'WX)^-1 X'W for weights w (k,) and a design x (k, p)."""
    full = np.diag(w)
    wx = w[:, np.newaxis] * x
    return np.asarray(full - wx @ np.linalg.inv(x.T @ wx) @ wx.T)


# --- rational arithmetic: no rounding at all -----------------------------------------------------


def _exact(yi: Array, vi: Array, tau2: float) -> tuple[list[Fraction], list[Fraction]]:
    """Weights and distances from the weighted mean of the floats given."""
    t = Fraction(float(tau2))
    y = [Fraction(float(x)) for x in yi]
    w = [1 / (Fraction(float(x)) + t) for x in vi]
    mean = sum((a * b for a, b in zip(w, y, strict=True)), Fraction()) / sum(w)
    return w, [a - mean for a in y]


def exact_q(yi: Array, vi: Array, tau2: float) -> Fraction:
    """Generalised Q."""
    w, r = _exact(yi, vi, tau2)
    return sum((a * b * b for a, b in zip(w, r, strict=True)), Fraction())


def exact_score(yi: Array, vi: Array, tau2: float, *, restricted: bool) -> Fraction:
    """Twice the derivative of the (restricted) log-likelihood with respect to tau2."""
    w, r = _exact(yi, vi, tau2)
    fit = sum(((a * b) ** 2 for a, b in zip(w, r, strict=True)), Fraction())
    trace = sum(w, Fraction())
    return fit - trace + (sum((a * a for a in w), Fraction()) / trace if restricted else 0)


def exact_moments(yi: Array, vi: Array) -> dict[str, float]:
    """Common-effect mean, Q and the closed-form estimators of tau2, rounded once at the end."""
    w, r = _exact(yi, vi, 0.0)
    y, v, k = [Fraction(float(x)) for x in yi], [Fraction(float(x)) for x in vi], len(yi)
    whole, squares = sum(w, Fraction()), sum((a * a for a in w), Fraction())
    q = sum((a * b * b for a, b in zip(w, r, strict=True)), Fraction())
    plain = sum(y, Fraction()) / k
    ss = sum(((a - plain) ** 2 for a in y), Fraction())
    crude = ss / k
    sj = [1 / (1 + a / crude) for a in v] if crude else []
    centre = sum((a * b for a, b in zip(sj, y, strict=bool(sj))), Fraction()) / (sum(sj) or 1)
    out = {
        "EE": Fraction(),
        "DL": (q - (k - 1)) / (whole - squares / whole),
        "HE": ss / (k - 1) - sum(v, Fraction()) / k,
        "HS": (q - k) / whole,
        "SJ": sum((a * (b - centre) ** 2 for a, b in zip(sj, y, strict=bool(sj))), Fraction())
        / (k - 1),
    }
    tau2 = {name: float(max(Fraction(), value)) for name, value in out.items()}
    return {"beta": float(y[0] - r[0]), "q": float(q), **tau2}


def exact_least_squares(yi: Array, vi: Array, x: Array, tau2: float) -> tuple[Array, Array, float]:
    """Weighted coefficients, (X'WX)^-1 and the weighted residual sum of squares."""
    t, p = Fraction(float(tau2)), x.shape[1]
    y = [Fraction(float(a)) for a in yi]
    w = [1 / (Fraction(float(a)) + t) for a in vi]
    rows = [[Fraction(float(a)) for a in row] for row in x]
    # [X'WX | I | X'Wy] reduced by Gauss and Jordan.
    table = [
        [sum((c * r[i] * r[j] for c, r in zip(w, rows, strict=True)), Fraction()) for j in range(p)]
        + [Fraction(int(i == j)) for j in range(p)]
        + [sum((c * r[i] * b for c, r, b in zip(w, rows, y, strict=True)), Fraction())]
        for i in range(p)
    ]
    for i in range(p):
        pivot = next(j for j in range(i, p) if table[j][i])
        table[i], table[pivot] = table[pivot], table[i]
        table[i] = [a / table[i][i] for a in table[i]]
        for j in range(p):
            if j != i:
                table[j] = [a - table[j][i] * b for a, b in zip(table[j], table[i], strict=True)]
    beta = [row[-1] for row in table]
    fitted = [sum((a * b for a, b in zip(row, beta, strict=True)), Fraction()) for row in rows]
    rss = sum((c * (a - b) ** 2 for c, a, b in zip(w, y, fitted, strict=True)), Fraction())
    covariance = [[float(a) for a in row[p:-1]] for row in table]
    return np.array([float(a) for a in beta]), np.array(covariance), float(rss)
