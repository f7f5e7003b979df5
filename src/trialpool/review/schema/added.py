"""Columns that a protocol adds to raw tables, and the tables with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialpool.columns import Column, Table
from trialpool.review.schema.processed import CLEANED, RECORDS, records_of
from trialpool.review.schema.raw import ARMS, CONTRASTS, RESULTS, TRIALS
from trialpool.review.schema.results import STUDIES

# By raw table. Those of trials also stand in studies.csv, those of results and contrasts in
# records.csv.
Added = Mapping[str, tuple[Column, ...]]
NO_COLUMNS: Added = {}
EXTENSIBLE = {table.name: table for table in (TRIALS, ARMS, RESULTS, CONTRASTS)}


def columns_of(declared: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Added:
    """The columns of plain declarations (`Review.added`): by table and name."""
    return {
        table: tuple(
            Column(name, **{**about, "choices": tuple(about["choices"])})
            for name, about in columns.items()
        )
        for table, columns in declared.items()
    }


def with_added(table: Table, added: Added) -> Table:
    """A raw, clean or result table with the columns the protocol adds to it."""
    if table is RECORDS:
        return records_of(with_added(RESULTS, added), with_added(CONTRASTS, added))
    if table is STUDIES:
        return table.with_columns(*added.get("trials", ()))
    known = (EXTENSIBLE.get(table.name), CLEANED.get(table.name))
    return table.with_columns(*added.get(table.name, ())) if table in known else table


def taken(table: str) -> set[str]:
    """The names a column of a raw table may not have: there, or further on, they are in use."""
    further = STUDIES if table == "trials" else RECORDS
    return {*EXTENSIBLE[table].names, *further.names, "row", "table"}
