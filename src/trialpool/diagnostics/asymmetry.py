"""Tests of funnel asymmetry: the regression test and the rank test.

Asymmetry is not publication bias: heterogeneity, design and chance make funnels lopsided too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from trialpool.diagnostics.kendall import kendall
from trialpool.digits import ranks
from trialpool.pooling.inputs import as_numbers, as_studies
from trialpool.pooling.model import PoolOptions, pool
from trialpool.pooling.regression import Regression, regress
from trialpool.results import NAN, Array, TrialpoolError, check_choice
from trialpool.same_rows import same_rows

# Sterne et al. 2011, BMJ 343:d4002: no test of asymmetry below ten studies.
ENOUGH = 10
TOO_FEW = "k < 3"
NO_ERROR = "standard error is 0"
MODELS = ("rma", "lm")
# Each is to the study's size what the first is: 0 for an infinite study, or the size itself.
PREDICTORS = ("sei", "vi", "ninv", "sqrtninv", "ni", "sqrtni")
_SIZES = ("ni", "sqrtni")
# Beyond this, counting all orders takes seconds and the normal distribution is as good.
_COUNTED = 500
_SAME = 1e-9  # spread of a predictor, relative to its size, below which there is nothing to fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Egger:
    """Regression test for funnel asymmetry, in metafor's vocabulary.

    `zval`, `dfs` and `pval` test `slope`, the change of the effect per unit of the predictor;
    `est`, with its interval and `pval_est`, is the effect expected where the predictor is 0, an
    infinitely large study. `tau2` belongs to model "rma", `dispersion` (the residual Q over its
    degrees of freedom) to "lm". `reasons` maps the name of a NaN field to why it is NaN;
    `caution` is what a reader must see beside the p value, "" where there is nothing.
    """

    k: int
    zval: float = NAN
    dfs: float = NAN
    pval: float = NAN
    slope: float = NAN
    se_slope: float = NAN
    est: float = NAN
    se_est: float = NAN
    pval_est: float = NAN
    ci_lb: float = NAN
    ci_ub: float = NAN
    tau2: float = NAN
    dispersion: float = NAN
    model: str
    predictor: str
    method: str
    test: str
    level: float
    reasons: dict[str, str] = field(default_factory=dict)
    caution: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankTest:
    """Kendall's tau of standardised effects and variances; `exact` says how p was found."""

    k: int
    tau: float = NAN
    pval: float = NAN
    exact: bool = False
    reasons: dict[str, str] = field(default_factory=dict)
    caution: str = ""


def few(k: int) -> str:
    """The caution of every result here that rests on fewer than ten studies."""
    if k >= ENOUGH:
        return ""
    return (
        f"k = {k}: with fewer than {ENOUGH} studies chance and small-study effects cannot be told"
        " apart; no verdict follows from this result."
    )


def missing(names: tuple[str, ...], reason: str) -> dict[str, str]:
    """One reason for all of these fields."""
    return dict.fromkeys(names, reason)


def constant(x: Array) -> bool:
    """Whether a predictor is the same for all studies, so that no slope can be fitted."""
    return bool(np.linalg.norm(x - x.mean()) <= _SAME * np.linalg.norm(x))


def between_studies(yi: Array, vi: Array, tau2: str | float) -> float:
    """Tau2 by the estimator of that name, or the number given."""
    if isinstance(tau2, str):
        return pool(yi, vi, tau2=tau2, test="z").tau2
    if not 0 <= tau2 < math.inf:
        raise TrialpoolError(f"tau2 = {tau2!r}: must be 0 or more, or an estimator's name")
    return float(tau2)


def line(
    yi: Array, vi: Array, x: Array, *, tau2: str, test: str, level: float
) -> tuple[Regression, float]:
    """Regression on an intercept and x over its largest value, which is returned beside it."""
    top = float(x.max())
    design = np.column_stack([np.ones(len(x)), x / top])
    return regress(yi, vi, design, tau2=tau2, test=test, level=level), top


@same_rows
def egger(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    model: str = "rma",
    predictor: str = "sei",
    tau2: str = "REML",
    test: str = "z",
    level: float = 0.95,
    ni: ArrayLike | None = None,
) -> Egger:
    """Egger's regression test: does the effect depend on the size of the study?

    Parameters
    ----------
    yi, vi : (k,) effects (ratios on the log scale) and sampling variances, vi > 0
    model
        "rma": meta-regression with residual heterogeneity; "lm": the classical weighted
        regression with a multiplicative dispersion, always with t on k - 2 df
    predictor
        "sei" standard error, "vi" variance; with `ni` "ni", "sqrtni", "ninv", "sqrtninv": total
        sample size, its root, and their inverses
    tau2, test : of model "rma", as for `regress`
    level : of the interval of `est`, between 0 and 1
    ni : (k,) sample sizes, > 0, where the predictor needs them

    Returns
    -------
    Egger. All numbers are NaN, with the reason, where k < 3 or the predictor is the same for all
    studies; `est` also where the predictor has no value for an infinitely large study

    Raises
    ------
    TrialpoolError
        as for `pool`; an unknown model or predictor; sample sizes that are missing or not > 0

    References
    ----------
    Egger et al. 1997, BMJ 315:629 (test); Sterne & Egger 2005, in Publication Bias in
    Meta-Analysis, 99 (predictors, models); Moreno et al. 2009, BMC Med Res Methodol 9:2 (limit)
    """
    check_choice("model", model, MODELS)
    check_choice("predictor", predictor, PREDICTORS)
    PoolOptions(tau2, test, level, "k-1", "QP").check()
    y, v = as_studies(yi, vi)
    x = _predictor(v, predictor, ni)
    return line_test(y, v, x, predictor, model=model, tau2=tau2, test=test, level=level)


def line_test(
    yi: Array,
    vi: Array,
    x: Array,
    predictor: str,
    *,
    model: str = "lm",
    tau2: str = "REML",
    test: str = "z",
    level: float = 0.95,
) -> Egger:
    """Test of the slope on x, a predictor of that name; weights 1/vi."""
    k, classic = len(yi), model == "lm"
    o = {"tau2": "EE", "test": "knha"} if classic else {"tau2": tau2, "test": test}
    said = {
        "k": k,
        "model": model,
        "predictor": predictor,
        "method": "WLS" if classic else tau2,
        "test": "t" if classic else test,
        "level": level,
        "caution": few(k),
    }
    why = TOO_FEW if k < 3 else f"{predictor} is the same for all studies" if constant(x) else ""
    if why:
        return Egger(**said, reasons=missing(_NUMBERS, why))  # type: ignore[arg-type]
    fit, top = line(yi, vi, x, tau2=o["tau2"], test=o["test"], level=level)
    dispersion = fit.qe / fit.qe_df
    numbers = {
        "zval": fit.zval[1],
        "dfs": fit.ddf,
        "pval": fit.pval[1],
        "slope": fit.beta[1] / top,
        "se_slope": fit.se[1] / top,
        "est": fit.beta[0],
        "se_est": fit.se[0],
        "pval_est": fit.pval[0],
        "ci_lb": fit.ci_lb[0],
        "ci_ub": fit.ci_ub[0],
        "tau2": NAN if classic else fit.tau2,
        "dispersion": dispersion if classic else NAN,
    }
    reasons = {"tau2": 'model "lm"'} if classic else {"dispersion": 'model "rma"'}
    if not np.isfinite(fit.ddf):
        reasons["dfs"] = "z test: normal distribution"
    if fit.se[1] == 0:
        reasons |= missing(("zval", "pval", "pval_est"), NO_ERROR)
    if predictor in _SIZES:
        numbers |= dict.fromkeys(_LIMIT, NAN)
        reasons |= missing(_LIMIT, f"{predictor} has no value for an infinitely large study")
    plain = {name: float(value) for name, value in numbers.items()}
    return Egger(**said, **plain, reasons=reasons)  # type: ignore[arg-type]


_LIMIT = ("est", "se_est", "pval_est", "ci_lb", "ci_ub")
_NUMBERS = ("zval", "dfs", "pval", "slope", "se_slope", *_LIMIT, "tau2", "dispersion")


def _predictor(v: Array, name: str, ni: ArrayLike | None) -> Array:
    if name in ("sei", "vi"):
        return np.sqrt(v) if name == "sei" else v
    if ni is None:
        raise TrialpoolError(f"predictor = {name!r}: needs the sample sizes, ni")
    n = as_numbers("ni", ni)
    if n.shape != v.shape:
        raise TrialpoolError(f"ni must be as long as yi ({len(v)}), got shape {n.shape}")
    bad = np.flatnonzero(~(np.isfinite(n) & (n > 0)))
    if bad.size:
        raise TrialpoolError(f"ni[{bad[0]}] = {n[bad[0]]}: a sample size must be > 0")
    size = np.sqrt(n) if name.startswith("sqrt") else n
    return np.asarray(1 / size if name.endswith("inv") else size)


@same_rows
def rank_test(yi: ArrayLike, vi: ArrayLike) -> RankTest:
    """Rank correlation of effects and variances, the test of Begg and Mazumdar.

    The effects are taken from their common-effect mean and standardised by the variance of that
    difference.

    Parameters
    ----------
    yi, vi : (k,) effects (ratios on the log scale) and sampling variances, vi > 0

    Returns
    -------
    RankTest. p is exact without ties and up to k = 500, otherwise from the normal distribution
    (variance corrected for ties, no continuity correction). NaN, with the reason, where k < 3, all
    variances or all standardised effects are the same, or one study has all the weight

    Raises
    ------
    TrialpoolError
        as for `pool`

    References
    ----------
    Begg & Mazumdar 1994, Biometrics 50:1088
    """
    y, v = as_studies(yi, vi)
    k = len(y)
    if k < 3:
        return RankTest(k=k, reasons=missing(("tau", "pval"), TOO_FEW), caution=few(k))
    w = 1 / v
    with np.errstate(all="ignore"):
        standard = (y - (w @ y) / w.sum()) / np.sqrt(v - 1 / w.sum())
    if not np.isfinite(standard).all():
        why = "one study has all the weight, so that nothing is left of its difference to the mean"
        return RankTest(k=k, reasons=missing(("tau", "pval"), why), caution=few(k))
    places = ranks(standard), ranks(v)
    different = [int(x.max()) + 1 for x in places]
    if min(different) == 1:
        why = "all variances are the same" if different[1] == 1 else "all effects are the same"
        return RankTest(k=k, reasons=missing(("tau", "pval"), why), caution=few(k))
    exact = min(different) == k <= _COUNTED
    test = kendall(*places, exact=exact)
    return RankTest(k=k, tau=test.tau, pval=test.pval, exact=exact, caution=few(k))
