"""Why a trial or an effect is left out of an analysis, and by which rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

Codes = Mapping[str, Sequence[str]]  # by column of trials.csv

# The rules that ask something of an effect, most of them by their key in the protocol.
FILTER, BIAS, INSTRUMENTS, COMPARATORS, WINDOW, TYPES = (
    "filter", "risk_of_bias", "instruments", "comparators", "time_days", "outcome_types"
)  # fmt: skip
# What keeps out an effect that was asked for.
NO_NUMBER, NO_COUNTS = "no_number", "no_counts"
# An effect that breaks one of these belongs to another question.
_OF_THE_QUESTION = frozenset((FILTER, BIAS, INSTRUMENTS, COMPARATORS, WINDOW, TYPES))


class Reason(NamedTuple):
    """Why an effect is left out: the rule by its name, and its words."""

    rule: str
    words: str


def not_asked(rule: object) -> bool:
    """Whether a rule leaves effects to another question, rather than finds them not usable."""
    return rule in _OF_THE_QUESTION


def why_not(trial: Mapping[str, Any], include: Codes, exclude: Codes) -> str:
    """Why a filter leaves a trial out; blank when it does not."""
    for column, values in include.items():
        if pd.isna(trial[column]):
            return f"{column} is not stated"
        if trial[column] not in values:
            return f"{column} is {trial[column]}, not {' or '.join(values)}"
    for column, values in exclude.items():
        if trial[column] in values:
            return f"{column} is {trial[column]}"
    return ""
