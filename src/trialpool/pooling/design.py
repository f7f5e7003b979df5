"""Studies with a design matrix: the quantities of `Studies` for meta-regression."""

from __future__ import annotations

from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from trialpool.pooling.studies import Numbers, Studies, dot, total
from trialpool.results import Array

_LITTLE = 0.01  # share of its own effect that a study leaves to the fit of the others


class Design(Studies):
    """Effects, variances and covariates; P = W - WX(X'WX)^-1 X'W throughout.

    The effects are scaled as in `Studies` but not moved, since a design need not hold an
    intercept. Studies are sorted by variance: with falling weights the orthogonal basis of the
    weighted columns keeps its digits.

    Attributes
    ----------
    x : (p, k) or (p, k, B), the columns of the design
    order : the sorting, (k,) or (k, B)
    """

    x: Array
    order: NDArray[np.int64]

    def __init__(self, yi: Array, vi: Array, xi: Array) -> None:
        """Copy checked arrays: yi, vi (k,) or (k, B); xi (p, k) or (p, k, B), of full rank."""
        y, v = (np.array(z, dtype=np.float64, order="C") for z in (yi, vi))
        self.order = v.argsort(axis=0, kind="stable")
        y, v = (np.take_along_axis(z, self.order, axis=0) for z in (y, v))
        self.x = np.stack([np.take_along_axis(c, self.order, axis=0) for c in xi])
        self.k = np.int64(len(y))
        self.unit = np.exp2(np.frexp(v[0])[1] // 2)
        self.origin = self.unit * 0.0
        self.y, self.v = y / self.unit, v / (self.unit * self.unit)

    @property
    def p(self) -> int:  # type: ignore[override]
        """Number of coefficients."""
        return len(self.x)

    def take(self, sets: NDArray[np.int64]) -> Self:
        part = super().take(sets)
        part.x = self.x[:, :, sets]
        return part

    def as_sets(self) -> Self:
        part = super().as_sets()
        part.x = self.x[:, :, np.newaxis]
        return part

    @cached_property
    def ss(self) -> Numbers:
        """Residual sum of squares without weights."""
        return self.rss(self.equal_weights)

    @cached_property
    def mean_v(self) -> Numbers:
        """Trace of (I - H)V over k - p, H the unweighted hat matrix."""
        return self._traces(self.equal_weights, self._used(self.v))[0] / self.df

    def hat(self, w: Array) -> Array:
        """Diagonal of the weighted hat matrix."""
        basis, _ = self._basis(w)
        return np.asarray(sum(b * b for b in basis))

    def rss(self, w: Array) -> Numbers:
        """Weighted sum of squares about the fit."""
        e = self._residual(*self._rooted(w))
        return dot(e, e)

    def trace(self, w: Array) -> Numbers:
        """Trace of P."""
        return self._traces(w, w)[0]

    def traces(self, w: Array) -> tuple[Numbers, Numbers]:
        """Traces of P and of PP."""
        return self._traces(w, w)

    def trace_square(self, a: Array, s: Array) -> Numbers:
        """Trace of (P S)^2, with P made of fixed weights a and S = diag(s)."""
        return self._traces(a, self._used(a * s))[1]

    def _traces(self, w: Array, c: Array) -> tuple[Numbers, Numbers]:
        """Traces of MC and of (MC)^2, M = I - QQ' from weights w and C = diag(c)."""
        basis, _ = self._basis(w)
        left = np.asarray(1 - sum(b * b for b in basis))
        rest, square = c, self.zero
        if (left < _LITTLE).any():
            rest, left = c.copy(), left.copy()
            # A study that fixes its own fit: 1 - h has lost its digits, its row of M has not.
            for i in np.argsort(left, axis=0)[: self.p]:
                at = (i,) if c.ndim == 1 else (i, np.arange(c.shape[1]))
                row = np.zeros_like(c)
                row[at] = 1.0
                row = _away_from(basis, row)
                left[at] = dot(row, row)
                row[at] = left[at] / np.sqrt(2)  # counted once, the other pairs twice
                square = square + 2 * rest[at] * dot(rest, row * row)
                rest[at] = 0.0
        cross = sum(dot(rest * b, d) ** 2 for b in basis for d in basis)
        return total(c * left), square + dot(rest * rest, 2 * left - 1) + cross

    def q_and_slope(self, t: Numbers) -> tuple[Numbers, Numbers]:
        basis, root = self._rooted(self.weights(t))
        e = self._residual(basis, root)
        u = root * e
        return dot(e, e), dot(u, u)

    def _fit_and_slope(self, w: Array) -> tuple[Numbers, Numbers]:
        basis, root = self._rooted(w)
        u = root * self._residual(basis, root)
        again = _away_from(basis, root * u)
        return dot(u, u), dot(again, again)

    def _log_determinants(self, w: Array) -> Numbers:
        (_, plain), (_, weighted) = self._basis(self.equal_weights), self._basis(w)
        return plain - weighted

    def _rooted(self, w: Array) -> tuple[list[Array], Array]:
        return self._basis(w)[0], np.sqrt(w)

    def _residual(self, basis: list[Array], root: Array) -> Array:
        return _away_from(basis, root * self.y)

    def _basis(self, w: Array) -> tuple[list[Array], Numbers]:
        """Orthonormal basis of the weighted columns, and log|X'WX|."""
        root, basis, log_determinant = np.sqrt(w), list[Array](), 0.0
        for column in self.x:
            new = _away_from(basis, root * column)
            square = dot(new, new)
            log_determinant = log_determinant + np.log(square)
            basis.append(np.asarray(new / np.sqrt(square)))
        return basis, log_determinant

    def coefficients(self, t: Numbers) -> tuple[Array, Array]:
        """Weighted least squares: coefficients (..., p) and (X'WX)^-1 (..., p, p), in units."""
        w = np.sqrt(self.weights(t))
        x = np.moveaxis(w * self.x, (0, 1), (-1, -2))
        q, r = np.linalg.qr(x)
        inverse = np.linalg.inv(r)
        target = np.moveaxis(w * self.y, 0, -1)[..., np.newaxis]
        beta = (inverse @ (np.swapaxes(q, -1, -2) @ target))[..., 0]
        return beta, inverse @ np.swapaxes(inverse, -1, -2)


def _away_from(basis: list[Array], x: Array) -> Array:
    """Part of x orthogonal to the basis; taken off twice, which leaves rounding only."""
    for _ in range(2):
        for b in basis:
            x = x - dot(b, x) * b
    return x
