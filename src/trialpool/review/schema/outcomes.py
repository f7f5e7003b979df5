"""What can be reported of an outcome, and which columns of formulas are filled in from it."""

from __future__ import annotations

import re

from trialpool.effects import MEASURES
from trialpool.effects.registry import Measure

# What a row of results can be, by the kind of its outcome; times to events have contrasts only.
OUTCOME_TYPES: dict[str, tuple[str, ...]] = {
    "continuous": ("msd", "change", "baseline"),
    "binary": ("event",),
    "rate": ("rate",),
    "association": ("association",),
    "time_to_event": (),
}
# The column of a formula, the side it is of, and what the summary of a side calls it.
SIDES = {
    "m1i": (0, "mean"), "sd1i": (0, "sd"), "n1i": (0, "n"),
    "m2i": (1, "mean"), "sd2i": (1, "sd"), "n2i": (1, "n"),
    "ai": (0, "event"), "ci": (1, "event"),
    "x1i": (0, "event"), "t1i": (0, "time"), "x2i": (1, "event"), "t2i": (1, "time"),
    "mi": (0, "mean"), "sdi": (0, "sd"), "ni": (0, "n"), "ri": (0, "r"),
    "xi": (0, "event"), "ti": (0, "time"),
}  # fmt: skip
_QUANTITIES = {"mean": "mean", "sd": "SD", "n": "number of people", "event": "number of events",
               "time": "time at risk", "r": "correlation"}  # fmt: skip
_COMPARED = {" <= 0": " is not above 0", " <= ": " is at most ", " < ": " is below ",
             " > ": " is above "}  # fmt: skip
# What a reported estimate gives, as a contrast.
_REPORTED_AS = {"yi", "sei"}


def unfilled(measure: Measure) -> list[str]:
    """The columns a measure needs that a review can fill in from no raw table."""
    needs = set(measure.needs)
    return [] if needs <= _REPORTED_AS else sorted(needs - SIDES.keys())


def in_words(reason: str, measure: Measure) -> str:
    """Why there is no effect, for readers who do not know the columns of formulas.

    "t1i <= 0" is "time at risk (experimental) is not above 0"; the side is said where a measure
    takes the same of both.
    """

    def words(column: re.Match[str]) -> str:
        side, name = SIDES[column[0]]
        sides = {SIDES[need][0] for need in measure.needs if SIDES.get(need, "")[1:] == (name,)}
        where = f" ({('experimental', 'control')[side]})" if len(sides) > 1 else ""
        return f"{_QUANTITIES[name]}{where}"

    said = re.sub(rf"\b({'|'.join(SIDES)})\b", words, reason)
    if said != reason:
        for sign, verb in _COMPARED.items():
            said = said.replace(sign, verb)
    return said


# The measures of reported estimates.
REPORTED = tuple(dict.fromkeys(code for measure in MEASURES.values() for code in measure.reported))
