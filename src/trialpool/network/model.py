"""Network meta-analysis of contrasts: common and random effects, heterogeneity, inconsistency."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from trialpool.network.designs import Inconsistency, decompose
from trialpool.network.inputs import Trial, as_trials
from trialpool.network.rows import NetworkFit, NetworkModel, NetworkRows, independent
from trialpool.pooling.inference import check_level, chi2_tail, half_width, i_squared, p_value
from trialpool.pooling.intervals import q_profile
from trialpool.pooling.tau2 import check_estimator, estimate_tau2, se_tau2
from trialpool.results import NAN, Array, TrialpoolError, check_choice
from trialpool.same_rows import same_rows

MODELS = ("random", "common")
NO_DF = "every trial is needed to connect the network: nothing is left to judge heterogeneity by"
_COMMON = "common-effect model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Effects of the row's treatment minus the column's, each (n, n); ratios as logs."""

    effect: Array
    se: Array
    ci_lb: Array
    ci_ub: Array
    pval: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network meta-analysis of n treatments in k trials with m contrasts.

    `common` and `random` hold all effects; `pi_lb`, `pi_ub` (n, n) where the effect of a new trial
    would lie. `i2` is the share of Q beyond its expectation, in percent. `q` is Q within designs
    plus Q between designs (`inconsistency`). What is NaN has its reason in `reasons`; `cautions`
    are sentences a reader should see. `trials` and `rows` are what was fitted.
    """

    treatments: tuple[str, ...]
    reference: str
    k: int
    m: int
    n: int
    common: Estimates
    random: Estimates
    pi_lb: Array
    pi_ub: Array
    tau2: float
    se_tau2: float
    tau2_ci_lb: float
    tau2_ci_ub: float
    i2: float
    q: float
    q_df: int
    q_pval: float
    inconsistency: Inconsistency
    converged: bool
    method: str
    level: float
    trials: tuple[Trial, ...]
    rows: NetworkRows
    reasons: dict[str, str] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()

    def of(self, model: str) -> Estimates:
        """The estimates of a model by its name, "random" or "common"."""
        check_choice("model", model, MODELS)
        return self.random if model == "random" else self.common

    def tau2_of(self, model: str) -> float:
        """tau2 in the weights of a model; NaN where random effects cannot be had."""
        check_choice("model", model, MODELS)
        return self.tau2 if model == "random" else 0.0

    def place(self, treatment: str) -> int:
        """Place of a treatment, or an error that lists those there are."""
        check_choice("treatment", treatment, self.treatments)
        return self.treatments.index(treatment)


@same_rows
def network(
    study: Sequence[Any],
    treat1: Sequence[Any],
    treat2: Sequence[Any],
    yi: ArrayLike,
    sei: ArrayLike,
    *,
    tau2: str = "REML",
    reference: str | None = None,
    level: float = 0.95,
) -> Network:
    """Network meta-analysis of pairwise contrasts, trials of several arms treated exactly.

    Parameters
    ----------
    study, treat1, treat2 : (c,) names; a trial of m arms gives all m (m - 1)/2 contrasts
    yi, sei : (c,) effect of treat1 minus treat2 (ratios as logs), and its standard error > 0
    tau2
        one for all comparisons: DL (generalised), REML, ML or any other estimator of `pool` that
        needs no mean of the effects (SJ does); EE is the common-effect model
    reference : treatment that tables compare with; None takes the first by name
    level : of every interval, between 0 and 1

    Returns
    -------
    Network. Intervals and p values are those of the normal distribution; prediction intervals have
    t with q_df degrees of freedom, as `pool` has k - 1. With no degree of freedom left, random
    effects and heterogeneity are NaN with the reason

    Raises
    ------
    TrialpoolError
        for contrasts that do not make one network (all problems at once), an unknown tau2 or
        reference, level outside (0, 1)

    References
    ----------
    Rücker 2012, Res Synth Methods 3:312 (graph theory); Rücker & Schwarzer 2014, Stat Med 33:4353
    (several arms); Jackson, White & Riley 2012, Stat Med 31:3805 (generalised DL); Krahn, Binder &
    König 2013, BMC Med Res Methodol 13:35 (designs); Higgins, Thompson & Spiegelhalter 2009, J R
    Stat Soc A 172:137 (prediction)
    """
    check_estimator("tau2", tau2, "network")
    check_level(level)
    treatments, trials = as_trials(study, treat1, treat2, yi, sei)
    if reference is not None and str(reference) not in treatments:
        raise TrialpoolError(
            f"reference = {reference!r}: is not in the network of {', '.join(treatments)}"
        )
    called = treatments[0] if reference is None else str(reference)
    n = len(treatments)
    rows = independent(trials, n)
    model = NetworkModel(rows, treatments.index(called))
    with np.errstate(all="ignore"):
        return _summary(treatments, called, trials, model, tau2, level)


def _summary(
    treatments: tuple[str, ...],
    reference: str,
    trials: tuple[Trial, ...],
    model: NetworkModel,
    method: str,
    level: float,
) -> Network:
    s, unit2 = model.design, model.unit2
    df = int(s.df)
    # Without a degree of freedom every tau2 fits as well as any other: none is searched for.
    between = estimate_tau2(method if df else "EE", s)
    t = between.tau2 if df or method == "EE" else np.float64(NAN)
    tau2 = float(t) * unit2
    reasons = _reasons(method, df, converged=bool(between.converged))
    q = float(s.common[1])
    blank = np.full((model.n, model.n), NAN)
    estimate = Estimates(effect=blank, se=blank, ci_lb=blank, ci_ub=blank, pval=blank)
    pi_lb, pi_ub = blank, blank
    if not math.isnan(tau2):
        estimate = _estimates(model.fit(tau2), level)
        if method != "EE" and df > 1:
            reach = half_width(level, float(df)) * np.sqrt(tau2 + estimate.se**2)
            reach[np.diag_indices(model.n)] = 0.0
            pi_lb, pi_ub = estimate.effect - reach, estimate.effect + reach
    low, high, se = NAN, NAN, NAN
    if method != "EE" and df:
        low, high = (float(bound) * unit2 for bound in q_profile(s, level))
        se = float(se_tau2(method, s, t)) * unit2
    return Network(
        treatments=treatments,
        reference=reference,
        k=len(trials),
        m=sum(len(trial.arms) * (len(trial.arms) - 1) // 2 for trial in trials),
        n=model.n,
        common=_estimates(model.fit(0.0), level),
        random=estimate,
        pi_lb=pi_lb,
        pi_ub=pi_ub,
        tau2=tau2,
        se_tau2=se,
        tau2_ci_lb=low,
        tau2_ci_ub=high,
        i2=float(i_squared(q, df)) if df else NAN,
        q=q,
        q_df=df,
        q_pval=float(chi2_tail(q, df)) if df else NAN,
        inconsistency=decompose(treatments, trials, model.rows, q, df),
        converged=bool(between.converged),
        method=method,
        level=level,
        trials=trials,
        rows=model.rows,
        reasons=reasons,
        cautions=_cautions(df, model.n, len(trials)),
    )


def _estimates(fit: NetworkFit, level: float) -> Estimates:
    """All pairs from the effects against the reference."""
    effect = fit.effect[:, np.newaxis] - fit.effect
    variances = np.diag(fit.covariance)
    variance = variances[:, np.newaxis] + variances - 2 * fit.covariance
    se = np.sqrt(np.maximum(variance, 0.0))
    se[np.diag_indices_from(se)] = 0.0
    half = half_width(level, NAN) * se
    pval = np.asarray(p_value(effect / se, np.full(se.shape, NAN)))
    return Estimates(effect=effect, se=se, ci_lb=effect - half, ci_ub=effect + half, pval=pval)


def _reasons(method: str, df: int, *, converged: bool) -> dict[str, str]:
    spread = ("se_tau2", "tau2_ci_lb", "tau2_ci_ub")
    out: dict[str, str] = {}
    if method == "EE":
        out |= dict.fromkeys((*spread, "pi_lb", "pi_ub"), _COMMON)
    elif df == 0:
        out |= dict.fromkeys(("tau2", "random", *spread, "pi_lb", "pi_ub"), NO_DF)
    elif df == 1:
        out |= dict.fromkeys(("pi_lb", "pi_ub"), "one degree of freedom of heterogeneity")
    if df == 0:
        out |= dict.fromkeys(("i2", "q_pval"), NO_DF)
    if not converged:
        out |= dict.fromkeys(("tau2", "random"), "not converged")
    return out


def _cautions(df: int, n: int, k: int) -> tuple[str, ...]:
    if df >= n - 1:
        return ()
    return (
        f"{k} trial{'' if k == 1 else 's'} for {n} treatments: heterogeneity rests on {df} degree"
        f"{'' if df == 1 else 's'} of freedom, so that random effects say little.",
    )
