"""Likelihood of each study with its normal random effects integrated out, and its derivatives.

A study's linear predictors are eta = offset + X phi, where some columns of X are multiplied by a
standard normal z of the study: phi holds means and standard deviations alike. With a canonical
link the score given z is X'(y - mean), so every derivative of the integral is an expectation
under the posterior of z, taken on the nodes that give the integral itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from trialpool.pooling.counts.families import Family
from trialpool.results import Array

# Trapezoid rule: spacing and reach in posterior standard deviations, when the posterior is normal.
_SPACING, _REACH = 0.5, 8.0
_MOST_NODES = {1: 2001, 2: 241}
# Halving the spacing squares the error of the trapezoid rule: 1e-6 apart means 1e-12 from exact.
_AGREEMENT, _EDGE = 1e-6, 1e-13
# Of numerical derivatives: truncation and rounding errors are then about equal.
_STEP = 3e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class CountModel:
    """k studies with m counts each.

    `y`, `offset` (k, m); `constant` (k,); `x` (m, p) loadings of the p parameters; `axis` (p,)
    the random effect each is multiplied by, -1 for none.
    """

    y: Array
    offset: Array
    constant: Array
    family: Family
    x: Array
    axis: tuple[int, ...]

    @property
    def dimensions(self) -> int:
        """Number of random effects of a study."""
        return max(self.axis) + 1

    def without(self, column: int) -> CountModel:
        """The same studies without one parameter."""
        axis = tuple(a for r, a in enumerate(self.axis) if r != column)
        return replace(self, x=np.delete(self.x, column, axis=1), axis=axis)

    def rows(self, index: np.ndarray) -> CountModel:
        """Some of the studies."""
        if len(index) == len(self.y):
            return self
        return replace(
            self,
            y=self.y[index],
            offset=self.offset[index],
            constant=self.constant[index],
            family=self.family.rows(index),
        )

    def predictors(self, phi: Array) -> tuple[Array, Array]:
        """Linear predictors at z = 0, (k, m), and their slopes on z, (k, m, d)."""
        parts = phi[:, np.newaxis, :] * self.x
        columns = [
            [r for r, a in enumerate(self.axis) if a == j] for j in range(-1, self.dimensions)
        ]
        level, *slopes = (parts[:, :, c].sum(axis=2) for c in columns)
        none = np.empty((*self.y.shape, 0))
        return self.offset + level, np.stack(slopes, axis=2) if slopes else none


class Likelihoods(NamedTuple):
    """Log likelihoods (k,), scores (k, p), Hessians (k, p, p), and whether they are exact."""

    value: Array
    score: Array
    hessian: Array
    exact: bool


class _Grid(NamedTuple):
    """Nodes (k, d, N), log weights (k, N) with the normal density in them, and counts per axis."""

    z: Array
    log_weight: Array
    shape: tuple[int, ...]


Rule = Callable[[CountModel, Array], Likelihoods]


def exact(model: CountModel, phi: Array) -> Likelihoods:
    """By the trapezoid rule, refined until it is exact to rounding.

    Parameters
    ----------
    phi : (k, p) parameters of each study

    Notes
    -----
    The trapezoid rule converges faster than any power for analytic integrands with light tails,
    and unlike Gauss-Hermite its error is seen for free, by leaving out every other node.

    References
    ----------
    Trefethen & Weideman 2014, SIAM Rev 56:385
    """
    level, slope = model.predictors(phi)
    if model.dimensions == 0:
        return _without_random_effects(model, level)
    centre, spread = _mode(model, level, slope)
    (k, d), p = centre.shape, phi.shape[1]
    value, score, hessian = np.empty(k), np.empty((k, p)), np.empty((k, p, p))
    reach, spacing = np.full((k, d, 2), _REACH), np.full(k, _SPACING)
    fits, todo = True, np.arange(k)
    # Most studies are done at once; what is left has long tails, as studies without events have.
    while fits and todo.size:
        part = model.rows(todo)
        nodes, fits = _trapezoid(centre[todo], spread[todo], reach[todo], spacing[todo])
        log_f, residual, var = _at_nodes(part, centre[todo], level[todo], slope[todo], nodes)
        sums = _log_sum(log_f)
        weight = np.exp(log_f - sums[:, np.newaxis])
        value[todo] = sums
        score[todo], hessian[todo] = _derivatives(part, nodes.z, weight, residual, var)
        wider = _too_narrow(weight, nodes.shape)
        short = wider.any(axis=(1, 2))
        rough = np.abs(_every_other(weight, nodes.shape) - 1) > _AGREEMENT
        reach[todo] *= np.where(wider, 1.5, 1.0)
        spacing[todo] /= np.where(rough & ~short, 1.5, 1.0)
        todo = todo[rough | short]
    return Likelihoods(value, score, hessian, exact=not todo.size)


def adaptive(points: int) -> Rule:
    """Adaptive Gauss-Hermite rule with so many points per random effect; 1 is Laplace's method.

    For results of programs that use a fixed number; differentiated numerically, because the rule
    moves with the parameters.

    References
    ----------
    Liu & Pierce 1994, Biometrika 81:624; Pinheiro & Bates 1995, J Comput Graph Stat 4:12
    """
    x, w = np.polynomial.hermite.hermgauss(points)

    def value(model: CountModel, phi: Array) -> Array:
        level, slope = model.predictors(phi)
        centre, spread = _mode(model, level, slope)
        d = model.dimensions
        grid = np.stack([g.ravel() for g in np.meshgrid(*[x] * d, indexing="ij")])
        log_w = sum(g.ravel() for g in np.meshgrid(*[np.log(w) + x**2] * d, indexing="ij"))
        z = centre[:, :, np.newaxis] + spread @ (math.sqrt(2) * grid)
        scale = d / 2 * math.log(2) + _log_volume(spread)
        nodes = _Grid(z, log_w + scale[:, np.newaxis], (points,) * d)
        return _log_sum(_at_nodes(model, centre, level, slope, nodes)[0])

    def rule(model: CountModel, phi: Array) -> Likelihoods:
        if model.dimensions == 0:
            return exact(model, phi)
        return Likelihoods(*_differences(lambda p: value(model, p), phi), exact=True)

    return rule


def _without_random_effects(model: CountModel, level: Array) -> Likelihoods:
    b, mean, var = model.family(level)
    value = (model.y * level - b).sum(axis=1) + model.constant
    score = (model.y - mean) @ model.x
    hessian = -np.einsum("km,mp,mq->kpq", var, model.x, model.x)
    return Likelihoods(value, score, hessian, exact=True)


def _mode(model: CountModel, level: Array, slope: Array) -> tuple[Array, Array]:
    """Most probable z (k, d), and a root of its inverse curvature there (k, d, d)."""
    k, _, d = slope.shape
    z = np.zeros((k, d))

    def at(z: Array) -> tuple[Array, Array, Array]:
        eta = level + (slope @ z[:, :, np.newaxis])[:, :, 0]
        b, mean, var = model.family(eta)
        height = (model.y * eta - b).sum(axis=1) - (z**2).sum(axis=1) / 2
        gradient = np.einsum("kmd,km->kd", slope, model.y - mean) - z
        return height, gradient, np.eye(d) + np.einsum("kmd,km,kme->kde", slope, var, slope)

    height, gradient, curvature = at(z)
    for _ in range(100):
        step = np.linalg.solve(curvature, gradient[:, :, np.newaxis])[:, :, 0]
        gain = (step * gradient).sum(axis=1)
        if (gain < 1e-20).all():
            break
        # Strictly concave: a step that is halved until it climbs gets there from anywhere.
        scale = np.ones(k)
        for _ in range(60):
            new = at(z + scale[:, np.newaxis] * step)
            falls = ~(new[0] >= height - 1e-12 * (1 + np.abs(height)))
            if not falls.any():
                break
            scale = np.where(falls, scale / 2, scale)
        z = z + scale[:, np.newaxis] * step
        height, gradient, curvature = new
    return z, np.linalg.cholesky(np.linalg.inv(curvature))


def _trapezoid(centre: Array, spread: Array, reach: Array, spacing: Array) -> tuple[_Grid, bool]:
    """A box of evenly spaced nodes around each mode, and whether it is within the limit on size."""
    k, d = centre.shape
    length = reach.sum(axis=2)  # (k, d)
    wanted = [2 * math.ceil(x / 2) + 1 for x in (length / spacing[:, np.newaxis]).max(axis=0)]
    counts = tuple(min(n, _MOST_NODES[d]) for n in wanted)
    lines = [
        -reach[:, j, :1] + length[:, j, np.newaxis] * np.linspace(0, 1, n)
        for j, n in enumerate(counts)
    ]
    widths = [length[:, j] / (n - 1) for j, n in enumerate(counts)]
    if d == 1:
        u = lines[0][:, np.newaxis, :]
    else:
        first = np.repeat(lines[0], counts[1], axis=1)
        u = np.stack([first, np.tile(lines[1], counts[0])], axis=1)
    z = centre[:, :, np.newaxis] + spread @ u
    log_weight = sum(np.log(w) for w in widths) + _log_volume(spread)
    whole = np.broadcast_to(log_weight[:, np.newaxis], (k, z.shape[2]))
    return _Grid(z, whole, counts), counts == tuple(wanted)


def _log_volume(spread: Array) -> Array:
    diagonal = np.diagonal(spread, axis1=1, axis2=2)
    return np.asarray(np.log(diagonal).sum(axis=1))


def _at_nodes(
    model: CountModel, centre: Array, level: Array, slope: Array, nodes: _Grid
) -> tuple[Array, Array, Array]:
    """Log of what is summed (k, N), residuals and variances of the counts (k, m, N)."""
    middle = level + (slope @ centre[:, :, np.newaxis])[:, :, 0]
    delta = slope @ (nodes.z - centre[:, :, np.newaxis])
    rise, mean, var = model.family.near(middle, delta)
    y = model.y[:, :, np.newaxis]
    log_density = -(nodes.z**2).sum(axis=1) / 2 - model.dimensions / 2 * math.log(2 * math.pi)
    there = (model.y * middle - model.family(middle).b).sum(axis=1) + model.constant
    log_f = there[:, np.newaxis] + (y * delta - rise).sum(axis=1)
    return log_f + log_density + nodes.log_weight, y - mean, var


def _log_sum(log_f: Array) -> Array:
    top = log_f.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(log_f - top).sum(axis=1)))


def _too_narrow(weight: Array, shape: tuple[int, ...]) -> np.ndarray:
    """Sides (k, d, 2) of the box at which the integrand has not yet died away."""
    box = weight.reshape(-1, *shape)
    sides = []
    for j in range(len(shape)):
        ends = (np.take(box, i, axis=j + 1).reshape(len(box), -1).max(axis=1) for i in (0, -1))
        sides.append(np.stack([end > _EDGE for end in ends], axis=1))
    return np.stack(sides, axis=1)


def _every_other(weight: Array, shape: tuple[int, ...]) -> Array:
    """The integral on a grid of twice the spacing, as a share of the one on the whole grid."""
    box = weight.reshape(-1, *shape)[(slice(None), *(slice(None, None, 2) for _ in shape))]
    return np.asarray(box.reshape(len(box), -1).sum(axis=1) * 2 ** len(shape))


def _derivatives(
    model: CountModel, z: Array, weight: Array, residual: Array, var: Array
) -> tuple[Array, Array]:
    """Scores and Hessians as posterior expectations (Louis 1982, J R Stat Soc B 44:226)."""
    k, _, n = z.shape
    ones = np.ones((k, n))
    factor = np.stack([ones if a < 0 else z[:, a] for a in model.axis], axis=1)  # (k, p, N)
    given = factor * np.einsum("mp,kmn->kpn", model.x, residual)
    score = (given @ weight[:, :, np.newaxis])[:, :, 0]
    hessian = (given * weight[:, np.newaxis]) @ given.transpose(0, 2, 1)
    for j, row in enumerate(model.x):
        loading = factor * row[:, np.newaxis]
        hessian -= (loading * (weight * var[:, j])[:, np.newaxis]) @ loading.transpose(0, 2, 1)
    return score, hessian - score[:, :, np.newaxis] * score[:, np.newaxis, :]


def _differences(f: Callable[[Array], Array], phi: Array) -> tuple[Array, Array, Array]:
    """Value, gradient (error h^4) and Hessian (error h^2) of a function of each row of phi."""
    p, h = phi.shape[1], _STEP
    unit = np.eye(p) * h
    value = f(phi)
    score, hessian = np.empty(phi.shape), np.empty((*phi.shape, p))
    near = [(f(phi + unit[r]), f(phi - unit[r])) for r in range(p)]
    far = [(f(phi + 2 * unit[r]), f(phi - 2 * unit[r])) for r in range(p)]
    for r in range(p):
        (up, down), (up2, down2) = near[r], far[r]
        score[:, r] = (8 * (up - down) - (up2 - down2)) / (12 * h)
        hessian[:, r, r] = (16 * (up + down) - (up2 + down2) - 30 * value) / (12 * h**2)
        for q in range(r):
            a, b = unit[r] + unit[q], unit[r] - unit[q]
            cross = f(phi + a) - f(phi + b) - f(phi - b) + f(phi - a)
            hessian[:, r, q] = hessian[:, q, r] = cross / (4 * h**2)
    return value, score, hessian
