"""The Bayesian normal-normal model of many sets of a few studies at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from trialpool.bayes.priors import check_positive
from trialpool.bayes.quadrature import NEGLIGIBLE
from trialpool.pooling.batch import PooledMany, pool_many
from trialpool.pooling.inference import check_level
from trialpool.pooling.inputs import as_sets
from trialpool.results import Array, TrialpoolError
from trialpool.same_rows import same_rows

_NODES, _PANELS = 12, 8
_CHUNK = 2**9  # sets worked on at a time: what the processor's cache holds
_STEPS = 100
_SAME = 1e-13  # of the interval's width


class Credible(NamedTuple):
    """An effect and its limits, as fields of `Pooled` are called."""

    beta: float
    ci_lb: float
    ci_ub: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PosteriorMany:
    """B posteriors of the mean effect: median and equal-tailed limits, each (B,).

    Fields are called as those of `PooledMany`, so that either can be asked for its interval.
    """

    k: NDArray[np.int64]
    beta: Array
    ci_lb: Array
    ci_ub: Array
    converged: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.beta)

    def row(self, i: int) -> Credible:
        """One of the results."""
        return Credible(float(self.beta[i]), float(self.ci_lb[i]), float(self.ci_ub[i]))


@same_rows
def pool_sets(
    yi: ArrayLike,
    vi: ArrayLike,
    mask: ArrayLike | None = None,
    *,
    tau2: str,
    test: str,
    level: float = 0.95,
    tau_scale: float | None = None,
) -> PooledMany | PosteriorMany:
    """Each set's effect and interval: by `pool_many`, or with a prior of tau by `posterior_many`.

    Parameters
    ----------
    tau_scale : of the half-normal prior; None: tau is estimated by `tau2`, the interval by `test`
    """
    if tau_scale is None:
        return pool_many(yi, vi, mask, tau2=tau2, test=test, level=level)
    return posterior_many(yi, vi, mask, tau_scale=tau_scale, level=level)


@same_rows
def posterior_many(
    yi: ArrayLike,
    vi: ArrayLike,
    mask: ArrayLike | None = None,
    *,
    tau_scale: float,
    level: float = 0.95,
) -> PosteriorMany:
    """The mean of `normal_normal` for B sets of up to k studies each, under a flat prior of it.

    For questions that need thousands of small fits: which effect of a further trial turns a
    conclusion, which choices do, how often an interval covers.

    Parameters
    ----------
    yi, vi : (B, k), or (k,) where all sets share them
    mask : (B, k) of bool, True where a set holds a study, at least two each; None if all do
    tau_scale : of the half-normal prior of tau, > 0, units of yi
    level : of the equal-tailed interval, between 0 and 1

    Returns
    -------
    PosteriorMany, equal to `normal_normal` to 1e-6 of the interval's width for 2 to 20 studies

    Raises
    ------
    TrialpoolError
        as `pool_many`; a set of one study, a scale or level out of range

    References
    ----------
    Roever 2020, J Stat Softw 93(6)
    """
    check_level(level)
    check_positive("tau_scale", tau_scale)
    y, v, used = as_sets(yi, vi, mask)
    inside = np.ones(y.shape, dtype=np.bool_) if used is None else used
    k = inside.sum(axis=1)
    if (k < 2).any():
        raise TrialpoolError(f"set {int(np.argmax(k < 2))}: one study, needs at least 2")
    tail = (1 - level) / 2
    out = np.empty((3, len(y)))
    for start in range(0, len(y), _CHUNK):
        part = slice(start, start + _CHUNK)
        weight, mean, sd = _given_tau(y[part], v[part], inside[part], tau_scale)
        for row, p in zip(out, (0.5, tail, 1 - tail), strict=True):
            row[part] = _quantile(p, weight, mean, sd)
    return PosteriorMany(
        k=k,
        beta=out[0],
        ci_lb=out[1],
        ci_ub=out[2],
        converged=np.asarray(np.isfinite(out).all(axis=0)),
    )


def _given_tau(
    y: Array, v: Array, used: NDArray[np.bool_], scale: float
) -> tuple[Array, Array, Array]:
    """Weights of the nodes of tau, mean and SD of mu at each; (sets, nodes) all.

    tau = a sinh(u), with a the smallest standard error: even where it changes nothing, logarithmic
    beyond.
    """
    a = np.sqrt(np.where(used, v, np.inf).min(axis=1))[:, np.newaxis]
    x, w = _nodes()
    # What trials that differ gain over tau = 0 is at most half their Q.
    w0 = np.where(used, 1 / np.where(used, v, 1.0), 0.0)
    centre = (w0 * np.where(used, y, 0.0)).sum(axis=1) / w0.sum(axis=1)
    q = (w0 * np.where(used, y - centre[:, np.newaxis], 0.0) ** 2).sum(axis=1)[:, np.newaxis]
    most = np.arcsinh(np.sqrt(2 * NEGLIGIBLE + q) * scale / a)
    u = most * x
    tau = a * np.sinh(u)
    # No row for a study that a set does not hold: its weight is 0, its variance 1.
    total = np.zeros_like(tau)
    shift = np.zeros_like(tau)
    logs = np.zeros_like(tau)
    origin = (np.where(used, y, 0.0).sum(axis=1) / used.sum(axis=1))[:, np.newaxis]
    columns = []
    for j in range(y.shape[1]):
        at = used[:, j, np.newaxis]
        precision = np.where(at, 1 / (np.where(at, v[:, j, np.newaxis], 1.0) + tau**2), 0.0)
        away = np.where(at, y[:, j, np.newaxis], origin) - origin
        total += precision
        shift += precision * away
        logs += np.log(np.where(at, precision, 1.0))
        columns.append((precision, away))
    mean = shift / total
    misfit = sum(precision * (away - mean) ** 2 for precision, away in columns)
    height = (logs - np.log(total) - misfit - (tau / scale) ** 2) / 2 + np.log(np.cosh(u))
    mass = np.exp(height - height.max(axis=1, keepdims=True)) * w
    return mass / mass.sum(axis=1, keepdims=True), origin + mean, 1 / np.sqrt(total)


def _quantile(p: float, weight: Array, mean: Array, sd: Array) -> Array:
    """Where each mixture of normals has probability p below it: Newton, kept in its bracket."""
    low, high = (mean - 10 * sd).min(axis=1), (mean + 10 * sd).max(axis=1)
    centre = (weight * mean).sum(axis=1)
    spread = np.sqrt((weight * (sd**2 + (mean - centre[:, np.newaxis]) ** 2)).sum(axis=1))
    x = np.clip(centre + ndtri(p) * spread, low, high)
    for _ in range(_STEPS):
        z = (x[:, np.newaxis] - mean) / sd
        excess = (weight * ndtr(z)).sum(axis=1) - p
        slope = (weight * np.exp(-z * z / 2) / sd).sum(axis=1) / math.sqrt(2 * math.pi)
        low, high = np.where(excess < 0, x, low), np.where(excess < 0, high, x)
        with np.errstate(divide="ignore", invalid="ignore"):
            new = x - excess / slope
        new = np.where((new > low) & (new < high), new, (low + high) / 2)
        moved = np.abs(new - x)
        x = new
        if (moved <= _SAME * spread).all():
            break
    return np.asarray(x)


@cache
def _nodes() -> tuple[Array, Array]:
    """Gauss-Legendre nodes of equal panels on 0 to 1, and their weights."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    left = np.arange(_PANELS)[:, np.newaxis]
    return ((left + (x + 1) / 2) / _PANELS).ravel(), np.tile(w / 2 / _PANELS, _PANELS)
