"""A result in words: its estimate, its interval, the side it lies on.

Each function takes the result of an analysis, which says the measure and the two sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

from trialpool import words
from trialpool.analysis_result import ResultHeading, ResultScale, UnjudgedResult
from trialpool.conclusions import concluded
from trialpool.effects import measure_of
from trialpool.trust_facts import ShownEstimate
from trialpool.words import DASH, fixed, inner, number, ratio, text


def is_ratio(result: ResultScale) -> bool:
    """Whether the model's estimates are ratios, with 1 as no difference."""
    return measure_of(result.measure).is_ratio


def is_events(result: ResultScale) -> bool:
    """Whether the model's outcome is an event that people have or have not."""
    return measure_of(result.measure).data.name == "counts"


def is_frequency(result: ResultScale) -> bool:
    """Whether the model's effects say how often something happens."""
    return measure_of(result.measure).data.frequency


def short_measure(result: ResultScale) -> str:
    """The measure as in a table: SMD, MD, RR."""
    return measure_of(result.measure).short


def null(result: ResultScale) -> float:
    """The value of no difference on the display scale; NaN where nothing is compared."""
    return number(measure_of(result.measure).null)


def value(result: ResultScale, estimate: object) -> str:
    """An estimate on the display scale."""
    return ratio(estimate) if is_ratio(result) else fixed(estimate, 2)


def limit(result: ResultScale, bound: object) -> str:
    """A limit of an interval: more decimals where two would show it as no difference."""
    return words.limit(bound, null(result), value(result, bound))


def interval(result: ResultScale, low: object, high: object) -> str:
    """Two limits: `−1.72 to 0.50`; an en dash where they are missing."""
    if isnan(number(low)) or isnan(number(high)):
        return DASH
    return f"{limit(result, low)} to {limit(result, high)}"


def effect(result: ResultScale, shown: ShownEstimate) -> str:
    """An estimate with its interval: `−0.61 (−1.72 to 0.50)`; an en dash without one."""
    if isnan(shown.estimate):
        return DASH
    return f"{value(result, shown.estimate)} ({interval(result, shown.ci_low, shown.ci_high)})"


def effect_of(result: ResultScale, row: Mapping[str, Any], suffix: str = "") -> str:
    """The same of a table's row, from its columns estimate, ci_low and ci_high with the suffix."""
    return effect(result, ShownEstimate.of(row, suffix))


def drug(result: ResultHeading) -> str:
    """What is tested, as within a sentence."""
    return inner(text(result.experimental_label))


def control(result: ResultHeading) -> str:
    """What it is compared with, as within a sentence."""
    return inner(text(result.control_label))


def direction(result: ResultHeading, *, above: bool) -> str:
    """Where an effect lies: `lower with the drug`, `more frequent with the drug`."""
    record = measure_of(result.measure)
    word = record.directions[above]
    return word if record.data.groups == 1 else f"{word} with {drug(result)}"


def does(result: UnjudgedResult) -> str:
    """What the interval shown does with no difference: `excludes` or `includes`."""
    return "excludes" if concluded(result).excludes_null else "includes"


def does_otherwise(result: UnjudgedResult) -> str:
    """What an interval does that concludes otherwise than the one shown."""
    return "includes" if concluded(result).excludes_null else "excludes"


def other_choices(result: UnjudgedResult) -> str:
    """How many other choices there are: `5 other choices`."""
    tried = result.trust.other_choices.tried
    return f"{tried} other choice{'' if tried == 1 else 's'}"


def turned(result: UnjudgedResult) -> str:
    """Under how many other choices the interval changes sides; blank when under none."""
    labels = result.trust.other_choices.turned
    if not labels:
        return ""
    does = does_otherwise(result)
    return f"under {len(labels)} of {other_choices(result)} the interval {does} no difference"
