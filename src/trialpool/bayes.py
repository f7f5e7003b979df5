"""Bayesian random effects by quadrature: two parameters need no simulation."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtr

from trialpool.pooling.inference import check_level
from trialpool.pooling.inputs import as_studies
from trialpool.results import Array, Posterior, TrialpoolError

NODES = 20  # Gauss-Legendre nodes per panel
PANELS = 24
_NEGLIGIBLE = 45.0  # on the log scale: exp(-45) is below the rounding of a probability


def normal_normal(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    tau_scale: float = 0.5,
    mu_sd: float | None = None,
    level: float = 0.95,
) -> Posterior:
    """Posterior of the mean effect, the heterogeneity and a new study's effect.

    Parameters
    ----------
    yi, vi : (k,) effects and sampling variances, vi > 0; k >= 2, or k >= 1 with `mu_sd`
    tau_scale : scale of the half-normal prior of tau, units of yi; 0.5 suits an SMD
    mu_sd : SD of the normal prior of mu around 0, units of yi; None: flat
    level : of the equal-tailed intervals, between 0 and 1

    Returns
    -------
    Posterior: medians and equal-tailed intervals of mu and tau, the interval of a new study's
    true effect, and the probability that mu < 0. Deterministic, exact to about 1e-9

    Raises
    ------
    TrialpoolError
        bad studies (the index is named), tau_scale or mu_sd not > 0, level outside (0, 1),
        one study with a flat prior

    References
    ----------
    Roever 2020, J Stat Softw 93(6); Roever et al. 2021, Res Synth Methods 12:448
    """
    y, v = as_studies(yi, vi)
    check_level(level)
    for name, value in (("tau_scale", tau_scale), ("mu_sd", mu_sd)):
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise TrialpoolError(f"{name} = {value}: must be a number > 0")
    if len(y) == 1 and mu_sd is None:
        raise TrialpoolError("k = 1 with a flat prior of mu: needs 2 studies, or mu_sd")

    def log_density(tau: Array) -> Array:
        return _conditional(y, v, tau, mu_sd)[2] - (tau / tau_scale) ** 2 / 2

    grid = _Grid(log_density, *_scales(y, v, tau_scale, mu_sd))
    mean, var, _ = _conditional(y, v, grid.tau, mu_sd)
    tail = (1 - level) / 2
    probs = (tail, 0.5, 1 - tail)
    mu = [_mixture_quantile(p, grid.weight, mean, np.sqrt(var)) for p in probs]
    new = [_mixture_quantile(p, grid.weight, mean, np.sqrt(var + grid.tau**2)) for p in probs]
    tau = [grid.quantile(p) for p in probs]
    prior_mu = "flat" if mu_sd is None else f"normal(0, {mu_sd:g})"
    return Posterior(
        mu=mu[1],
        mu_lb=mu[0],
        mu_ub=mu[2],
        tau=tau[1],
        tau_lb=tau[0],
        tau_ub=tau[2],
        new_lb=new[0],
        new_ub=new[2],
        p_below_zero=float((grid.weight * ndtr(-mean / np.sqrt(var))).sum()),
        prior=f"mu {prior_mu}, tau half-normal({tau_scale:g})",
        level=level,
    )


def _conditional(y: Array, v: Array, tau: Array, mu_sd: float | None) -> tuple[Array, Array, Array]:
    """Mean and variance of mu given tau, and the log marginal likelihood of tau; each (m,).

    A normal prior of mu acts as one more observation of 0, one without heterogeneity.
    """
    w = 1 / (v + tau[:, np.newaxis] ** 2)
    log_w = np.log(w).sum(axis=1)
    if mu_sd is not None:
        y = np.append(y, 0.0)
        w = np.column_stack([w, np.full(len(tau), mu_sd**-2)])
    total = w.sum(axis=1)
    origin = y[np.argmin(v)]
    mean = origin + (w * (y - origin)).sum(axis=1) / total
    misfit = (w * (y - mean[:, np.newaxis]) ** 2).sum(axis=1)
    return mean, 1 / total, (log_w - np.log(total) - misfit) / 2


def _scales(y: Array, v: Array, tau_scale: float, mu_sd: float | None) -> tuple[float, float]:
    """The smallest tau at which anything changes, and one beyond which nothing is left."""
    centre = 0.0 if mu_sd is not None else float(y.mean())
    spread = float(((y - centre) ** 2).sum())
    # Past tau^2 = 3 max(v), and twice the sum of squares, the score of the likelihood is negative:
    # it falls from there on, and the prior takes the rest.
    settled = max(3 * float(v.max()), 2 * spread)
    top = math.sqrt(settled + 2 * _NEGLIGIBLE * tau_scale**2)
    return min(math.sqrt(float(v.min())), tau_scale), top


class _Grid:
    """Nodes of tau with posterior weights that add up to 1, and the distribution of tau.

    tau = step sinh(u): even near 0, where tau is small against the sampling errors, logarithmic
    beyond, so one rule serves any ratio of scales. Gauss-Legendre on equal panels of u, over
    the part that holds the posterior.
    """

    def __init__(self, log_density: Callable[[Array], Array], step: float, top: float) -> None:
        self._log_density, self._step = log_density, step
        low, high = 0.0, math.asinh(top / step)
        for _ in range(3):  # a narrow posterior shows only on a grid of its own size
            u = np.linspace(low, high, 401)
            height = self._height(u)
            kept = np.flatnonzero(height > height.max() - _NEGLIGIBLE)
            low, high = float(u[max(kept[0] - 1, 0)]), float(u[min(kept[-1] + 1, 400)])
        self._edges = np.linspace(low, high, PANELS + 1)
        self._peak = float(height.max())
        x, w = _legendre()
        half = (high - low) / PANELS / 2
        u = ((self._edges[:-1] + half)[:, np.newaxis] + half * x).ravel()
        mass = np.exp(self._height(u) - self._peak) * np.tile(w * half, PANELS)
        self._total = float(mass.sum())
        self._below = np.concatenate([[0.0], np.cumsum(mass.reshape(PANELS, -1).sum(axis=1))])
        self.tau: Array = step * np.sinh(u)
        self.weight: Array = mass / self._total

    def _height(self, u: Array) -> Array:
        """Log density of u: that of tau with the Jacobian of the transformation."""
        return self._log_density(self._step * np.sinh(u)) + np.log(np.cosh(u))

    def quantile(self, p: float) -> float:
        """Value of tau with posterior probability p below it."""
        target = p * self._total
        panel = int(np.clip(np.searchsorted(self._below, target) - 1, 0, PANELS - 1))
        left, right = float(self._edges[panel]), float(self._edges[panel + 1])
        x, w = _legendre()

        def excess(u: float) -> float:
            half = (u - left) / 2
            part = np.exp(self._height(left + half * (x + 1)) - self._peak)
            return float(self._below[panel]) + half * float((w * part).sum()) - target

        return self._step * math.sinh(_root(excess, left, right))


@cache
def _legendre() -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(NODES)
    return x, w


def _root(f: Callable[[float], float], low: float, high: float) -> float:
    at_low, at_high = f(low), f(high)
    if at_low * at_high >= 0:  # the quantile is an edge, up to rounding
        return low if abs(at_low) < abs(at_high) else high
    return float(brentq(f, low, high, xtol=1e-300, rtol=1e-14, maxiter=500))


def _mixture_quantile(p: float, weight: Array, mean: Array, sd: Array) -> float:
    """Value below which a mixture of normals has probability p."""
    low, high = float((mean - 10 * sd).min()), float((mean + 10 * sd).max())
    return _root(lambda x: float((weight * ndtr((x - mean) / sd)).sum()) - p, low, high)
