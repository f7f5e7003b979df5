"""The result without each trial in turn: `rows` says what stands in it, `draw` draws it."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

import pandas as pd

from trialpool.figures import style
from trialpool.figures.chart import Withheld
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.forest_rows import Triple, decimals, effect, triple
from trialpool.figures.interval_rows import IntervalTable, Row, draw
from trialpool.phrases import short_measure
from trialpool.results import NAN
from trialpool.tables import records
from trialpool.words import number

if TYPE_CHECKING:
    from trialpool.analysis_result import UnjudgedResult

__all__ = ["draw", "rows"]


def rows(influence: pd.DataFrame, result: UnjudgedResult) -> IntervalTable | Withheld:
    """What stands in the chart, or why there is none.

    Parameters
    ----------
    influence : influence.csv of the analysis
    result : of the analysis
    """
    title = f"Leave-one-out: {result.title}"
    withheld = result.policy.withheld.get("leave-one-out")
    if withheld:
        return Withheld(reason=withheld)
    axis = EffectAxis.of(result)
    whole = result.display.triple
    lines = records(influence)
    places = decimals({"study": [whole, *(triple(line) for line in lines)]})
    heterogeneity = any(not isnan(number(line["i2"])) for line in lines)

    def row(label: str, interval: Triple, i2: object, **kind: bool) -> Row:
        cells = [effect(interval, places, axis)]
        if heterogeneity:
            cells.append("–" if isnan(number(i2)) else f"{style.fixed(number(i2), 0)} %")
        estimate, low, high = interval
        return Row(label=label, estimate=estimate, low=low, high=high, cells=tuple(cells), **kind)

    i2 = result.pooled.i2 if result.pooled else NAN
    marked = [line["influential"] == "yes" for line in lines]
    return IntervalTable(
        title=title,
        subtitle=_subtitle(result, any_marked=any(marked)),
        axis=axis,
        rows=(
            row("All trials", whole, i2, whole=True),
            *(
                row(str(line["study"]), triple(line), line["i2"], marked=mark)
                for line, mark in zip(lines, marked, strict=True)
            ),
        ),
        label_head="Left out",
        heads=(f"{short_measure(result)} ({result.interval})", *(["I²"] if heterogeneity else [])),
        band=whole,
    )


def _subtitle(result: UnjudgedResult, *, any_marked: bool) -> str:
    words = result.model
    text = f"{words[:1].upper()}{words[1:]}. Band: the result with all {result.k} trials."
    if any_marked:
        return f"{text} Orange diamonds: trials influential by the marks of Viechtbauer & Cheung."
    return f"{text} No trial is influential by the marks of Viechtbauer & Cheung."
