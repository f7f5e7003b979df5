"""Likelihood of effects that were selected by their p value, with its first two derivatives.

An effect y has the density of the normal random-effects model times the weight w of its p value,
divided by the integral of that product over all y. Effects are oriented so that selection favours
large ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, log_ndtr, ndtr, ndtri

from trialpool.results import Array

_TINY_P = 1e-5  # p values are censored here where w would be 0 or infinite at 0 or 1
_FAR = 8.5  # z beyond which p is 0 or 1 to the last digit
_PANELS, _POINTS = 24, 12
_LOG_ROOT = 0.5 * np.log(2 * np.pi)


class Log(NamedTuple):
    """A logarithm, its gradient and its Hessian: shapes (...), (..., m), (..., m, m)."""

    value: Array
    gradient: Array
    hessian: Array


class Weight(Protocol):
    """A weight function of the p value with m parameters delta."""

    def observed(self, delta: Array) -> Log:
        """Log weights of the k studies."""

    def integrals(self, beta: float, total: Array, delta: Array) -> tuple[Array, float]:
        """Integrals of w, of its m first and m*m second derivatives, times He_n(u) phi(u).

        u = (y - beta)/sqrt(total), n = 0 to 4: (5, k, 1 + m + m*m), divided by the exponential of
        the second number.
        """


def log_likelihood(yi: Array, vi: Array, weight: Weight, theta: Array) -> Log:
    """Log likelihood at theta = (beta, tau2, delta), summed over studies."""
    beta, tau2, delta = float(theta[0]), float(theta[1]), theta[2:]
    m, total, r = len(delta), vi + tau2, yi - beta
    seen = weight.observed(delta)
    value = seen.value.sum() - (_LOG_ROOT + (np.log(total) + r**2 / total) / 2).sum()
    score = np.zeros(2 + m)
    hessian = np.zeros((2 + m, 2 + m))
    score[:2] = (r / total).sum(), ((r**2 / total - 1) / (2 * total)).sum()
    score[2:], hessian[2:, 2:] = seen.gradient.sum(axis=0), seen.hessian.sum(axis=0)
    hessian[0, 0], hessian[0, 1] = -(1 / total).sum(), -(r / total**2).sum()
    hessian[1, 0] = hessian[0, 1]
    hessian[1, 1] = ((0.5 - r**2 / total) / total**2).sum()
    share = _log_integral(weight, beta, total, delta)
    return Log(np.float64(value) - share.value, score - share.gradient, hessian - share.hessian)


def _log_integral(weight: Weight, beta: float, total: Array, delta: Array) -> Log:
    """Sum of the logs of the integrals.

    A normal density obeys the heat equation, so a derivative by its variance is half of the
    second one by its mean: all follow from derivatives by the mean, up to the fourth.
    """
    m = len(delta)
    moments, log_scale = weight.integrals(beta, total, delta)
    scaled = moments / total[:, None] ** (np.arange(5)[:, None, None] / 2)
    whole = scaled[0, :, :1]
    by_mean = scaled / whole
    mean_part, first, second = by_mean[..., 0], by_mean[..., 1 : 1 + m], by_mean[..., 1 + m :]
    gradient = np.column_stack([mean_part[1], mean_part[2] / 2, first[0]])
    raw = np.empty((len(total), 2 + m, 2 + m))
    raw[:, 0, 0], raw[:, 1, 1] = mean_part[2], mean_part[4] / 4
    raw[:, 0, 1] = raw[:, 1, 0] = mean_part[3] / 2
    raw[:, 0, 2:] = raw[:, 2:, 0] = first[1]
    raw[:, 1, 2:] = raw[:, 2:, 1] = first[2] / 2
    raw[:, 2:, 2:] = second[0].reshape(len(total), m, m)
    curved = raw - gradient[:, :, None] * gradient[:, None, :]
    value = np.log(whole).sum() + len(total) * log_scale
    return Log(value, gradient.sum(axis=0), curved.sum(axis=0))


def _hermite(u: Array) -> Array:
    """He_0 to He_4, along a new first axis."""
    u2 = u * u
    return np.array([np.ones_like(u), u, u2 - 1, u * (u2 - 3), u2 * (u2 - 6) + 3])


def _between(low: Array, high: Array) -> Array:
    """Integrals of He_n phi from low to high, n = 0 to 4, along a new first axis."""
    # In the upper tail the difference of two numbers near 1 would lose its digits.
    mass = np.where(low > 0, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))
    return np.concatenate([mass[None], _slope(low) - _slope(high)])


def _slope(u: Array) -> Array:
    """He_n phi, n = 0 to 3; 0 at infinity."""
    finite = np.isfinite(u)
    near = np.where(finite, u, 0.0)
    return _hermite(near)[:4] * np.where(finite, np.exp(-(near**2) / 2 - _LOG_ROOT), 0.0)


class Steps:
    """w is constant between cut points of p: 1 below the first, then delta, or 0 where not kept."""

    def __init__(
        self, z: Array, se: Array, cuts: Array, kept: NDArray[np.bool_], *, two_sided: bool
    ) -> None:
        sides = 2.0 if two_sided else 1.0
        self.se, self.two_sided = se, two_sided
        p = sides * ndtr(-np.abs(z) if two_sided else -z)
        self.interval = np.searchsorted(cuts, p)
        self.kept = np.flatnonzero(kept)
        # From the smallest p, at the largest z, downwards; p = 1 has no lower end if one-sided.
        self.edges = -ndtri(np.concatenate([[0.0], cuts, [1.0]]) / sides)

    def observed(self, delta: Array) -> Log:
        """One logarithm per study; the first interval has none."""
        member = (self.interval[:, None] == self.kept + 1).astype(float)
        gradient = member / delta
        return Log(member @ np.log(delta), gradient, -_diagonal(gradient / delta))

    def integrals(self, beta: float, total: Array, delta: Array) -> tuple[Array, float]:
        """In closed form, as w is linear in delta."""
        root, m = np.sqrt(total)[:, None], len(delta)
        at = (self.se[:, None] * self.edges - beta) / root
        pieces = _between(at[:, 1:], at[:, :-1])
        if self.two_sided:
            mirrored = (-self.se[:, None] * self.edges - beta) / root
            pieces = pieces + _between(mirrored[:, :-1], mirrored[:, 1:])
        kept = pieces[..., 1 + self.kept]
        zero = np.zeros((*kept.shape[:2], m * m))
        whole = pieces[..., :1] + (kept @ delta)[..., None]
        return np.concatenate([whole, kept, zero], axis=-1), 0.0


class Smooth:
    """w is smooth in p: integrated by Gauss-Legendre panels in z, the tails in closed form."""

    def __init__(
        self,
        z: Array,
        se: Array,
        log_w: Callable[[Array, Array, Array], Log],
        *,
        censored: bool,
        two_sided: bool,
    ) -> None:
        self.se, self.log_w, self.two_sided = se, log_w, two_sided
        self.least = _TINY_P if censored else 0.0
        self.z = z
        far = -float(ndtri(_TINY_P / (1 + two_sided))) if censored else _FAR
        edges = np.linspace(0.0, far, _PANELS // 2 + 1)
        if two_sided:
            # w may rise steeply towards p = 1, which is at z = 0, up to where p is censored.
            near = -float(ndtri((1 - _TINY_P) / 2))
            edges = np.concatenate([[0.0], np.geomspace(near, edges[1], 12), edges[2:]])
        edges = np.concatenate([-edges[:0:-1], edges])
        nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
        half = np.diff(edges)[:, None] / 2
        self.nodes = (edges[:-1, None] + half * (1 + nodes)).ravel()
        self.weights = (half * weights).ravel()
        self.far = far

    def _at(self, z: Array, delta: Array) -> Log:
        """Log w, from log p and log(1 - p), where neither loses digits."""
        if self.two_sided:
            away = np.abs(z)
            logs = np.log(2) + log_ndtr(-away), np.log(np.maximum(erf(away / np.sqrt(2)), 1e-300))
        else:
            logs = log_ndtr(-z), log_ndtr(z)
        if self.least:
            logs = tuple(np.clip(x, np.log(self.least), np.log1p(-self.least)) for x in logs)
        return self.log_w(*logs, delta)

    def observed(self, delta: Array) -> Log:
        """Log weights of the studies."""
        return self._at(self.z, delta)

    def integrals(self, beta: float, total: Array, delta: Array) -> tuple[Array, float]:
        """One grid in z serves all studies: none has a density narrower than 1 there."""
        grid = np.concatenate([[-self.far], self.nodes, [self.far]])
        log = self._at(grid, delta)
        shift = float(log.value.max())
        w = np.exp(log.value - shift)
        g = log.gradient
        second = (log.hessian + g[:, :, None] * g[:, None, :]).reshape(len(grid), -1)
        columns = w[:, None] * np.column_stack([np.ones_like(w), g, second])
        ratio = (self.se / np.sqrt(total))[:, None]
        centre = (beta / np.sqrt(total))[:, None]
        u = ratio * self.nodes - centre
        density = np.exp(-(u**2) / 2 - _LOG_ROOT) * ratio * self.weights
        low = _between(np.full_like(ratio, -np.inf), -ratio * self.far - centre)
        high = _between(ratio * self.far - centre, np.full_like(ratio, np.inf))
        inside = (_hermite(u) * density) @ columns[1:-1]
        return inside + low * columns[0] + high * columns[-1], shift


def _diagonal(x: Array) -> Array:
    """Matrices with the last axis on their diagonal."""
    return x[..., None] * np.eye(x.shape[-1])


def beta_weight(log_p: Array, log_q: Array, delta: Array) -> Log:
    """p^(delta1 - 1) (1 - p)^(delta2 - 1)."""
    gradient = np.column_stack([log_p, log_q])
    return Log(gradient @ (delta - 1), gradient, np.zeros((*gradient.shape, 2)))


def power_weight(log_p: Array, log_q: Array, delta: Array) -> Log:
    """(1 - p)^delta."""
    return _linear(log_q, delta)


def halfnormal_weight(log_p: Array, log_q: Array, delta: Array) -> Log:
    """exp(-delta p^2)."""
    return _linear(-np.exp(2 * log_p), delta)


def exponential_weight(log_p: Array, log_q: Array, delta: Array) -> Log:
    """exp(-delta p)."""
    return _linear(-np.exp(log_p), delta)


def logistic_weight(log_p: Array, log_q: Array, delta: Array) -> Log:
    """2 exp(-delta p)/(1 + exp(-delta p))."""
    p = np.exp(log_p)
    x = delta[0] * p
    share = 1 / (1 + np.exp(-x))
    value = np.log(2) - x - np.log1p(np.exp(-x))
    return Log(value, (-p * share)[:, None], (-(p**2) * share * (1 - share))[:, None, None])


def _linear(slope: Array, delta: Array) -> Log:
    return Log(slope * delta[0], slope[:, None], np.zeros((len(slope), 1, 1)))
