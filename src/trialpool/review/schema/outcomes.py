"""What can be reported of an outcome: rows of results by its kind, measures of contrasts."""

from __future__ import annotations

from trialpool.effects import MEASURES

# What a row of results can be, by the kind of its outcome; times to events have contrasts only.
OUTCOME_TYPES: dict[str, tuple[str, ...]] = {
    "continuous": ("msd", "change", "baseline"),
    "binary": ("event",),
    "rate": ("rate",),
    "association": ("association",),
    "time_to_event": (),
}
# The measures of reported estimates.
REPORTED = tuple(dict.fromkeys(code for measure in MEASURES.values() for code in measure.reported))
