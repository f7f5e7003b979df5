"""The result as it grew by year: `rows` says what stands in it, `draw` draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

import pandas as pd

from trialpool.figures.chart import EffectAxis, Withheld
from trialpool.figures.forest_rows import decimals, effect, triple
from trialpool.figures.interval_rows import IntervalTable, Row, draw
from trialpool.tables import records
from trialpool.words import number

__all__ = ["draw", "rows"]


def rows(cumulative: pd.DataFrame, model: Mapping[str, Any]) -> IntervalTable | Withheld:
    """What stands in the chart, or why there is none.

    Parameters
    ----------
    cumulative : cumulative.csv of the analysis
    model : its model.json
    """
    title = f"Cumulative by year: {model['title']}"
    withheld = model["policy"]["withheld"]
    for name in ("pooling", "cumulative"):
        if name in withheld:
            return Withheld(title=title, reason=withheld[name])
    axis = EffectAxis.of(model)
    steps = records(cumulative)
    results = [triple(step, "ci") for step in steps]
    places = decimals({"study": results})
    last = len(steps) - 1
    return IntervalTable(
        title=title,
        subtitle=_subtitle(steps),
        axis=axis,
        rows=tuple(
            Row(
                label=_label(step, first=i == 0),
                estimate=result[0],
                low=result[1],
                high=result[2],
                cells=(f"{number(step['k']):.0f}", effect(result, places, log=axis.log)),
                whole=i == last,
            )
            for i, (step, result) in enumerate(zip(steps, results, strict=True))
        ),
        label_head="Trial added",
        heads=("k", f"{model['measure']} (95 % CI)"),
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
        parts.append(f"{span}: {words}")
    return f"Each row adds a trial. {'; '.join(parts)}."
