"""A forest plot on a journal's page: columns give way, letters keep their size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from trialpool.figures import style
from trialpool.figures.forest_columns import place
from trialpool.figures.forest_table import ForestTable

PRINT = 180 / 25.4 * 72  # points: the type area of most journals
NARROW_PLOT = 130.0
PLOT_MOST = 210.0
NARROW_LABEL = 115.0


def fitted(table: ForestTable, most: float = PRINT) -> ForestTable:
    """The table with as many columns as `most` points hold.

    First the plot and the labels are narrowed; then, until it fits, the domains of the risk of
    bias go (their overall stays), the scales, the arms' results, the overall judgement, the
    weights, and the arms' sizes. A trial, its plot and its effect always stay. What goes is in
    `studies.csv`.
    """
    for narrower in _narrower(table):
        spare = most - place(narrower)[-1].right - style.MARGIN
        if spare >= 0 and narrower is not table:  # what is left over is the plot's
            return replace(narrower, plot_points=min(PLOT_MOST, narrower.plot_points + spare))
        if spare >= 0:
            return table
    return narrower


def _narrower(table: ForestTable) -> Iterator[ForestTable]:
    yield table
    table = replace(table, plot_points=NARROW_PLOT, label_points=NARROW_LABEL)
    yield table
    judged = {c.key for c in table.columns if c.align == "judgement"}
    for keys in (
        judged - {"overall"},
        {"scale"},
        {"experimental", "control"},
        {"overall"},
        {"weight"},
        {"experimental_n", "control_n"},
    ):
        columns = tuple(column for column in table.columns if column.key not in keys)
        kept = tuple(domain for domain in table.domains if domain not in keys)
        table = replace(table, columns=columns, domains=kept)
        yield table
