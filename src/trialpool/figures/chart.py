"""What every plot on two axes shares: paper, title, letters and axes. Forest plots have their own.

A chart module has `rows`, which says what is drawn or why nothing is, and `draw`, which draws it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import ArrayLike

from trialpool.figures import style
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.forest_axis import MOST_TICKS, build
from trialpool.figures.lettering import font, look, width, wrap
from trialpool.figures.marks import signs, stroke

WIDTH, HEIGHT = 468.0, 324.0  # of a chart, in points: one page column
LEFT, RIGHT, BOTTOM = 62.0, 18.0, 46.0  # room for the axis labels
SIDES_GAP = 14.0  # between what the two sides of an axis mean
EDGE = 0.1  # beyond the last value of an axis of logits or Fisher's z
LINE = style.LINE_HEIGHT
DOT = 5.0  # diameter of a trial's dot, in points

Rows = TypeVar("Rows")


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """Why a figure is not drawn: the rule in one sentence without a full stop."""

    reason: str


def drawn(draw: Callable[[Rows], Figure], rows: Rows | Withheld) -> Figure | Withheld:
    """The figure of its rows, or why it has none."""
    return rows if isinstance(rows, Withheld) else draw(rows)


def sheet(
    title: str,
    subtitle: str = "",
    *,
    panels: int = 1,
    height: float = HEIGHT,
    margins: tuple[float, float] = (LEFT, RIGHT),
) -> tuple[Figure, list[Axes]]:
    """Paper with a title, a subtitle and panels side by side, each with its axes.

    Call inside `style.context()`. `height` and `margins` (left, right) are in points; the title
    and the subtitle are broken into lines that fit and stand above the panels.
    """
    room = WIDTH - 2 * style.MARGIN
    heads = wrap(title, room, style.TITLE, "bold")
    subs = wrap(subtitle, room, style.SUBTITLE) if subtitle else []
    head = style.MARGIN + LINE * (style.TITLE * len(heads) + style.SUBTITLE * len(subs)) + 10
    tall = height + head
    fig = Figure(figsize=(WIDTH / 72, tall / 72), facecolor=style.PAPER)
    FigureCanvasAgg(fig)
    y = tall - style.MARGIN
    for lines, size, weight, colour in (
        (heads, style.TITLE, "bold", style.INK),
        (subs, style.SUBTITLE, "normal", style.MUTED),
    ):
        for line in lines:
            fig.text(style.MARGIN / WIDTH, y / tall, line, va="top", **look(colour, size, weight))
            y -= LINE * size
    left, right = margins
    axes = []
    for i in range(panels):
        wide = WIDTH / panels - left - right
        x = i * WIDTH / panels + left
        box = (x / WIDTH, BOTTOM / tall, wide / WIDTH, (height - BOTTOM) / tall)
        ax = fig.add_axes(box)
        frame(ax, ("left", "bottom"))
        axes.append(ax)
    return fig, axes


def frame(ax: Axes, sides: Sequence[str]) -> None:
    """Lines at some sides of a panel, and its ticks and labels in the house letters."""
    for name, spine in ax.spines.items():
        spine.set_visible(name in sides)
        spine.set(color=style.RULE, linewidth=style.THIN)
    ax.tick_params(
        labelsize=style.SMALL,
        color=style.RULE,
        labelcolor=style.INK,
        width=style.THIN,
        length=3,
    )
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set_fontproperties(font(style.BODY))


def extent(ax: Axes) -> tuple[float, float]:
    """Width and height of a panel, in points."""
    return 72 * ax.bbox.width / ax.figure.dpi, 72 * ax.bbox.height / ax.figure.dpi


def effect_axis(
    ax: Axes,
    axis: EffectAxis,
    values: Sequence[float],
    *,
    intervals: Sequence[tuple[float, float, float]] = (),
    along: str = "x",
    sides: bool = True,
) -> tuple[float, float]:
    """Limits, ticks and label for effects on the analysis scale (logs of ratios).

    `values` must all be on the axis; of `intervals` (estimate, low, high) one that is far wider
    than the others may leave it. Ticks are labelled on the display scale. Along x, `sides` writes
    what each side means below the label. Returns the limits, analysis scale.
    """
    shown = axis.scale.shown
    triples = [(float(shown(a)), float(shown(b)), float(shown(c))) for a, b, c in intervals]
    whole = [float(shown(v)) for v in values]
    built = build(triples, whole, log=axis.log, null=axis.null, bounds=axis.scale.bounds)
    low, high = axis.scaled(built.limits).tolist()
    if not np.isfinite(low + high):
        # The axis of the display scale reaches a bound, which has no place on this one.
        ends = [v for v in (*values, *(x for one in intervals for x in one)) if np.isfinite(v)]
        low, high = min(ends, default=-1.0) - EDGE, max(ends, default=1.0) + EDGE
    placed = zip(axis.scaled(built.ticks).tolist(), built.tick_labels, strict=True)
    labels = {at: label for at, label in placed if low <= at <= high}
    ticks = list(labels)
    which = ax.xaxis if along == "x" else ax.yaxis
    (ax.set_xlim if along == "x" else ax.set_ylim)(low, high)
    which.set_major_locator(FixedLocator(ticks))
    which.set_minor_locator(NullLocator())
    which.set_major_formatter(FuncFormatter(lambda v, _: labels.get(v, "")))
    which.set_label_text(axis.label)
    if along == "x" and sides:
        write_sides(ax, axis)
    return low, high


def from_zero(ax: Axes, top: float, *, along: str = "x", pad: float = 0.0) -> None:
    """An axis of amounts from 0 to `top`, `pad` of it free at both ends."""
    which = ax.xaxis if along == "x" else ax.yaxis
    (ax.set_xlim if along == "x" else ax.set_ylim)(-pad * top, (1 + pad) * top)
    steps = MaxNLocator(MOST_TICKS, steps=[1, 2, 5, 10]).tick_values(0, top)
    ticks = [float(f"{t:.6g}") for t in steps if 0 <= t <= (1 + pad) * top]
    decimals = max(len(f"{t:.6f}".rstrip("0").partition(".")[2]) for t in ticks)
    which.set_major_locator(FixedLocator(ticks))
    which.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.{decimals}f}"))


def write_sides(ax: Axes, axis: EffectAxis) -> None:
    """What each side means: at the ends of the axis, or about its middle if it is too narrow."""
    if not axis.favours_left:
        return
    left, right = f"← {axis.favours_left}", f"{axis.favours_right} →"
    box, (_, height) = ax.get_position(), extent(ax)
    wide = WIDTH * box.width
    one, other = width(left, style.SMALL), width(right, style.SMALL)
    start = 0.0
    if one + other + SIDES_GAP > wide:
        # As near to the middle of the axis as the paper allows.
        start = (wide - one - other - SIDES_GAP) / 2
        first = style.MARGIN - WIDTH * box.x0
        last = WIDTH * (1 - box.x0) - style.MARGIN - one - other - SIDES_GAP
        start = max(first, min(start, last))
        wide = one + other + SIDES_GAP
    for x, text, align in ((start, left, "left"), (start + wide, right, "right")):
        at = x / (WIDTH * box.width), -36 / height
        ax.text(*at, text, transform=ax.transAxes, ha=align, va="center", **look(style.MUTED))


def write_sides_upright(ax: Axes, axis: EffectAxis, beyond: float = 0.0) -> None:
    """What each side of an effect axis along y means: in the right margin, read upwards.

    `beyond` is room that is left free beside the axes, in points.
    """
    if not axis.favours_left:
        return
    wide, (_, height) = WIDTH * ax.get_position().width, extent(ax)
    low, high = f"← {axis.favours_left}", f"{axis.favours_right} →"
    together = width(low, style.SMALL) + width(high, style.SMALL) + SIDES_GAP <= height
    step = 0.0 if together else style.SMALL * LINE
    for x, y, text, align in (
        (beyond + 8.0, 0.0, low, "bottom"),
        (beyond + 8.0 + step, 1.0, high, "top"),
    ):
        word = ax.text(1 + x / wide, y, text, transform=ax.transAxes, **look(style.MUTED))
        word.set(rotation=90, ha="center", va=align)


def null_line(ax: Axes, axis: EffectAxis, *, along: str = "x", end: float = 1.0) -> None:
    """The line of no difference, on the analysis scale, up to a share `end` of the other axis."""
    if axis.null is None:
        return
    draw = ax.axvline if along == "x" else ax.axhline
    draw(0.0, 0.0, end, color=style.RULE, lw=style.THIN, zorder=1, label="null")


def dots(
    ax: Axes, x: ArrayLike, y: ArrayLike, label: str, colour: str, edge: str = style.PAPER
) -> None:
    """A dot for each trial, whole where it reaches beyond the panel."""
    signs(ax, x, y, label, colour, DOT, edge=edge, zorder=4, clip_on=False)


def course(ax: Axes, x: ArrayLike, estimate: ArrayLike, low: ArrayLike, high: ArrayLike) -> None:
    """A pooled effect and its interval along what is assumed."""
    ax.fill_between(x, low, high, color=style.EFFECT, alpha=0.35, lw=0, zorder=2, label="interval")
    stroke(ax, x, estimate, "estimate", style.SUMMARY, 1.4, zorder=4)


def name_lines(ax: Axes, names: Sequence[tuple[float, str]], at: float) -> None:
    """(height, name) of lines at the right edge of a panel, moved apart where they would touch.

    `at` is where the names begin, in widths of the panel; heights are in data units.
    """
    (_, tall), (low, high) = extent(ax), ax.get_ylim()
    below = -math.inf
    for value, name in sorted(names):
        y = max(tall * (value - low) / (high - low), below + style.SMALL * LINE)
        below = y
        ax.text(at, y / tall, name, transform=ax.transAxes, va="center", **look(style.MUTED))
