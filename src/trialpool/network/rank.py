"""How certain it is that a treatment is better than the others."""

from __future__ import annotations

from math import isnan

import numpy as np
from scipy.special import ndtr

from trialpool.network.model import Network
from trialpool.results import NAN, Array, check_choice

SMALL = ("desirable", "undesirable")


def p_scores(net: Network, *, small_values: str = "desirable", model: str = "random") -> Array:
    """P-score of each treatment: mean certainty of being better than another one.

    Parameters
    ----------
    small_values : "desirable" where a lower outcome is better, else "undesirable"
    model : "random" or "common"

    Returns
    -------
    (n,) between 0 and 1 in the order of `net.treatments`, with mean 0.5; NaN where the model
    could not be fitted

    References
    ----------
    Rücker & Schwarzer 2015, BMC Med Res Methodol 15:58
    """
    check_choice("small_values", small_values, SMALL)
    estimates = net.of(model)
    if isnan(net.tau2_of(model)):
        return np.full(net.n, NAN)
    sign = -1.0 if small_values == "desirable" else 1.0
    with np.errstate(invalid="ignore"):
        better = ndtr(sign * estimates.effect / estimates.se)
    np.fill_diagonal(better, 0.0)
    scores: Array = better.sum(axis=1) / (net.n - 1)
    return scores
