"""Tables of results with a drawing of each beside its numbers, all on one scale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import isnan

from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.review.report.grid import Cell, Grid, GridColumn, Row
from trialpool.review.report.row_plot import RowScale, Triple, tone

_SHARE = 25.0  # of the weight: squares of one size, since these rows are no trials


def plotted(result: AnalysisResult, rows: Iterable[Row], grid: Grid) -> Grid:
    """The table with a column of drawings after the first.

    Parameters
    ----------
    rows
        those of the table, in its order, with `estimate`, `ci_low` and `ci_high` on the display
        scale; one without an interval has no drawing
    """
    given = [_triple(row) for row in rows]
    whole = [each for each in given if each]
    if len(whole) < 2:
        return grid
    scale = RowScale.of(result, whole, [estimate for estimate, _, _ in whole])
    drawn = iter(given)

    def widened(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
        # A row of one cell heads those below it.
        if len(row) == 1:
            return row
        shown = next(drawn)
        plot = scale.trial(shown, _SHARE, tone(result, *shown[1:])) if shown else None
        return row[0], Cell(plot=plot), *row[1:]

    first, *rest = grid.columns
    column = GridColumn("Interval", lambda _: Cell(), "plot")
    return replace(
        grid,
        columns=(first, column, *rest),
        rows=tuple(widened(row) for row in grid.rows),
        scale=scale,
    )


def _triple(row: Row) -> Triple | None:
    shown = w.number(row["estimate"]), w.number(row["ci_low"]), w.number(row["ci_high"])
    return None if any(map(isnan, shown)) else shown
