"""A result in words: its estimate, its interval, the side it lies on.

Each function takes the model.json of an analysis, which says the measure and the two sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

from trialpool.conclusions import concluded
from trialpool.effects import measure_of
from trialpool.words import DASH, fixed, inner, number, ratio, text

Model = Mapping[str, Any]


def is_ratio(model: Model) -> bool:
    """Whether the model's estimates are ratios, with 1 as no difference."""
    return measure_of(model["measure"]).is_ratio


def is_events(model: Model) -> bool:
    """Whether the model's outcome is an event that people have or have not."""
    return measure_of(model["measure"]).data.name == "counts"


def short_measure(model: Model) -> str:
    """The measure as in a table: SMD, MD, RR."""
    return measure_of(model["measure"]).short


def null(model: Model) -> float:
    """The value of no difference on the display scale; NaN where nothing is compared."""
    return number(measure_of(model["measure"]).null)


def value(model: Model, estimate: object) -> str:
    """An estimate on the display scale."""
    return ratio(estimate) if is_ratio(model) else fixed(estimate, 2)


def limit(model: Model, bound: object) -> str:
    """A limit of an interval: more decimals where two would show it as no difference."""
    off = abs(number(bound) - null(model))
    if 0 < off < 0.005:
        return fixed(bound, 4 if off < 0.0005 else 3)
    return value(model, bound)


def interval(model: Model, low: object, high: object) -> str:
    """Two limits: `−1.72 to 0.50`; an en dash where they are missing."""
    if isnan(number(low)) or isnan(number(high)):
        return DASH
    return f"{limit(model, low)} to {limit(model, high)}"


def effect(model: Model, row: Mapping[str, Any], suffix: str = "") -> str:
    """An estimate with its interval: `−0.61 (−1.72 to 0.50)`.

    Parameters
    ----------
    row : has estimate, ci_low and ci_high, each with the suffix
    """
    estimate = row.get(f"estimate{suffix}")
    if isnan(number(estimate)):
        return DASH
    limits = interval(model, row.get(f"ci_low{suffix}"), row.get(f"ci_high{suffix}"))
    return f"{value(model, estimate)} ({limits})"


def drug(model: Model) -> str:
    """What is tested, as within a sentence."""
    return inner(text(model["experimental_label"]))


def control(model: Model) -> str:
    """What it is compared with, as within a sentence."""
    return inner(text(model["control_label"]))


def direction(model: Model, *, above: bool) -> str:
    """Where an effect lies: `lower with the drug`, `more frequent with the drug`."""
    data = measure_of(model["measure"]).data
    word = data.above if above else data.below
    return word if data.groups == 1 else f"{word} with {drug(model)}"


def does(model: Model) -> str:
    """What the interval shown does with no difference: `excludes` or `includes`."""
    return "excludes" if concluded(model).excludes_null else "includes"
