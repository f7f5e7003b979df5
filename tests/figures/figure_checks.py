"""What must hold for every figure: no text over other text, nothing outside the canvas."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from trialpool.figures import style

SLACK = 0.5  # points: touching is not overlapping


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
    with style.context():
        fig.draw_without_rendering()
        scale = 72 / fig.dpi
        extents = [(t.get_text(), t.get_window_extent()) for t in texts(fig)]
    return [(text, Bbox(box.get_points() * scale)) for text, box in extents]


def overlaps(fig: Figure) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes overlap by more than a touch."""
    found = []
    for (one, a), (other, b) in combinations(boxes(fig), 2):
        if a.y0 >= b.y1 or b.y0 >= a.y1:
            continue
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        down = min(a.y1, b.y1) - max(a.y0, b.y0)
        if across > SLACK and down > SLACK:
            found.append((one, other))
    return found


def outside(fig: Figure) -> list[str]:
    """Texts that reach beyond the canvas."""
    wide, high = (72 * inches for inches in fig.get_size_inches())
    return [
        text
        for text, box in boxes(fig)
        if box.x0 < 0 or box.y0 < 0 or box.x1 > wide or box.y1 > high
    ]


def bytes_of(fig: Figure, folder: Path) -> dict[str, bytes]:
    """The files of a figure as `style.save` writes them, by format."""
    paths = [folder / f"figure.{kind}" for kind in ("svg", "png", "pdf")]
    style.save(fig, paths)
    return {path.suffix[1:]: path.read_bytes() for path in paths}
