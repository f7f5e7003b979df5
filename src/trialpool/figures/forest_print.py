"""A forest plot on a journal's page: columns give way, letters keep their size."""

from __future__ import annotations

from dataclasses import replace

from trialpool.figures import style
from trialpool.figures.forest_columns import place
from trialpool.figures.forest_table import JUDGED, ForestTable

PRINT = 180 / 25.4 * 72  # points: the type area of most journals
NARROW_PLOT = 130.0
NARROW_LABEL = 115.0
# Columns that can give way, the most needed first; those of a set stay or go together.
BY_NEED = (
    {"experimental_n", "control_n"},
    {"weight"},
    {"overall"},
    {"experimental", "control"},
    {"scale"},
    set(JUDGED) - {"overall"},
)


def fitted(table: ForestTable, most: float = PRINT) -> ForestTable:
    """The table with as many columns as `most` points hold, the most needed first.

    Where not all fit, plot and labels are narrowed, and room that is left over is the plot's. A
    trial, its plot and its effect always stay; what goes is in `studies.csv`.
    """
    if _spare(table, most) >= 0:
        return table
    narrow = replace(table, plot_points=NARROW_PLOT, label_points=NARROW_LABEL)
    dropped = set().union(*BY_NEED)
    for keys in BY_NEED:
        if _spare(_without(narrow, dropped - keys), most) >= 0:
            dropped -= keys
    narrow = _without(narrow, dropped)
    widest = NARROW_PLOT + max(0.0, _spare(narrow, most))
    return replace(narrow, plot_points=min(table.plot_points, widest))


def _spare(table: ForestTable, most: float) -> float:
    return most - style.MARGIN - place(table)[-1].right


def _without(table: ForestTable, dropped: set[str]) -> ForestTable:
    columns = tuple(column for column in table.columns if column.key not in dropped)
    domains = tuple(domain for domain in table.domains if domain not in dropped)
    return replace(table, columns=columns, domains=domains)
