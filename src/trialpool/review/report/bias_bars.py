"""Risk of bias of a result as a bar: the share of its weight that has each judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.figures.style import JUDGEMENTS
from trialpool.review.report.caveats import AnalysisTables
from trialpool.risk_of_bias import NOT_ASSESSED

_BY = "risk of bias"
_ORDER = (*JUDGEMENTS, NOT_ASSESSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasShare:
    """A judgement with the share of the weight (%) and the number of trials that have it."""

    code: str
    sign: str
    words: str
    share: float
    k: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasBar:
    """A result with the shares of its judgements, the best first."""

    title: str
    href: str
    shares: tuple[BiasShare, ...]


def bias_shares(weights: pd.DataFrame) -> tuple[BiasShare, ...]:
    """The shares of the judgements of an analysis, from the best to the worst, then the unjudged.

    A single judgement has all the weight. There are no shares where several trials have no
    weights, since to count them instead would say something else.

    Parameters
    ----------
    weights : weights.csv of the analysis
    """
    rows = tables.records(weights[weights["by"] == _BY])
    known = [row["level"] for row in rows if row["level"] in _ORDER]
    shares = {row["level"]: 100.0 if len(rows) == 1 else w.number(row["weight"]) for row in rows}
    if len(known) < len(rows) or any(pd.isna(share) for share in shares.values()):
        return ()
    counts = {row["level"]: int(row["k"]) for row in rows}
    return tuple(
        BiasShare(
            code="none" if level == NOT_ASSESSED else level,
            sign="" if level == NOT_ASSESSED else JUDGEMENTS[level][2],
            words=NOT_ASSESSED if level == NOT_ASSESSED else JUDGEMENTS[level][3],
            share=shares[level],
            k=counts[level],
        )
        for level in _ORDER
        if level in shares
    )


def bias_bars(analyses: Sequence[AnalysisTables]) -> tuple[BiasBar, ...]:
    """The bars of analyses as the page of trials links to them; those without shares left out."""
    bars = (
        BiasBar(
            title=each.result.title,
            href=f"../{each.result.condition}/{each.result.analysis}/index.html",
            shares=bias_shares(each.trust["weights"]),
        )
        for each in analyses
    )
    return tuple(bar for bar in bars if bar.shares)
