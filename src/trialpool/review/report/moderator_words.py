"""Whether effects differ by kind of trial, in plain words: a paragraph per moderator, by rule.

A moderator without an answer is left out; the tables say why it has none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from trialpool import phrases as say
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.effects import measure_of
from trialpool.review.report.caveats import AnalysisTables, Caveat
from trialpool.terms import SIGNIFICANT
from trialpool.trust_facts import CovariateFacts, CovariateSlope, DifferenceTest, SubgroupFacts
from trialpool.words import per

NAMED = 4  # trials without a value, at most, that are named


def moderator_words(analysis: AnalysisTables) -> list[Caveat]:
    """What each moderator that has an answer says, in the protocol's order."""
    return [
        Caveat(name=w.capital(facts.title), text=text)
        for facts in analysis.result.trust.moderators
        if (text := _words(analysis.result, facts))
    ]


def _words(result: AnalysisResult, facts: SubgroupFacts | CovariateFacts) -> str:
    return _group(result, facts) if isinstance(facts, SubgroupFacts) else _slope(result, facts)


def _group(result: AnalysisResult, facts: SubgroupFacts) -> str:
    if not facts.levels:
        return ""
    parts = [f"{level.level} (k = {level.k}) {say.effect(result, level)}" for level in facts.levels]
    text = f"{say.short_measure(result)} by level: {'; '.join(parts)}. {_difference(facts)}"
    if facts.same_as:
        text += f" {_alike(facts.same_as, 'parts the trials exactly as')}"
    return text + _unknown(facts)


def _difference(facts: SubgroupFacts) -> str:
    test = facts.test
    if test is None:
        return "There are as many levels as results, so no difference can be tested."
    p = test.p_value
    if math.isnan(p):
        return "The test of a difference has no result."
    shown = f"{w.p_value(p)}{_by_permutation(test)}"
    if p >= SIGNIFICANT:
        text = f"No difference is shown ({shown})"
        few = "; with so few trials this cannot tell."
        return text + (few if facts.crude else ", which does not show that there is none.")
    text = f"The levels differ ({shown})"
    few = f", in {w.count(facts.k, 'trial')} only: crude" if facts.crude else ""
    return f"{text}{few}. {_CAUSE}"


_CAUSE = "Such trials differ in other things too, so this is no proof of a cause."


def _by_permutation(test: DifferenceTest | CovariateSlope) -> str:
    p = test.p_permutation
    if math.isnan(p):
        return ""
    how = "exact" if test.exact else "sampled"
    return f"; {how} permutation {w.p_value(p)}"


def _slope(result: AnalysisResult, facts: CovariateFacts) -> str:
    slope = facts.slope
    if slope is None or facts.range is None:
        return ""
    scale = measure_of(result.measure).scale
    does = "is multiplied by" if scale.name == "log" else "changes by"
    low, high = (w.minus(f"{value:g}") for value in facts.range)
    start = "" if scale.even else " above the mean"
    among = f"{w.count(facts.k, 'trial')} from {low} to {high}"
    text = (
        f"Per {per(facts.per, facts.unit)}{start} the {say.short_measure(result)} {does} "
        f"{say.effect(result, slope)}, among {among}"
    )
    p = slope.p_value
    shown = f"{w.p_value(p)}{_by_permutation(slope)}"
    if math.isnan(p):
        text += "."
    elif p >= SIGNIFICANT:
        text += f"; no trend is shown ({shown})."
    else:
        text += f"; a trend ({shown}). {_CAUSE}"
    if facts.goes_with:
        text += f" {_alike(facts.goes_with, 'rises or falls with')}"
    return text + _unknown(facts)


def _alike(titles: Iterable[str], verb: str) -> str:
    return f"It {verb} {w.listed(titles)}: they cannot be told apart."


def _unknown(facts: SubgroupFacts | CovariateFacts) -> str:
    names = list(facts.missing)
    if not names:
        return ""
    who = f" ({w.listed(names)})" if len(names) <= NAMED else ""
    verb = "has" if len(names) == 1 else "have"
    return f" {w.capital(w.count(len(names), 'trial'))} {verb} no known value{who}."
