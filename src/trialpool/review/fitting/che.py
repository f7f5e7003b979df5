"""Correlated and hierarchical effects: several effects per trial in one model."""

from __future__ import annotations

from math import isnan, sqrt
from typing import Any

import numpy as np
import pandas as pd

from trialpool.analysis_result import VarianceLevels
from trialpool.multilevel.model import MultilevelFit
from trialpool.multilevel.model import fit as fit_multilevel
from trialpool.multilevel.robust import robust_of
from trialpool.multilevel.terms import Nested
from trialpool.pooling.inference import half_width
from trialpool.results import NAN, Array, Pooled
from trialpool.review.choosing.several import covariance_of

TEST, LEVEL = "CR2", 0.95
_NOT_ONE = "the heterogeneity has two levels"
_WALD = ("se", "zval", "ddf", "pval", "ci_lb", "ci_ub")
_LIKELIHOOD = ("loglik", "aic", "bic", "aicc", "maxima", "converged")
_NO_RANDOM = "k = 2: needs at least 3 trials"


def che(
    studies: pd.DataFrame, *, rho: float, common: bool, prediction: str
) -> tuple[Pooled, VarianceLevels]:
    """Pool effects of which several come from one trial.

    Sampling errors of a trial's effects have the trial's mean variance and correlate by `rho` where
    they are of the same people (`covariance_of`); true effects vary between trials and within them
    (REML). The interval is that of the CR2 robust variance, clustered by trial, with
    Satterthwaite's degrees of freedom. `tau2` and `i2` are of both levels together; the prediction
    interval is of a new effect of a new trial, t on the number of trials less one (or two).

    Parameters
    ----------
    studies : trial_id, yi, vi and, where there are any, part of k effects of m >= 2 trials
    common : without random effects, as for two trials; normal quantile
    prediction : "k-1" or "k-2", k being the number of trials

    References
    ----------
    Pustejovsky & Tipton 2022, Prev Sci 23:425 (model); 2018, J Bus Econ Stat 36:672 (CR2);
    Cheung 2014, Psychol Methods 19:211 (I2)
    """
    trials = studies["trial_id"].tolist()
    yi = studies["yi"].to_numpy(float)
    vi = studies.groupby("trial_id")["vi"].transform("mean").to_numpy(float)
    k, m = len(yi), len(set(trials))
    data = {"trial": trials, "effect": list(range(k))}
    factors = ("trial", "effect") if k > m else ("trial",)
    fitted = fit_multilevel(
        yi,
        covariance_of(studies, trials, vi, rho=rho).dense(),
        random=[] if common else [Nested(*factors)],
        data=data,
        test="z" if common else "t",
        level=LEVEL,
    )
    levels, typical = _levels(fitted, studies["vi"].to_numpy(float))
    tested: Any = fitted if common else robust_of(fitted, trials, kind=TEST, level=LEVEL)
    wald: dict[str, Any] = {name: float(getattr(tested, name)[0]) for name in _WALD}
    total = levels.sigma2_between + levels.sigma2_within
    freedom = m - int(prediction.removeprefix("k-"))
    half, beta = NAN, float(fitted.beta[0])
    if not common and freedom > 0:
        half = float(half_width(LEVEL, freedom)) * sqrt(total + wald["se"] ** 2)
    reasons = dict.fromkeys(("se_tau2", "tau2_ci_lb", "tau2_ci_ub", "i2_q"), _NOT_ONE)
    pooled = Pooled(
        k=k,
        beta=beta,
        **wald,
        pi_lb=beta - half,
        pi_ub=beta + half,
        tau2=total,
        se_tau2=NAN,
        tau2_ci_lb=NAN,
        tau2_ci_ub=NAN,
        i2=levels.i2_between + levels.i2_within,
        i2_q=NAN,
        h2=(total + typical) / typical,
        q=fitted.qe,
        q_df=fitted.qe_df,
        q_pval=fitted.qe_pval,
        **{name: getattr(fitted, name) for name in _LIKELIHOOD},
        method="EE" if common else "REML",
        test="z" if common else TEST,
        level=LEVEL,
        weights=_weights(fitted),
        pi_method="" if common else prediction,
        reasons=reasons | (dict.fromkeys(("pi_lb", "pi_ub"), _NO_RANDOM) if isnan(half) else {}),
        cautions=tuple(dict.fromkeys((*fitted.cautions, *tested.cautions))),
    )
    return pooled, levels


def _levels(fitted: MultilevelFit, vi: Array) -> tuple[VarianceLevels, float]:
    """The variance of each level, and the typical sampling variance beside it.

    `vi` are those of the effects themselves, not the trials' means that the model has in place.
    """
    between, within = ((*fitted.sigma2, 0.0, 0.0))[:2]
    typical = _typical(vi)
    i2 = [100 * part / (between + within + typical) for part in (between, within)]
    levels = VarianceLevels(
        sigma2_between=between, sigma2_within=within, i2_between=i2[0], i2_within=i2[1]
    )
    return levels, typical


def _typical(vi: Array) -> float:
    """Higgins & Thompson's typical sampling variance."""
    w = 1 / vi
    return float((len(w) - 1) * w.sum() / (w.sum() ** 2 - (w**2).sum()))


def _weights(fitted: MultilevelFit) -> Array:
    """Each effect's share in the estimate, adding up to 1."""
    out: Array = np.empty(fitted.k)
    for rows, weights in zip(fitted.blocks, fitted.weights, strict=True):
        out[rows] = weights.sum(axis=1)
    out /= out.sum()
    return out
