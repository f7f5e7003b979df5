"""The result under each assumed correlation of the effects of one study."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialpool.multilevel.aggregate import aggregate
from trialpool.multilevel.covariance import Covariance, covariance
from trialpool.pooling.inputs import as_studies
from trialpool.pooling.model import pool
from trialpool.results import NAN, Array, TrialpoolError
from trialpool.same_rows import same_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class RhoFit:
    """What a fit says, on the analysis scale; `tau2` between studies, `omega2` within them."""

    estimate: float = NAN
    se: float = NAN
    ci_low: float = NAN
    ci_high: float = NAN
    tau2: float = NAN
    omega2: float = NAN
    note: str = ""


FitFunction = Callable[[Array, Covariance], RhoFit]


@same_rows
def sweep_rho(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: Sequence[Hashable] | ArrayLike,
    rhos: Sequence[float],
    fit_function: FitFunction,
) -> pd.DataFrame:
    """Fit once for each correlation.

    Parameters
    ----------
    yi, vi : (k,) effects and sampling variances
    cluster : (k,) study of each effect
    rhos : correlations to assume, from 0 to less than 1
    fit_function : from the effects and their covariance to a `RhoFit`

    Returns
    -------
    A row per correlation: rho, estimate, se, ci_low, ci_high, tau2, omega2, note. A fit that
    fails has blanks, with the reason in its note

    Raises
    ------
    TrialpoolError
        no correlation to assume, or what `covariance` finds in the effects
    """
    y, v = as_studies(yi, vi)
    if not len(rhos):
        raise TrialpoolError("rhos is empty: there is no correlation to assume")
    covariance(v, cluster, rho=0.0)  # what is wrong with every fit is an error, not a note
    rows = []
    for rho in sorted(rhos):
        try:
            fitted = fit_function(y, covariance(v, cluster, rho=rho))
        except TrialpoolError as error:
            fitted = RhoFit(note=str(error))
        rows.append({"rho": float(rho), **asdict(fitted)})
    return pd.DataFrame(rows)


@same_rows
def combine_and_pool(
    cluster: Sequence[Hashable] | ArrayLike, *, tau2: str = "REML", test: str = "hksj"
) -> FitFunction:
    """A fit for `sweep_rho`: the effects of each study combined to one, then pooled."""

    def fit(yi: Array, V: Covariance) -> RhoFit:
        variances = np.empty(V.k)
        for rows, block in V:
            variances[rows] = np.diag(block)
        combined = aggregate(yi, variances, cluster, V=V)
        pooled = pool(combined.yi, combined.vi, tau2=tau2, test=test)
        return RhoFit(
            estimate=pooled.beta,
            se=pooled.se,
            ci_low=pooled.ci_lb,
            ci_high=pooled.ci_ub,
            tau2=pooled.tau2,
            note=pooled.reasons.get("tau2", ""),
        )

    return fit
