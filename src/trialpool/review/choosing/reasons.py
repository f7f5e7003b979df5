"""Why a trial or an effect is left out of an analysis, and whether by what the analysis asks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

Codes = Mapping[str, Sequence[str]]  # by column of trials.csv


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


BIAS = "risk of bias is "
# Why an effect does not belong to the question, in the words of `choosing.selection`; any other
# reason says that it cannot be used.
_NOT_ASKED = re.compile(
    r"is not one of the analysis$|^comparator is |is outside day |^the time point is not known$"
    rf"|^change scores are not pooled|^{BIAS}"
)


def not_asked(reason: str) -> bool:
    """Whether a rejected effect is of another question, rather than not usable."""
    return bool(_NOT_ASKED.search(reason))
