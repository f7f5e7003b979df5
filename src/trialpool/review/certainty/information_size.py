"""The optimal information size: how many people one adequate trial would need.

GRADE (Guyatt et al. 2011, J Clin Epidemiol 64:1283): a result of fewer people than that is not
precise, whatever its interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, isnan, sqrt

import pandas as pd
from scipy.special import ndtri

from trialpool.analysis_result import AnalysisResult
from trialpool.effects import measure_of
from trialpool.results import NAN

# GRADE's rule of thumb for scores, of a difference of half a standard deviation.
PEOPLE, OF_SD = 400, 0.5
# Of counts: a two-sided test at 5 % with power 80 %.
_QUANTILES = float(ndtri(0.975) + ndtri(0.8))


@dataclass(frozen=True, slots=True)
class InformationSize:
    """How many `people` in all, NaN where it cannot be told, and what that rests on."""

    people: float
    basis: str


def information_size(result: AnalysisResult, studies: pd.DataFrame) -> InformationSize:
    """The optimal information size of an analysis.

    Parameters
    ----------
    studies : its studies.csv

    Returns
    -------
    Of scores 400 people in all for half a standard deviation, scaled to the smallest difference
    that matters; of counts by the formula for two proportions, from the risk in the controls and
    that risk lowered by the smallest difference that matters
    """
    measure = measure_of(result.measure)
    if result.important is None:
        return InformationSize(NAN, "no smallest important difference is declared")
    if measure.unit == "SD":
        return _of_scores(result.important)
    if measure.unit == "points" and measure.data.groups == 2:
        sd = pooled_sd(studies)
        if isnan(sd):
            return InformationSize(NAN, "no standard deviation is known")
        return _of_scores(result.important / sd)
    if measure.name in _LOWERED:
        return _of_counts(_LOWERED[measure.name], measure.shown(-result.important), studies)
    return InformationSize(NAN, "there is no rule for this measure")


def _of_scores(sds: float) -> InformationSize:
    return InformationSize(ceil(round(PEOPLE * (OF_SD / sds) ** 2, 6)), f"for {sds:.2g} SD")


def pooled_sd(studies: pd.DataFrame) -> float:
    """The standard deviation within groups over all trials; NaN where none reports any."""
    total, df = 0.0, 0.0
    for side in ("experimental", "control"):
        known = studies[studies[f"sd_{side}"].notna() & studies[f"n_{side}"].notna()]
        less_one = known[f"n_{side}"] - 1
        total += float((less_one * known[f"sd_{side}"] ** 2).sum())
        df += float(less_one.sum())
    return sqrt(total / df) if df > 0 and total > 0 else NAN


def _lowered_odds(risk: float, ratio: float) -> float:
    return ratio * risk / (1 - risk + ratio * risk)


# A risk lowered by an effect, display scale, by the measure.
_LOWERED: Mapping[str, Callable[[float, float], float]] = {
    "RR": lambda risk, ratio: risk * ratio,
    "OR": _lowered_odds,
    "PETO": _lowered_odds,
    "RD": lambda risk, difference: risk + difference,
}


def _of_counts(
    lowered: Callable[[float, float], float], effect: float, studies: pd.DataFrame
) -> InformationSize:
    people = float(studies["totaln_control"].sum())
    if not people:
        return InformationSize(NAN, "the risk in the controls is not known")
    risk = float(studies["event_control"].sum()) / people
    lower = lowered(risk, effect)
    if not 0 < lower < risk < 1:
        why = f"the risk in the controls is {100 * risk:.3g} %, which cannot be lowered so far"
        return InformationSize(NAN, why)
    spread = risk * (1 - risk) + lower * (1 - lower)
    each = ceil(_QUANTILES**2 * spread / (risk - lower) ** 2)
    return InformationSize(2 * each, f"to lower {100 * risk:.3g} % to {100 * lower:.3g} %")
