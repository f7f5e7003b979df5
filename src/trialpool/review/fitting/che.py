"""Correlated and hierarchical effects: several effects per trial in one model."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from trialpool.multilevel.covariance import covariance
from trialpool.multilevel.model import MultilevelFit
from trialpool.multilevel.model import fit as fit_multilevel
from trialpool.multilevel.robust import robust_of
from trialpool.multilevel.terms import Nested
from trialpool.pooling.inference import half_width
from trialpool.results import NAN, Array, Pooled

TEST = "CR2"
_NOT_ONE = "the heterogeneity has two levels"
_NO_RANDOM = "k = 2: needs at least 3 trials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Variance between trials and between the effects of a trial; `i2` in percent of each."""

    sigma2_between: float
    sigma2_within: float
    i2_between: float
    i2_within: float


def che(
    studies: pd.DataFrame, *, rho: float, common: bool, prediction: str, level: float = 0.95
) -> tuple[Pooled, Levels]:
    """Pool effects of which several come from one trial.

    Sampling errors of a trial's effects have the trial's mean variance and correlate by `rho`;
    true effects vary between trials and within them (REML). The interval is that of the CR2
    robust variance, clustered by trial, with Satterthwaite's degrees of freedom. `tau2` and `i2`
    are of both levels together; the prediction interval is of a new effect of a new trial, t on
    the number of trials less one (or two).

    Parameters
    ----------
    studies : trial_id, yi and vi of k effects of m >= 2 trials
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
        covariance(vi, trials, rho=rho).dense(),
        random=[] if common else [Nested(*factors)],
        data=data,
        test="z" if common else "t",
        level=level,
    )
    between, within = ((*fitted.sigma2, 0.0, 0.0))[:2]
    typical = _typical(vi)
    whole = between + within + typical
    shares = [100 * part / whole for part in (between, within)]
    found = {} if common else _robust(fitted, trials, level)
    se = found.get("se", float(fitted.se[0]))
    beta, total = float(fitted.beta[0]), between + within
    freedom = m - int(prediction.removeprefix("k-"))
    half = NAN
    if not common and freedom > 0:
        half = float(half_width(level, freedom)) * sqrt(total + se**2)
    pooled = Pooled(
        k=k,
        beta=beta,
        se=se,
        zval=found.get("zval", float(fitted.zval[0])),
        ddf=found.get("ddf", float(fitted.ddf[0])),
        pval=found.get("pval", float(fitted.pval[0])),
        ci_lb=found.get("ci_lb", float(fitted.ci_lb[0])),
        ci_ub=found.get("ci_ub", float(fitted.ci_ub[0])),
        pi_lb=beta - half,
        pi_ub=beta + half,
        tau2=total,
        se_tau2=NAN,
        tau2_ci_lb=NAN,
        tau2_ci_ub=NAN,
        i2=sum(shares),
        i2_q=NAN,
        h2=whole / typical,
        q=fitted.qe,
        q_df=fitted.qe_df,
        q_pval=fitted.qe_pval,
        loglik=fitted.loglik,
        aic=fitted.aic,
        bic=fitted.bic,
        aicc=fitted.aicc,
        maxima=fitted.maxima,
        converged=fitted.converged,
        method="EE" if common else "REML",
        test="z" if common else TEST,
        level=level,
        weights=_weights(fitted),
        pi_method="" if common else prediction,
        reasons=dict.fromkeys(("se_tau2", "tau2_ci_lb", "tau2_ci_ub", "i2_q"), _NOT_ONE)
        | ({} if half == half else {"pi_lb": _NO_RANDOM, "pi_ub": _NO_RANDOM}),
        cautions=(*fitted.cautions, *found.get("cautions", ())),
    )
    return pooled, Levels(
        sigma2_between=between, sigma2_within=within, i2_between=shares[0], i2_within=shares[1]
    )


def _robust(fitted: MultilevelFit, trials: list[str], level: float) -> dict[str, Any]:
    found = robust_of(fitted, trials, kind="CR2", level=level)
    names = ("se", "zval", "ddf", "pval", "ci_lb", "ci_ub")
    return {name: float(getattr(found, name)[0]) for name in names} | {"cautions": found.cautions}


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
