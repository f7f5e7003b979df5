"""The answer of an analysis in one sentence, made by rule from its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from math import isnan
from typing import Any

import pandas as pd

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult, LargestMissing
from trialpool.conclusions import (
    ABOVE,
    BELOW,
    PROBABLE,
    Conclusion,
    concluded,
    marks_of,
    probable_side,
)
from trialpool.effects import measure_of
from trialpool.review.choosing.people import size, unsized
from trialpool.review.report import codes
from trialpool.trust_facts import ShownEstimate


def answer(result: AnalysisResult, studies: pd.DataFrame, missing: pd.DataFrame) -> str:
    """What the trials say, how sure that is, and no more.

    Parameters
    ----------
    result : of the analysis
    studies, missing : its studies.csv and missing.csv

    Returns
    -------
    One to three sentences
    """
    if result.k == 0:
        return _nothing(result, missing)
    shown = result.display
    what = f"{measure_of(result.measure).lead} {result.outcome_title}"
    size = say.value(result, shown.estimate) + _unit(result, studies)
    limits = say.interval(result, shown.ci_low, shown.ci_high)
    says = f": {interval_says(result)}{probability(result)}" if not isnan(say.null(result)) else ""
    effect = f"{size} ({result.interval} {limits}){says}."
    if result.k == 1:
        study = w.text(studies["study"].iloc[0])
        return (
            f"One trial ({study}, {people(result, studies)}) found a {what} of {effect} "
            "One trial cannot be pooled."
        )
    trials = w.capital(_trials(result))
    common = result.policy.common_effect_only
    how = ", taken to share one true effect," if common else _handled(result)
    return f"{trials} ({people(result, studies)}){how} put the {what} at {effect}"


_HANDLED = {
    "all": ", all taken as independent,",
    "lowest": ", each by the lowest of its effects,",
    "highest": ", each by the highest of its effects,",
    "combined": ", the effects of one {within} combined,",
    "che": ", their correlation within trials assumed,",
}


def _trials(result: AnalysisResult) -> str:
    """`64 trials`, or `88 effects of 64 trials`."""
    trials, several = w.count(result.k, "trial"), result.several
    if several is None or several.effects == several.trials:
        return trials
    return f"{w.count(several.effects, 'effect')} of {trials}"


def _handled(result: AnalysisResult) -> str:
    """What was done with several effects of a trial; blank where each gives one."""
    several = result.several
    return "" if several is None else _HANDLED[several.handling].format(within=several.within)


def interval_says(result: AnalysisResult) -> str:
    """Direction of the estimate, and whether its interval excludes no difference."""
    towards, said = _towards(result), concluded(result)
    if said.side is None:
        return f"{towards}, with no interval"
    if said.excludes_null:
        return f"{towards}, and the interval excludes no difference"
    lead = f"{towards}; the" if towards in (_SAME, _LITTLE) else f"{towards}, but the"
    reach = _reach(result, said) if probable_side(result) is None else ""
    return f"{lead} interval includes no difference{reach}"


def probability(result: AnalysisResult) -> str:
    """How probable the direction of the estimate is; blank without one, or a posterior."""
    if not result.policy.bayesian or result.posterior is None:
        return ""
    below, towards = result.posterior.p_below_zero, _towards(result)
    if towards == _SAME:
        return ""
    above = result.display.estimate > say.null(result)
    chance = w.beside(1 - below if above else below, PROBABLE)
    if towards == _LITTLE:
        return f"; the probability that it is {say.direction(result, above=above)} is {chance}"
    return f"; the probability of this direction is {chance}"


_SAME, _LITTLE = "no difference in the estimate", "little difference in the estimate"


def _towards(result: AnalysisResult) -> str:
    """Which way the estimate points, unless neither its size nor its interval says that it does.

    An estimate nearer to no difference than the smallest that matters is not called higher or lower
    unless the interval, or the probability of one side, says so.
    """
    marks, estimate, said = marks_of(result), result.display.estimate, concluded(result)
    open_ = not said.excludes_null and said.side is not None and probable_side(result) is None
    towards = direction(result, estimate)
    if not open_ or towards == _SAME or marks.lower is None or marks.upper is None:
        return towards
    return _LITTLE if marks.lower < estimate < marks.upper else towards


def direction(result: AnalysisResult, estimate: float) -> str:
    """Which way an estimate points: `lower with the drug`, `more frequent with the drug`."""
    null = say.null(result)
    if say.value(result, estimate) == say.value(result, null):
        return _SAME
    return say.direction(result, above=estimate > null)


def people(result: AnalysisResult, studies: pd.DataFrame) -> str:
    """How many people stand behind an analysis: `n = 90`."""
    if result.n is not None:
        return f"n = {result.n}"
    unknown = unsized(studies)
    of = "" if unknown == result.k else f" for {w.count(unknown, 'trial')}"
    return f"n not known{of}"


def counts(result: AnalysisResult, studies: pd.DataFrame) -> str:
    """The events behind a ratio, summed over the trials; blank for scores."""
    columns = ["event_experimental", "totaln_experimental", "event_control", "totaln_control"]
    if not say.is_events(result) or not len(studies) or studies[columns].isna().any(axis=None):
        return ""
    a, n1, c, n2 = (f"{studies[name].sum():.0f}" for name in columns)
    trials = "this trial" if result.k == 1 else "these trials together"
    return (
        f"In {trials} it was seen in {a} of {n1} people with {say.drug(result)} and in {c} of "
        f"{n2} with {say.control(result)}."
    )


def largest_missing(result: AnalysisResult, missing: pd.DataFrame) -> str:
    """The largest missing trial, and the estimate had it found nothing; blank without one."""
    largest = result.largest_missing
    if largest is None:
        return ""
    rows = {row["trial_id"]: row for row in tables.records(missing)}
    row = rows.get(largest.trial_id, {})
    rank = _rank(largest, rows.values())
    name = f"{rank}, {largest.study} (n = {w.whole(largest.n)})"
    gone = "has no usable numbers" if rank.endswith("missing trial") else "is missing"
    if isnan(largest.estimate):
        then = f"It enters no what-if: {w.text(row['what_if_reason']).rstrip('.')}."
    else:
        # From two trials to three the model changes too, and most of the widening is that.
        three = " (three trials, so random effects)" if result.k == 2 else ""
        then = f"If it had found nothing, the estimate would be {_changed(result, largest)}{three}."
    return f"{name}, {gone}: {_reported(row, largest)}. {then}"


def joint_missing(result: AnalysisResult, missing: pd.DataFrame) -> str:
    """The estimate had all missing trials found nothing; blank for fewer than two."""
    joint = result.what_if
    if joint is None or len(joint.trials) < 2:
        return ""
    rows = [row for row in tables.records(missing) if row["trial_id"] in joint.trials]
    n = w.whole(sum(size(row) for row in rows))
    which = f"{w.count(len(rows), 'missing trial')} that can be added"
    named = w.listed(w.text(row["study"]) for row in rows)
    return (
        f"If the {which} ({named}; n = {n}) had found nothing, the estimate would be "
        f"{_changed(result, joint)}."
    )


def left_out(result: AnalysisResult, missing: pd.DataFrame) -> str:
    """The missing trials besides the largest that the what-if cannot add, and why; or blank."""
    reasons: dict[str, list[str]] = {}
    largest = result.largest_missing and result.largest_missing.trial_id
    for row in tables.records(missing):
        if row["what_if"] != "yes" and row["trial_id"] != largest:
            why = w.text(row["what_if_reason"]).rstrip(".") or "not stated"
            reasons.setdefault(why, []).append(_named(row))
    parts = [f"{w.listed(names)}, {why}" for why, names in reasons.items()]
    added = (missing["what_if"] == "yes").any()
    lead = (
        "Missing too, and not part of this what-if"
        if added
        else "Missing, and not put into a what-if"
    )
    return f"{lead}: {'; '.join(parts)}." if parts else ""


def also_missing(result: AnalysisResult, missing: pd.DataFrame) -> str:
    """The missing trials besides the largest, by name only; blank without any."""
    if result.k == 0:
        return ""
    largest = result.largest_missing and result.largest_missing.trial_id
    names = [_named(row) for row in tables.records(missing) if row["trial_id"] != largest]
    return f"Missing{' too' if largest else ''}: {w.listed(names)}." if names else ""


def _nothing(result: AnalysisResult, missing: pd.DataFrame) -> str:
    unused = [f"{each.study}, {each.reason}" for each in result.left_out]
    if unused:
        many = w.count(len(unused), "trial")
        measured = f"{many} measured the outcome and {w.be(len(unused))} not used"
        return f"No trial fits this analysis; {measured}: {'; '.join(unused)}."
    lead = "No trial has usable numbers"
    if not len(missing):
        return f"{lead}, and none is known to have measured this."
    names = w.listed(_named(row) for row in tables.records(missing))
    few = w.count(len(missing), "eligible trial")
    verb = "is" if len(missing) == 1 else "are"
    return f"{lead}; {few} without them {verb} known: {names}."


def _rank(missing: LargestMissing, rows: Iterable[Mapping[str, Any]]) -> str:
    # A still larger one may be known that cannot be added, such as a planned trial.
    largest = not any(size(row) > missing.n for row in rows)
    if missing.larger_than_any_included:
        return "The largest trial" if largest else "A trial larger than any included"
    return "The largest missing trial" if largest else "A missing trial"


def _named(row: Mapping[str, Any]) -> str:
    n = size(row)
    return w.text(row["study"]) + ("" if math.isnan(n) else f" (n = {n:.0f})")


def _reported(row: Mapping[str, Any], missing: LargestMissing) -> str:
    """What is known of a missing trial: its source's words, else why there is no number."""
    reported = w.text(missing.reported).strip("“”\"'. ")
    status = codes.STATUS.get(w.text(row.get("status")), "")
    if reported:
        return f"{status}, reported as “{reported}”" if status else f"reported as “{reported}”"
    return w.text(row.get("reason")).rstrip(".") or status or "no usable numbers"


def _changed(result: AnalysisResult, shown: ShownEstimate) -> str:
    limits = say.interval(result, shown.ci_low, shown.ci_high)
    return f"{say.value(result, shown.estimate)} ({result.interval} {limits})"


def threshold(result: AnalysisResult) -> str:
    """The smallest difference that matters, and why; blank without one."""
    if result.important is None or isnan(result.display.estimate):
        return ""
    size = say.value(result, measure_of(result.measure).shown(result.important))
    return f"Smallest difference that matters: {size} ({result.important_reason})."


def _unit(result: AnalysisResult, studies: pd.DataFrame) -> str:
    scales = sorted({w.text(scale) for scale in studies["instrument"]} - {""})
    return (
        f" points on the {scales[0]}"
        if measure_of(result.measure).unit == "points" and len(scales) == 1
        else ""
    )


def _reach(result: AnalysisResult, said: Conclusion) -> str:
    """What an interval includes besides no difference: differences that matter (`important`)."""
    less, more = BELOW in said.zones, ABOVE in said.zones
    if not (less or more):
        return ""
    # A drug does not help with a harm, and one that cannot be ruled out must be named.
    measure = measure_of(result.measure)
    if measure.favours and not (say.is_frequency(result) and result.better == "lower"):
        return f"; too imprecise to tell whether {say.drug(result)} helps"
    if less and more:
        below, above = measure.directions
        either = f"more or {below}" if above.startswith("more ") else f"{above} or {below}"
        side = f" with {say.drug(result)}" if measure.data.groups == 2 else ""
        return f"; too imprecise to tell whether it is {either}{side}"
    limit = say.value(result, result.display.ci_high if more else result.display.ci_low)
    if measure.is_ratio and measure.title.endswith(" ratio"):
        return f", and also {limit} times the {measure.title.removesuffix(' ratio')}"
    return f", and also {'a difference' if measure.favours else measure.a} of {limit}"
