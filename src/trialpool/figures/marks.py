"""The marks that figures share: lines, signs, diamonds, and arrows at the ends of an axis."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from numpy.typing import ArrayLike

from trialpool.figures import style

ARROW = 4.5  # size of an arrow at the end of the axis, in points


def stroke(
    ax: Axes,
    x: ArrayLike,
    y: ArrayLike,
    label: str,
    colour: str,
    width: float = style.THIN,
    **options: Any,
) -> None:
    """A line through places of the panel; `width` in points."""
    ax.plot(x, y, label=label, color=colour, lw=width, **options)


def signs(
    ax: Axes,
    x: ArrayLike,
    y: ArrayLike,
    label: str,
    colour: str,
    size: float,
    marker: str = "o",
    edge: str | None = None,
    **options: Any,
) -> None:
    """One sign for each place, `size` points wide, with an `edge` (`mew`, else thin) or none."""
    outline: dict[str, Any] = {"mec": edge or colour, "mew": style.THIN if edge else 0.0}
    ax.plot(x, y, marker, label=label, mfc=colour, ms=size, **(outline | options))


def diamond(
    ax: Axes, interval: tuple[float, float, float], y: float, half: float, colour: str
) -> None:
    """The (estimate, low, high) of a main result at height `y`, `half` as high."""
    estimate, low, high = interval
    corners = [(low, y), (estimate, y - half), (high, y), (estimate, y + half)]
    ax.add_patch(Polygon(corners, fc=colour, ec="none", zorder=4, label="diamond"))


def clipped(
    ax: Axes, ends: tuple[float, float], y: float, colour: str, size: float = ARROW
) -> tuple[float, float]:
    """The part of an interval that is on the axis, with an arrow at each end where it leaves it."""
    (low, high), (left, right) = ends, ax.get_xlim()
    for beyond, edge, arrow in ((low < left, left, "<"), (high > right, right, ">")):
        if beyond:
            signs(ax, [edge], [y], "arrow", colour, size, arrow, clip_on=False, zorder=5)
    return max(low, left), min(high, right)
