"""Figures as a page shows them: by the file beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.figures.catalogue import FOREST

# CSS counts 96 pixels to the inch, an SVG's point is 1/72 of it.
_PIXELS_PER_POINT = 96 / 72


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """An image by its file, with its natural size in CSS pixels."""

    alt: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart besides the forest plot, with its file name and what it shows."""

    name: str
    caption: str
    figure: Figure


def charts(figures: pd.DataFrame, title: str) -> tuple[Chart, ...]:
    """The charts that are drawn besides the forest plot, from the list of an analysis' figures."""
    lines = figures[(figures["drawn"] == "yes") & (figures["figure"] != FOREST)]
    return tuple(
        Chart(
            name=line["figure"],
            caption=line["shows"],
            figure=_figure(line, f"{line['shows']}. {title}."),
        )
        for line in tables.records(lines)
    )


def not_drawn(figures: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """Why figures are not drawn, and what each would have shown, gathered by reason."""
    by_reason: dict[str, list[str]] = {}
    for line in tables.records(figures[figures["drawn"] == "no"]):
        by_reason.setdefault(line["reason"], []).append(line["shows"])
    return tuple((reason, "; ".join(shows)) for reason, shows in by_reason.items())


def _figure(line: Mapping[str, Any], alt: str) -> Figure:
    width, height = (round(line[side] * _PIXELS_PER_POINT) for side in ("width", "height"))
    return Figure(alt=alt, width=width, height=height)
