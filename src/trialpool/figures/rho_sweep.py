"""The result against the assumed correlation of one trial's effects: `rows`, then `draw`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from trialpool.figures import chart, style
from trialpool.figures.lettering import font

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
    axis: chart.EffectAxis
    rho: tuple[float, ...]
    estimate: tuple[float, ...]
    ci_low: tuple[float, ...]
    ci_high: tuple[float, ...]
    assumed: tuple[float, float] | None


def rows(
    sweep: pd.DataFrame, model: Mapping[str, Any], assumed: float | None = None
) -> RhoTable | chart.Withheld:
    """What stands in the chart, or why there is none.

    Parameters
    ----------
    sweep : columns rho, estimate, ci_low, ci_high, one row per correlation, display scale
    model : model.json of the analysis
    assumed : the correlation that the analysis takes, to be marked
    """
    title = f"{TITLE}: {model['title']}"
    table = sweep.sort_values("rho", kind="stable")
    fitted = table[list(_COLUMNS)].notna().all(axis=1)
    if fitted.sum() < 2:
        reason = "fewer than two of the assumed correlations have a fit"
        return chart.Withheld(title=title, reason=reason)
    known = table.loc[fitted, list(_COLUMNS)]
    spread = (known.max() - known.min()) / known.abs().max()
    if spread.max() < _SAME:
        reason = "no trial has several effects here, so the correlation changes nothing"
        return chart.Withheld(title=title, reason=reason)
    axis = chart.EffectAxis.of(model)
    to = math.log if axis.log else float
    columns = {
        name: tuple(to(x) if ok else math.nan for x, ok in zip(table[name], fitted, strict=True))
        for name in _COLUMNS
    }
    rho = tuple(float(x) for x in table["rho"])
    marks = [
        (r, y) for r, y in zip(rho, columns["estimate"], strict=True)
        if assumed is not None and math.isclose(r, assumed, abs_tol=1e-9) and not math.isnan(y)
    ]  # fmt: skip
    return RhoTable(
        title=title,
        subtitle=_subtitle(axis, [f"{x:g}" for x in table.loc[~fitted, "rho"]], marks),
        axis=axis,
        rho=rho,
        assumed=marks[0] if marks else None,
        **columns,
    )


def draw(table: RhoTable | chart.Withheld) -> Figure:
    """Draw what `rows` returned; write it with `style.save`."""
    if isinstance(table, chart.Withheld):
        return chart.withheld(table)
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
        chart.null_line(ax, along="y")
        ax.fill_between(table.rho, table.ci_low, table.ci_high, color=style.EFFECT, alpha=0.35,
                        lw=0, zorder=2, label="interval")  # fmt: skip
        ax.plot(table.rho, table.estimate, color=style.SUMMARY, lw=1.4, zorder=4,
                label="estimate")  # fmt: skip
        if table.assumed is not None:
            ax.plot(*([x] for x in table.assumed), "o", mfc=style.SUMMARY, mec=style.PAPER,
                    mew=0.8, ms=6.5, zorder=5, clip_on=False, label="assumed")  # fmt: skip
        _names(ax, table)
    return fig


def _names(ax: Axes, table: RhoTable) -> None:
    """What each line is, at the right edge of the panel, moved apart where they would touch."""
    tall = 72 * ax.bbox.height / ax.figure.dpi
    low, high = ax.get_ylim()
    last = max(i for i, y in enumerate(table.estimate) if not math.isnan(y))
    marks = [(0.0, "no difference"), (table.estimate[last], "estimate"),
             (table.ci_low[last], "95 % CI")]  # fmt: skip
    places = _apart([tall * (y - low) / (high - low) for y, _ in sorted(marks)])
    for at, (_, name) in zip(places, sorted(marks), strict=True):
        ax.text(1.015, at / tall, name, transform=ax.transAxes, va="center", color=style.MUTED,
                fontproperties=font(style.SMALL))  # fmt: skip


def _apart(heights: Sequence[float]) -> list[float]:
    """Rising heights, in points, with a line of letters between any two."""
    out: list[float] = []
    for at in heights:
        out.append(max(at, out[-1] + style.SMALL * style.LINE_HEIGHT) if out else at)
    return out


def _subtitle(
    axis: chart.EffectAxis, gaps: Sequence[str], marks: Sequence[tuple[float, float]]
) -> str:
    out = ["Effects measured in the same people are correlated, by how much is seldom reported."]
    out.append(f"Up {axis.favours_right}, down {axis.favours_left}.")
    out.append("Band: 95 % confidence interval.")
    if marks:
        out.append(f"Point: the analysis, ρ = {marks[0][0]:g}.")
    if gaps:
        out.append(f"No fit at ρ = {', '.join(gaps)}.")
    return " ".join(out)
