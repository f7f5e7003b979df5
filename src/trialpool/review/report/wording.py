"""The words and numbers of the pages: one voice for every sentence and every cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from trialpool.effects import measure_of
from trialpool.figures import style
from trialpool.review.extraction.checks.flag_words import flag_words
from trialpool.words import level, number, text

__all__ = ["level", "number", "text"]

DASH = "–"
_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

STATUS = {
    "published_without_numbers": "published without usable numbers",
    "completed_unpublished": "completed, no results found",
    "status_unknown": "status unknown",
    "ongoing": "ongoing",
}
COMPARATORS = {
    "placebo": "placebo",
    "active_placebo": "active placebo",
    "same_ect": "the same ECT alone",
    "ect": "ECT",
    "usual_care": "usual care",
    "waiting_list": "waiting list",
    "no_treatment": "no treatment",
    "other": "another treatment",
}
CONFIDENCE = {
    "primary": "the trial’s own report or data",
    "abstract": "abstract only",
    "secondary": "another review’s table",
}


def count(k: int, noun: str) -> str:
    """A number of things: `one trial`, `three trials`, `12 trials`."""
    word = _COUNTS[k] if 0 <= k < len(_COUNTS) else str(k)
    return f"{word} {noun}{'' if k == 1 else 's'}"


def capital(words: str) -> str:
    """The first letter in upper case, the rest as it is; a symbol as in `r = 0.3` keeps its own."""
    return words if words[1:3] == " =" else words[:1].upper() + words[1:]


def sentence(words: str) -> str:
    """Words as a sentence: capital first, one full stop last."""
    return capital(words.strip().rstrip(".")) + "."


def listed(names: Iterable[str]) -> str:
    """Names in a sentence: `A`, `A and B`, `A, B and C`."""
    held = list(names)
    if len(held) < 2:
        return "".join(held)
    return f"{', '.join(held[:-1])} and {held[-1]}"


def be(k: int) -> str:
    """`is` or `are`."""
    return "is" if k == 1 else "are"


def plain(code: object) -> str:
    """A code of the tables as words: `no_information` as `no information`."""
    return text(code).replace("_", " ")


def flags(cell: object) -> str:
    """The warnings on a result in words."""
    return flag_words(text(cell))


def whole(value: object) -> str:
    """A count of people or rows; an en dash where it is not known."""
    held = number(value)
    return DASH if math.isnan(held) else f"{held:.0f}"


def short(value: object) -> str:
    """A number as it stands in the data, with a true minus sign."""
    held = number(value)
    return DASH if math.isnan(held) else style.minus(f"{held:.6g}")


def is_ratio(model: Mapping[str, Any]) -> bool:
    """Whether the model's estimates are ratios, with 1 as no difference."""
    return measure_of(model["measure"]).is_ratio


def is_events(model: Mapping[str, Any]) -> bool:
    """Whether the model's outcome is an event that people have or have not."""
    return measure_of(model["measure"]).data.name == "counts"


def null(model: Mapping[str, Any]) -> float:
    """The value of no difference on the display scale; NaN where nothing is compared."""
    return number(measure_of(model["measure"]).null)


def value(model: Mapping[str, Any], held: object) -> str:
    """An estimate on the display scale."""
    return style.ratio(number(held)) if is_ratio(model) else style.fixed(number(held), 2)


def limit(model: Mapping[str, Any], held: object) -> str:
    """A limit of an interval: more decimals where two would show it as no difference."""
    off = abs(number(held) - null(model))
    if 0 < off < 0.005:
        return style.fixed(number(held), 4 if off < 0.0005 else 3)
    return value(model, held)


def interval(model: Mapping[str, Any], low: object, high: object) -> str:
    """Two limits: `−1.72 to 0.50`; an en dash where they are missing."""
    if math.isnan(number(low)) or math.isnan(number(high)):
        return DASH
    return f"{limit(model, low)} to {limit(model, high)}"


def effect(model: Mapping[str, Any], row: Mapping[str, Any], suffix: str = "") -> str:
    """An estimate with its interval: `−0.61 (−1.72 to 0.50)`.

    Parameters
    ----------
    row : holds estimate, ci_low and ci_high, each with the suffix
    """
    estimate = row.get(f"estimate{suffix}")
    if math.isnan(number(estimate)):
        return DASH
    limits = interval(model, row.get(f"ci_low{suffix}"), row.get(f"ci_high{suffix}"))
    return f"{value(model, estimate)} ({limits})"


def excludes(model: Mapping[str, Any], row: Mapping[str, Any]) -> bool | None:
    """Whether an interval leaves out no difference; None where there is no interval."""
    low, high = number(row.get("ci_low")), number(row.get("ci_high"))
    if math.isnan(low + high + null(model)):
        return None
    return not low <= null(model) <= high


def short_measure(model: Mapping[str, Any]) -> str:
    """The measure as in a table: SMD, MD, RR."""
    return measure_of(model["measure"]).short


def drug(model: Mapping[str, Any]) -> str:
    """What is tested, as within a sentence."""
    return inner(text(model["experimental_label"]))


def control(model: Mapping[str, Any]) -> str:
    """What it is compared with, as within a sentence."""
    return inner(text(model["control_label"]))


def inner(label: str) -> str:
    """A label within a sentence; an abbreviation such as MDMA keeps its capitals."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def links(cell: object) -> list[str]:
    """The web addresses in a cell; anything that is not one is left out."""
    parts = text(cell).split(" ; ")
    return [part for part in parts if part.startswith(("https://", "http://"))]


def p_value(held: object) -> str:
    """`p = 0.16` or `p < 0.001`; an en dash where there is none."""
    shown = number(held)
    return DASH if math.isnan(shown) else style.p_value(shown)


def percent(held: object) -> str:
    """A percentage without decimals; an en dash where there is none."""
    shown = number(held)
    return DASH if math.isnan(shown) else f"{shown:.0f} %"
