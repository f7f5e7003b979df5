"""Figures as a page shows them: inside it, or by the file beside it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from trialpool.figures.catalogue import WITHHELD
from trialpool.results import TrialpoolError

# CSS counts 96 pixels to the inch, an SVG's point is 1/72 of it.
_PIXELS_PER_POINT = 96 / 72


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """An image, as data or by its file, with its natural size in CSS pixels."""

    source: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart besides the forest plot, with its file name and what it shows."""

    name: str
    caption: str
    figure: Figure


def drawn(
    figures: Mapping[str, bytes], captions: Mapping[str, str], folder: str, title: str
) -> Iterator[Chart]:
    """The charts that are drawn; a sheet that says why not is left in its file."""
    for name, caption in captions.items():
        if name in figures and WITHHELD not in figures[name]:
            whole = embedded(figures[name], f"{caption}. {title}.")
            source = f"{folder}/{name}.svg"
            yield Chart(name=name, caption=caption, figure=replace(whole, source=source))


def embedded(svg: bytes, alt: str) -> Figure:
    """A figure inside the page, from its SVG file."""
    width, height = (_pixels(svg, name) for name in (b"width", b"height"))
    data = base64.b64encode(svg).decode("ascii")
    return Figure(source=f"data:image/svg+xml;base64,{data}", alt=alt, width=width, height=height)


def _pixels(svg: bytes, name: bytes) -> int:
    match = re.search(rb"<svg[^>]*?\b" + name + rb'="([\d.]+)pt"', svg)
    if match is None:
        raise TrialpoolError(f"the forest plot is not an SVG with its {name.decode()} in points")
    return round(float(match[1]) * _PIXELS_PER_POINT)
