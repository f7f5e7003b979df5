"""The result as it grew by year: `rows` says what stands in it, `draw` draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

import pandas as pd

from trialpool.figures.chart import Withheld
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.forest_rows import decimals, effect, triple
from trialpool.figures.interval_rows import IntervalTable, Row, draw
from trialpool.phrases import short_measure
from trialpool.tables import records
from trialpool.words import intervals, is_bayesian, number, written

if TYPE_CHECKING:
    from trialpool.analysis_result import UnjudgedResult

__all__ = ["draw", "rows"]


def rows(cumulative: pd.DataFrame, result: UnjudgedResult) -> IntervalTable | Withheld:
    """What stands in the chart, or why there is none.

    Parameters
    ----------
    cumulative : cumulative.csv of the analysis
    result : of the analysis
    """
    title = f"Cumulative by year: {result.title}"
    withheld = result.policy.withheld
    for name in ("pooling", "cumulative"):
        if name in withheld:
            return Withheld(reason=withheld[name])
    axis = EffectAxis.of(result)
    steps = records(cumulative)
    shown = [triple(step) for step in steps]
    places = decimals({"study": shown})
    last = len(steps) - 1
    limits = intervals(is_bayesian(str(step["model"])) for step in steps)
    return IntervalTable(
        title=title,
        subtitle=_subtitle(steps),
        axis=axis,
        rows=tuple(
            Row(
                label=_label(step, first=i == 0),
                estimate=interval[0],
                low=interval[1],
                high=interval[2],
                cells=(f"{number(step['k']):.0f}", effect(interval, places, axis)),
                whole=i == last,
            )
            for i, (step, interval) in enumerate(zip(steps, shown, strict=True))
        ),
        label_head="Trial added",
        heads=("k", f"{short_measure(result)} ({limits})"),
    )


def _label(step: Mapping[str, Any], *, first: bool) -> str:
    """The trial, with its year where its name does not hold it."""
    year = number(step["year"])
    when = "year not known" if isnan(year) else f"{year:.0f}"
    name = str(step["study"])
    return f"{'' if first else '+ '}{name if when in name else f'{name} ({when})'}"


def _subtitle(steps: Sequence[Mapping[str, Any]]) -> str:
    """Which model each step has: it changes with k."""
    spans: dict[str, list[int]] = {}
    for step in steps:
        spans.setdefault(str(step["model"]), []).append(int(number(step["k"])))
    parts = []
    for words, ks in spans.items():
        span = f"k = {ks[0]}" if len(ks) == 1 else f"k = {ks[0]} to {ks[-1]}"
        parts.append(f"{span}: {written(words)}")
    return f"Each row adds a trial. {'; '.join(parts)}."
