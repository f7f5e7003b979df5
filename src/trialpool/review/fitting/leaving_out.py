"""Effects that an analysis leaves out again after a first fit, because of what they found."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri

from trialpool.diagnostics.influence import influence
from trialpool.review.fitting.fit import fit, without_counts
from trialpool.review.protocol.settings import Model

AFTERWARDS = {
    "outliers": "outlier: its interval does not overlap that of the first fit",
    "influential": "influential in the first fit",
}


def left_out(studies: pd.DataFrame, without: str, measure: str, model: Model) -> list[str]:
    """Why each effect is left out again after a first fit; blank where it is not.

    Parameters
    ----------
    without : a key of AFTERWARDS
    """
    first = fit(studies, measure, model)
    if first.pooled is None:
        return [""] * len(studies)
    yi, vi = studies["yi"].to_numpy(float), studies["vi"].to_numpy(float)
    if without == "outliers":
        reach = float(ndtri(0.975)) * np.sqrt(vi)
        out = (yi + reach < first.pooled.ci_lb) | (yi - reach > first.pooled.ci_ub)
    else:
        # Viechtbauer & Cheung's marks are set for the model's own standard errors; of counts
        # the measures are those of inverse variance, as in influence.csv.
        out = influence(yi, vi, tau2=without_counts(model).tau2, test="z").influential
    return [AFTERWARDS[without] if each else "" for each in out]
