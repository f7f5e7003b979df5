"""The parts that every cluster adds to a robust covariance, and their moments.

Each cluster is transformed so that its working covariance is the identity: with W = RR, R
symmetric, x = RX and e = R(y - Xb). All matrices are small: one eigendecomposition per cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialpool.multilevel.covariance import Rows
from trialpool.results import Array, TrialpoolError

Matrix = NDArray[np.floating[Any]]

KINDS = ("CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3")

_FIXED = 1e-10  # what the fit leaves of a direction that one cluster alone decides


class Cluster(NamedTuple):
    """Weighted rows of one cluster: x (n, p), e (n,) and the inverse of its weights (n, n)."""

    x: Array
    e: Array
    covariance: Array


@dataclass(frozen=True, slots=True)
class Sandwich:
    """What m clusters contribute to the covariance of p coefficients.

    With g the matrix that maps a cluster's residuals to its contribution: `a` = x'g and `d` = g'g,
    each (m, p, p); the last axis is the coefficient.
    """

    bread: Array
    vb: Array
    a: Array
    d: Array

    def products(self, left: Array, right: Array) -> Array:
        """Covariances (m, m) of two contrasts' contributions under the working model."""
        a_left, a_right = self.a @ left, self.a @ right
        out = -(a_left @ self.bread @ a_right.T)
        out[np.diag_indices(len(out))] += np.einsum("s,mst,t->m", left, self.d, right)
        return np.asarray(out)

    def expected(self) -> Array:
        """Expectation (p, p) of the robust covariance under the working model."""
        return np.asarray(
            self.d.sum(axis=0) - np.einsum("mqs,qr,mrt->st", self.a, self.bread, self.a)
        )


def transformed(
    x: Array, e: Array, rows: Sequence[Rows], weights: Sequence[Matrix], clusters: Sequence[Rows]
) -> list[Cluster]:
    """Clusters in terms of their working model; a cluster may consist of several blocks.

    Raises
    ------
    TrialpoolError
        a block that reaches into two clusters; weights that are not positive definite
    """
    home = np.empty(len(e), dtype=np.int64)
    for number, members in enumerate(clusters):
        home[members] = number
    inside: list[list[tuple[Rows, Matrix]]] = [[] for _ in clusters]
    for block_rows, weight in zip(rows, weights, strict=True):
        number = int(home[block_rows[0]])
        stray = np.flatnonzero(home[block_rows] != number)
        if stray.size:
            raise TrialpoolError(
                f"effects {block_rows[0]} and {block_rows[stray[0]]} depend on each other in the"
                " model but lie in different clusters: cluster by the highest level"
            )
        inside[number].append((block_rows, weight))
    return [_one(x, e, blocks) for blocks in inside]


def _one(x: Array, e: Array, blocks: list[tuple[Rows, Matrix]]) -> Cluster:
    n = sum(len(rows) for rows, _ in blocks)
    xs, es, covariance = [], [], np.zeros((n, n))
    at = 0
    for rows, weight in blocks:
        values, vectors = np.linalg.eigh(weight)
        if not values[0] > 0:
            raise TrialpoolError(f"weights of effect {rows[0]}: not a positive definite matrix")
        root = (vectors * np.sqrt(values)) @ vectors.T
        xs.append(root @ x[rows])
        es.append(root @ e[rows])
        part = slice(at, at + len(rows))
        covariance[part, part] = (vectors / values) @ vectors.T
        at += len(rows)
    return Cluster(np.concatenate(xs), np.concatenate(es), covariance)


def sandwich(clusters: list[Cluster], kind: str) -> Sandwich:
    """Robust covariance of weighted least squares, of one kind.

    Liang & Zeger 1986, Biometrika 73:13 (CR0); Bell & McCaffrey 2002, Survey Methodology 28:169
    (CR2, CR3); Pustejovsky & Tipton 2018, J Bus Econ Stat 36:672 (CR2).
    """
    bread: Array = np.asarray(np.linalg.inv(sum(c.x.T @ c.x for c in clusters)), dtype=np.float64)
    scores, a, d = [], [], []
    for cluster in clusters:
        g = _adjusted(cluster, bread, kind) @ bread
        scores.append(g.T @ cluster.e)
        a.append(cluster.x.T @ g)
        d.append(g.T @ g)
    stacked = np.array(scores)
    m, p, n = len(clusters), len(bread), sum(len(c.e) for c in clusters)
    factor = {
        "CR1": m / (m - 1),
        "CR1p": m / (m - p) if m > p else np.nan,
        "CR1S": m * (n - 1) / ((m - 1) * (n - p)),
    }.get(kind, 1.0)
    return Sandwich(bread, factor * stacked.T @ stacked, np.array(a), np.array(d))


def _adjusted(cluster: Cluster, bread: Array, kind: str) -> Array:
    """Rows of the design, (n, p), changed to undo what the fit takes from the residuals."""
    x = cluster.x
    if kind not in ("CR2", "CR3"):
        return x
    left = np.eye(len(x)) - x @ bread @ x.T
    values, vectors = np.linalg.eigh(left)
    # Where a cluster alone decides a coefficient its residuals are 0 and tell nothing.
    free = values > _FIXED
    if kind == "CR3":
        return np.asarray((vectors[:, free] / values[free]) @ (vectors[:, free].T @ x))
    v = cluster.covariance
    values, vectors = np.linalg.eigh(v @ left @ v)
    first = int((~free).sum())
    values, vectors = values[first:], vectors[:, first:]
    return np.asarray(v @ ((vectors / np.sqrt(values)) @ (vectors.T @ x)))
