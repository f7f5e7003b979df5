"""The result against the assumed correlation of one trial's effects: `rows`, then `draw`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from trialpool.figures import chart, style
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.marks import signs

if TYPE_CHECKING:
    from trialpool.analysis_result import ResultScale

TITLE = "The correlation assumed within trials"
_RIGHT = 76.0  # points for the names of the lines
_SAME = 1e-6  # smallest relative difference that a table shows
_COLUMNS = ("estimate", "ci_low", "ci_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class RhoTable:
    """What is drawn, on the analysis scale; NaN where there is no fit.

    `assumed` is (rho, estimate) of the analysis itself, None where the sweep does not hold it.
    """

    title: str
    subtitle: str
    axis: EffectAxis
    rho: tuple[float, ...]
    estimate: tuple[float, ...]
    ci_low: tuple[float, ...]
    ci_high: tuple[float, ...]
    assumed: tuple[float, float] | None


def rows(
    sweep: pd.DataFrame, scale: ResultScale, assumed: float | None = None
) -> RhoTable | chart.Withheld:
    """What stands in the chart, or why there is none.

    Parameters
    ----------
    sweep : columns rho, estimate, ci_low, ci_high, one row per correlation, display scale
    scale : of the analysis
    assumed : the correlation that the analysis takes, to be marked
    """
    title = f"{TITLE}: {scale.title}"
    table = sweep.sort_values("rho", kind="stable")
    fitted = table[list(_COLUMNS)].notna().all(axis=1)
    if fitted.sum() < 2:
        reason = "fewer than two of the assumed correlations have a fit"
        return chart.Withheld(reason=reason)
    known = table.loc[fitted, list(_COLUMNS)]
    spread = (known.max() - known.min()) / known.abs().max()
    if spread.max() < _SAME:
        reason = "no trial has several effects here, so the correlation changes nothing"
        return chart.Withheld(reason=reason)
    axis = EffectAxis.of(scale)
    columns = {name: tuple(axis.scaled(table[name].where(fitted)).tolist()) for name in _COLUMNS}
    rho = tuple(float(x) for x in table["rho"])
    marks = [
        (r, y)
        for r, y in zip(rho, columns["estimate"], strict=True)
        if assumed is not None and math.isclose(r, assumed, abs_tol=1e-9) and not math.isnan(y)
    ]
    return RhoTable(
        title=title,
        subtitle=_subtitle(axis, [f"{x:g}" for x in table.loc[~fitted, "rho"]], marks),
        axis=axis,
        rho=rho,
        assumed=marks[0] if marks else None,
        **columns,
    )


def draw(table: RhoTable) -> Figure:
    """Draw what `rows` returned; write it with `style.save`."""
    with style.context():
        fig, (ax,) = chart.sheet(table.title, table.subtitle, margins=(chart.LEFT, _RIGHT))
        bounds = [y for y in (*table.ci_low, *table.ci_high) if not math.isnan(y)]
        chart.effect_axis(ax, table.axis, [0.0, *bounds], along="y")
        ax.set_ylabel(f"Pooled {table.axis.label[0].lower()}{table.axis.label[1:]}")
        ax.set_xlim(table.rho[0], table.rho[-1])
        ticks = [i / 10 for i in range(11) if table.rho[0] <= i / 10 <= table.rho[-1]]
        ax.xaxis.set_major_locator(FixedLocator(ticks))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.1f}"))
        ax.set_xlabel("Assumed correlation of the effects of one trial (ρ)")
        chart.null_line(ax, table.axis, along="y")
        chart.course(ax, table.rho, table.estimate, table.ci_low, table.ci_high)
        if table.assumed is not None:
            rho, estimate = table.assumed
            dot = ax, [rho], [estimate], "assumed", style.SUMMARY, 6.5
            signs(*dot, edge=style.PAPER, mew=0.8, zorder=5, clip_on=False)
        last = max(i for i, y in enumerate(table.estimate) if not math.isnan(y))
        ends = (table.estimate[last], "estimate"), (table.ci_low[last], "95 % CI")
        chart.name_lines(ax, [(0.0, "no difference"), *ends], at=1.015)
    return fig


def _subtitle(axis: EffectAxis, gaps: Sequence[str], marks: Sequence[tuple[float, float]]) -> str:
    out = ["Effects measured in the same people are correlated, by how much is seldom reported."]
    out.append(f"Up {axis.favours_right}, down {axis.favours_left}.")
    out.append("Band: 95 % confidence interval.")
    if marks:
        out.append(f"Point: the analysis, ρ = {marks[0][0]:g}.")
    if gaps:
        out.append(f"No fit at ρ = {', '.join(gaps)}.")
    return " ".join(out)
