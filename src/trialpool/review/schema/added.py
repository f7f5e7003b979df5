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


def is_extensible(table: Table) -> bool:
    """Whether a protocol may add columns to a raw, clean or result table."""
    raw = EXTENSIBLE.get(table.name)
    return table in (RECORDS, STUDIES) or bool(raw and table in (raw, CLEANED.get(table.name)))


def with_added(table: Table, added: Added) -> Table:
    """A raw, clean or result table with the columns the protocol adds to it."""
    if table is RECORDS:
        return records_of(with_added(RESULTS, added), with_added(CONTRASTS, added))
    if table is STUDIES:
        return table.with_columns(*added.get("trials", ()))
    return table.with_columns(*added.get(table.name, ())) if is_extensible(table) else table


def taken(table: str) -> set[str]:
    """The names a column of a raw table may not have: there, or further on, they are in use."""
    further = STUDIES if table == "trials" else RECORDS
    return {*EXTENSIBLE[table].names, *further.names, "row", "table"}
