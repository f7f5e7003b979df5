"""What the lists of figures say to a run before it draws anything."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from trialpool.figures.catalogue import FOREST


def gone(folders: Iterable[str]) -> list[str]:
    """The drawings that the lists in these folders name and that are not there any more.

    A folder without a list is about to be drawn. Forest plots are left out: a run knows them by
    name, since they are always drawn.
    """
    return [
        drawing for folder in folders for drawing in _drawings(folder) if not Path(drawing).exists()
    ]


def _drawings(folder: str) -> list[str]:
    listed = Path(folder, "figures.csv")
    if not listed.exists():
        return []
    with listed.open(encoding="utf-8", newline="") as stream:
        return [
            f"{folder}/{line['figure']}.svg"
            for line in csv.DictReader(stream)
            if line["drawn"] == "yes" and line["figure"] != FOREST
        ]
