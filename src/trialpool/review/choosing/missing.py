"""What is known of a trial without usable numbers; shared by the what-if and the pages."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

from trialpool.results import NAN


def size(row: Mapping[str, Any]) -> float:
    """The number of people in a missing trial, NaN when it is not known.

    Parameters
    ----------
    row : a row of missing_results.csv or missing.csv; n_total counts people, also in a crossover
    """
    cells = (row["n_experimental"], row["n_control"], row["n_total"])
    n1, n2, n = (NAN if cell is None else float(cell) for cell in cells)
    return n1 + n2 if isnan(n) else n
