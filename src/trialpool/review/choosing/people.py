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

    Several effects of a trial are of the same people, who count once (`of_trial`).
    """
    if several is None:
        return float(studies["n"].sum(skipna=False))
    return float(sum(of_trial(rows) for _, rows in studies.groupby("trial_id")))


def of_trial(effects: pd.DataFrame) -> float:
    """How many people stand behind several effects of a trial; NaN if they do not say.

    Parts of a trial (strata) are of different people, and all of them are among those of an effect
    that is of no part. Of several effects of a part, or of all people, the largest counts.
    """
    largest = effects.groupby(effects["part"].map(text))["n"].max()
    parts = float(largest.drop("", errors="ignore").sum(skipna=False))
    if "" not in largest:
        return parts
    return float(largest[""]) if isnan(parts) else max(float(largest[""]), parts)


def unsized(studies: pd.DataFrame) -> int:
    """Of how many trials the number of people is not known."""
    return int(studies.groupby("trial_id")["n"].max().isna().sum())
