"""Pooling the chosen effects of one analysis under the few-studies policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from trialpool.analysis_result import VarianceLevels
from trialpool.effects import measure_of
from trialpool.pooling.counts.pool import RANDOM, pool_counts
from trialpool.pooling.model import pool
from trialpool.pooling.policy import Policy, policy, tau2_without_counts
from trialpool.results import NAN, NoPosteriorError, Pooled, Posterior
from trialpool.review.choosing.several import put_together
from trialpool.review.fitting.che import che
from trialpool.review.fitting.posterior import COUNTS, counted, posterior_of
from trialpool.review.fitting.prior import tau_prior
from trialpool.review.protocol.settings import TOGETHER, Correlated, FewTrials, Model

TEST_WORDS = {
    "z": "normal quantile",
    "t": "t quantile",
    "knha": "Knapp-Hartung (knha)",
    "hksj": "Hartung-Knapp (hksj)",
}
DEPENDENT = "several effects of one trial depend on each other, which this does not allow for"
# The common-effect model, which takes the true effect to be the same in all trials.
COMMON = {"tau2": "EE", "test": "z"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What pooling gave: a model from k >= 2, the study itself at k = 1, nothing at k = 0.

    `estimate` to `pi_high` and `p_value` are on the display scale (ratios back-transformed).
    Where `posterior` stands they are its own; `pooled` is then the protocol's model beside it, in
    words `beside`, which is "" elsewhere. `levels` are of a model of several effects per trial,
    `why_not` says why a posterior has no estimate.
    """

    policy: Policy
    pooled: Pooled | None
    words: str
    beside: str = ""
    estimate: float = NAN
    ci_low: float = NAN
    ci_high: float = NAN
    pi_low: float = NAN
    pi_high: float = NAN
    p_value: float = NAN
    levels: VarianceLevels | None = None
    posterior: Posterior | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leading:
    """Which model leads: the protocol's own, and for a few trials the Bayesian one.

    `tau_scale` is of the half-normal prior in the units of the effects; `no_bayes` says why none
    may be used, "" where one may.
    """

    model: Model
    tau_scale: float
    no_bayes: str

    def of(self, k: int) -> Model:
        """The model that leads with k trials."""
        allowed = policy(k, method=self.model.method, no_bayes=self.no_bayes)
        if allowed.bayesian:
            return FewTrials(**self.model.model_dump(), tau_scale=self.tau_scale)
        if allowed.common_effect_only and not self.model.counts:
            return self.model.model_copy(update=COMMON)
        return self.model

    def fit(self, studies: pd.DataFrame, measure: str, known: Posterior | None = None) -> Fit:
        """Pool studies by the model that leads with them; `known` is their posterior, if it is."""
        model = self.of(int(studies["trial_id"].nunique()))
        return fit(studies, measure, model, why_no_bayes=self.no_bayes, known=known)


def leading(
    model: Model,
    measure: str,
    *,
    tau_scale: float,
    effects: str,
    reference_sds: Mapping[str, float],
) -> Leading:
    """Which model leads with effects of a measure.

    Parameters
    ----------
    tau_scale, reference_sds : as for `tau_prior`
    effects : how several effects of a trial enter
    """
    together = DEPENDENT if effects in TOGETHER else ""
    prior = tau_prior(measure, tau_scale, reference_sds)
    return Leading(model=model, tau_scale=prior.scale, no_bayes=together or prior.why_not)


def shown(value: float, measure: str) -> float:
    """A value of the analysis scale on the display scale."""
    return measure_of(measure).shown(value)


def words(model: Model) -> str:
    """A model in words."""
    if isinstance(model, FewTrials):
        return f"Bayesian random effects, half-normal({model.tau_scale:g}) prior of tau"
    if model.counts:
        how = "DL, normal quantile" if model.method == RANDOM else "common effect"
        how += f", {model.variance} variance" if model.variance else ""
        return f"{model.counts}, {how}"
    if isinstance(model, Correlated):
        effects = (
            "common effect"
            if model.tau2 == "EE"
            else f"random effects of two levels ({model.tau2})"
        )
        robust = "normal quantile" if model.tau2 == "EE" else "robust variance (CR2)"
        return f"{effects}, correlation {model.rho:g} within trials, {robust}"
    name = "common effect" if model.tau2 == "EE" else f"random effects ({model.tau2})"
    return f"{name}, {TEST_WORDS[model.test]}"


def without_counts(model: Model) -> Model:
    """The model of effects some of which have no counts.

    Mantel-Haenszel and Peto need counts, so they become a common effect by inverse variance.
    """
    if isinstance(model, FewTrials):
        # The protocol's model beside it does not enter what is asked without counts.
        return model.model_copy(update={"method": "IV", "exact": False, "variance": None})
    if not model.counts:
        return model
    tau2 = tau2_without_counts(model.method, model.tau2)
    effects = {"method": "IV", "tau2": tau2, "test": COMMON["test"], "variance": None}
    return model.model_copy(update=effects)


def fit(
    studies: pd.DataFrame,
    measure: str,
    model: Model,
    *,
    why_no_bayes: str = "",
    known: Posterior | None = None,
) -> Fit:
    """Pool studies by a model; `Leading` says which one.

    Parameters
    ----------
    studies : yi and vi of each trial, and counts where the model pools these; a trial has several
        rows where its control is split among its arms. The policy counts trials.
    why_no_bayes : where the data allow no Bayesian analysis though measure and model do
    known : the posterior of these studies, where one leads and has been computed
    """
    k = int(studies["trial_id"].nunique())
    why = why_no_bayes or no_bayes(measure, model)
    allowed = policy(k, method=model.method, no_bayes=why)
    if k == 0:
        return Fit(policy=allowed, pooled=None, words="no trial")
    if k == 1:
        if isinstance(model, Correlated):
            one = put_together(studies, studies["trial_id"].tolist(), rho=model.rho)
            studies = pd.DataFrame({"yi": one.yi, "vi": one.vi})
        return _single(studies, measure, allowed)
    if isinstance(model, FewTrials):
        return _led(studies, measure, model, allowed, known)
    if model.counts:
        columns = [studies[name].to_numpy(float) for name in COUNTS]
        pi = model.prediction if model.method == RANDOM else None
        pooled: Pooled = pool_counts(
            *columns, measure=measure, method=model.method, pi=pi, variance=model.variance
        )
        return _shown(pooled, measure, words(model), allowed)
    if isinstance(model, Correlated):
        common = model.tau2 == "EE"
        both, levels = che(studies, rho=model.rho, common=common, prediction=model.prediction)
        return replace(_shown(both, measure, words(model), allowed), levels=levels)
    pooled = pool(
        studies["yi"].to_numpy(float),
        studies["vi"].to_numpy(float),
        tau2=model.tau2,
        test=model.test,
        pi=model.prediction,
    )
    return _shown(pooled, measure, words(model), allowed)


def _shown(pooled: Pooled, measure: str, text: str, allowed: Policy) -> Fit:
    withheld = allowed.prediction_interval == "withheld"
    return Fit(
        policy=allowed,
        pooled=pooled,
        words=text,
        estimate=shown(pooled.beta, measure),
        ci_low=shown(pooled.ci_lb, measure),
        ci_high=shown(pooled.ci_ub, measure),
        pi_low=NAN if withheld else shown(pooled.pi_lb, measure),
        pi_high=NAN if withheld else shown(pooled.pi_ub, measure),
        p_value=_p_value(pooled, measure),
    )


def no_bayes(measure: str, model: Model) -> str:
    """Why there can be no Bayesian analysis, "" where there can."""
    return DEPENDENT if isinstance(model, Correlated) else measure_of(measure).no_prior


def _led(
    studies: pd.DataFrame, measure: str, model: FewTrials, allowed: Policy, known: Posterior | None
) -> Fit:
    """The Bayesian result, with the protocol's model beside it."""
    plain = Model(**model.model_dump(include=set(Model.model_fields)))
    beside = fit(studies, measure, plain)
    exact = model.exact and counted(studies, measure)
    text = f"{words(model)}, exact likelihood of counts" if exact else words(model)
    try:
        posterior = known or posterior_of(
            studies, measure, tau_scale=model.tau_scale, exact=exact, each=False
        )
    except NoPosteriorError as none:
        # Nor is there another number: one of corrected cells would be of the correction alone.
        without = fit(studies, measure, plain, why_no_bayes=str(none))
        names = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "p_value")
        blank: dict[str, Any] = dict.fromkeys(names, NAN)
        return replace(without, why_not=str(none), **blank)
    return replace(
        beside,
        policy=allowed,
        posterior=posterior,
        words=text,
        beside=beside.words,
        estimate=shown(posterior.mu, measure),
        ci_low=shown(posterior.mu_lb, measure),
        ci_high=shown(posterior.mu_ub, measure),
        pi_low=shown(posterior.new_lb, measure),
        pi_high=shown(posterior.new_ub, measure),
        p_value=NAN,
    )


def _p_value(pooled: Pooled, measure: str) -> float:
    """Of no effect; NaN where there is none, since nothing is compared."""
    return NAN if measure_of(measure).null is None else pooled.pval


def _single(studies: pd.DataFrame, measure: str, allowed: Policy) -> Fit:
    yi, vi = studies["yi"].to_numpy(float), studies["vi"].to_numpy(float)
    alone = pool(yi, vi, tau2="EE", test="z")
    return Fit(
        policy=allowed,
        pooled=None,
        words="single trial, normal quantile",
        estimate=shown(alone.beta, measure),
        ci_low=shown(alone.ci_lb, measure),
        ci_high=shown(alone.ci_ub, measure),
        p_value=_p_value(alone, measure),
    )


def study_columns(studies: pd.DataFrame, measure: str) -> dict[str, Any]:
    """Each study's estimate and 95 % interval on the display scale."""
    z = float(ndtri(0.975))
    yi, sei = studies["yi"].to_numpy(float), np.sqrt(studies["vi"].to_numpy(float))
    columns = {"estimate": yi, "ci_low": yi - z * sei, "ci_high": yi + z * sei}
    return {name: measure_of(measure).scale.shown(v) for name, v in columns.items()}
