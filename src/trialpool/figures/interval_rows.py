"""Rows of a label, an interval on a common axis and words at the right: what several charts share.

A row is a result of its own (a refit, a step, a prior), not a study: its estimate is a dot, and the
row that is the main result has a diamond.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from trialpool.figures import chart, style
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.lettering import look, widest, wrap
from trialpool.figures.marks import clipped, diamond, signs, stroke

LABEL_ROOM = 150.0  # for the labels of the rows, in points; longer ones are broken
GAP = 12.0  # between columns, and between them and the axis
ROW_PAD = 5.0  # between the lines of two rows
END = 4.0  # below the last row
DOT, DIAMOND, HALF = 4.2, 6.0, 4.2
LINE = style.SMALL * style.LINE_HEIGHT
HEAD = LINE + ROW_PAD  # of the row with the names of the columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One result: estimate and limits on the display scale, NaN where there is none.

    `cells` are the words at the right, one for each of the table's `heads`. A `marked` row stands
    out by colour and shape; `whole` is the main result.
    """

    label: str
    estimate: float
    low: float
    high: float
    cells: tuple[str, ...] = ()
    marked: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalTable:
    """What is drawn: rows from the top down, under `label_head` and `heads`.

    `band` (estimate, low, high), display scale, is a result that all rows are held against.
    """

    title: str
    subtitle: str
    axis: EffectAxis
    rows: tuple[Row, ...]
    label_head: str
    heads: tuple[str, ...] = ()
    band: tuple[float, float, float] | None = None


class _Plan(NamedTuple):
    """Broken labels, the middle of each row and the height of all, in points from the top."""

    labels: list[list[str]]
    middles: list[float]
    height: float
    left: float
    ends: list[float]  # right end of each column, in points from the right edge of the axis
    right: float


def draw(table: IntervalTable) -> Figure:
    """Draw the rows, or say why there are none; the figure is as tall as they need.

    Returns
    -------
    the figure. Artists carry a label: `ci`, `estimate`, `marked`, `diamond`, `arrow`, `band`,
    `band-line`, `null`, `rule`
    """
    with style.context():
        plan = _plan(table)
        fig, (ax,) = chart.sheet(
            table.title,
            table.subtitle,
            height=plan.height + chart.BOTTOM,
            margins=(plan.left, plan.right),
        )
        ax.set_ylim(plan.height, 0)
        ax.yaxis.set_visible(False)
        ax.spines["left"].set_visible(False)
        triples = [(row.estimate, row.low, row.high) for row in table.rows]
        whole = [*(table.band or ())]
        whole += [v for row in table.rows if row.whole for v in (row.low, row.high)]
        intervals = _all_scaled(triples, table.axis)
        chart.effect_axis(ax, table.axis, _scaled(whole, table.axis), intervals=intervals)
        end = 1 - HEAD / plan.height
        chart.null_line(ax, table.axis, end=end)
        _band(ax, table, end)
        for row, y in zip(table.rows, plan.middles, strict=True):
            _interval(ax, row, y, table.axis)
        _write(fig, ax, table, plan)
    return fig


def _plan(table: IntervalTable) -> _Plan:
    labels = [wrap(row.label, LABEL_ROOM, style.SMALL) for row in table.rows]
    room = max(
        widest((line for lines in labels for line in lines), style.SMALL, "bold"),
        widest([table.label_head], style.SMALL, "bold"),
    )
    widths = [
        widest([head, *(row.cells[i] for row in table.rows)], style.SMALL, "bold")
        for i, head in enumerate(table.heads)
    ]
    # `sum` of floats has another last bit from Python 3.12 on, which the ids of an SVG show.
    ends = [math.fsum(widths[: i + 1]) + GAP * (i + 1) for i in range(len(widths))]
    y = HEAD
    middles = []
    for lines in labels:
        high = LINE * len(lines) + ROW_PAD
        middles.append(y + high / 2)
        y += high
    right = (ends[-1] if ends else 0.0) + style.MARGIN
    return _Plan(labels, middles, y + END, style.MARGIN + room + GAP, ends, right)


def _scaled(values: list[float], axis: EffectAxis) -> list[float]:
    """Display scale to the scale of the axis; what has no place there is left out."""
    return [float(v) for v in axis.scale.analysed(values) if math.isfinite(v)]


def _all_scaled(
    triples: list[tuple[float, float, float]], axis: EffectAxis
) -> list[tuple[float, float, float]]:
    scaled = [_scaled(list(triple), axis) for triple in triples]
    return [(t[0], t[1], t[2]) for t in scaled if len(t) == 3]


def _band(ax: Axes, table: IntervalTable, end: float) -> None:
    bands = [table.band] if table.band else []
    for estimate, low, high in _all_scaled(bands, table.axis):
        ax.axvspan(low, high, 0.0, end, color=style.BAND, lw=0, zorder=0, label="band")
        line = ax.axvline(estimate, 0.0, end, color=style.SUMMARY, label="band-line")
        line.set(linewidth=style.THIN, linestyle=style.DASHES, zorder=1)


def _interval(ax: Axes, row: Row, y: float, axis: EffectAxis) -> None:
    for estimate, low, high in _all_scaled([(row.estimate, row.low, row.high)], axis):
        colour = style.MARKED if row.marked else style.SUMMARY
        if row.whole:
            diamond(ax, (estimate, low, high), y, HALF, colour)
            continue
        ends = clipped(ax, (low, high), y, colour)
        on_row = ends, [y, y]
        stroke(ax, *on_row, "ci", colour, style.MEDIUM, solid_capstyle="butt", zorder=3)
        label, shape, size = ("marked", "D", DIAMOND) if row.marked else ("estimate", "o", DOT)
        signs(ax, [estimate], [y], label, colour, size, shape, zorder=4)


def _write(fig: Figure, ax: Axes, table: IntervalTable, plan: _Plan) -> None:
    """Labels at the left, cells at the right, heads above both with a rule below them."""
    wide, tall = (72 * inches for inches in fig.get_size_inches())
    top = ax.get_position().y1 * tall

    def put(x: float, y: float, text: str, align: str, weight: str, colour: str) -> None:
        at = x / wide, (top - y - style.CAP_MIDDLE * style.SMALL) / tall
        fig.text(*at, text, ha=align, va="baseline", **look(colour, weight=weight))

    edge = wide - plan.right
    for i, text in enumerate(table.heads):
        put(edge + plan.ends[i], HEAD / 2, text, "right", "bold", style.INK)
    put(style.MARGIN, HEAD / 2, table.label_head, "left", "bold", style.INK)
    rule = (top - HEAD) / tall
    ends = style.MARGIN / wide, 1 - style.MARGIN / wide
    fig.add_artist(Line2D(ends, (rule, rule), color=style.RULE, lw=style.THIN, label="rule"))
    for row, lines, y in zip(table.rows, plan.labels, plan.middles, strict=True):
        weight = "bold" if row.whole else "normal"
        colour = style.MARKED if row.marked else style.INK
        for i, line in enumerate(lines):
            put(style.MARGIN, y + LINE * (i - (len(lines) - 1) / 2), line, "left", weight, colour)
        for i, text in enumerate(row.cells):
            put(edge + plan.ends[i], y, text, "right", weight, colour)
