"""Effects against each covariate of the trials: bubbles, the fitted line and its band."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from trialpool.figures import chart, labels, style
from trialpool.figures.chart import Withheld
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.forest_axis import MOST_TICKS
from trialpool.figures.forest_rows import decimals, effect, triple
from trialpool.figures.lettering import look
from trialpool.results import Array
from trialpool.tables import records
from trialpool.terms import LINE, SLOPE, TRIAL, WITHHELD
from trialpool.words import capital, per

if TYPE_CHECKING:
    from trialpool.analysis_result import UnjudgedResult
    from trialpool.trust_facts import CovariateFacts, CovariateSlope

PANEL, HEAD = 216.0, 22.0  # height of a panel with its axis, and of the words above it, in points
NAMED = 12  # trials at most, for all to have their names
AREA, LEAST = 90.0, 8.0  # squared diameter of the largest and the smallest bubble, in points
# A circle of four cubic curves: half the bytes of matplotlib's own, no difference to the eye.
_BEND = 4 / 3 * (2**0.5 - 1)
_CIRCLE = Path(
    [(1, 0), (1, _BEND), (_BEND, 1), (0, 1), (-_BEND, 1), (-1, _BEND), (-1, 0), (-1, -_BEND),
     (-_BEND, -1), (0, -1), (_BEND, -1), (1, -_BEND), (1, 0)],
    [Path.MOVETO, *[Path.CURVE4] * 12],
)  # fmt: skip
PAD = 0.06  # of the x axis beyond the outermost trials


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One covariate: trials at (`x`, `y`) of some `area`, and the line (m, 4): x, mean, limits.

    Effects are on the analysis scale; `area` is a share of that of the largest bubble.
    """

    label: str
    words: str
    names: tuple[str, ...]
    x: Array
    y: Array
    area: Array
    line: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class BubbleTable:
    """One panel per covariate, from the top down."""

    title: str
    subtitle: str
    axis: EffectAxis
    panels: tuple[Panel, ...]


def rows(regressions: pd.DataFrame, result: UnjudgedResult) -> BubbleTable | Withheld:
    """What stands in the chart, or why there is none.

    Parameters
    ----------
    regressions : regressions.csv of the analysis
    result : of the analysis

    References
    ----------
    Thompson & Higgins 2002, Stat Med 21:1559
    """
    title = f"Effects against covariates: {result.title}"
    fitted = [
        (fact, fact.slope)
        for fact in result.trust.moderators
        if fact.kind == "covariate" and fact.slope
    ]
    withheld = result.policy.withheld.get("meta-regression")
    if withheld or not fitted:
        return Withheld(reason=withheld or _why_none(regressions))
    axis = EffectAxis.of(result)
    how = records(regressions[regressions["kind"] == SLOPE])[0]["method"]
    return BubbleTable(
        title=title,
        subtitle=f"Bubbles: trials, their area by weight. Line and band: {how}, on this covariate "
        "alone; 95 % confidence limits of the mean.",
        axis=axis,
        panels=tuple(
            _panel(regressions[regressions["moderator"] == fact.name], fact, slope, axis)
            for fact, slope in fitted
        ),
    )


def _why_none(regressions: pd.DataFrame) -> str:
    reasons = records(regressions[regressions["kind"] == WITHHELD])
    if not reasons:
        return "no covariate is declared"
    return "; ".join(f"{line['title']}: {line['note']}" for line in reasons)


def _panel(
    results: pd.DataFrame, fact: CovariateFacts, slope: CovariateSlope, axis: EffectAxis
) -> Panel:
    trials, line = (results[results["kind"] == kind] for kind in (TRIAL, LINE))
    # Small bubbles lie upon large ones.
    trials = trials.sort_values("weight", ascending=False, kind="stable")
    weight = trials["weight"].to_numpy(float)
    drawn = [line["x"].to_numpy(float)]
    drawn += [axis.scaled(line[name]) for name in ("estimate", "ci_low", "ci_high")]
    interval = triple(records(results[results["kind"] == SLOPE])[0])
    shown = effect(interval, decimals({"study": [interval]}), axis)
    step = per(fact.per, fact.unit) + ("" if axis.scale.even else " above the mean")
    words = f"{'Ratio' if axis.log else 'Slope'} per {step}: {shown}, "
    words += style.p_value(slope.p_value)
    if not isnan(slope.p_permutation):
        words += f"; by permutation {style.p_value(slope.p_permutation)}"
    return Panel(
        label=_label(fact),
        words=words,
        names=tuple(map(str, trials["study"])),
        x=trials["x"].to_numpy(float),
        y=axis.scaled(trials["estimate"]),
        area=weight / weight.max(),
        line=np.column_stack(drawn),
    )


def _label(fact: CovariateFacts) -> str:
    """A covariate as the name of an axis, with its unit where the name does not say it."""
    title, unit = capital(fact.title), fact.unit
    said = not unit or unit.rstrip("s").lower() in title.lower()
    return title if said else f"{title} ({unit})"


def draw(table: BubbleTable) -> Figure:
    """Draw what `rows` returned; all trials have a name where they are at most 12.

    Returns
    -------
    the figure; write it with `style.save`. Artists carry a label: `trials`, `line`, `band`, `null`
    """
    n = len(table.panels)
    with style.context():
        fig, axes = chart.sheet(table.title, table.subtitle, panels=n, height=PANEL * n)
        tall = fig.get_figheight() * 72
        wide = (chart.WIDTH - chart.LEFT - chart.RIGHT) / chart.WIDTH
        for i, (ax, panel) in enumerate(zip(axes, table.panels, strict=True)):
            low = PANEL * (n - 1 - i) + chart.BOTTOM
            high = PANEL - chart.BOTTOM - HEAD
            ax.set_position((chart.LEFT / chart.WIDTH, low / tall, wide, high / tall))
            _draw(ax, panel, table.axis)
    return fig


def _draw(ax: Axes, panel: Panel, axis: EffectAxis) -> None:
    line = panel.line
    chart.effect_axis(ax, axis, [*panel.y, *line[:, 1]], along="y")
    _across(ax, panel.x)
    ax.set_xlabel(panel.label)
    above = 1.0 + HEAD / 3 / (PANEL - chart.BOTTOM - HEAD)
    ax.text(0.0, above, panel.words, transform=ax.transAxes, va="bottom", **look())
    chart.null_line(ax, axis, along="y")
    x, mean, low, high = line.T
    ax.fill_between(x, low, high, color=style.BAND, lw=0, zorder=0, label="band")
    ax.plot(x, mean, color=style.SUMMARY, lw=style.MEDIUM, zorder=2, label="line")
    ax.scatter(
        panel.x,
        panel.y,
        s=np.maximum(LEAST, AREA * panel.area),
        marker=_CIRCLE,
        facecolor=style.EFFECT,
        edgecolor=style.PAPER,
        linewidth=style.THIN,
        zorder=4,
        clip_on=False,
        label="trials",
    )
    if len(panel.x) <= NAMED:
        null = np.column_stack([ax.get_xlim(), (0.0, 0.0)])
        labels.write(ax, panel.x, panel.y, panel.names, lines=[line[:, :2], null])


def _across(ax: Axes, x: Array) -> None:
    low, high = float(x.min()), float(x.max())
    pad = PAD * (high - low)
    ax.set_xlim(low - pad, high + pad)
    steps = MaxNLocator(MOST_TICKS, steps=[1, 2, 5, 10]).tick_values(low, high)
    ticks = [float(f"{t:.6g}") for t in steps if low - pad <= t <= high + pad]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: style.minus(f"{value:g}")))
