"""How much the Bayesian result depends on the prior of tau: one interval per prior."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from matplotlib.transforms import blended_transform_factory

from trialpool import tables
from trialpool.figures import chart, style
from trialpool.figures.chart import Withheld
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.lettering import look, widest, wrap
from trialpool.figures.marks import stroke
from trialpool.words import intervals, number, text, written

if TYPE_CHECKING:
    from trialpool.analysis_result import UnjudgedResult

TITLE = "Result by prior of the heterogeneity"
ROW, HEAD = 22.0, 14.0  # height of a row and of the headings, in points
SIDES = 36.0  # below the axis: what each side of no effect means
LABEL_MOST = 150.0
GAP = 10.0
ENDS = 3.0  # half height of the bars at the ends of an interval
HEADINGS = ("P(benefit)", "P(important)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorRow:
    """One line: name and interval on the analysis scale; probabilities as text, "" for none."""

    label: str
    estimate: float
    low: float
    high: float
    bayes: bool
    protocol: bool = False
    p_benefit: str = ""
    p_important: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorTable:
    """The chart before it is drawn: a row per prior, and first the result if of another model."""

    title: str
    subtitle: str
    rows: tuple[PriorRow, ...]
    axis: EffectAxis
    notes: tuple[str, ...]


def rows(priors: pd.DataFrame, result: UnjudgedResult) -> PriorTable | Withheld:
    """What is drawn: the posterior of the mean under each prior, and the result as reported.

    Parameters
    ----------
    priors : `priors.csv`
    result : of the analysis

    Returns
    -------
    the table; Withheld with the reason where there is no posterior
    """
    axis = EffectAxis.of(result)
    lines = tables.records(priors)
    given = [line for line in lines if not math.isnan(number(line["mu"]))]
    if not given:
        why = next((text(line["note"]) for line in lines), "") or "no posterior"
        return Withheld(reason=why.rstrip("."))
    # A posterior that leads is the row of its prior.
    bayesian = result.policy.bayesian
    out = [_pooled(result, axis)] if result.pooled and not bayesian else []
    for line in given:
        shown = [number(line[name]) for name in ("mu_low", "mu", "mu_high")]
        low, mid, high = axis.scaled(shown).tolist()
        out.append(
            PriorRow(
                label=_label(line),
                estimate=mid,
                low=low,
                high=high,
                bayes=True,
                protocol=text(line["protocol"]) == "yes",
                p_benefit=_probability(number(line["p_benefit"])),
                p_important=_probability(number(line["p_important"])),
            )
        )
    return PriorTable(
        title=f"{TITLE}: {result.title}",
        subtitle=_subtitle(result),
        rows=tuple(out),
        axis=axis,
        notes=_notes(lines, out),
    )


def draw(table: PriorTable) -> Figure:
    """Draw the chart; artists carry the labels `pooled`, `prior`, `interval` and `null`."""
    with style.context():
        labels = [wrap(row.label, LABEL_MOST, style.BODY) for row in table.rows]
        # Columns of probabilities nobody knows take no room.
        columns = [
            (heading, [getattr(row, field) for row in table.rows])
            for heading, field in zip(HEADINGS, ("p_benefit", "p_important"), strict=True)
            if any(getattr(row, field) for row in table.rows)
        ]
        wide = [max(widest(cells, style.BODY), widest([h], style.SMALL)) for h, cells in columns]
        left = style.MARGIN + max(widest(lines, style.BODY) for lines in labels) + GAP
        right = style.MARGIN + math.fsum(wide) + GAP * len(wide)
        room = chart.WIDTH - 2 * style.MARGIN
        foot = [line for note in table.notes for line in wrap(note, room, style.SMALL)]
        step = style.SMALL * style.LINE_HEIGHT
        below = len(foot) * step + style.MARGIN
        high = HEAD + ROW * len(table.rows) + chart.BOTTOM
        fig, (ax,) = chart.sheet(
            table.title, table.subtitle, height=high + below, margins=(left, right)
        )
        _lift(fig, ax, below)
        ax.set_ylim(len(table.rows) - 0.5, -0.5 - HEAD / ROW)
        ax.yaxis.set_major_locator(NullLocator())
        ax.spines["left"].set_visible(False)
        values = [v for row in table.rows for v in (row.low, row.estimate, row.high)]
        chart.effect_axis(ax, table.axis, values, sides=False)
        ends = [-0.5, len(table.rows) - 0.5]
        stroke(ax, [0, 0], ends, "null", style.RULE, zorder=1)
        _intervals(ax, table)
        _words(ax, table.axis, labels, columns, wide, left, right)
        tall = fig.get_figheight() * 72
        for i, line in enumerate(foot):
            y = style.MARGIN + (len(foot) - 1 - i) * step
            fig.text(style.MARGIN / chart.WIDTH, y / tall, line, va="bottom", **look(style.MUTED))
    return fig


def _subtitle(result: UnjudgedResult) -> str:
    circles = f"posterior median of the mean effect with {intervals([True])}; filled"
    if result.policy.bayesian:
        return f"k = {result.k}. Circles: {circles}: as reported, by the prior of the protocol."
    reported = f"Diamond and bar: the result of the analysis ({result.interval})."
    return f"k = {result.k}. {reported} Circles: {circles} for the prior of the protocol."


def _pooled(result: UnjudgedResult, axis: EffectAxis) -> PriorRow:
    mid, low, high = axis.scaled(result.display.triple).tolist()
    label = f"As reported: {written(result.model)}"
    return PriorRow(label=label, estimate=mid, low=low, high=high, bayes=False)


def _label(line: Mapping[str, Any]) -> str:
    """`Half-normal(0.5)`, or an empirical prior by its first author and year."""
    name = text(line["prior"]).removeprefix("tau ")
    cited = re.match(r"(\w+).*?(\d{4})", text(line["reference"]))
    if name.startswith("half-") or not cited:
        return name[:1].upper() + name[1:]
    return f"Empirical ({cited[1]} {cited[2]})"


def _notes(lines: list[dict[str, Any]], drawn: list[PriorRow]) -> tuple[str, ...]:
    """What the probabilities mean, and why an empirical prior was chosen or left out."""
    out = []
    if any(row.p_benefit for row in drawn):
        words = "P(benefit): that the mean effect favours the experimental side"
        if any(row.p_important for row in drawn):
            words += "; P(important): by more than the smallest difference that matters"
        out.append(f"{words}.")
    for line in lines:
        if why := text(line["note"]).removeprefix("no empirical prior: "):
            name = text(line["prior"]).replace("tau^2", "τ²").replace("(-", "(−")
            lead = "No empirical prior" if math.isnan(number(line["mu"])) else f"Empirical: {name}"
            out.append(f"{lead}; {why}.")
    return tuple(out)


def _probability(p: float) -> str:
    if math.isnan(p):
        return ""
    return "< 0.01" if p < 0.01 else "> 0.99" if p > 0.99 else f"{p:.2f}"


def _lift(fig: Figure, ax: Axes, below: float) -> None:
    """Room under the axis for the notes, in points."""
    tall = fig.get_figheight() * 72
    box = ax.get_position()
    ax.set_position((box.x0, box.y0 + below / tall, box.width, box.height - below / tall))


def _intervals(ax: Axes, table: PriorTable) -> None:
    for i, row in enumerate(table.rows):
        colour = style.INK if row.bayes else style.SUMMARY
        wide = style.MEDIUM if row.bayes else 2 * style.MEDIUM
        ends = {"marker": "|", "ms": 2 * ENDS, "mew": wide, "zorder": 2}
        stroke(ax, [row.low, row.high], [i, i], "interval", colour, wide, **ends)
        at = [row.estimate], [i]
        if row.bayes:
            face = colour if row.protocol else style.PAPER
            (circle,) = ax.plot(*at, marker="o", ms=6, mfc=face, label="prior", zorder=3)
            circle.set(markeredgecolor=colour, markeredgewidth=style.MEDIUM)
        else:
            ax.plot(*at, color=colour, marker="D", ms=6.5, mew=0, label="pooled", zorder=3)


def _words(
    ax: Axes,
    axis: EffectAxis,
    labels: list[list[str]],
    columns: list[tuple[str, list[str]]],
    wide: list[float],
    left: float,
    right: float,
) -> None:
    """Names at the left, probabilities at the right of each interval, in columns."""
    across = chart.WIDTH - left - right
    _, down = chart.extent(ax)
    under = blended_transform_factory(ax.transData, ax.transAxes)
    low, high = ax.get_xlim()
    gap = 5.0 * (high - low) / across
    small = {"va": "center_baseline", **look(style.MUTED)}
    body = {"va": "center_baseline", **look(style.INK, style.BODY)}
    for x, side, align in (
        (-gap, f"← {axis.favours_left}", "right"),
        (gap, f"{axis.favours_right} →", "left"),
    ):
        ax.text(x, -SIDES / down, side, transform=under, ha=align, **small)
    at = blended_transform_factory(ax.transAxes, ax.transData)
    step = style.BODY * style.LINE_HEIGHT / ROW
    for i, lines in enumerate(labels):
        for j, line in enumerate(lines):
            y = i + (j - (len(lines) - 1) / 2) * step
            ax.text((style.MARGIN - left) / across, y, line, transform=at, **body)
    x = 1.0
    for (heading, cells), width in zip(columns, wide, strict=True):
        x += (GAP + width) / across
        ax.text(x, -0.5 - HEAD / ROW, heading, transform=at, ha="right", **small)
        for i, cell in enumerate(cells):
            ax.text(x, i, cell, transform=at, ha="right", **body)
