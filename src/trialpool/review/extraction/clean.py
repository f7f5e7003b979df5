"""Cleaning: every raw row is either used, or dropped with a rule and a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trialpool.review.extraction.read import (
    Outcomes,
    RawData,
    Row,
    Sheet,
    Value,
    raise_errors,
    read_condition,
)
from trialpool.review.extraction.sorting import Dropped, row_number, sort_rows
from trialpool.review.extraction.usable import completed
from trialpool.review.schema.added import Added
from trialpool.review.schema.processed import DROPPED, ROWS, records_of
from trialpool.review.schema.raw import CONDITION_TABLES

if TYPE_CHECKING:
    import pandas as pd


# The files the cleaning step writes for a condition.
OUTPUTS = ("trials", "arms", "records", "risk_of_bias", "missing_results", "excluded", "search",
           "dropped", "rows")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """The clean tables of a condition, and the account of every raw row.

    `tables` holds trials, arms, records (one row per reported number: results and contrasts),
    risk_of_bias, missing_results, excluded and search, each with the raw row's number in `row`;
    records say which table the row stands in. `dropped` has one row per raw row not used, `rows`
    one per table: in = used + dropped.
    """

    tables: dict[str, pd.DataFrame]
    dropped: pd.DataFrame
    rows: pd.DataFrame

    def all_tables(self) -> dict[str, pd.DataFrame]:
        """Every table the cleaning step writes, by the name of its file (OUTPUTS)."""
        rest = {"dropped": self.dropped, "rows": self.rows}
        return {name: {**self.tables, **rest}[name] for name in OUTPUTS}


def read(folder: Path, condition: str, outcomes: Outcomes, added: Added) -> RawData:
    """The raw data of a condition, whose content has been checked before (checking.py).

    Raises
    ------
    DataError
        listing all errors of form
    """
    raw, problems = read_condition(folder, condition, added)
    raise_errors(problems)
    return raw.under(outcomes)


def clean(raw: RawData, confidence_order: Sequence[str]) -> Cleaned:
    """Sort raw rows into used and dropped, and complete standard deviations.

    Parameters
    ----------
    raw : checked raw data
    confidence_order : kinds of source, the preferred one first
    """
    import pandas as pd

    faults = sort_rows(raw, confidence_order)
    tables = {}
    for table in CONDITION_TABLES:
        sheet = raw[table.name]
        used = [row for row in sheet.rows if row_number(row) not in faults[table.name]]
        names = ["row", *(name for name in sheet.table.names if name not in _lacking(sheet))]
        if table.name == "results":
            used, names = [completed(row, sheet) for row in used], [*names, "computed"]
        tables[table.name] = pd.DataFrame(used, columns=names).sort_values(
            list(table.key_of(names)),
            kind="stable",
            na_position="first",
            ignore_index=True,
        )
    account = _account(raw, tables, faults)
    numbers = [tables.pop(name).assign(table=name) for name in ("results", "contrasts")]
    records = records_of(raw["results"].table, raw["contrasts"].table)
    headers = {*raw["results"].header, *raw["contrasts"].header}
    lacking = [name for name in records.may_lack if name not in headers]
    scales = raw.instruments()
    joined = records.frame(
        row | _of_instrument(scales.get(row["instrument"]))
        for part in numbers
        for row in part.to_dict("records")
    )
    tables["records"] = joined.drop(columns=lacking)
    return Cleaned(tables=tables, dropped=_dropped(raw, faults), rows=account)


def _lacking(sheet: Sheet) -> list[str]:
    return [name for name in sheet.table.may_lack if name not in sheet.header]


def _of_instrument(scale: Row | None) -> dict[str, Value]:
    """The reference SD of a scale and the row it stands in; blank where there is none."""
    if scale is None or scale["reference_sd"] is None:
        return {}
    return {"reference_sd": scale["reference_sd"], "reference_row": scale["row"]}


def _dropped(raw: RawData, faults: Mapping[str, Mapping[int, Dropped]]) -> pd.DataFrame:
    lines = []
    for table in CONDITION_TABLES:
        for row in raw[table.name].rows:
            if fault := faults[table.name].get(row_number(row)):
                about = (table.name, row_number(row), row.get("trial_id"), row.get("outcome"))
                lines.append((*about, fault.rule, fault.reason))
    return DROPPED.frame(lines)


def _account(
    raw: RawData, tables: Mapping[str, pd.DataFrame], faults: Mapping[str, Mapping[int, Dropped]]
) -> pd.DataFrame:
    lines = [
        (t.name, len(raw[t.name].rows), len(tables[t.name]), len(faults[t.name]))
        for t in CONDITION_TABLES
    ]
    return ROWS.frame(lines)
