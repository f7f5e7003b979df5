"""The main result of an analysis: which effects, what they come to, what is missing from it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialpool.results import Posterior
from trialpool.review.case import Case
from trialpool.review.choosing.selection import Selection
from trialpool.review.fitting.fit import Fit, study_columns
from trialpool.review.protocol.settings import TOGETHER
from trialpool.review.trust.beliefs import posterior
from trialpool.review.trust.handlings import withheld
from trialpool.review.trust.what_if import WhatIf, what_if


@dataclass(frozen=True, slots=True, kw_only=True)
class MainResult:
    """What an analysis comes to.

    `studies` are the chosen effects with each one's own result on the display scale and its weight
    in percent; `absent` says what is known to be missing; `posterior` is of the Bayesian model of
    the same effects, None where there can be none.
    """

    selection: Selection
    studies: pd.DataFrame
    fit: Fit
    absent: WhatIf
    posterior: Posterior | None


def main_result(case: Case) -> MainResult:
    """Choose the effects of an analysis, pool them, and ask what is missing."""
    selection = case.chosen()
    effects, together = selection.chosen, case.spec.effects in TOGETHER
    beliefs = None if case.leading.no_bayes else posterior(case, effects)
    result = case.leading.fit(effects, case.measure, known=beliefs)
    result = withheld(result) if together else result
    weights = [100 * float(w) for w in result.pooled.weights] if result.pooled else None
    return MainResult(
        selection=selection,
        studies=effects.assign(**study_columns(effects, case.measure), weight=weights),
        fit=result,
        absent=what_if(case, effects),
        posterior=beliefs,
    )
