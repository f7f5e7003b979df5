"""A result in the words of GRADE, from how certain it is and how large."""

from __future__ import annotations

from math import isnan

from trialpool import phrases as say
from trialpool.analysis_result import AnalysisResult
from trialpool.conclusions import concluded, marks_of
from trialpool.terms import LEVELS
from trialpool.words import capital, count, inner

# The verbs by the level; of the lowest level nothing is said of the size.
_VERY_LOW, _LOW, _MODERATE, _HIGH = LEVELS
_VERBS = {
    _LOW: ("may reduce", "may increase", "may make"),
    _MODERATE: ("probably reduces", "probably increases", "probably makes"),
    _HIGH: ("reduces", "increases", "makes"),
}


def statement(result: AnalysisResult, level: str) -> str:
    """The informative statement of a result; blank where nothing is compared.

    Parameters
    ----------
    level : how certain the evidence is, one of `LEVELS`; blank without a trial

    Returns
    -------
    The level gives "may", "probably" or neither, and the estimate the rest: nearer to no effect
    than the smallest difference that matters it is little or no difference. Where no smallest
    difference is declared the side of the interval decides, and one that holds no effect is said
    to leave it open. Evidence of very low certainty says nothing of size

    References
    ----------
    Santesso et al. 2020, J Clin Epidemiol 119:126
    """
    marks, estimate = marks_of(result), result.display.estimate
    if marks.null is None:
        return ""
    drug, what = capital(say.drug(result)), inner(result.outcome_title)
    if not result.k:
        return f"No trial shows the effect of {inner(drug)} on {what}."
    if isnan(estimate):
        trials = count(result.k, "trial")
        return f"The effect of {inner(drug)} on {what} cannot be estimated from {trials}."
    if level == _VERY_LOW:
        return f"The evidence is very uncertain about the effect of {inner(drug)} on {what}."
    reduces, increases, makes = _VERBS[level]
    if marks.lower is None or marks.upper is None:
        if not concluded(result).side:
            return (
                f"It is open whether {inner(drug)} changes {what}: the interval holds no effect, "
                "and no smallest difference that matters is declared."
            )
    elif marks.lower < estimate < marks.upper:
        return f"{drug} {makes} little or no difference to {what}."
    return f"{drug} {reduces if estimate < marks.null else increases} {what}."
