"""What must hold for every figure: no text over other text, nothing outside the canvas."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axes._base import _AxesBase
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from trialpool.effects.scales import IDENTITY, LOG
from trialpool.figures import style
from trialpool.figures.chart import Withheld
from trialpool.figures.effect_axis import EffectAxis

# The axes of a difference and of a ratio.
PLAIN = EffectAxis(
    label="Mean difference", scale=IDENTITY, null=0.0, favours_left="for A", favours_right="for B"
)
RATIO = EffectAxis(
    label="Odds ratio", scale=LOG, null=1.0, favours_left="for A", favours_right="for B"
)

A = TypeVar("A", bound=Artist)
Rows = TypeVar("Rows")
SLACK = 0.5  # points: touching is not overlapping
_BOXES: WeakKeyDictionary[Figure, list[tuple[str, Bbox]]] = WeakKeyDictionary()


def shown(rows: Rows | Withheld) -> Rows:
    """The rows of a figure that is drawn."""
    assert not isinstance(rows, Withheld), rows.reason
    return rows


def texts(fig: Figure) -> list[Text]:
    """All text artists that are drawn and not empty, tick labels included."""
    found: list[Text] = []
    for artist in fig.findobj(Text):
        assert isinstance(artist, Text)
        axes = artist.axes
        # the ticks of a page without a frame exist, but are never drawn
        drawn = not isinstance(axes, Axes) or axes.axison or artist in axes.texts
        if drawn and artist.get_visible() and artist.get_text().strip():
            found.append(artist)
    return found


def boxes(fig: Figure) -> list[tuple[str, Bbox]]:
    """Text and extent of each text artist, in points, as the renderer draws it."""
    if fig.stale or fig not in _BOXES:  # else it is laid out as it was when it was last asked
        with style.context():
            fig.draw_without_rendering()
            scale = 72 / fig.dpi
            extents = [(t.get_text(), t.get_window_extent()) for t in texts(fig)]
        _BOXES[fig] = [(text, Bbox(box.get_points() * scale)) for text, box in extents]
        fig.stale = False  # drawing itself leaves some figures so; a later change sets it again
    return list(_BOXES[fig])


def overlaps(fig: Figure) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes overlap by more than a touch."""
    laid = boxes(fig)
    edges = np.array([box.extents for _, box in laid]).reshape(-1, 4)
    low, high = edges[:, None, :2], edges[:, None, 2:]
    common = np.minimum(high, high.transpose(1, 0, 2)) - np.maximum(low, low.transpose(1, 0, 2))
    pairs = np.argwhere(np.triu((common > SLACK).all(axis=2), 1))
    return [(laid[one][0], laid[other][0]) for one, other in pairs]


def outside(fig: Figure) -> list[str]:
    """Texts that reach beyond the canvas."""
    wide, high = (72 * inches for inches in fig.get_size_inches())
    return [
        text
        for text, box in boxes(fig)
        if box.x0 < 0 or box.y0 < 0 or box.x1 > wide or box.y1 > high
    ]


def labelled(fig: Figure, label: str, kind: type[A]) -> list[A]:
    """The artists of a kind with a label, in the order in which they were drawn."""
    return [a for a in fig.findobj(kind) if isinstance(a, kind) and a.get_label() == label]


def path(line: Line2D) -> list[tuple[float, float]]:
    """The places of a line, data units."""
    x, y = (np.asarray(values, dtype=float).tolist() for values in line.get_data())
    return list(zip(x, y, strict=True))


def paths(fig: Figure, label: str) -> list[list[tuple[float, float]]]:
    """The places of each line with a label."""
    return [path(line) for line in labelled(fig, label, Line2D)]


def offsets(dots: PathCollection) -> list[tuple[float, float]]:
    """The places of dots, data units."""
    return [(float(x), float(y)) for x, y in np.asarray(dots.get_offsets(), dtype=float)]


def faces(dots: PathCollection) -> list[str]:
    """The colours inside dots."""
    return [to_hex(tuple(colour)).upper() for colour in np.asarray(dots.get_facecolor())]


def corners(shape: Polygon) -> list[tuple[float, float]]:
    """The corners of a shape, data units; the first one once."""
    return [(float(x), float(y)) for x, y in np.asarray(shape.get_xy())[:-1]]


def look(text: Text) -> tuple[str, str, str, str]:
    """Alignment, weight, slant and colour of a text."""
    weight, colour = str(text.get_fontweight()), to_hex(text.get_color())
    return str(text.get_horizontalalignment()), weight, text.get_fontstyle(), colour.upper()


def at(artist: Text | tuple[Axes, float, float]) -> tuple[float, float]:
    """Where a text is anchored, or a place of a panel lies, in points from the bottom left, to
    a thousandth.
    """
    if isinstance(artist, Text):
        scale = 72 / artist.get_figure(root=True).dpi  # type: ignore[union-attr]
        place = artist.get_transform().transform(artist.get_position())
    else:
        ax, x, y = artist
        scale, place = 72 / ax.figure.dpi, ax.transData.transform((x, y))
    return round(float(place[0]) * scale, 3), round(float(place[1]) * scale, 3)


def word(fig: Figure, text: str) -> Text:
    """The one text artist that reads so."""
    (found,) = (artist for artist in texts(fig) if artist.get_text() == text)
    return found


def box(ax: Axes) -> list[float]:
    """Left, bottom, right and top of a panel, in points."""
    wide, high = (72 * v for v in ax.figure.get_size_inches())  # type: ignore[union-attr]
    place = ax.get_position()
    return [place.x0 * wide, place.y0 * high, place.x1 * wide, place.y1 * high]


def ticks(ax: _AxesBase, along: str = "x") -> list[tuple[float, str]]:
    """Place and label of each tick on the axis, data units."""
    axis = ax.xaxis if along == "x" else ax.yaxis
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]
    return [
        (float(place), label.get_text())
        for place, label in zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
    ]


def bytes_of(fig: Figure, folder: Path) -> dict[str, bytes]:
    """The files of a figure as `style.save` writes them, by format."""
    paths = [folder / f"figure.{kind}" for kind in ("svg", "png", "pdf")]
    style.save(fig, paths)
    return {path.suffix[1:]: path.read_bytes() for path in paths}
