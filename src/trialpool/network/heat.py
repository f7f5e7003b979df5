"""Which designs make a network inconsistent, and where each design's evidence goes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialpool.network.designs import design_model
from trialpool.network.model import Network
from trialpool.results import NAN, Array

Places = NDArray[np.int64]
_FIXED = 1e-8  # of a design's contrasts: less than this is free to disagree


@dataclass(frozen=True, slots=True, kw_only=True)
class NetHeat:
    """Inconsistency by design, for the designs (d,) that lie in a closed loop.

    `q` (d,) is each design's part of Q between designs. `change` (d, d) is how much of the row's
    `q` goes away when the column's design is allowed effects of its own: positive where the column
    explains the row's inconsistency. `share` (d, d) is the part of the variance of the network
    estimate at the row's design that comes from the trials of the column's design; over all
    designs of the network a row adds up to 1. `reason` says why there is no design.
    """

    designs: tuple[str, ...]
    trials: tuple[int, ...]
    q: Array
    change: Array
    share: Array
    tau2: float
    reason: str = ""


def net_heat(net: Network, model: str = "common") -> NetHeat:
    """Net heat matrix; "random" has the weights with tau2 from within designs.

    A design of several arms is one row and one column: its contrasts are correlated, and Q is
    their quadratic form, so that nothing hangs on which arm is the baseline.

    References
    ----------
    Krahn, Binder & König 2013, BMC Med Res Methodol 13:35
    """
    inconsistency = net.inconsistency
    tau2 = 0.0 if net.tau2_of(model) == 0.0 else inconsistency.tau2_within
    if math.isnan(tau2):
        return _none(inconsistency.full.reason)
    if not inconsistency.between.df:
        return _none(inconsistency.between.reason)
    blocks, a, b = _whitened(net, tau2)
    left, q = _residual_q(a, b, blocks)
    free = np.array([len(rows) - left[rows].sum() for rows in blocks])
    kept = [d for d, rows in enumerate(blocks) if free[d] > _FIXED * len(rows)]
    change, none = np.zeros((len(kept), len(kept))), np.zeros(0, dtype=np.int64)
    for column, d in enumerate(kept):
        others = np.setdiff1d(np.arange(len(b)), blocks[d])
        part = [np.searchsorted(others, blocks[c]) if c != d else none for c in kept]
        _, without = _residual_q(a[others], b[others], part)
        change[:, column] = q[kept] - without
    hat = _projection(a)
    share = np.array([[(hat[np.ix_(blocks[c], blocks[d])] ** 2).sum() for d in kept] for c in kept])
    reach = np.array([left[blocks[c]].sum() for c in kept])
    return NetHeat(
        designs=tuple(inconsistency.designs[d] for d in kept),
        trials=tuple(inconsistency.trials[d] for d in kept),
        q=q[kept],
        change=change,
        share=share / reach[:, np.newaxis],
        tau2=tau2,
    )


def _none(reason: str) -> NetHeat:
    empty = np.zeros((0, 0))
    return NetHeat(
        designs=(), trials=(), q=np.zeros(0), change=empty, share=empty, tau2=NAN, reason=reason
    )


def _whitened(net: Network, tau2: float) -> tuple[list[Places], Array, Array]:
    """Each design's pooled contrasts in units of their errors: places, means and values.

    `a` (r, n) times the treatment effects are the means of `b` (r,), which has covariance I.
    """
    model = design_model(net.treatments, net.trials, net.rows)
    root = 1 / np.sqrt(net.rows.v + tau2)
    blocks: list[Places] = []
    a, b, start = [], [], 0
    for d, arms in enumerate(model.arms):
        of = model.of_row == d
        columns = root[of, np.newaxis] * net.rows.x[np.ix_(of, list(arms))]
        q, r = np.linalg.qr(columns[:, 1:])
        wide = np.zeros((len(arms) - 1, net.n))
        wide[:, list(arms)] = q.T @ columns
        a.append(wide)
        b.append(q.T @ (root[of] * net.rows.z[of]))
        blocks.append(np.arange(start, start + len(r)))
        start += len(r)
    return blocks, np.vstack(a), np.concatenate(b)


def _projection(a: Array) -> Array:
    """Orthogonal projection on the columns of `a`, which need not be of full rank."""
    u, size, _ = np.linalg.svd(a, full_matrices=False)
    u = u[:, size > 1e-10 * size[0]]
    out: Array = u @ u.T
    return out


def _residual_q(a: Array, b: Array, blocks: list[Places]) -> tuple[Array, Array]:
    """Diagonal of the hat matrix, and the squared residuals of each block."""
    hat = _projection(a)
    e = b - hat @ b
    return np.diag(hat), np.array([float((e[rows] ** 2).sum()) for rows in blocks])
