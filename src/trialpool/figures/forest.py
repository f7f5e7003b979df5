"""The forest plot: `rows` says what stands in it, `draw` puts it on paper.

A page-wide set of axes in points carries text, rules and dots; a second set with the real scale
carries what has a value. Both share their vertical coordinate, so a marker cannot slip off its row.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from trialpool.figures import style
from trialpool.figures.forest_axis import ForestAxis
from trialpool.figures.forest_layout import Plan, plan
from trialpool.figures.forest_print import fitted
from trialpool.figures.forest_table import ForestColumn, ForestTable, rows
from trialpool.figures.lettering import font, look
from trialpool.figures.marks import clipped, diamond, signs, stroke

__all__ = ["ForestColumn", "ForestTable", "draw", "fitted", "rows"]

SQUARE_SIDE = 9.5  # of the heaviest trial, in points
SQUARE_SMALL = 4.0  # below it a tick shows where the estimate is
TICK_HALF = 2.5
SQUARE_ALONE = 6.5  # where nothing was pooled
SQUARE_BLANK = 3.0  # beside trials that were
DIAMOND_HALF = 5.0
BAR_HALF = 2.2
ARROW_BAR = 8.0
DOT_SIDE = 10.0
SHRUNKEN_DROP = 7.5  # of the second mark of a trial, below its own
SHRUNKEN_SIDE = 3.6
SIGN = 7.8


def draw(table: ForestTable) -> Figure:
    """Draw a forest plot; its size follows from its content.

    Parameters
    ----------
    table : what `rows` returned

    Returns
    -------
    the figure, with an Agg canvas; write it with `style.save`. Artists carry a label: `squares`,
    `ci`, `tick`, `arrow`, `diamond`, `prediction`, `null`, `pooled-line`, `rule`, `dots`,
    `shrunken-ci`, `shrunken`.
    """
    with style.context():
        sheet = plan(table)
        fig = Figure(figsize=(sheet.width / 72, sheet.height / 72), facecolor=style.PAPER)
        FigureCanvasAgg(fig)
        page = fig.add_axes((0, 0, 1, 1), label="page")
        page.set_axis_off()
        page.set_xlim(0, sheet.width)
        page.set_ylim(sheet.height, 0)
        _write(page, sheet)
        _dots(page, sheet)
        if sheet.plot and table.axis:
            left, right, top, bottom = sheet.plot
            box = (
                left / sheet.width,
                1 - bottom / sheet.height,
                (right - left) / sheet.width,
                (bottom - top) / sheet.height,
            )
            ax = fig.add_axes(box, label="plot")
            _frame(ax, table.axis, top, bottom)
            _effects(ax, table, sheet, table.axis, top)
    return fig


def _write(page: Axes, sheet: Plan) -> None:
    for word in sheet.words:
        page.text(
            word.x,
            word.y,
            word.text,
            ha=word.align,
            va="baseline",
            **look(word.colour, word.size, word.weight, word.slant),
        )
    for left, right, y, strong in sheet.rules:
        look_of = (style.INK, style.MEDIUM) if strong else (style.RULE, style.THIN)
        stroke(page, [left, right], [y, y], "rule", *look_of, solid_capstyle="butt")


def _sign(character: str) -> tuple[Path, float]:
    """A character as a marker centred on itself, and its size in points."""
    glyph = TextPath((0, 0), character, size=SIGN, prop=font(SIGN, "bold"))
    box = glyph.get_extents()
    centre = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    vertices = np.asarray(glyph.vertices) - centre
    return Path(vertices, glyph.codes), 2 * float(np.abs(vertices).max())


def _dots(page: Axes, sheet: Plan) -> None:
    for judgement, (fill, ink, character, _) in style.JUDGEMENTS.items():
        at = [(x, y) for x, y, judged in sheet.dots if judged == judgement]
        if not at:
            continue
        xs, ys = zip(*at, strict=True)
        page.scatter(xs, ys, s=DOT_SIDE**2, c=fill, linewidths=0, label="dots", zorder=2)
        path, side = _sign(character)
        page.scatter(xs, ys, s=side**2, c=ink, marker=path, linewidths=0, zorder=3)


def _frame(ax: Axes, axis: ForestAxis, top: float, bottom: float) -> None:
    ax.set_facecolor("none")
    ax.set_xscale(axis.scale)
    ax.set_xlim(*axis.limits)
    ax.set_ylim(bottom, top)
    ax.yaxis.set_major_locator(NullLocator())
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_locator(FixedLocator(axis.ticks))
    ax.set_xticks(axis.ticks, labels=axis.tick_labels, fontproperties=font(style.SMALL))
    ax.tick_params(axis="x", length=3, width=style.THIN, pad=2, color=style.INK)
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_linewidth(style.THIN)
    ax.spines["bottom"].set_color(style.INK)


class _Mark(NamedTuple):
    """What one row has on the axis, and the height it stands at."""

    estimate: float
    low: float
    high: float
    share: float
    y: float


def _marks(table: ForestTable, sheet: Plan, kind: str) -> list[_Mark]:
    body = table.body.assign(y=sheet.middles)
    chosen = body.loc[body["kind"] == kind, ["estimate", "ci_low", "ci_high", "share", "y"]]
    return [_Mark(*map(float, values)) for values in chosen.to_numpy().tolist()]


def _effects(ax: Axes, table: ForestTable, sheet: Plan, axis: ForestAxis, top: float) -> None:
    bottom = ax.get_ylim()[0]
    if axis.null is not None:
        null = [axis.null, axis.null]
        stroke(ax, null, [top, bottom], "null", style.RULE, zorder=1)
    for mark in _marks(table, sheet, "pooled"):
        at = [mark.estimate, mark.estimate], [top, mark.y]
        stroke(ax, *at, "pooled-line", style.SUMMARY, ls=style.DASHES, zorder=1)
        interval = mark.estimate, mark.low, mark.high
        diamond(ax, interval, mark.y, DIAMOND_HALF, style.SUMMARY)
    for mark in _marks(table, sheet, "prediction"):
        low, high = clipped(ax, (mark.low, mark.high), mark.y, style.PREDICTION, ARROW_BAR)
        edges = [(low, mark.y - BAR_HALF), (high, mark.y - BAR_HALF)]
        edges += [(high, mark.y + BAR_HALF), (low, mark.y + BAR_HALF)]
        ax.add_patch(Polygon(edges, fc=style.PREDICTION, ec="none", label="prediction", zorder=4))
    studies = [m for m in _marks(table, sheet, "study") if not math.isnan(m.estimate)]
    for mark in studies:
        if not math.isnan(mark.low + mark.high):
            ends = clipped(ax, (mark.low, mark.high), mark.y, style.INK)
            stroke(ax, ends, [mark.y, mark.y], "ci", style.INK, style.MEDIUM, zorder=3)
    _squares(ax, studies)
    _shrunken(ax, table, sheet)


def _shrunken(ax: Axes, table: ForestTable, sheet: Plan) -> None:
    """Each trial's true effect given all trials: a small circle below its own result."""
    studies = _marks(table, sheet, "study")
    for (estimate, low, high), mark in zip(table.shrunken, studies, strict=bool(table.shrunken)):
        y = mark.y + SHRUNKEN_DROP
        ends = clipped(ax, (low, high), y, style.MUTED)
        stroke(ax, ends, [y, y], "shrunken-ci", style.MUTED, zorder=3)
        at = [estimate], [y]
        signs(ax, *at, "shrunken", style.PAPER, SHRUNKEN_SIDE, edge=style.MUTED, zorder=4)


def _squares(ax: Axes, studies: list[_Mark]) -> None:
    """Area in proportion to weight; a trial without weight is a small open square."""
    if not studies:
        return
    heaviest = max((m.share for m in studies if not math.isnan(m.share)), default=math.nan)
    alone = math.isnan(heaviest)
    areas = [
        SQUARE_ALONE**2 if alone else SQUARE_SIDE**2 * mark.share / heaviest for mark in studies
    ]
    blank = [math.isnan(area) for area in areas]
    for mark, area in zip(studies, areas, strict=True):
        if area < SQUARE_SMALL**2:
            at = [mark.estimate, mark.estimate], [mark.y - TICK_HALF, mark.y + TICK_HALF]
            stroke(ax, *at, "tick", style.INK, style.MEDIUM, zorder=3)
    ax.scatter(
        [mark.estimate for mark in studies],
        [mark.y for mark in studies],
        s=[SQUARE_BLANK**2 if b else area for b, area in zip(blank, areas, strict=True)],
        marker="s",
        facecolors=[style.PAPER if b else style.EFFECT for b in blank],
        edgecolors=[style.INK if b else "none" for b in blank],
        linewidths=style.THIN,
        clip_on=False,
        label="squares",
        zorder=2,
    )
