"""Trials of any number of arms as independent numbers, so that a network is a meta-regression.

The m - 1 contrasts of a trial are correlated through its arms. Along the principal axes of their
covariance they are not, and the random effect, which has variance tau2 in every contrast of two
arms, has the same variance along each axis: a number z with variance v + tau2 and a known mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialpool.network.inputs import Trial, arm_covariance
from trialpool.pooling.design import Design
from trialpool.pooling.studies import Numbers
from trialpool.results import Array


class NetworkRows(NamedTuple):
    """`z` (r,) with variances `v` (r,) without tau2, means `x` (r, n) @ effects of n treatments.

    `trial` (r,) says which trial a row is of. Each row of `x` adds up to 0.
    """

    z: Array
    v: Array
    x: Array
    trial: NDArray[np.int64]


def independent(trials: Sequence[Trial], n: int) -> NetworkRows:
    """The trials' contrasts as sum of (arms - 1) independent rows, in the order of the trials.

    A trial of two arms is its contrast. Of more arms, the covariance C of the arms about their
    mean has m - 1 axes u with variances l: the rows are sqrt(2) u'arms, with variances 2 l.
    """
    z, v, x, of = [], [], [], []
    for m in sorted({len(trial.arms) for trial in trials}):
        which = np.array([i for i, trial in enumerate(trials) if len(trial.arms) == m])
        y = np.stack([trials[i].y for i in which])
        arms = np.array([trials[i].arms for i in which])
        if m == 2:
            axes = np.tile(np.array([[1.0, -1.0]]), (len(which), 1, 1))
            spread = np.stack([trials[i].v[0, 1] for i in which])[:, np.newaxis]
        else:
            covariance = arm_covariance(np.stack([trials[i].v for i in which]))
            values, vectors = np.linalg.eigh(covariance)
            # The first axis is the mean of the arms, of which contrasts say nothing.
            spread = 2 * values[:, 1:]
            axes = np.sqrt(2) * np.swapaxes(vectors[:, :, 1:], 1, 2)
            axes -= axes.mean(axis=2, keepdims=True)
        level = y.mean(axis=2)  # arms about the trial's mean
        z.append(np.einsum("tam,tm->ta", axes, level).ravel())
        v.append(spread.ravel())
        full = np.zeros((len(which), m - 1, n))
        np.put_along_axis(full, np.repeat(arms[:, np.newaxis], m - 1, axis=1), axes, axis=2)
        x.append(full.reshape(-1, n))
        of.append(np.repeat(which, m - 1))
    order = np.argsort(np.concatenate(of), kind="stable")
    zz, vv, xx, oo = (np.concatenate(part)[order] for part in (z, v, x, of))
    return NetworkRows(zz, vv, xx, oo)


class NetworkDesign(Design):
    """`Design` for many columns: where there is one set of studies, LAPACK does the algebra."""

    def _basis(self, w: Array) -> tuple[list[Array], Numbers]:
        if w.ndim > 1:
            return super()._basis(w)
        q, r = np.linalg.qr(self._weighted(w))
        return list(np.ascontiguousarray(q.T)), 2 * np.log(np.abs(np.diag(r))).sum()

    def _residual(self, basis: list[Array], root: Array) -> Array:
        if root.ndim > 1:
            return super()._residual(basis, root)
        q, e = np.array(basis), root * self.y
        for _ in range(2):  # taken off twice, which leaves rounding only
            e = e - (q @ e) @ q
        return e

    def _traces(self, w: Array, c: Array) -> tuple[Numbers, Numbers]:
        if w.ndim > 1:
            return super()._traces(w, c)
        # M = ZZ' with Z a basis of what the columns leave: no 1 - h that loses its digits.
        rest = np.linalg.qr(self._weighted(w), mode="complete")[0][:, self.p :]
        inner = rest.T @ (c[:, np.newaxis] * rest)
        return np.trace(inner), (inner * inner).sum()

    def _weighted(self, w: Array) -> Array:
        return (np.sqrt(w) * self.x).T


class NetworkFit(NamedTuple):
    """Effects (n,) about the reference, their covariance (n, n), and weights (r,) of the rows."""

    effect: Array
    covariance: Array
    weights: Array


class NetworkModel:
    """Rows with the effects of n treatments against a reference as coefficients."""

    def __init__(self, rows: NetworkRows, reference: int) -> None:
        self.rows, self.n = rows, rows.x.shape[1]
        self.kept = [i for i in range(self.n) if i != reference]

    @cached_property
    def design(self) -> NetworkDesign:
        return NetworkDesign(self.rows.z, self.rows.v, self.rows.x[:, self.kept].T)

    @property
    def unit2(self) -> float:
        """What a tau2 of 1 in the units of `design` is in squared units of the effects."""
        return float(self.design.unit) ** 2

    def fit(self, tau2: float) -> NetworkFit:
        """Weighted least squares at a given tau2, in units of the effects."""
        beta, spread = self.design.coefficients(np.float64(tau2 / self.unit2))
        effect, covariance = np.zeros(self.n), np.zeros((self.n, self.n))
        effect[self.kept] = beta * float(self.design.unit)
        covariance[np.ix_(self.kept, self.kept)] = spread * self.unit2
        return NetworkFit(effect, covariance, 1 / (self.rows.v + tau2))
