"""What can be reported of an outcome, and which columns of formulas are filled in from it."""

from __future__ import annotations

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
# What a reported estimate gives, as a contrast.
_REPORTED_AS = {"yi", "sei"}


def unfilled(measure: Measure) -> list[str]:
    """The columns a measure needs that a review can fill in from no raw table."""
    needs = set(measure.needs)
    return [] if needs <= _REPORTED_AS else sorted(needs - SIDES.keys())


# The measures of reported estimates.
REPORTED = tuple(dict.fromkeys(code for measure in MEASURES.values() for code in measure.reported))
