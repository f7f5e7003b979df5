"""Whether effects differ by kind of trial, in plain words: a paragraph per moderator, by rule.

A moderator without an answer is left out; the tables say why it has none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trialpool import phrases as say
from trialpool import words as w
from trialpool.review.report.caveats import Analysis, Caveat
from trialpool.words import per

Facts = Mapping[str, Any]
NAMED = 4  # trials without a value, at most, that are named
SIGNIFICANT = 0.05


def moderator_words(analysis: Analysis) -> list[Caveat]:
    """What each moderator that has an answer says, in the protocol's order."""
    found = analysis.model["trust"]["moderators"]
    return [
        Caveat(name=w.capital(fact["title"]), text=text)
        for fact in found
        if (text := _group(analysis, fact) if fact["kind"] == "group" else _slope(analysis, fact))
    ]


def _group(analysis: Analysis, fact: Facts) -> str:
    if not fact["levels"]:
        return ""
    model = analysis.model
    parts = [
        f"{level['level']} (k = {level['k']}) {say.effect(model, level)}"
        for level in fact["levels"]
    ]
    text = f"{say.short_measure(model)} by level: {'; '.join(parts)}. {_difference(fact)}"
    if fact["same_as"]:
        text += f" {_alike(fact['same_as'], 'parts the trials exactly as')}"
    return text + _unknown(fact)


def _difference(fact: Facts) -> str:
    test = fact["test"]
    if test is None:
        return "There are as many levels as results, so no difference can be tested."
    p = w.number(test["p_value"])
    if math.isnan(p):
        return "The test of a difference has no result."
    shown = f"{w.p_value(p)}{_by_permutation(test)}"
    if p >= SIGNIFICANT:
        text = f"No difference is shown ({shown})"
        few = "; with so few trials this cannot tell."
        return text + (few if fact["crude"] else ", which does not show that there is none.")
    text = f"The levels differ ({shown})"
    few = f", in {w.count(fact['k'], 'trial')} only: crude" if fact["crude"] else ""
    return f"{text}{few}. {_CAUSE}"


_CAUSE = "Such trials differ in other things too, so this is no proof of a cause."


def _by_permutation(test: Facts) -> str:
    p = w.number(test["p_permutation"])
    if math.isnan(p):
        return ""
    how = "exact" if test["exact"] else "sampled"
    return f"; {how} permutation {w.p_value(p)}"


def _slope(analysis: Analysis, fact: Facts) -> str:
    slope, model = fact["slope"], analysis.model
    if not slope:
        return ""
    does = "is multiplied by" if say.is_ratio(model) else "changes by"
    low, high = (w.minus(f"{value:g}") for value in fact["range"])
    among = f"{w.count(fact['k'], 'trial')} from {low} to {high}"
    text = (
        f"Per {per(fact)} the {say.short_measure(model)} {does} {say.effect(model, slope)}, among "
        f"{among}"
    )
    p = w.number(slope["p_value"])
    shown = f"{w.p_value(p)}{_by_permutation(slope)}"
    if math.isnan(p):
        text += "."
    elif p >= SIGNIFICANT:
        text += f"; no trend is shown ({shown})."
    else:
        text += f"; a trend ({shown}). {_CAUSE}"
    if fact["goes_with"]:
        text += f" {_alike(list(fact['goes_with']), 'rises or falls with')}"
    return text + _unknown(fact)


def _alike(titles: list[str], verb: str) -> str:
    return f"It {verb} {w.listed(titles)}: they cannot be told apart."


def _unknown(fact: Facts) -> str:
    names = list(fact["missing"])
    if not names:
        return ""
    who = f" ({w.listed(names)})" if len(names) <= NAMED else ""
    verb = "has" if len(names) == 1 else "have"
    return f" {w.capital(w.count(len(names), 'trial'))} {verb} no known value{who}."
