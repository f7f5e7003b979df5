"""Covariances of the sampling errors of effects that share patients: one block per study."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.multilevel.similarity import Described, correlations
from trialpool.pooling.inputs import as_numbers, is_blank
from trialpool.results import Array, TrialpoolError
from trialpool.same_rows import same_rows

Rows = NDArray[np.int64]
Table = Mapping[tuple[Any, Any], float]
Rho = float | Table | tuple[float | Table, float | Table]

_SINGULAR = 1e-10  # least eigenvalue of a correlation matrix that can still be inverted
_ADVICE = "Check rho and phi, and the columns that tell its effects apart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Covariance:
    """A covariance matrix of k effects as its blocks; all between blocks is 0.

    `rows[b]` are the positions of block b among the effects, `blocks[b]` is its matrix and
    `labels[b]` its cluster, or (cluster, subgroup).
    """

    k: int
    rows: tuple[Rows, ...]
    blocks: tuple[Array, ...]
    labels: tuple[Hashable, ...]

    def __iter__(self) -> Iterator[tuple[Rows, Array]]:
        """Positions and matrix of each block."""
        return iter(zip(self.rows, self.blocks, strict=True))

    def dense(self) -> Array:
        """The whole matrix, (k, k)."""
        out = np.zeros((self.k, self.k))
        for rows, block in self:
            out[np.ix_(rows, rows)] = block
        return out

    def inverse(self) -> tuple[Array, ...]:
        """The inverse of each block: weights."""
        return tuple(np.asarray(np.linalg.inv(block), dtype=np.float64) for block in self.blocks)


def rows_of(
    cluster: Sequence[Hashable] | ArrayLike, k: int, name: str = "cluster"
) -> dict[Hashable, Rows]:
    """Positions of each cluster's effects, clusters in the order in which they first appear.

    Raises
    ------
    TrialpoolError
        a cluster column of another length than k, or with a blank (the row is named)
    """
    by_label: dict[Hashable, list[int]] = {}
    given: list[Hashable] = list(cluster)  # type: ignore[arg-type]
    if len(given) != k:
        raise TrialpoolError(f"{name} has {len(given)} rows for {k} effects")
    for i, label in enumerate(given):
        if is_blank(label):
            raise TrialpoolError(f"{name}[{i}] is blank: every effect needs one")
        by_label.setdefault(label, []).append(i)
    return {label: np.array(rows, dtype=np.int64) for label, rows in by_label.items()}


@same_rows
def covariance(
    vi: ArrayLike,
    cluster: Sequence[Hashable] | ArrayLike,
    *,
    rho: Rho | None = None,
    phi: float | None = None,
    obs: Sequence[Hashable] | None = None,
    type: Sequence[Hashable] | None = None,
    time1: ArrayLike | None = None,
    time2: ArrayLike | None = None,
    grp1: Sequence[Hashable] | None = None,
    grp2: Sequence[Hashable] | None = None,
    w1: ArrayLike | None = None,
    w2: ArrayLike | None = None,
    subgroup: Sequence[Hashable] | None = None,
) -> Covariance:
    """Approximate covariances from what two effects of a study have in common.

    The correlation of two effects is that of what they measure (obs, type, rho) times that of the
    patients and times they compare (grp1, grp2, time1, time2, phi). Without any of these columns
    all effects of a cluster correlate by rho.

    Parameters
    ----------
    vi : (k,) sampling variances, > 0
    cluster : (k,) study of each effect; effects of different studies are independent
    rho
        correlation of effects measured at once: one number, or a table {(a, b): r} of pairs of
        obs or of type. With both columns a pair (within one type, between types) of such
    phi : correlation of two measurements one unit of time apart; phi^|difference| otherwise
    obs : which scale or instrument, among those of one construct
    type : which construct
    time1, time2 : when the first and the second condition were measured; time2 is time1 if absent
    grp1, grp2 : which groups an effect compares; a group in two effects makes them correlate
    w1, w2 : sizes of these groups (or other weights, inverse to variance); equal if absent
    subgroup : parts of a study that share no patients

    Returns
    -------
    Covariance, one block per cluster and subgroup

    Raises
    ------
    TrialpoolError
        a correlation outside -1 to 1 or without a number for a pair that occurs; a column of
        another length; a block that is not positive definite, with its cluster and the rows

    References
    ----------
    Gleser & Olkin 2009 in Cooper et al., Handbook of Research Synthesis, 357 (shared groups); the
    same cases as in the documentation of vcalc in metafor
    """
    v = _variances(vi)
    described = Described.of(
        len(v),
        obs=obs,
        type=type,
        time1=time1,
        time2=time2,
        grp1=grp1,
        grp2=grp2,
        w1=w1,
        w2=w2,
        rho=rho,
        phi=phi,
    )
    clusters = rows_of(cluster, len(v))
    if subgroup is not None:
        parts = rows_of(subgroup, len(v), "subgroup")
        clusters = {
            (label, part): shared
            for label, rows in clusters.items()
            for part, others in parts.items()
            if (shared := np.intersect1d(rows, others)).size
        }
    rows = list(clusters.values())
    labels = list(clusters)
    matrices = [correlations(described, members) for members in rows]
    return _assembled(v, rows, matrices, labels)


@same_rows
def from_correlations(
    vi: ArrayLike,
    cluster: Sequence[Hashable] | ArrayLike,
    tables: Mapping[Hashable, ArrayLike] | ArrayLike,
) -> Covariance:
    """Covariances from correlations that are known.

    Parameters
    ----------
    vi : (k,) sampling variances; all 1 where the tables hold covariances
    cluster : (k,) study of each effect
    tables
        a matrix per cluster of several effects, by its label; or (k, n), of which the first
        columns of a cluster's rows are its matrix. The lower triangle is read

    Raises
    ------
    TrialpoolError
        as for `covariance`; a cluster without a matrix of its size
    """
    v = _variances(vi)
    by_cluster = rows_of(cluster, len(v))
    wide = None if isinstance(tables, Mapping) else as_numbers("tables", tables)
    matrices = []
    for label, rows in by_cluster.items():
        n = len(rows)
        if wide is not None:
            matrix = wide[rows, :n] if wide.ndim == 2 and len(wide) == len(v) else np.empty(0)
        elif isinstance(tables, Mapping) and label in tables:
            matrix = as_numbers(f"table of {label!r}", tables[label])
        else:
            matrix = np.eye(n) if n == 1 else np.empty(0)
        if matrix.shape != (n, n):
            raise TrialpoolError(
                f"cluster {label!r}: needs a table of {n} by {n} correlations, got shape"
                f" {matrix.shape}"
            )
        lower = np.tril(matrix)
        matrices.append(lower + np.tril(lower, -1).T)
    return _assembled(v, list(by_cluster.values()), matrices, list(by_cluster))


@same_rows
def smoothed(vi: ArrayLike, cluster: Sequence[Hashable] | ArrayLike) -> Array:
    """Each variance replaced by the mean of its cluster's, (k,).

    Effects of the same people then weigh the same: with unequal variances and a high correlation
    generalised least squares gives the less precise ones negative weights. So do the published
    three-level models of the Metapsy databases (`smooth_vi` of clubSandwich).
    """
    v = _variances(vi).copy()
    for rows in rows_of(cluster, len(v)).values():
        v[rows] = v[rows].mean()
    return v


def _variances(vi: ArrayLike) -> Array:
    v = as_numbers("vi", vi)
    if v.ndim != 1 or not v.size:
        raise TrialpoolError(f"vi must be one column of at least one effect, got shape {v.shape}")
    bad = np.flatnonzero(~(np.isfinite(v) & (v > 0)))
    if bad.size:
        raise TrialpoolError(f"vi[{bad[0]}] = {v[bad[0]]}: a sampling variance must be > 0")
    return v


def _assembled(
    v: Array, rows: list[Rows], matrices: list[Array], labels: list[Hashable]
) -> Covariance:
    blocks = []
    for label, members, matrix in zip(labels, rows, matrices, strict=True):
        root = np.sqrt(v[members])
        block = matrix * root[:, None] * root
        _check_positive(block, label, members)
        blocks.append(block)
    return Covariance(k=len(v), rows=tuple(rows), blocks=tuple(blocks), labels=tuple(labels))


def _check_positive(block: Array, label: Hashable, rows: Rows) -> None:
    """Raise, with the cluster, unless the matrix can be a covariance."""
    diagonal = np.diag(block)
    where = f"cluster {label!r}, rows {', '.join(str(int(i)) for i in rows)}"
    if not np.isfinite(block).all() or (diagonal <= 0).any():
        raise TrialpoolError(f"{where}: a correlation is missing or a variance is not > 0")
    if len(rows) == 1:
        return
    shown = block / np.sqrt(diagonal[:, None] * diagonal)
    least = float(np.linalg.eigvalsh(shown)[0])
    if least > _SINGULAR:
        return
    same = np.argwhere(np.triu(shown, 1) > 1 - _SINGULAR)
    if len(same):
        i, j = (int(rows[at]) for at in same[0])
        raise TrialpoolError(
            f"{where}: effects {i} and {j} have a correlation of 1, as if they were one. {_ADVICE}"
        )
    raise TrialpoolError(
        f"{where}: these correlations cannot occur together (the matrix is not positive definite,"
        f" its least eigenvalue is {least:.3g}). {_ADVICE}"
    )
