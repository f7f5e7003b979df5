"""Quantities that every estimator of the normal model is made of."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from trialpool.results import Array, TrialpoolError


def as_studies(yi: ArrayLike, vi: ArrayLike) -> tuple[Array, Array]:
    """Effects and variances as float arrays of one shape (k,), k >= 1, checked.

    Raises
    ------
    TrialpoolError
        no study; different lengths; a value that is not finite; vi <= 0. Names the index
    """
    try:
        y, v = (np.asarray(x, dtype=np.float64) for x in (yi, vi))
    except (TypeError, ValueError) as error:
        raise TrialpoolError(f"yi and vi must hold numbers only: {error}") from None
    if y.ndim != 1 or y.shape != v.shape:
        raise TrialpoolError(
            f"yi and vi must be two columns of one length, got shapes {y.shape} and {v.shape}"
        )
    if y.size == 0:
        raise TrialpoolError("yi is empty (k = 0): there is no study to pool")
    for name, column in (("yi", y), ("vi", v)):
        if not np.isfinite(column).all():
            i = int(np.flatnonzero(~np.isfinite(column))[0])
            raise TrialpoolError(
                f"{name}[{i}] = {column[i]}: must be a finite number; leave the study out before"
                " pooling and record why"
            )
    if not (v > 0).all():
        i = int(np.flatnonzero(v <= 0)[0])
        raise TrialpoolError(f"vi[{i}] = {v[i]}: a sampling variance must be > 0")
    return y, v


def standard_units(yi: Array, vi: Array) -> tuple[Array, Array, float]:
    """Studies in a unit near their own size, and that unit squared."""
    half = math.floor(math.log2(float(np.median(vi))) / 2)
    scale = math.ldexp(1.0, half)
    # Residuals of a dominant study are lost to cancellation unless the origin lies on it.
    return (yi - yi[np.argmin(vi)]) / scale, vi / scale**2, scale**2


def sum_of_others(x: Array) -> Array:
    """Sum of all other elements of the last axis, without loss when one dominates."""
    rest = x.sum(axis=-1, keepdims=True) - x
    top = np.argmax(x, axis=-1)[..., np.newaxis]
    without = np.where(np.arange(x.shape[-1]) == top, 0.0, x).sum(axis=-1, keepdims=True)
    np.put_along_axis(rest, top, without, axis=-1)
    return np.asarray(rest)


def trace_p(w: Array) -> Array:
    """Trace of P = diag(w) - w w'/sum(w), along the last axis."""
    return np.asarray((w * sum_of_others(w)).sum(axis=-1) / w.sum(axis=-1))


def trace_square(a: Array, s: Array) -> float:
    """Trace of (P S)^2, with P made of fixed weights a and S = diag(s).

    Twice this is the variance of the quadratic form y'Py for independent normal y with
    variances s; written with positive terms only.
    """
    b = a**2 * s
    return float(
        ((b * (sum_of_others(a) ** 2) * s).sum() + (b * sum_of_others(b)).sum()) / a.sum() ** 2
    )


def residuals(y: Array, w: Array) -> Array:
    """Distances of y from its mean under weights w, along the last axis."""
    mean = (w * y).sum(axis=-1, keepdims=True) / w.sum(axis=-1, keepdims=True)
    return np.asarray(y - mean)


def generalised_q(yi: Array, vi: Array, tau2: float) -> float:
    """Weighted sum of squares about the pooled mean, with weights 1/(vi + tau2).

    Falls strictly in tau2, from Cochran's Q at 0, unless all effects are equal.
    """
    y = yi - yi[np.argmin(vi)]
    w = 1 / (vi + tau2)
    return float((w * residuals(y, w) ** 2).sum())


def log_likelihood(yi: Array, vi: Array, tau2: float, *, restricted: bool) -> float:
    """(Restricted) log-likelihood of tau2 with the mean profiled out, constants included.

    References
    ----------
    Harville 1977, J Am Stat Assoc 72:320, with the term log|X'X|/2 = log(k)/2
    """
    k = len(yi)
    w = 1 / (vi + tau2)
    value = float(np.log(w).sum()) - generalised_q(yi, vi, tau2) - k * math.log(2 * math.pi)
    if restricted:
        value += math.log(2 * math.pi) + math.log(k) - math.log(float(w.sum()))
    return value / 2


def score(yi: Array, vi: Array, tau2: ArrayLike, *, restricted: bool) -> Array:
    """Twice the derivative of `log_likelihood` in tau2, for any number of tau2 at once.

    Parameters
    ----------
    yi, vi : (k,)
    tau2 : scalar or (m,)

    Returns
    -------
    shape of tau2; for REML y'PPy - trace(P), for ML y'PPy - sum(w)
    """
    t = np.asarray(tau2, dtype=np.float64)
    y = yi - yi[np.argmin(vi)]
    w = 1 / (vi + t[..., np.newaxis])
    fit = ((w * residuals(y, w)) ** 2).sum(axis=-1)
    return np.asarray(fit - (trace_p(w) if restricted else w.sum(axis=-1)))
