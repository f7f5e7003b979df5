"""The (restricted) likelihood of the covariance parameters, its gradient and its Hessian.

y ~ N(X beta, M), M = V + sum of the parts' Z T Z'; beta is maximised over in closed form. With
W = M^-1 and P = W - WX(X'WX)^-1 X'W, for parameters a and b

    restricted l = -1/2 (log|M| + log|X'WX| + y'Py),  full l = -1/2 (log|M| + y'Py)
    dl/da        = 1/2 tr[(Py y'P - P) M_a]
    d2l/dadb     = 1/2 tr(P M_a P M_b) - y'P M_a P M_b Py + 1/2 tr[(Py y'P - P) M_ab]

with W for P in the traces of the full likelihood (Lindstrom & Bates 1988, JASA 83:1014). Blocks of
rows are independent, so all is computed on stacks of small matrices, in coordinates in which M is
the identity. X has orthonormal columns here, which makes |X'X| = 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from trialpool.multilevel.blocks import Batch, Index
from trialpool.multilevel.terms import Part
from trialpool.results import Array

Mask = NDArray[np.bool_]
LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Likelihood:
    """Data of a model: effects (k,), X (k, p) orthonormal, batches of blocks, and parts."""

    y: Array
    x: Array
    batches: Sequence[Batch]
    parts: Sequence[Part]
    restricted: bool
    # Per batch: X and y of its rows (B, n, p + 1), 0 for padding.
    columns: list[Array] = field(init=False)
    # Per batch: where in the parts' T, laid flat one after the other, an entry of the block comes
    # from, (parts, B, n, n); the last place, which holds 0, where two rows share no group.
    places: list[Index] = field(init=False)

    def __post_init__(self) -> None:
        both = np.column_stack([self.x, self.y])
        padded = np.vstack([both, np.zeros(both.shape[1])])
        object.__setattr__(self, "columns", [padded[b.rows] for b in self.batches])
        object.__setattr__(self, "places", [self._places(b.rows) for b in self.batches])

    def _places(self, rows: Index) -> Index:
        out = np.empty((len(self.parts), *rows.shape, rows.shape[1]), dtype=np.int64)
        start = 0
        for place, part in zip(out, self.parts, strict=True):
            inner, outer = np.append(part.inner, 0)[rows], np.append(part.outer, -1)[rows]
            m = part.structure.m
            together = (outer[:, :, None] == outer[:, None, :]) & (outer[:, :, None] >= 0)
            pair = start + inner[:, :, None] * m + inner[:, None, :]
            place[:] = np.where(together, pair, self.n_places)
            start += m * m
        return out

    @cached_property
    def n_places(self) -> int:
        """How many numbers the parts' T have together."""
        return sum(part.structure.m**2 for part in self.parts)

    @cached_property
    def part_of(self) -> Index:
        """The part of each parameter."""
        return np.repeat(np.arange(len(self.parts)), [p.structure.n for p in self.parts])

    @cached_property
    def slices(self) -> list[slice]:
        """Where each part's parameters are in theta."""
        ends = np.cumsum([0, *(part.structure.n for part in self.parts)])
        return [slice(int(a), int(b)) for a, b in pairwise(ends)]

    @cached_property
    def fixed(self) -> Array:
        """Values of the parameters that are not estimated, NaN for the others."""
        return np.concatenate([np.empty(0), *(part.fixed for part in self.parts)])

    @cached_property
    def is_deviation(self) -> Mask:
        """Which parameters are standard deviations (the others are angles)."""
        kinds = [np.arange(p.structure.n) < p.structure.n_variances for p in self.parts]
        return np.asarray(np.concatenate([np.empty(0, dtype=bool), *kinds]))

    @cached_property
    def is_bounded(self) -> Mask:
        """Which standard deviations must not turn negative: with correlations the sign matters."""
        signed = [
            p.structure.n_variances > 1 and p.structure.n_correlations > 0 for p in self.parts
        ]
        counts = [part.structure.n for part in self.parts]
        return np.asarray(self.is_deviation & np.repeat(np.array(signed, dtype=bool), counts))

    def at(self, theta: Array) -> Point | None:
        """Everything at one value of the parameters; None where M is not positive definite."""
        pieces = [
            part.structure.covariance(theta[here]).ravel()
            for part, here in zip(self.parts, self.slices, strict=True)
        ]
        table = np.concatenate([*pieces, np.zeros(1)])
        inverses, white, log_m = [], [], 0.0
        for batch, places, columns in zip(self.batches, self.places, self.columns, strict=True):
            try:
                root = np.linalg.cholesky(batch.v + table[places].sum(axis=0))
            except np.linalg.LinAlgError:
                return None
            log_m += 2 * float(np.log(np.diagonal(root, axis1=1, axis2=2)).sum())
            inverses.append(np.linalg.inv(root))
            white.append(inverses[-1] @ columns)
        return Point(self, theta, inverses, white, log_m)


@dataclass(frozen=True)
class Point:
    """The likelihood at one value of theta.

    `inverses` are L^-1 (B, n, n) with M = LL', `white` is L^-1 [X y] (B, n, p + 1).
    """

    model: Likelihood
    theta: Array
    inverses: list[Array]
    white: list[Array]
    log_m: float

    @cached_property
    def _root(self) -> Array:
        """Triangular R of the QR decomposition of the whitened [X y], (p + 1, p + 1)."""
        stacked = np.concatenate([w.reshape(-1, w.shape[-1]) for w in self.white])
        return np.asarray(np.linalg.qr(stacked, mode="r"))

    @cached_property
    def _back(self) -> Array:
        """R^-1 of X alone: X'WX = R'R."""
        p = len(self._root) - 1
        return np.asarray(np.linalg.inv(self._root[:p, :p]))

    @cached_property
    def coefficients(self) -> Array:
        """Generalised least squares, (p,), of the orthonormal columns."""
        return np.asarray(self._back @ self._root[:-1, -1])

    @cached_property
    def covariance(self) -> Array:
        """(X'WX)^-1, (p, p), of the orthonormal columns."""
        return np.asarray(self._back @ self._back.T)

    @cached_property
    def rss(self) -> float:
        """The weighted sum of squares y'Py."""
        return float(self._root[-1, -1] ** 2)

    @cached_property
    def value(self) -> float:
        """The log likelihood that is maximised, complete with its constant."""
        return self.log_likelihood(restricted=self.model.restricted)

    def log_likelihood(self, *, restricted: bool) -> float:
        """The restricted or full log likelihood, with |X'X| = 1."""
        k, p = self.model.x.shape
        out = self.log_m + self.rss + (k - p if restricted else k) * LOG_2PI
        if restricted:
            out += 2 * float(np.log(np.abs(np.diag(self._root)[:p])).sum())
        return float(-out / 2)

    @cached_property
    def _fitted(self) -> list[tuple[Array, Array]]:
        """Per batch the orthonormal basis of the whitened X (B, n, p), and residuals (B, n)."""
        return [
            (w[..., :-1] @ self._back, w[..., -1] - w[..., :-1] @ self.coefficients)
            for w in self.white
        ]

    def weights(self) -> list[Array]:
        """W of each block, per batch (B, n, n)."""
        return [inverse.swapaxes(1, 2) @ inverse for inverse in self.inverses]

    def projections(self) -> list[Array]:
        """The block's own part of P, per batch (B, n, n)."""
        return [
            _square(i, basis) for i, (basis, _) in zip(self.inverses, self._fitted, strict=True)
        ]

    def scores(self) -> list[Array]:
        """Py, per batch (B, n)."""
        return [
            (e[:, None, :] @ i)[:, 0, :]
            for i, (_, e) in zip(self.inverses, self._fitted, strict=True)
        ]

    @cached_property
    def derivatives(self) -> tuple[Array, Array, Array]:
        """Gradient (q,), Hessian (q, q), and expected restricted information (q, q)."""
        model, q = self.model, len(self.theta)
        first = np.zeros((q, model.n_places + 1))
        tables, start = [], 0
        for part, here in zip(model.parts, model.slices, strict=True):
            tables.append(part.structure.derivatives(self.theta[here]))
            end = start + part.structure.m**2
            first[here, start:end] = tables[-1].first.reshape(part.structure.n, -1)
            start = end
        pairs = np.zeros(model.n_places + 1)
        full, crossed, between = np.zeros((q, q)), np.zeros((q, q)), np.zeros((q, 1))
        quadratic, aslant = np.zeros((q, q)), np.zeros((q, 1))
        for places, inverse, (basis, e) in zip(
            model.places, self.inverses, self._fitted, strict=True
        ):
            slope = 0.5 * (_outer(inverse, e) - self._weight(inverse, basis))
            each = np.broadcast_to(slope, places.shape)
            pairs += np.bincount(places.ravel(), each.ravel(), len(pairs))
            changes = first[np.arange(q)[:, None, None, None], places[model.part_of]]
            white = inverse @ changes @ inverse.swapaxes(1, 2)
            onto, pull = white @ basis, (white @ e[..., None])[..., 0]
            full += _gram(white)
            crossed += _gram(onto)
            quadratic += _gram(pull)
            between = between + (basis.swapaxes(1, 2) @ onto).sum(axis=1).reshape(q, -1)
            aslant = aslant + pull.reshape(q, -1) @ basis.reshape(-1, basis.shape[-1])
        bend, start = np.zeros((q, q)), 0
        for table, here in zip(tables, model.slices, strict=True):
            end = start + table.value.size
            of_table = pairs[start:end].reshape(table.value.shape)
            bend[here, here] = (table.second * of_table).sum(axis=(-1, -2))
            start = end
        gradient = first @ np.append(pairs[:-1], 0.0)
        information = 0.5 * (full - 2 * crossed + _gram(between))
        traces = information if model.restricted else 0.5 * full
        return gradient, traces - (quadratic - _gram(aslant)) + bend, information

    def _weight(self, inverse: Array, basis: Array) -> Array:
        """P for the restricted likelihood, W for the full one."""
        if self.model.restricted:
            return _square(inverse, basis)
        return np.asarray(inverse.swapaxes(1, 2) @ inverse)


def _outer(inverse: Array, e: Array) -> Array:
    pull = e[:, None, :] @ inverse
    return np.asarray(pull.swapaxes(1, 2) * pull)


def _square(inverse: Array, basis: Array) -> Array:
    onto = inverse.swapaxes(1, 2) @ basis
    return np.asarray(inverse.swapaxes(1, 2) @ inverse - onto @ onto.swapaxes(1, 2))


def _gram(stack: Array) -> Array:
    """Inner products of q arrays with one another, (q, q)."""
    flat = stack.reshape(len(stack), -1)
    return np.asarray(flat @ flat.T)
