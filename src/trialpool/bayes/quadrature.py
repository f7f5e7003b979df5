"""The distribution of tau on Gauss-Legendre nodes, and quantiles of mixtures over them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr

from trialpool.results import Array

NODES = 20  # Gauss-Legendre nodes per panel
PANELS = 24
NEGLIGIBLE = 45.0  # on the log scale: exp(-45) is below the rounding of a probability
_ENOUGH = 1e-9  # of the mass searched: from here one more Newton step is right to rounding
_STEPS = 500


@dataclass(frozen=True, slots=True)
class TauAxis:
    """A coordinate x of tau with its prior, over the part that can hold the posterior.

    `tau` turns x into tau, `log_prior` is the log density of x up to a constant.
    """

    tau: Callable[[Array], Array]
    log_prior: Callable[[Array], Array]
    low: float
    high: float
    panels: int = PANELS


class PosteriorGrid:
    """Nodes of tau with posterior weights that add up to 1, and the distribution of tau.

    x = sinh(u): even near 0, logarithmic beyond, so one rule serves any ratio of scales and any
    tail. Gauss-Legendre on equal panels of u, over the part that holds the posterior.
    """

    def __init__(self, log_likelihood: Callable[[Array], Array], axis: TauAxis) -> None:
        self._log_likelihood, self._axis = log_likelihood, axis
        low, high = math.asinh(axis.low), math.asinh(axis.high)
        for _ in range(3):  # a narrow posterior shows only on a grid of its own size
            u = np.linspace(low, high, 401)
            height = self._height(u)
            kept = np.flatnonzero(height > height.max() - NEGLIGIBLE)
            low, high = float(u[max(kept[0] - 1, 0)]), float(u[min(kept[-1] + 1, 400)])
        panels = axis.panels
        self._edges = np.linspace(low, high, panels + 1)
        self._peak = float(height.max())
        x, w = _legendre()
        half = (high - low) / panels / 2
        u = ((self._edges[:-1] + half)[:, np.newaxis] + half * x).ravel()
        mass = np.exp(self._height(u) - self._peak) * np.tile(w * half, panels)
        self._total = float(mass.sum())
        self._below = np.concatenate([[0.0], np.cumsum(mass.reshape(panels, -1).sum(axis=1))])
        self.tau: Array = axis.tau(np.sinh(u))
        self.weight: Array = mass / self._total

    def _height(self, u: Array) -> Array:
        """Log density of u: likelihood, prior of x and the Jacobian of x = sinh(u)."""
        x = np.sinh(u)
        log_density = self._log_likelihood(self._axis.tau(x)) + self._axis.log_prior(x)
        return log_density + np.log(np.cosh(u))

    def quantiles(self, probs: Sequence[float]) -> list[float]:
        """Values of tau with these posterior probabilities below them."""
        return [self._quantile(p) for p in probs]

    def _quantile(self, p: float) -> float:
        target = p * self._total
        panel = int(np.clip(np.searchsorted(self._below, target) - 1, 0, self._axis.panels - 1))
        left, right = float(self._edges[panel]), float(self._edges[panel + 1])
        x, w = _legendre()

        def excess(u: float) -> tuple[float, float]:
            half = (u - left) / 2
            height = np.exp(self._height(np.append(left + half * (x + 1), u)) - self._peak)
            mass = half * float((w * height[:-1]).sum())
            return float(self._below[panel]) + mass - target, float(height[-1])

        return float(self._axis.tau(np.asarray(math.sinh(_root(excess, left, right)))))


@dataclass(frozen=True, slots=True)
class Mixture:
    """A mixture of normals; (m,) all."""

    weight: Array
    mean: Array
    sd: Array

    def quantiles(self, probs: Sequence[float]) -> list[float]:
        """Where it reaches each probability."""
        return [self._quantile(p) for p in probs]

    def beyond(self, bound: float, side: int) -> float:
        """Probability of `bound` or more in the direction of `side`, 1 or -1, from 0."""
        return float((self.weight * ndtr((side * self.mean - bound) / self.sd)).sum())

    def _quantile(self, p: float) -> float:
        low = float((self.mean - 10 * self.sd).min())
        high = float((self.mean + 10 * self.sd).max())

        def excess(x: float) -> tuple[float, float]:
            z = (x - self.mean) / self.sd
            density = float((self.weight * np.exp(-(z * z) / 2) / self.sd).sum())
            return float((self.weight * ndtr(z)).sum()) - p, density / math.sqrt(2 * math.pi)

        return _root(excess, low, high)


@cache
def _legendre() -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(NODES)
    return x, w


def _root(f: Callable[[float], tuple[float, float]], low: float, high: float) -> float:
    """Where f, given with its slope, rises through 0.

    Newton's steps, and halves of the interval where they leave it or shrink too slowly.
    scipy.optimize has such searches, but takes longer to import than all else that pools.
    """
    at_low, at_high = f(low)[0], f(high)[0]
    if at_low * at_high >= 0:  # the quantile is an edge, up to rounding
        return low if abs(at_low) < abs(at_high) else high
    x, last, enough = (low + high) / 2, high - low, _ENOUGH * (at_high - at_low)
    for _ in range(_STEPS):
        value, slope = f(x)
        low, high = (x, high) if value < 0 else (low, x)
        new = x - value / slope if slope > 0 else math.inf
        near = low <= new <= high and abs(new - x) <= last / 2
        if not near:
            new = (low + high) / 2
        x, last = new, abs(new - x)
        if (near and abs(value) <= enough) or last == 0:
            break
    return x
