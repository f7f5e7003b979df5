"""The net heat plot: which designs contradict which, and where each design's evidence goes."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from trialpool.figures import chart, style
from trialpool.figures.chart import Withheld
from trialpool.figures.lettering import look, widest, wrap
from trialpool.question_answer import FittedNetwork, NetworkAnswer
from trialpool.results import Array

LARGEST = 46.0  # side of a cell, in points
MOST = 12  # designs drawn: those with the largest part of Q
NUMBERED = 8  # designs up to which the cells have their numbers
LABEL, LINES = 140.0, 2  # width of a name and its lines; what is longer is cut
PALE, LITTLE = 0.02, 0.01  # shares below which a cell or a square is not seen
LINE = style.SMALL * style.LINE_HEIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatTable:
    """Designs (d,), and per cell (d, d) the change in Q and the share of the evidence."""

    title: str
    subtitle: str
    designs: tuple[str, ...]
    change: Array
    share: Array


def rows(heat: pd.DataFrame, answer: NetworkAnswer) -> HeatTable | Withheld:
    """What stands in the plot, or why there is none.

    Parameters
    ----------
    heat : the network's net_heat.csv

    References
    ----------
    Krahn, Binder & König 2013, BMC Med Res Methodol 13:35
    """
    facts = answer.facts
    title = f"Net heat: {answer.title}"
    if not isinstance(facts, FittedNetwork):
        return Withheld(reason=facts.reason)
    if not len(heat):
        return Withheld(reason="no closed loop of designs: nothing can contradict")
    designs = list(dict.fromkeys(map(str, heat["design"])))
    d = len(designs)
    change, share = (heat[name].to_numpy(float).reshape(d, d) for name in ("change", "share"))
    kept = np.sort(np.argsort(-np.diag(change), kind="stable")[:MOST])
    grid = np.ix_(kept, kept)
    fewer = f" The {len(kept)} of {d} designs with the largest part of Q." if d > len(kept) else ""
    return HeatTable(
        title=title,
        subtitle=(
            f"Q between designs {style.fixed(facts.q_between, 1)} on {facts.q_between_df} df"
            f" ({style.p_value(facts.q_between_pval)}), common effect. Orange (+): allowing the"
            " column's design effects of its own takes away so much of the row's Q; blue (−):"
            " adds to it. Grey squares: share of the row's evidence from the column's trials."
            f"{fewer}"
        ),
        designs=tuple(f"{i + 1}  {designs[at].replace(':', ' v ')}" for i, at in enumerate(kept)),
        change=change[grid],
        share=share[grid],
    )


def draw(table: HeatTable) -> Figure:
    """Draw a net heat plot.

    Returns
    -------
    the figure; write it with `style.save`. Artists carry a label: `cell`, `share`
    """
    with style.context():
        d = len(table.designs)
        texts = [_cut(wrap(name, LABEL, style.SMALL)) for name in table.designs]
        left = style.MARGIN + widest((x for lines in texts for x in lines), style.SMALL) + 8
        side = min(LARGEST, (chart.WIDTH - left - style.MARGIN) / d)
        head = LINE + 4
        fig, (ax,) = chart.sheet(
            table.title,
            table.subtitle,
            height=side * d + head + style.MARGIN,
            margins=(left, chart.WIDTH - left - side * d),
        )
        high = 72 * fig.get_figheight()
        box = ax.get_position()
        # The labels of the axes are written here: the room below them is not needed.
        ax.set_position((box.x0, style.MARGIN / high, box.width, (side * d + head) / high))
        ax.set(xlim=(0, side * d), ylim=(side * d, -head))
        ax.axis("off")
        top = float(np.abs(table.change).max()) or 1.0
        for i in range(d + 1):
            for line in (((0, side * d), (i * side,) * 2), ((i * side,) * 2, (0, side * d))):
                ax.plot(*line, color=style.HAIRLINE, lw=style.THIN, zorder=3)
        for i in range(d):
            for j in range(d):
                _cell(ax, table, (i, j), side, top)
        _labels(ax, texts, side)
    return fig


def _cut(lines: list[str]) -> list[str]:
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], f"{lines[LINES - 1][:-1]}…"]


def _cell(ax: Axes, table: HeatTable, at: tuple[int, int], side: float, top: float) -> None:
    i, j = at
    value = float(table.change[i, j])
    colour = style.MARKED if value > 0 else style.SUMMARY
    depth = 0.75 * abs(value) / top
    mixed = tuple(
        (1 - depth) * p + depth * c
        for p, c in zip(to_rgb(style.PAPER), to_rgb(colour), strict=True)
    )
    if depth > PALE:
        place = (j * side, i * side)
        ax.add_patch(Rectangle(place, side, side, fc=mixed, ec="none", zorder=1, label="cell"))
    share = float(table.share[i, j])
    if share > LITTLE:
        inner = side * sqrt(share)
        corner = ((j + 0.5) * side - inner / 2, (i + 0.5) * side - inner / 2)
        grey = Rectangle(corner, inner, inner, fc=style.RULE, ec="none", alpha=0.3, label="share")
        ax.add_patch(grey).set_zorder(2)
    if len(table.designs) <= NUMBERED:
        text = style.fixed(value, 1)
        sign = "+" if value > 0 and any(c in "123456789" for c in text) else ""
        middle = (j + 0.5) * side, (i + 0.5) * side
        ax.text(*middle, sign + text, ha="center", va="center", zorder=4, **look())


def _labels(ax: Axes, texts: list[list[str]], side: float) -> None:
    lift = style.CAP_MIDDLE * style.SMALL
    for i, lines in enumerate(texts):
        middle = (i + 0.5) * side
        for n, line in enumerate(lines):
            y = middle + LINE * (n - (len(lines) - 1) / 2) + lift
            ax.text(-6, y, line, ha="right", va="baseline", **look())
        ax.text(middle, -5, str(i + 1), ha="center", va="baseline", **look())
