"""The answer of a condition in one or two sentences that need no statistics, made by rule.

Every rule is a function below; docs/sentences.md has an example of each.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan

from trialpool import phrases as say
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.conclusions import ABOVE, concluded, marks_of
from trialpool.effects import measure_of
from trialpool.review.certainty.body import MOST, PART
from trialpool.review.findings.statements import statement
from trialpool.review.report.grid import Row
from trialpool.terms import LEVELS

VERY_LOW = LEVELS[0]


def plain_answer(
    result: AnalysisResult, finding: Row, others: Iterable[AnalysisResult], whom: str, share: float
) -> str:
    """What is known of the main result of a condition, and what is not.

    Parameters
    ----------
    result : of the main analysis
    finding : its row of summary_of_findings.csv
    others : results of the condition's other analyses
    whom : the people asked about; blank without a target
    share : percent of its weight that is of other people; NaN without a target
    """
    aside = _of_others(share, whom) if result.k else ""
    lead = f"In {whom}, " if whom and not aside else ""
    said = w.capital(f"{lead}{w.inner(_known(result, finding))}{_why(result, finding)}.")
    return " ".join(filter(None, (said, aside, _at_other_times(result, others))))


def _of_others(share: float, whom: str) -> str:
    """How far the trials are of people other than asked about; blank where hardly any are."""
    if not whom or isnan(share) or share < PART:
        return ""
    if share >= 100:
        return f"No trial is of {whom}: the people in these trials are others."
    if share >= MOST:
        return f"Few of the people in these trials are {whom}."
    return f"Some of the people in these trials are not {whom}."


def absolute(result: AnalysisResult, row: Row) -> str:
    """A result in people of 100, or in points of its scale; blank where neither follows.

    Parameters
    ----------
    row : of summary_of_findings.csv
    """
    per = w.whole(row["per"])
    if per != w.DASH:
        with_it, without = w.whole(row["experimental"]), w.whole(row["control"])
        event = w.text(row["event"]).partition(",")[0]
        what = "" if event in ("", w.inner(result.outcome_title)) else f"{event}: "
        return (
            f"{what}{with_it} of {per} people with {say.drug(result)}, {without} of {per} without"
        )
    return points(row)


def points(row: Row) -> str:
    """A difference in points of a scale: `12.7 points lower on the IES-R`."""
    value, scale = w.number(row["points"]), w.text(row["instrument"])
    if isnan(value) or not scale:
        return ""
    size = w.fixed(abs(value), 1)
    return f"{size} points {'lower' if value < 0 else 'higher'} on the {scale}"


def helps(result: AnalysisResult) -> bool | None:
    """Whether the estimate lies on the side of a benefit; None where it lies on no effect."""
    null, estimate = say.null(result), result.display.estimate
    if isnan(null) or isnan(estimate) or say.value(result, estimate) == say.value(result, null):
        return None
    return (estimate > null) == (result.better == "higher")


def _known(result: AnalysisResult, finding: Row) -> str:
    """What the trials show, with no size where the certainty is very low."""
    what, drug = w.inner(result.outcome_title), say.drug(result)
    if not measure_of(result.measure).favours:
        shown = say.effect(result, result.display)
        known = "no trial tells of" if shown == w.DASH else "the trials give for"
        return (
            f"{known} {what}{'' if shown == w.DASH else f': {say.short_measure(result)} {shown}'}"
        )
    if result.k == 0:
        return f"no trial shows what {drug} does to {what}"
    if say.is_frequency(result) and w.whole(finding["per"]) != w.DASH:
        per = w.whole(finding["per"])
        return (
            f"{what} is seen in {w.whole(finding['experimental'])} of {per} people with {drug} "
            f"and in {w.whole(finding['control'])} of {per} without"
        )
    level = w.text(finding["certainty"])
    if concluded(result).excludes_null and level and level != VERY_LOW:
        return statement(result, level).rstrip(".")
    verb = "reduces" if result.better == "lower" else "increases"
    open_ = "it is very uncertain whether" if concluded(result).excludes_null else NOT_SHOWN
    return f"{open_} {drug} {verb} {what}"


NOT_SHOWN = "it is not shown that"


def _why(result: AnalysisResult, finding: Row) -> str:
    """What stands behind it: trials and people, which way they point, and the largest missing."""
    if result.k == 0:
        return ""
    people = "" if result.n is None else f" ({result.n} people)"
    trials = f"the one trial{people}" if result.k == 1 else f"{w.count(result.k, 'trial')}{people}"
    if not measure_of(result.measure).favours:
        return f", from {trials}"
    parts = [f"{trials} {_leaning(result)}"]
    largest = result.largest_missing
    if largest is not None and largest.larger_than_any_included:
        parts.append(f"the largest trial ({w.whole(largest.n)} people) gave no usable numbers")
    return f": {'; '.join(parts)}"


def _leaning(result: AnalysisResult) -> str:
    """Which way the trials point: `found it lower with the drug`, `lean towards a benefit`."""
    if concluded(result).excludes_null:
        side = marks_of(result).side(result.display.ci_low, result.display.ci_high)
        return f"found it {say.direction(result, above=side == ABOVE)}"
    one = result.k == 1
    better = helps(result)
    if better is None:
        return "found no difference"
    marks, estimate = marks_of(result), result.display.estimate
    if marks.lower is not None and marks.upper is not None and marks.lower < estimate < marks.upper:
        return "found little difference"
    return f"{'leans' if one else 'lean'} towards a {'benefit' if better else 'harm'}"


def _at_other_times(result: AnalysisResult, others: Iterable[AnalysisResult]) -> str:
    """Clear results of the same outcome in analyses beside the main one, by their titles."""
    parts = []
    for other in others:
        same = other.outcome == result.outcome and other.analysis != result.analysis
        same = same and measure_of(other.measure).favours
        if not (same and other.k and concluded(other).excludes_null):
            continue
        side = marks_of(other).side(other.display.ci_low, other.display.ci_high)
        direction = say.direction(other, above=side == ABOVE)
        people = "" if other.n is None else f" ({other.n} people)"
        parts.append(f"{other.title}: {direction} in {w.count(other.k, 'trial')}{people}")
    return f"{'; '.join(parts)}." if parts and not concluded(result).excludes_null else ""
