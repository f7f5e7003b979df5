"""The share of people who have the event without the treatment: declared, or that of controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialpool.results import NAN
from trialpool.words import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A baseline risk, NaN where none can be used, the range in the controls, and its source."""

    risk: float
    low: float = NAN
    high: float = NAN
    source: str


def baseline(
    analysis: str, studies: Mapping[str, pd.DataFrame], declared: Mapping[str, Any] | None
) -> Baseline:
    """The baseline risk of an analysis.

    Parameters
    ----------
    studies : the studies.csv of each analysis of its condition
    declared : `risk` with `source`, or `analysis`, as the protocol has them; None where it has none

    Returns
    -------
    The declared one; else the median risk of the controls of the trials, of the analysis that is
    declared or of its own. A median of 0 or 1 is no risk to start from: a ratio of it says nothing
    """
    other = None if declared is None else declared["analysis"]
    table = studies[other or analysis]
    counted = table[table["totaln_control"] > 0]
    risks = counted["event_control"] / counted["totaln_control"]
    low, high = (float(risks.min()), float(risks.max())) if len(risks) else (NAN, NAN)
    if declared is not None and not other:
        source = f"declared: {declared['source']}"
        return Baseline(risk=float(declared["risk"]), low=low, high=high, source=source)
    if not len(risks):
        return Baseline(risk=NAN, source="no baseline risk is declared or known from controls")
    middle = float(risks.median())
    if not 0 < middle < 1:
        source = f"the median risk of the controls is {middle:g}, and no other one is declared"
        return Baseline(risk=NAN, low=low, high=high, source=source)
    median = "the risk of the controls" if len(risks) == 1 else "median risk of the controls"
    source = f"{median} of {count(len(risks), 'trial')}" + (f" of {other}" if other else "")
    return Baseline(risk=middle, low=low, high=high, source=source)
