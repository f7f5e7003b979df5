"""The key of a chart, beside its axes, where it can cover nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from trialpool.figures import style
from trialpool.figures.lettering import look, wrap

GAP = 12.0  # between the axes and the key, in points
SWATCH = 14.0
STEP = 5.0  # between entries
LINE = style.SMALL * style.LINE_HEIGHT


class Entry(NamedTuple):
    """What a sign means."""

    text: str
    sign: Literal["dot", "open", "diamond", "hexagon", "dashes", "box"]
    colour: str


def write_key(fig: Figure, ax: Axes, entries: Sequence[Entry]) -> None:
    """Write a key at the right of the axes, from their top down."""
    wide, tall = (72 * inches for inches in fig.get_size_inches())
    box = ax.get_position()
    left, y = box.x1 * wide + GAP, box.y1 * tall
    room = wide - style.MARGIN - left - SWATCH - STEP
    for entry in entries:
        lines = wrap(entry.text, room, style.SMALL)
        _sign(fig, entry, left, y - LINE / 2, wide, tall)
        for line in lines:
            base = y - LINE / 2 - style.CAP_MIDDLE * style.SMALL
            at = (left + SWATCH + STEP) / wide, base / tall
            fig.text(*at, line, va="baseline", **look())
            y -= LINE
        y -= STEP


def _sign(fig: Figure, entry: Entry, left: float, y: float, wide: float, tall: float) -> None:
    if entry.sign == "box":
        corner = (left / wide, (y - LINE / 2 + 1) / tall)
        box = Rectangle(
            corner,
            SWATCH / wide,
            (LINE - 2) / tall,
            fc=entry.colour,
            ec=style.HAIRLINE,
            lw=style.THIN,
            transform=fig.transFigure,
        )
        fig.add_artist(box)
        return
    if entry.sign == "dashes":
        ends = (left / wide, (left + SWATCH) / wide)
        heights = (y / tall, y / tall)
        dashes = Line2D(ends, heights, color=entry.colour, ls=style.DASHES, lw=style.MEDIUM)
        fig.add_artist(dashes)
        return
    marker = {"diamond": "D", "hexagon": "h"}.get(entry.sign, "o")
    face = style.PAPER if entry.sign == "open" else entry.colour
    sign = Line2D(
        [(left + SWATCH / 2) / wide],
        [y / tall],
        ls="none",
        marker=marker,
        ms=5,
        mfc=face,
        mec=entry.colour,
        mew=style.THIN,
    )
    fig.add_artist(sign)
