"""Covariance of the true effects at the levels of an inner factor: D R D, with derivatives.

D holds standard deviations and R correlations, which are sines of angles. So the ends of the range
(a correlation of exactly 1; a variance of exactly 0, for a single standard deviation may have
either sign) are ordinary points, which Newton's method reaches. Where standard deviations of
several levels meet correlations, their sign matters and they stay at 0 or above.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from trialpool.results import Array

STRUCTURES = ("ID", "DIAG", "CS", "HCS", "UN", "AR", "HAR", "CAR")
_EACH = ("DIAG", "HCS", "HAR", "UN")  # a variance for each level
_ONE_RHO = ("CS", "HCS", "AR", "HAR", "CAR")
# rho = 0 has no derivative where times are less than one unit apart.
_LEAST_CAR = 1e-10


class Derivatives(NamedTuple):
    """A covariance (m, m), and its derivatives (q, m, m) and (q, q, m, m)."""

    value: Array
    first: Array
    second: Array


@dataclass(frozen=True)
class Structure:
    """One of `STRUCTURES` for m levels; `times` (m,) are their places for AR, HAR and CAR."""

    code: str
    times: Array

    @property
    def m(self) -> int:
        """Number of levels."""
        return len(self.times)

    @cached_property
    def n_variances(self) -> int:
        """1, or m where each level has its own."""
        return self.m if self.code in _EACH else 1

    @cached_property
    def n_correlations(self) -> int:
        """0, 1, or one for each pair of levels."""
        if self.m == 1 or self.code not in (*_ONE_RHO, "UN"):
            return 0
        return self.m * (self.m - 1) // 2 if self.code == "UN" else 1

    @property
    def n(self) -> int:
        """Number of parameters: standard deviations first, then angles."""
        return self.n_variances + self.n_correlations

    @property
    def rho_bounds(self) -> tuple[float, float]:
        """Range in which R is a correlation matrix (of UN: of each correlation alone)."""
        if self.code in ("CS", "HCS"):
            return -1 / (self.m - 1), 1.0
        return (_LEAST_CAR if self.code == "CAR" else -1.0), 1.0

    def angle(self, rho: float) -> float:
        """The angle of a correlation (of UN: of one with the first level)."""
        low, high = self.rho_bounds
        return float(np.arcsin(np.clip(2 * (rho - low) / (high - low) - 1, -1, 1)))

    def natural(self, theta: Array) -> tuple[Array, Array]:
        """Variances and correlations; those of UN in the order 12, 13, ..., 23, ..."""
        variances = theta[: self.n_variances] ** 2
        if not self.n_correlations:
            return variances, np.empty(0)
        r = self._correlation(theta[self.n_variances :]).value
        if self.code == "UN":
            return variances, r[np.triu_indices(self.m, 1)]
        return variances, np.array([self._rho(theta[-1])[0]])

    def covariance(self, theta: Array) -> Array:
        """D R D, (m, m)."""
        if self.m == 1:
            return np.asarray(theta[:, None] ** 2)
        sd = self._sd(theta)
        return np.outer(sd, sd) * self._correlation(theta[self.n_variances :]).value

    def derivatives(self, theta: Array) -> Derivatives:
        """D R D with its first and second derivatives."""
        a, q = self.n_variances, self.n
        if self.m == 1:
            two = np.full((1, 1, 1, 1), 2.0)
            return Derivatives(theta[:, None] ** 2, theta[:, None, None] * 2, two)
        sd, unit = self._sd(theta), self._unit
        r, r1, r2 = self._correlation(theta[a:])
        square = np.outer(sd, sd)
        slope = unit[:, :, None] * sd + sd[:, None] * unit[:, None, :]
        bend = unit[:, None, :, None] * unit[None, :, None, :]
        first, second = np.empty((q, self.m, self.m)), np.empty((q, q, self.m, self.m))
        first[:a], first[a:] = slope * r, square * r1
        second[:a, :a] = (bend + bend.swapaxes(-1, -2)) * r
        second[:a, a:] = slope[:, None] * r1
        second[a:, :a] = second[:a, a:].swapaxes(0, 1)
        second[a:, a:] = square * r2
        return Derivatives(square * r, first, second)

    @cached_property
    def _unit(self) -> Array:
        """Derivative of the levels' standard deviations: which parameter is whose."""
        return np.eye(self.m) if self.n_variances > 1 else np.ones((1, self.m))

    def _sd(self, theta: Array) -> Array:
        return np.asarray(theta[: self.n_variances] @ self._unit)

    def _rho(self, angle: float) -> tuple[float, float, float]:
        low, high = self.rho_bounds
        half = (high - low) / 2
        sine = float(np.sin(angle))
        return low + half * (1 + sine), half * float(np.cos(angle)), -half * sine

    def _correlation(self, angles: Array) -> Derivatives:
        m, c = self.m, self.n_correlations
        if c == 0:
            return Derivatives(np.eye(m), np.empty((0, m, m)), np.empty((0, 0, m, m)))
        if self.code == "UN":
            return _unstructured(m, angles)
        rho, rho1, rho2 = self._rho(float(angles[0]))
        if self.code in ("CS", "HCS"):
            slope = 1 - np.eye(m)
            value, bend = np.eye(m) + rho * slope, np.zeros((m, m))
        else:
            d = self._gaps
            twice = d * (d - 1)
            value = rho**d
            slope = d * rho ** np.where(d == 0, 0, d - 1)
            bend = twice * rho ** np.where(twice == 0, 0, d - 2)
        first, second = rho1 * slope, rho1**2 * bend + rho2 * slope
        return Derivatives(value, first[None], second[None, None])

    @cached_property
    def _gaps(self) -> Array:
        return np.abs(self.times[:, None] - self.times)


def _unstructured(m: int, angles: Array) -> Derivatives:
    """Any correlation matrix: rows of its Cholesky factor are points on a sphere.

    Pinheiro & Bates 1996, Stat Comput 6:289, section 2.3. The first level's correlations are the
    sines of single angles.
    """
    c = len(angles)
    u, u1, u2 = np.zeros((m, m)), np.zeros((c, m, m)), np.zeros((c, c, m, m))
    u[0, 0] = 1.0
    number = np.zeros((m, m), dtype=np.int64)
    number[np.triu_indices(m, 1)] = np.arange(c)
    for i in range(1, m):
        here, upto = number[:i, i], slice(0, i + 1)
        point, slope, bend = _on_sphere(angles[here])
        u[i, upto], u1[here, i, upto] = point, slope
        u2[here[:, None], here, i, upto] = bend
    first = u1 @ u.T
    cross = np.einsum("aij,bkj->abik", u1, u1)
    second = u2 @ u.T + cross
    return Derivatives(u @ u.T, first + first.swapaxes(-1, -2), second + second.swapaxes(-1, -2))


def _on_sphere(angles: Array) -> Derivatives:
    """The point (sin a, cos a sin b, cos a cos b sin c, ...), a unit vector."""
    i = len(angles)
    row, column = np.arange(i)[:, None], np.arange(i + 1)
    sine, cosine = np.sin(angles)[:, None], np.cos(angles)[:, None]
    factor = np.where(row == column, sine, np.where(row < column, cosine, 1.0))
    slope = np.where(row == column, cosine, np.where(row < column, -sine, 0.0))
    bend = np.where(row <= column, -factor, 0.0)
    first, second = np.empty((i, i + 1)), np.empty((i, i, i + 1))
    for a in range(i):
        once = factor.copy()
        once[a] = slope[a]
        first[a] = once.prod(axis=0)
        for b in range(i):
            twice = once.copy()
            twice[b] = bend[b] if a == b else slope[b]
            second[a, b] = twice.prod(axis=0)
    return Derivatives(factor.prod(axis=0), first, second)
