"""How many people stand behind a result or a missing trial; what is not known stays so."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

import pandas as pd

from trialpool.analysis_result import SeveralEffects
from trialpool.results import NAN
from trialpool.words import text


def size(row: Mapping[str, Any]) -> float:
    """The number of people in a missing trial, NaN when it is not known.

    Parameters
    ----------
    row : a row of missing_results.csv or missing.csv; n_total counts people, also in a crossover
    """
    cells = (row["n_experimental"], row["n_control"], row["n_total"])
    n1, n2, n = (NAN if cell is None else float(cell) for cell in cells)
    return n1 + n2 if isnan(n) else n


def people(studies: pd.DataFrame, several: SeveralEffects | None) -> float:
    """How many people stand behind the rows of studies.csv; NaN if one trial does not say.

    Several effects of a trial are of the same people: the largest of them counts, of each of its
    parts.
    """
    if several is None:
        return float(studies["n"].sum(skipna=False))
    of_each = studies.groupby([studies["trial_id"], studies["part"].map(text)])["n"].max()
    return float(of_each.sum(skipna=False))


def unsized(studies: pd.DataFrame) -> int:
    """Of how many trials the number of people is not known."""
    return int(studies.groupby("trial_id")["n"].max().isna().sum())
