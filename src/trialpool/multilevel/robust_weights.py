"""Robust variance estimation with approximate weights and moment estimates of heterogeneity."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialpool.multilevel.covariance import rows_of
from trialpool.multilevel.robust import Robust, check_clusters, weighted_robust
from trialpool.pooling.inputs import as_design, as_studies
from trialpool.results import NAN, Array, TrialpoolError
from trialpool.same_rows import same_rows

_SAME = 1e-10  # two equations of moments that differ by less are one


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentModel:
    """A fit with approximate weights: robust inference and the moments behind the weights.

    `tau2` is the variance between studies, `omega2` that within them (NaN for correlated effects),
    `i2` a percentage (NaN for hierarchical effects), `rho` the assumed correlation (NaN where
    there is none), `weights` (k,).
    """

    model: str
    robust: Robust
    rho: float
    tau2: float
    omega2: float
    i2: float
    q: float
    weights: Array


@same_rows
def correlated_effects(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: Sequence[Hashable] | ArrayLike,
    X: ArrayLike | None = None,
    *,
    rho: float = 0.8,
    small: bool = True,
    level: float = 0.95,
    names: Sequence[str] | None = None,
) -> MomentModel:
    """Weights of the correlated-effects model, 1 / (k_j (mean v_j + tau2)), robust variance.

    Parameters
    ----------
    yi, vi : (k,) effects and sampling variances
    cluster : (k,) study of each effect
    X : (k, p) design; None for the mean
    rho : correlation of the sampling errors of one study, 0 to 1; only tau2 depends on it
    small : CR2 with Satterthwaite degrees of freedom; False for CR1p with m - p

    Raises
    ------
    TrialpoolError
        rho outside 0 to 1; as for `robust`

    References
    ----------
    Hedges, Tipton & Johnson 2010, Res Synth Methods 1:39; Tipton 2015, Psychol
    Methods 20:375
    """
    if not 0 <= rho <= 1:
        raise TrialpoolError(f"rho = {rho!r}: must lie between 0 and 1")
    y, v, x, called = _data(yi, vi, X, names)
    studies = list(rows_of(cluster, len(y)).values())
    check_clusters(len(studies), x.shape[1])
    size, mean_v = np.empty(len(y)), np.empty(len(y))
    for rows in studies:
        size[rows], mean_v[rows] = len(rows), v[rows].mean()
    w = 1 / (size * mean_v)
    bread, e = _least_squares(x, y, w)
    q = float((w * e * e).sum())
    alone = sums = between = np.zeros_like(bread)
    for rows in studies:
        whole, weight = x[rows].sum(axis=0), w[rows[0]]
        alone = alone + weight / len(rows) * x[rows].T @ x[rows]
        sums = sums + weight / len(rows) * np.outer(whole, whole)
        between = between + weight**2 * np.outer(whole, whole)
    # Expectation of Q: a part without tau2, and what each unit of tau2 adds.
    sampling = len(studies) - np.trace(bread @ ((1 - rho) * alone + rho * sums))
    slope = w.sum() - np.trace(bread @ between)
    tau2 = max(0.0, float((q - sampling) / slope))
    weights = 1 / (size * (mean_v + tau2))
    return MomentModel(
        model="correlated effects",
        robust=_inference(x, y, weights, cluster, called, small=small, level=level),
        rho=rho,
        tau2=tau2,
        omega2=NAN,
        i2=max(0.0, 100 * float((q - sampling) / q)) if q > 0 else 0.0,
        q=q,
        weights=weights,
    )


@same_rows
def hierarchical_effects(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: Sequence[Hashable] | ArrayLike,
    X: ArrayLike | None = None,
    *,
    small: bool = True,
    level: float = 0.95,
    names: Sequence[str] | None = None,
) -> MomentModel:
    """Weights of the hierarchical model, 1 / (v + tau2 + omega2), robust variance.

    tau2 and omega2 solve two equations of moments: of the weighted residual sum of squares, and
    of the squared sums of residuals of each study. A negative omega2 becomes 0, and tau2 then
    follows from the first equation alone.

    Parameters
    ----------
    yi, vi, cluster, X, small : as for `correlated_effects`

    Raises
    ------
    TrialpoolError
        no study with two effects; as for `robust`

    References
    ----------
    Hedges, Tipton & Johnson 2010, Res Synth Methods 1:39
    """
    y, v, x, called = _data(yi, vi, X, names)
    studies = list(rows_of(cluster, len(y)).values())
    check_clusters(len(studies), x.shape[1])
    w = 1 / v
    bread, e = _least_squares(x, y, w)
    wx = w[:, None] * x
    q = float((w * e * e).sum())
    sums = np.array([e[rows].sum() for rows in studies])
    # Q = e'We and S = sum of squared sums are y'Ky with K symmetric and KX = 0; a covariance D
    # adds tr(KD) to their expectation.
    totals = np.array([x[rows].sum(axis=0) for rows in studies])
    inner = totals.T @ totals
    maps = bread @ wx.T  # (p, k)
    of_q = w - np.einsum("ij,jk,ik->i", wx, bread, wx)
    of_s = np.empty(len(y))
    between_q = between_s = 0.0
    for rows, total in zip(studies, totals, strict=True):
        part = maps[:, rows]
        of_s[rows] = 1 - 2 * total @ part + np.einsum("pi,pq,qi->i", part, inner, part)
        weighted, pull = wx[rows].sum(axis=0), part.sum(axis=1)
        between_q += w[rows].sum() - weighted @ bread @ weighted
        between_s += len(rows) ** 2 - 2 * len(rows) * total @ pull + pull @ inner @ pull
    system = np.array([[of_q.sum(), between_q], [of_s.sum(), between_s]])
    excess = np.array([q - of_q @ v, sums @ sums - of_s @ v])
    crossed = system[0, 1] * system[1, 0]
    if abs(system[0, 0] * system[1, 1] - crossed) <= _SAME * abs(crossed):
        raise TrialpoolError(
            "variances within and between studies cannot be told apart: no study has two effects"
            " that the covariates leave free"
        )
    omega2 = max(0.0, float(np.linalg.solve(system, excess)[0]))
    tau2 = max(0.0, float((excess[0] - system[0, 0] * omega2) / system[0, 1]))
    weights = 1 / (v + tau2 + omega2)
    return MomentModel(
        model="hierarchical effects",
        robust=_inference(x, y, weights, cluster, called, small=small, level=level),
        rho=NAN,
        tau2=tau2,
        omega2=omega2,
        i2=NAN,
        q=q,
        weights=weights,
    )


def _data(
    yi: ArrayLike, vi: ArrayLike, X: ArrayLike | None, names: Sequence[str] | None
) -> tuple[Array, Array, Array, tuple[str, ...]]:
    y, v = as_studies(yi, vi)
    x, called = as_design(np.ones((len(y), 1)) if X is None else X, len(y), names)
    return y, v, x, called


def _least_squares(x: Array, y: Array, w: Array) -> tuple[Array, Array]:
    """(X'WX)^-1 and residuals."""
    bread: Array = np.asarray(np.linalg.inv(x.T @ (w[:, None] * x)), dtype=np.float64)
    return bread, y - x @ (bread @ (x.T @ (w * y)))


def _inference(
    x: Array,
    y: Array,
    weights: Array,
    cluster: Sequence[Hashable] | ArrayLike,
    names: tuple[str, ...],
    *,
    small: bool,
    level: float,
) -> Robust:
    bread, e = _least_squares(x, y, weights)
    beta = bread @ (x.T @ (weights * y))
    kind = "CR2" if small else "CR1p"
    return weighted_robust(x, e, weights, cluster, beta=beta, kind=kind, level=level, names=names)
