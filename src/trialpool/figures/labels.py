"""Names beside dots, placed so that none covers another name, a dot or the edge of the axes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from trialpool.figures import style
from trialpool.figures.lettering import look, widest, wrap
from trialpool.figures.marks import stroke
from trialpool.results import Array

ROOM, LINES = 100.0, 2  # width of a name, in points, and lines; what is longer is cut
LINE = style.SMALL * style.LINE_HEIGHT
DOT = 3.2  # half the side of the square a dot takes up
NEAR, FAR = 5.5, (13.0, 22.0, 32.0)  # of a name from its dot; far names get a thread
APART = 1.5 * NEAR  # of a name without a thread from other dots, or it reads as theirs
STEP = 1.5  # between the points of a line that names keep away from
CROSSING = 4.0  # a point of a line under a name counts as much as this distance from the dot

_WAYS = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)]


class Box(NamedTuple):
    """A rectangle in points."""

    x0: float
    y0: float
    x1: float
    y1: float

    def meets(self, other: Box) -> bool:
        across = self.x0 < other.x1 and other.x0 < self.x1
        return across and self.y0 < other.y1 and other.y0 < self.y1


class Place(NamedTuple):
    """Where a name stands: its box, its lines, and the thread from its dot (None if near)."""

    reach: float
    box: Box
    lines: list[str]
    thread: tuple[float, float] | None


def write(
    ax: Axes,
    x: Array,
    y: Array,
    names: Sequence[str],
    *,
    wanted: Sequence[int] | None = None,
    lines: Sequence[Array] = (),
) -> list[int]:
    """Write names beside dots (x, y), data units; the limits of the axes must be set.

    Parameters
    ----------
    wanted : places of the dots to name, most important first; None names all
    lines : each (n, 2), data units: names keep off them where there is room

    Returns
    -------
    the places of the dots for whose names there was no room
    """
    page = 72 / ax.figure.dpi
    corner, size = ax.bbox.p0 * page, (ax.bbox.width * page, ax.bbox.height * page)

    def to_points(at: Array) -> Array:
        return np.asarray(ax.transData.transform(at) * page - corner)

    dots = to_points(np.column_stack([x, y]))
    blocks = [box for path in lines for box in _along(to_points(path))]
    order = range(len(dots)) if wanted is None else wanted
    places = _places(dots, [names[i] for i in order], list(order), size, blocks)
    left = []
    for i, place in zip(order, places, strict=True):
        if place is None:
            left.append(i)
            continue
        _put(ax, place, dots[i], size)
    return left


def _along(points: Array) -> list[Box]:
    """Small boxes along a broken line."""
    out = []
    for (x0, y0), (x1, y1) in itertools.pairwise(points.tolist()):
        n = max(2, int(np.hypot(x1 - x0, y1 - y0) / STEP) + 1)
        for x, y in zip(np.linspace(x0, x1, n), np.linspace(y0, y1, n), strict=True):
            out.append(Box(float(x) - 0.8, float(y) - 0.8, float(x) + 0.8, float(y) + 0.8))
    return out


def _places(
    dots: Array,
    names: list[str],
    order: list[int],
    size: tuple[float, float],
    blocks: list[Box],
) -> list[Place | None]:
    taken = [Box(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in dots.tolist()]
    inside = Box(0.0, 0.0, *size)
    out: list[Place | None] = []
    for i, name in zip(order, names, strict=True):
        at = (float(dots[i, 0]), float(dots[i, 1]))
        choices = _choices(at, _short(name))
        others = np.delete(dots, i, axis=0)
        free = [
            p
            for p in choices
            if _fits(p, inside) and not _hit(p, taken, i, at) and not _mistaken(p, others)
        ]
        best = min(
            free, key=lambda p: p.reach + CROSSING * sum(map(p.box.meets, blocks)), default=None
        )
        if best is not None:
            taken.append(best.box)
            if best.thread is not None:
                taken += _along(np.array([at, best.thread]))
        out.append(best)
    return out


def _short(name: str) -> list[str]:
    """A name in few lines; an ellipsis for its middle, as names often differ at their ends."""
    lines = wrap(name, ROOM, style.SMALL)
    if len(lines) <= LINES:
        return lines
    return [*lines[: LINES - 1], f"… {lines[-1]}"]


def _choices(at: tuple[float, float], lines: list[str]) -> list[Place]:
    """Places about a dot, the nearest first."""
    wide, high = widest(lines, style.SMALL) + 1, LINE * len(lines)
    out = []
    for reach in (NEAR, *FAR):
        for right, up in _WAYS:
            slant = 0.75 if right and up else 1.0
            x, y = at[0] + right * reach * slant, at[1] + up * reach * slant
            x0 = x - wide * (1 - right) / 2
            y0 = y - high * (1 - up) / 2
            thread = None if reach == NEAR else (x - 1.5 * right, y - 1.5 * up)
            out.append(Place(reach, Box(x0, y0, x0 + wide, y0 + high), lines, thread))
    return out


def _fits(place: Place, inside: Box) -> bool:
    box = place.box
    across = inside.x0 <= box.x0 and box.x1 <= inside.x1
    return across and inside.y0 <= box.y0 and box.y1 <= inside.y1


def _hit(place: Place, taken: list[Box], dot: int, at: tuple[float, float]) -> bool:
    """Whether the name covers something, or its thread another name or dot."""
    if any(map(place.box.meets, taken)):
        return True
    if place.thread is None:
        return False
    thread = _along(np.array([at, place.thread]))
    return any(bit.meets(box) for bit in thread for i, box in enumerate(taken) if i != dot)


def _mistaken(place: Place, others: Array) -> bool:
    """Whether a name without a thread stands about as near to another dot as to its own."""
    if place.thread is not None:
        return False
    low, high = np.reshape(place.box, (2, 2))
    away = np.maximum(np.maximum(low - others, others - high), 0.0)
    return bool((away.sum(axis=1) < APART).any())


def _put(ax: Axes, place: Place, dot: Array, size: tuple[float, float]) -> None:
    box = place.box
    middle = (box.y0 + box.y1) / 2
    for i, text in enumerate(place.lines):
        y = middle - LINE * (i - (len(place.lines) - 1) / 2) - style.CAP_MIDDLE * style.SMALL
        at = box.x0 / size[0], y / size[1]
        ax.text(*at, text, transform=ax.transAxes, va="baseline", zorder=6, **look())
    if place.thread is not None:
        x, y = np.transpose([dot, place.thread]) / np.reshape(size, (2, 1))
        still = {"scalex": False, "scaley": False}
        stroke(ax, x, y, "thread", style.RULE, transform=ax.transAxes, zorder=2, **still)
