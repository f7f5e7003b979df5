"""Effects of one study combined to one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.multilevel.covariance import Covariance, covariance, rows_of
from trialpool.pooling.inputs import as_studies
from trialpool.results import Array, TrialpoolError
from trialpool.same_rows import same_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregated:
    """One effect per cluster, clusters in the order in which they first appear.

    `yi`, `vi` and `ki` (how many effects went in) have shape (m,).
    """

    cluster: tuple[Hashable, ...]
    yi: Array
    vi: Array
    ki: NDArray[np.int64]


@same_rows
def aggregate(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: Sequence[Hashable] | ArrayLike,
    *,
    rho: float | None = None,
    V: Covariance | None = None,
    weighted: bool = True,
) -> Aggregated:
    """Combine the effects of each cluster, with their covariance.

    Parameters
    ----------
    yi, vi : (k,) effects and sampling variances
    cluster : (k,) study of each effect; tuples, for studies and arms within them
    rho : correlation of any two effects of a cluster; 0 for independent ones
    V : their covariance, instead of rho; its blocks lie within the clusters
    weighted : generalised least squares; False for the plain mean, with its variance by V

    Returns
    -------
    Aggregated: b = 1'V^-1 y / 1'V^-1 1 with variance 1 / 1'V^-1 1, or mean y with 1'V1 / n^2

    Raises
    ------
    TrialpoolError
        neither or both of rho and V; V of another size or across clusters; correlations that
        cannot occur together (the cluster is named)

    References
    ----------
    Gleser & Olkin 2009 in Cooper et al., Handbook of Research Synthesis, 357; Borenstein et al.
    2009, Introduction to Meta-Analysis, chapter 24 (the plain mean)
    """
    y, v = as_studies(yi, vi)
    if (rho is None) == (V is None):
        raise TrialpoolError("one of rho and V says how the effects of a study correlate")
    clusters = rows_of(cluster, len(y))
    known = covariance(v, cluster, rho=rho) if V is None else V
    if known.k != len(y):
        raise TrialpoolError(f"V is of {known.k} effects, yi has {len(y)}")
    home = np.empty(len(y), dtype=np.int64)
    for number, rows in enumerate(clusters.values()):
        home[rows] = number
    m = len(clusters)
    total, sums, spread = np.zeros(m), np.zeros(m), np.zeros(m)
    for rows, block in known:
        at = home[rows[0]]
        if (home[rows] != at).any():
            raise TrialpoolError(
                f"V: effects {', '.join(map(str, rows))} share a block but not a cluster"
            )
        ones = np.ones(len(rows))
        w = np.linalg.solve(block, ones) if weighted else ones
        total[at] += w.sum()
        sums[at] += w @ y[rows]
        spread[at] += w @ block @ w
    ki = np.array([len(rows) for rows in clusters.values()], dtype=np.int64)
    return Aggregated(cluster=tuple(clusters), yi=sums / total, vi=spread / total**2, ki=ki)
