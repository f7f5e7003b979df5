"""Cluster-robust standard errors, tests and intervals for weighted least squares."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.multilevel.covariance import Rows, rows_of
from trialpool.multilevel.joint import WALD_TESTS, JointTest, joint_test, satterthwaite
from trialpool.multilevel.sandwich import KINDS, Matrix, Sandwich, sandwich, transformed
from trialpool.pooling.inference import check_level, half_width, p_value
from trialpool.pooling.inputs import as_design, as_numbers, as_studies
from trialpool.pooling.regression import moderators, regress
from trialpool.results import NAN, Array, TrialpoolError, check_choice
from trialpool.same_rows import same_rows

DDF = ("satterthwaite", "m-p")

_NO_DATA = 1e-8  # share of its variance that a coefficient's robust variance can see
_ROUNDING = 1e-13
_FEW = 4.0
_UNBIASED = 0.99
_ALONE = "one cluster alone decides this coefficient: its residuals say nothing of its error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Robust:
    """Coefficients with cluster-robust inference, in metafor's vocabulary.

    `beta` to `ci_ub` have shape (p,), `vb` (p, p). `m` counts the clusters, `k` the effects. `qm`
    tests all coefficients but the intercept, or the intercept where it is alone. `reasons` maps a
    coefficient's name, or "qm", to why its numbers are NaN; `cautions` are sentences a reader
    should see. `seen` (p,) is the expectation of the robust variance under the working model, over
    the model's own variance: 1 for CR2, less where one cluster alone decides a part of the design.
    """

    k: int
    m: int
    p: int
    names: tuple[str, ...]
    beta: Array
    se: Array
    zval: Array
    ddf: Array
    pval: Array
    ci_lb: Array
    ci_ub: Array
    vb: Array
    seen: Array
    qm: float
    qm_df: int
    qm_ddf: float
    qm_pval: float
    kind: str
    ddf_method: str
    level: float
    reasons: dict[str, str] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()
    parts: Sandwich = field(repr=False)

    def wald(self, contrasts: ArrayLike, *, test: str = "HTZ") -> JointTest:
        """Whether all contrasts of the coefficients are 0.

        Parameters
        ----------
        contrasts : (q, p) or (p,), of full row rank
        test
            "HTZ": F with an approximate Hotelling T2 (Tipton & Pustejovsky 2015); "F": F with
            m - p degrees of freedom; "chi2"

        Raises
        ------
        TrialpoolError
            another test; contrasts of another shape, or of which one follows from the others

        References
        ----------
        Tipton & Pustejovsky 2015, J Educ Behav Stat 40:604
        """
        check_choice("test", test, WALD_TESTS)
        c = np.atleast_2d(as_numbers("contrasts", contrasts))
        if c.ndim != 2 or c.shape[1] != self.p or np.linalg.matrix_rank(c) < len(c):
            raise TrialpoolError(
                f"contrasts must be (q, {self.p}) and none may follow from the others, got shape"
                f" {c.shape}"
            )
        return _joint(self.parts, self.beta, self.names, self.reasons, c, test)


@same_rows
def robust(
    X: ArrayLike,
    residuals: ArrayLike,
    blocks: Sequence[Rows],
    weights: Sequence[Matrix],
    cluster: Sequence[Hashable] | ArrayLike,
    *,
    beta: ArrayLike,
    kind: str = "CR2",
    ddf: str | None = None,
    level: float = 0.95,
    names: Sequence[str] | None = None,
) -> Robust:
    """Inference that stays valid where the working covariance of the effects is wrong.

    Parameters
    ----------
    X : (k, p) design of the fit
    residuals : (k,) effects minus fitted values
    blocks, weights
        positions of each independent block of effects, and the inverse of its working covariance
        (tau2 included), with which `beta` was estimated
    cluster : (k,) the studies; a block lies in one cluster, a cluster may have several
    beta : (p,) coefficients
    kind
        "CR0" without correction; times m/(m-1) "CR1", m/(m-p) "CR1p", m(k-1)/((m-1)(k-p)) "CR1S";
        "CR2" unbiased under the working model; "CR3" close to the jackknife over clusters
    ddf : "satterthwaite" or "m-p"; None takes the first for CR2 and CR3, the second otherwise

    Returns
    -------
    Robust

    Raises
    ------
    TrialpoolError
        no more clusters than coefficients; a block that is in two clusters; shapes that do not
        fit; an option outside its choices

    References
    ----------
    Hedges, Tipton & Johnson 2010, Res Synth Methods 1:39; Tipton 2015, Psychol Methods 20:375;
    Pustejovsky & Tipton 2018, J Bus Econ Stat 36:672; 2022, Prev Sci 23:425
    """
    check_choice("kind", kind, KINDS)
    check_level(level)
    method = ddf or ("satterthwaite" if kind in ("CR2", "CR3") else "m-p")
    check_choice("ddf", method, DDF)
    e, b = as_numbers("residuals", residuals), as_numbers("beta", beta)
    x, called = as_design(X, len(e), names, intercept=False)
    _check_shapes(x, b, blocks, weights)
    if np.abs(e).max() <= _ROUNDING * np.abs(x @ b).max():
        e = np.zeros_like(e)  # or rounding would pass for a standard error
    clusters = list(rows_of(cluster, len(e)).values())
    m, p = len(clusters), x.shape[1]
    check_clusters(m, p)
    parts = sandwich(transformed(x, e, blocks, weights, clusters), kind)
    seen = np.diag(parts.expected()) / np.diag(parts.bread)
    alone = seen < _NO_DATA
    reasons = {name: _ALONE for name, bad in zip(called, alone, strict=True) if bad}
    tests = _tests(parts, b, alone, m - p if method == "m-p" else None, level)
    zero = ~alone & (tests["se"] == 0)
    reasons |= {n: "standard error is 0" for n, bad in zip(called, zero, strict=True) if bad}
    tested = np.eye(p)[moderators(x)[0] or [0]]
    test = "HTZ" if method == "satterthwaite" else "F"
    joint = _joint(parts, b, called, reasons, tested, test)
    if joint.reason:
        reasons["qm"] = joint.reason
    return Robust(
        k=len(e),
        m=m,
        p=p,
        names=called,
        beta=b,
        **tests,
        vb=parts.vb,
        seen=seen,
        qm=joint.stat,
        qm_df=joint.df,
        qm_ddf=joint.ddf,
        qm_pval=joint.pval,
        kind=kind,
        ddf_method=method,
        level=level,
        reasons=reasons,
        cautions=_cautions(called, tests["ddf"], seen, kind),
        parts=parts,
    )


def _tests(
    parts: Sandwich, beta: Array, alone: NDArray[np.bool_], df: int | None, level: float
) -> dict[str, Array]:
    """Each coefficient by itself, NaN where `alone`; Satterthwaite's degrees where `df` is None."""
    p = len(beta)
    se = np.where(alone, NAN, np.sqrt(np.diag(parts.vb)))
    zval = np.divide(beta, se, out=np.full(p, NAN), where=se > 0)
    ddf = np.where(alone, NAN, NAN if df is None else float(df))
    if df is None:
        for j in np.flatnonzero(~alone):
            ddf[j] = satterthwaite(parts, np.eye(p)[j])
    half = np.where(alone, NAN, half_width(level, np.where(alone, 1.0, ddf)) * se)
    pval = np.where(alone, NAN, p_value(zval, np.where(alone, 1.0, ddf)))
    ends = {"ci_lb": beta - half, "ci_ub": beta + half}
    return {"se": se, "zval": zval, "ddf": ddf, "pval": pval, **ends}


def robust_of(fit: Any, cluster: Sequence[Hashable] | ArrayLike, **options: Any) -> Robust:
    """The same for a fitted model with fields X, residuals, blocks, weights, beta (and names)."""
    options = {"names": getattr(fit, "names", None), "beta": fit.beta} | options
    return robust(fit.X, fit.residuals, fit.blocks, fit.weights, cluster, **options)


@same_rows
def robust_pooled(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: Sequence[Hashable] | ArrayLike,
    X: ArrayLike | None = None,
    *,
    tau2: str = "REML",
    **options: Any,
) -> Robust:
    """Robust inference for `pool` (or, with X, `regress`), whose effects count as independent.

    Parameters
    ----------
    yi, vi, X, tau2 : as for `pool` and `regress`
    cluster : (k,) the studies
    options : as for `robust`

    Raises
    ------
    TrialpoolError
        as for `regress` and `robust`
    """
    y, v = as_studies(yi, vi)
    x, names = as_design(np.ones((len(y), 1)) if X is None else X, len(y), options.get("names"))
    fit = regress(y, v, x, tau2=tau2, test="z", names=names)
    w = 1 / (v + fit.tau2)
    return weighted_robust(
        x, y - x @ fit.beta, w, cluster, beta=fit.beta, **options | {"names": names}
    )


def weighted_robust(
    X: ArrayLike,
    residuals: ArrayLike,
    weights: Array,
    cluster: Sequence[Hashable] | ArrayLike,
    **options: Any,
) -> Robust:
    """`robust` with one weight (k,) per effect: a diagonal working covariance."""
    rows = list(np.arange(len(weights))[:, None])
    return robust(X, residuals, rows, list(weights[:, None, None]), cluster, **options)


def _joint(
    parts: Sandwich,
    beta: Array,
    names: tuple[str, ...],
    reasons: Mapping[str, str],
    contrasts: Array,
    test: str,
) -> JointTest:
    """The test, unless a coefficient in it has no standard error."""
    used = (contrasts != 0).any(axis=0)
    unknown = [name for name, u in zip(names, used, strict=True) if u and name in reasons]
    if unknown:
        return JointTest(NAN, len(contrasts), NAN, NAN, f"{unknown[0]}: {reasons[unknown[0]]}")
    return joint_test(parts, beta, contrasts, test)


def check_clusters(m: int, p: int) -> None:
    """Raise unless there are more clusters than coefficients."""
    if m <= p:
        raise TrialpoolError(
            f"{m} cluster{'s' if m > 1 else ''} for {p} coefficient{'s' if p > 1 else ''}: a robust"
            " variance needs more clusters than coefficients. Report the model's own standard"
            " errors, or use fewer covariates"
        )


def _check_shapes(x: Array, beta: Array, blocks: Sequence[Rows], weights: Sequence[Matrix]) -> None:
    k, p = x.shape
    if beta.shape != (p,):
        raise TrialpoolError(f"beta must have shape ({p},), got {beta.shape}")
    sizes = [(len(rows), len(rows)) for rows in blocks]
    if sizes != [np.shape(weight) for weight in weights]:
        raise TrialpoolError("weights: each block needs a square matrix of its size")
    listed = np.concatenate([np.asarray(rows) for rows in blocks])
    if not np.array_equal(np.sort(listed), np.arange(k)):
        raise TrialpoolError(f"blocks must hold each of the {k} effects once")


def _cautions(names: Sequence[str], df: Array, seen: Array, kind: str) -> tuple[str, ...]:
    out = []
    few = [name for name, x in zip(names, df, strict=True) if x < _FEW]
    if few:
        out.append(
            f"Fewer than {_FEW:g} degrees of freedom for {', '.join(few)}: a small p value is"
            " then more frequent than it says (Tipton 2015)."
        )
    if kind in ("CR2", "CR3"):
        out += [
            f"One cluster alone decides a part of {name}: the robust variance sees only"
            f" {100 * share:.0f} % of the model's, and its interval is too narrow. Report the"
            " model's own standard error."
            for name, share in zip(names, seen, strict=True)
            if _NO_DATA <= share < _UNBIASED
        ]
    return tuple(out)
