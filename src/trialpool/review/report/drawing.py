"""Figures into their folder, with the table that says which are drawn, and why others are not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from trialpool.figures import style
from trialpool.figures.catalogue import FORMATS
from trialpool.figures.chart import Withheld
from trialpool.review.schema import files
from trialpool.review.schema.results import FIGURES


def write(
    folder: Path, sheets: Iterable[tuple[str, Figure | Withheld]], captions: Mapping[str, str]
) -> None:
    """Save what is drawn, remove what is drawn no more, and list both in `figures.csv`.

    The list is written last: where it stands, the figures stand too.

    Parameters
    ----------
    sheets : each figure by the name of its file, or why it is not drawn
    captions : what a reader sees in each
    """
    lines = []
    for name, made in sheets:
        if isinstance(made, Figure):
            paths = [folder / f"{name}.{kind}" for kind in FORMATS.get(name, ("svg",))]
            style.save(made, paths, captions[name])
        lines.append(listed(name, made, captions))
    drawn = {line["figure"] for line in lines if line["drawn"] == "yes"}
    for stale in folder.glob("*.svg"):
        if stale.stem not in drawn:
            stale.unlink()
    files.write(folder / "figures.csv", FIGURES.frame(lines))


def listed(name: str, made: Figure | Withheld, captions: Mapping[str, str]) -> dict[str, Any]:
    """The row of a figure in the list."""
    row = {"figure": name, "shows": captions[name]}
    if isinstance(made, Withheld):
        return row | {"drawn": "no", "reason": made.reason}
    # Widths of letters add up to ties of the last digit, which must not hang on the last bit.
    width, height = (round(72 * float(inches), 6) for inches in made.get_size_inches())
    return row | {"drawn": "yes", "width": width, "height": height}
