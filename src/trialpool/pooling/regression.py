"""Meta-regression: effects explained by covariates of the studies, with residual heterogeneity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from trialpool.pooling.design import Design
from trialpool.pooling.inference import chi2_tail, half_width, p_value
from trialpool.pooling.inputs import Covariates, as_design, as_rows, as_studies, spans_constant
from trialpool.pooling.model import (
    COMMON,
    PI_DF,
    TAU2_FIELDS,
    PoolOptions,
    heterogeneity,
    several_maxima,
)
from trialpool.pooling.studies import Studies
from trialpool.pooling.tau2 import estimate_tau2
from trialpool.pooling.wald import Wald, wald
from trialpool.results import NAN, Array
from trialpool.same_rows import same_rows

_NO_ERROR = "standard error is 0"
_NO_INTERCEPT = (
    "No column of X is constant: the regression goes through the origin. Give intercept = True, or "
    "False where that is meant."
)
_NO_MODERATOR = "no coefficient beside the intercept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """Predicted mean effects, their confidence and prediction intervals; arrays (m,)."""

    pred: Array
    se: Array
    ci_lb: Array
    ci_ub: Array
    pi_lb: Array
    pi_ub: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """A fitted meta-regression, in metafor's vocabulary.

    `beta` to `ci_ub` and `vif` have shape (p,), `vb` (p, p), `fitted`, `hat` and `weights` (k,).
    `qm` tests all coefficients but the intercept, by F with (`qm_df`, `qm_ddf`) degrees of
    freedom or, under "z", by chi-squared. `r2` is the percentage of tau2 explained, under EE the
    adjusted R2 of the weighted regression. `vif` of the intercept is NaN. `reasons` maps the name
    of any other NaN field to why it is NaN; `cautions` are sentences a reader should see.
    """

    k: int
    p: int
    names: tuple[str, ...]
    beta: Array
    se: Array
    zval: Array
    ddf: float
    pval: Array
    ci_lb: Array
    ci_ub: Array
    vb: Array
    qm: float
    qm_df: int
    qm_ddf: float
    qm_pval: float
    qe: float
    qe_df: int
    qe_pval: float
    tau2: float
    se_tau2: float
    tau2_ci_lb: float
    tau2_ci_ub: float
    i2: float
    i2_ci_lb: float
    i2_ci_ub: float
    h2: float
    h2_ci_lb: float
    h2_ci_ub: float
    r2: float
    vif: Array
    loglik: float
    aic: float
    bic: float
    aicc: float
    fitted: Array
    hat: Array
    weights: Array
    maxima: int
    converged: bool
    method: str
    test: str
    level: float
    pi_method: str
    reasons: dict[str, str] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()
    design: Array

    def predict(self, X: Covariates | None = None) -> Predictions:
        """Mean effect at given covariates, and where the effect of a new study would lie.

        Parameters
        ----------
        X
            (m, p) or (p,), columns as in the fit, an intercept among them; or a table with their
            names, which need not have the intercept. None for the studies themselves

        Returns
        -------
        Predictions; its prediction interval is NaN for the common-effect model

        Raises
        ------
        TrialpoolError
            a value that is not a finite number, or another number of columns
        """
        x = self.design if X is None else as_rows(X, self.names)
        pred = x @ self.beta
        variance = np.einsum("ij,jk,ik->i", x, self.vb, x)
        se = np.sqrt(np.maximum(variance, 0.0))
        half = half_width(self.level, self.ddf) * se
        lost = PI_DF[self.pi_method] if self.pi_method else None
        df = NAN if lost is None else float(self.k - self.p - lost)
        spread = np.sqrt(self.tau2 + variance) if self.pi_method else NAN
        reach = half_width(self.level, df) * spread
        return Predictions(
            pred=pred,
            se=se,
            ci_lb=pred - half,
            ci_ub=pred + half,
            pi_lb=pred - reach,
            pi_ub=pred + reach,
        )


@same_rows
def regress(
    yi: ArrayLike,
    vi: ArrayLike,
    X: Covariates,
    *,
    tau2: str = "REML",
    test: str = "hksj",
    level: float = 0.95,
    pi: str = "k-1",
    tau2_ci: str = "QP",
    names: Sequence[str] | None = None,
    intercept: bool | None = None,
) -> Regression:
    """Mixed-effects meta-regression of k independent studies on p covariates.

    Parameters
    ----------
    yi, vi : (k,) effects and sampling variances, vi > 0
    X
        the covariates: a table, a Series or a mapping of columns, whose names become those of the
        coefficients; or a (k, p) design matrix, p < k, used as it is unless `names` are given
    tau2, test, level, tau2_ci : as for `pool`, with k - p degrees of freedom
    pi : of the prediction intervals: "k-1" stands for k - p, "k-2" for k - p - 1 df, or "z"
    names : of the columns of X
    intercept
        None puts a column of ones before named columns, as a formula has it, unless they span one;
        a matrix without one is fitted through the origin, with a caution. True puts it there, and
        False says that none is meant

    Returns
    -------
    Regression. With the intercept as the only column all numbers are those of `pool`

    Raises
    ------
    TrialpoolError
        as for `pool`; X of another length, with values that are not finite, with p >= k, or with
        collinear columns, which are named

    References
    ----------
    Berkey et al. 1995, Stat Med 14:395; Thompson & Higgins 2002, Stat Med 21:1559; Knapp &
    Hartung 2003, Stat Med 22:2693; Raudenbush 2009 in Cooper et al., Handbook of Research
    Synthesis, 295 (R2)
    """
    o = PoolOptions(tau2, test, level, pi, tau2_ci).check()
    y, v = as_studies(yi, vi)
    x, called = as_design(X, len(y), names, intercept)
    with np.errstate(all="ignore"):
        fit = _fit(y, v, x, called, o)
    return replace(fit, cautions=(*fit.cautions, *through_origin(x, intercept)))


def _fit(y: Array, v: Array, x: Array, names: tuple[str, ...], o: PoolOptions) -> Regression:
    s = Design(y, v, x.T)
    k, p, df = len(y), x.shape[1], len(y) - x.shape[1]
    between = estimate_tau2(o.tau2, s)
    t = between.tau2
    tested, intercept = moderators(x)
    fit = wald(s, t, o.test, tested)
    ddf = NAN if o.test == "z" else float(df)
    half = half_width(o.level, ddf) * fit.se
    qe = float(s.common[1])
    spread = {name: float(value) for name, value in heterogeneity(s, t, o).items()}
    r2, no_r2 = NAN, "no intercept to compare with" if tested else _NO_MODERATOR
    if tested and intercept:
        r2, no_r2 = _explained(Studies(y, v), spread["tau2"], qe / df, o)
    plain = np.empty(k)
    plain[s.order] = s.hat(s.weights(t))
    weights = 1 / (v + spread["tau2"])
    return Regression(
        k=k,
        p=p,
        names=names,
        beta=fit.beta,
        se=fit.se,
        zval=fit.zval,
        ddf=ddf,
        pval=p_value(fit.zval, np.full(p, ddf)),
        ci_lb=fit.beta - half,
        ci_ub=fit.beta + half,
        vb=fit.vb,
        qm=float(fit.qm),
        qm_df=len(tested),
        qm_ddf=ddf,
        qm_pval=float(fit.qm_pval),
        qe=qe,
        qe_df=df,
        qe_pval=float(chi2_tail(qe, df)),
        r2=r2,
        vif=_variance_inflation(fit.vb, tested, p),
        fitted=x @ fit.beta,
        hat=plain,
        weights=weights / weights.sum(),
        maxima=int(between.maxima),
        converged=bool(between.converged),
        method=o.tau2,
        test=o.test,
        level=o.level,
        pi_method=o.pi if o.random else "",
        reasons=_reasons(o, fit, bool(between.converged), spread["se_tau2"])
        | ({} if tested else dict.fromkeys(("qm", "qm_pval", "vif"), _NO_MODERATOR))
        | ({"r2": no_r2} if math.isnan(r2) else {}),
        cautions=_cautions(k, p, int(between.maxima)),
        design=x,
        **spread,
    )


def _reasons(o: PoolOptions, fit: Wald, converged: bool, se_tau2: float) -> dict[str, str]:
    out = {"ddf": "z test: normal distribution", "qm_ddf": "chi-squared test"}
    out = out if o.test == "z" else {}
    if not o.random:
        out |= dict.fromkeys(("se_tau2", *TAU2_FIELDS), COMMON)
    if not converged:
        out |= dict.fromkeys(("tau2", "beta", "se"), "not converged")
    if (fit.se == 0).any():
        out |= dict.fromkeys(("zval", "pval", "qm", "qm_pval", "vif"), _NO_ERROR)
    if o.random and converged and math.isnan(se_tau2):
        out["se_tau2"] = "no formula"
    return out


def through_origin(x: Array, intercept: bool | None) -> tuple[str, ...]:
    """The caution where nobody said that a design has no intercept."""
    return () if intercept is not None or spans_constant(x) else (_NO_INTERCEPT,)


def moderators(x: Array) -> tuple[list[int], bool]:
    """Columns to test: all but the intercept; and whether the columns span an intercept."""
    columns = range(x.shape[1])
    ones = [j for j in columns if (x[:, j] == 1).all()]
    return [j for j in columns if j not in ones[:1]], spans_constant(x)


def _explained(s: Studies, tau2: float, spread: float, o: PoolOptions) -> tuple[float, str]:
    """Percentage of the heterogeneity without covariates that the covariates explain, or why not.

    Without tau2, in a common-effect model, of the weighted variance of the effects (adjusted R2).
    """
    before, after = float(estimate_tau2(o.tau2, s).tau2) * float(s.unit) ** 2, tau2
    if not o.random:
        before, after = float(s.q(0.0)) / float(s.df), spread
    if math.isnan(before - after):
        return NAN, "tau2 could not be estimated"
    if before > 0:
        return max(0.0, 100 * (before - after) / before), ""
    return NAN, "no heterogeneity to explain without covariates"


def _variance_inflation(vb: Array, tested: list[int], p: int) -> Array:
    """How much collinearity inflates each variance; NaN for the intercept (Fox & Monette 1992)."""
    out = np.full(p, NAN)
    part = vb[np.ix_(tested, tested)]
    if len(tested) and (np.diag(part) > 0).all():
        out[tested] = np.diag(np.linalg.inv(part)) * np.diag(part)
    return out


def _cautions(k: int, p: int, maxima: int) -> tuple[str, ...]:
    out = []
    if k < 10 * (p - 1):
        out.append(
            f"k = {k} studies for {p - 1} covariate{'s' if p > 2 else ''}: fewer than ten each, a"
            " description and not evidence."
        )
    return (*out, *several_maxima(maxima))
