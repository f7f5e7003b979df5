"""Best linear unbiased predictions: each study's own true effect, shrunk towards the model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialpool.pooling.inference import check_level, half_width
from trialpool.pooling.inputs import Covariates, as_studies
from trialpool.pooling.regression import regress
from trialpool.results import Array, TrialpoolError
from trialpool.same_rows import same_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Blups:
    """Predicted true effects of the k studies and their distances from the model, arrays (k,).

    `pred` has `se` and an interval; `ranef` is the random effect, `pred` minus the fitted mean.
    """

    pred: Array
    se: Array
    pi_lb: Array
    pi_ub: Array
    ranef: Array
    ranef_se: Array
    ranef_pi_lb: Array
    ranef_pi_ub: Array


@same_rows
def blup(
    yi: ArrayLike,
    vi: ArrayLike,
    X: Covariates | None = None,
    *,
    tau2: str = "REML",
    test: str = "hksj",
    level: float = 0.95,
) -> Blups:
    """Predicted true effect of each study: a mean of its own effect and that of the model.

    Parameters
    ----------
    yi, vi, tau2, test, level : as for `pool`, k >= 2
    X : (k, p) design matrix as for `regress`; None for a common mean

    Returns
    -------
    Blups. Standard errors hold the uncertainty of the coefficients, but not that of tau2

    Raises
    ------
    TrialpoolError
        as `regress`; tau2 = "EE", which has no study effects to predict

    References
    ----------
    Robinson 1991, Stat Sci 6:15; Raudenbush & Bryk 1985, J Educ Stat 10:75
    """
    if tau2 == "EE":
        raise TrialpoolError("tau2 = 'EE': in a common-effect model every true effect is the mean")
    check_level(level)
    y, v = as_studies(yi, vi)
    fit = regress(y, v, np.ones((len(y), 1)) if X is None else X, tau2=tau2, test=test)
    weight = fit.tau2 / (fit.tau2 + v)  # of the study's own effect
    mean_variance = np.einsum("ij,jk,ik->i", fit.design, fit.vb, fit.design)
    remaining = fit.tau2 * (1 - weight)
    se = np.sqrt(remaining + (1 - weight) ** 2 * mean_variance)
    ranef_se = np.sqrt(remaining + weight**2 * mean_variance)
    ranef = weight * (y - fit.fitted)
    pred, reach = fit.fitted + ranef, half_width(level, fit.ddf)
    return Blups(
        pred=pred,
        se=se,
        pi_lb=pred - reach * se,
        pi_ub=pred + reach * se,
        ranef=ranef,
        ranef_se=ranef_se,
        ranef_pi_lb=ranef - reach * ranef_se,
        ranef_pi_ub=ranef + reach * ranef_se,
    )
