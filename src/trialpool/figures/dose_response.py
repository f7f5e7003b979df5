"""Effect against dose: the trials as dots, and the curve that a model draws through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from trialpool.figures import chart, style
from trialpool.figures.chart import Withheld
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.marks import signs, stroke
from trialpool.question_answer import DoseAnswer, FittedDose
from trialpool.results import Array

RIGHT = 30.0  # for what the sides mean, in points
SMALLEST, LARGEST = 3.0, 11.0  # diameter of a dot, in points
APART, SPREAD = 7.0, 32.0  # points between dots of one dose, and from the first to the last
PAD = 0.07  # of the axis of doses, free at both ends


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseTable:
    """What is drawn, effects on the analysis scale.

    `dose`, `estimate`, `low`, `high`, `weight` (n,) are contrasts, `curve` (m, 4) is dose,
    estimate and 95 % band.
    """

    title: str
    subtitle: str
    axis: EffectAxis
    unit: str
    dose: Array
    estimate: Array
    low: Array
    high: Array
    weight: Array
    curve: Array


def rows(points: pd.DataFrame, curve: pd.DataFrame, answer: DoseAnswer) -> DoseTable | Withheld:
    """What stands in the figure, or why there is none.

    Parameters
    ----------
    points, curve : the question's dose_points.csv and dose_curve.csv
    """
    facts = answer.facts
    title = f"Effect by dose: {answer.title}"
    if not isinstance(facts, FittedDose):
        return Withheld(reason=facts.reason)
    axis = EffectAxis.of(answer.question)
    used = points[points["in_model"] == "yes"]
    columns = {name: axis.scaled(used[name]) for name in ("estimate", "ci_low", "ci_high")}
    line = [axis.scaled(curve[name]) for name in ("estimate", "ci_low", "ci_high")]
    slope, bend = facts.p_slope, facts.p_nonlinear
    tests = [f"slope {style.p_value(slope)}"] if slope is not None else []
    tests += [f"bend {style.p_value(bend)}"] if bend is not None else []
    return DoseTable(
        title=title,
        subtitle=f"{facts.k} trials: {facts.words}; {', '.join(tests)}. Shaded: 95 % interval of "
        "the curve, which is no difference at dose 0. Area of a dot: its precision; trials of one "
        "dose stand side by side.",
        axis=axis,
        unit=f"Dose ({facts.unit})",
        dose=used["dose"].to_numpy(float),
        estimate=columns["estimate"],
        low=columns["ci_low"],
        high=columns["ci_high"],
        weight=used["weight"].to_numpy(float),
        curve=np.column_stack([curve["dose"].to_numpy(float), *line]),
    )


def draw(table: DoseTable) -> Figure:
    """Draw the prepared table."""
    with style.context():
        fig, (ax,) = chart.sheet(table.title, table.subtitle, margins=(chart.LEFT, RIGHT))
        top = max(float(table.curve[-1, 0]), float(table.dose.max()))
        chart.from_zero(ax, top, pad=PAD)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        ax.set_xlabel(table.unit)
        intervals = list(zip(table.estimate, table.low, table.high, strict=True))
        band = [float(v) for v in (table.curve[:, 2].min(), table.curve[:, 3].max())]
        chart.effect_axis(ax, table.axis, band, intervals=intervals, along="y")
        chart.null_line(ax, table.axis, along="y")
        chart.write_sides_upright(ax, table.axis)
        x, estimate, low, high = table.curve.T
        ax.fill_between(x, low, high, color=style.BAND, lw=0, zorder=0.5, label="band")
        ax.plot(x, estimate, color=style.SUMMARY, lw=1.6, zorder=2, label="curve")
        _dots(ax, table, top)
    return fig


def _dots(ax: Axes, table: DoseTable, top: float) -> None:
    """Trials at their doses; those of one dose side by side, each with its interval."""
    wide = chart.WIDTH * ax.get_position().width
    share = np.sqrt(table.weight / table.weight.max())
    for dose in sorted(set(table.dose.tolist())):
        same = np.flatnonzero(table.dose == dose)
        # Where many stand at one dose they move together, as far as half of the way to the next.
        apart = min(APART, SPREAD / len(same)) * (1 + 2 * PAD) * top / wide
        others = np.abs(np.array([d for d in {*table.dose.tolist(), 0.0} if d != dose]) - dose)
        apart = min(apart, float(others.min()) / (len(same) + 1))
        for i, j in enumerate(same):
            x = dose + (i - (len(same) - 1) / 2) * apart
            stroke(ax, [x, x], [table.low[j], table.high[j]], "interval", style.RULE, zorder=3)
            size = max(SMALLEST, LARGEST * float(share[j]))
            at = [x], [table.estimate[j]]
            signs(ax, *at, "trial", style.EFFECT, size, edge=style.SUMMARY, zorder=4)
