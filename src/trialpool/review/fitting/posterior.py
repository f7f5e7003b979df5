"""The Bayesian model of the effects of an analysis: of counts by their exact likelihood."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from trialpool.bayes import normal_normal
from trialpool.bayes.counts import binomial_normal
from trialpool.bayes.likelihoods import LIKELIHOODS
from trialpool.results import Posterior

COUNTS = ("event_experimental", "totaln_experimental", "event_control", "totaln_control")


def counted(studies: pd.DataFrame, measure: str) -> bool:
    """Whether every effect is a ratio of whole counts, so that their likelihood is exact.

    An effect reported as such, of a crossover, or with a part of a shared control has none.
    """
    if measure not in LIKELIHOODS or not set(COUNTS) <= set(studies):
        return False
    counts = studies[list(COUNTS)].to_numpy(float)
    whole = np.isfinite(counts).all() and bool((counts == np.floor(counts)).all())
    return whole and bool(len(counts)) and not bool(studies["trial_id"].duplicated().any())


def posterior_of(
    studies: pd.DataFrame, measure: str, *, tau_scale: float, exact: bool = True, **asked: Any
) -> Posterior:
    """The posterior of two effects or more.

    Parameters
    ----------
    studies : yi, vi, trial_id, and counts where there are some
    exact : by the likelihood of the counts, where every effect has them
    asked : `mid`, `better` and `each` of `normal_normal`

    Raises
    ------
    NoPosteriorError
        counts that leave none, as where no trial has an event in one of the arms
    """
    if exact and counted(studies, measure):
        counts = (studies[name].to_numpy(float) for name in COUNTS)
        return binomial_normal(*counts, measure=measure, tau_scale=tau_scale, **asked)
    yi, vi = (studies[name].to_numpy(float) for name in ("yi", "vi"))
    return normal_normal(yi, vi, tau_scale=tau_scale, **asked)
