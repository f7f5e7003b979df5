"""Cleaning: every raw row is either used, or dropped with a rule and a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trialpool.review.extraction.checks import Outcomes, flags, run_checks
from trialpool.review.extraction.problems import Problem
from trialpool.review.extraction.read import (
    RawData,
    raise_errors,
    read_condition,
)
from trialpool.review.extraction.second import compare
from trialpool.review.extraction.sorting import Dropped, row_number, sort_rows
from trialpool.review.extraction.usable import completed
from trialpool.review.schema.added import Added
from trialpool.review.schema.processed import DROPPED, FLAGS, ROWS, records_of
from trialpool.review.schema.raw import CONDITION_TABLES

if TYPE_CHECKING:
    import pandas as pd


# The files the cleaning step writes for a condition.
OUTPUTS = ("trials", "arms", "records", "risk_of_bias", "missing_results", "excluded", "search",
           "dropped", "flags", "rows")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """The clean tables of a condition, and the account of every raw row.

    `tables` holds trials, arms, records (one row per reported number: results and contrasts),
    risk_of_bias, missing_results, excluded and search, each with the raw row's number in `row`;
    records say which table the row stands in. `dropped` has one row per raw row not used,
    `flags` one per warning with its words for a reader, `rows` one per table: in = used + dropped.
    """

    tables: dict[str, pd.DataFrame]
    dropped: pd.DataFrame
    flags: pd.DataFrame
    rows: pd.DataFrame

    def all_tables(self) -> dict[str, pd.DataFrame]:
        """Every table the cleaning step writes, by the name of its file (OUTPUTS)."""
        rest = {"dropped": self.dropped, "flags": self.flags, "rows": self.rows}
        return {name: {**self.tables, **rest}[name] for name in OUTPUTS}


def load(
    folder: Path,
    condition: str,
    outcomes: Outcomes,
    confidence_order: Sequence[str],
    added: Added,
) -> tuple[RawData, list[Problem]]:
    """Read and check the raw data of a condition.

    Parameters
    ----------
    confidence_order : kinds of source, the preferred one first; warnings name the one that is used
    added : the columns the protocol adds

    Returns
    -------
    The raw data, and the warnings.

    Raises
    ------
    DataError
        listing all errors of form and content
    """
    raw, problems = _checked(folder, condition, outcomes, confidence_order, added)
    return raw, raise_errors(problems)


def _checked(
    folder: Path,
    condition: str,
    outcomes: Outcomes,
    confidence_order: Sequence[str],
    added: Added,
) -> tuple[RawData, list[Problem]]:
    """The raw data, with what is wrong in them and in a second extraction of them."""
    raw, problems = read_condition(folder, condition, added)
    alone = {name for name, rule in outcomes.items() if "1" in rule.get("groups", "2")}
    raw = replace(raw, alone=frozenset(alone))
    _, second_problems = compare(folder, condition, raw.sheets)
    return raw, problems + run_checks(raw, outcomes, confidence_order) + second_problems


def look_at_all(
    folder: Path,
    conditions: Sequence[str],
    outcomes: Outcomes | None,
    confidence_order: Sequence[str],
    added: Added,
) -> tuple[dict[str, RawData], list[Problem]]:
    """Read and check the raw data of all conditions.

    Parameters
    ----------
    outcomes : None when they are not known; then only the form of the tables is looked at

    Returns
    -------
    The raw data by condition, and every problem, errors and warnings; one in the instruments,
    which all conditions share, is told once.
    """
    problems: dict[Problem, None] = {}
    data = {}
    for condition in conditions:
        if outcomes is None:
            data[condition], condition_problems = read_condition(folder, condition, added)
        else:
            data[condition], condition_problems = _checked(
                folder, condition, outcomes, confidence_order, added
            )
        problems |= dict.fromkeys(condition_problems)
    return data, list(problems)


def check_all(
    folder: Path,
    conditions: Sequence[str],
    outcomes: Outcomes,
    confidence_order: Sequence[str],
    added: Added,
) -> tuple[dict[str, RawData], list[Problem]]:
    """Read and check the raw data of all conditions; every error is reported at once.

    Returns
    -------
    The raw data by condition, and the warnings.

    Raises
    ------
    DataError
        listing the errors of all conditions
    """
    data, problems = look_at_all(folder, conditions, outcomes, confidence_order, added)
    return data, raise_errors(problems)


def clean(raw: RawData, warnings: Sequence[Problem], confidence_order: Sequence[str]) -> Cleaned:
    """Sort raw rows into used and dropped, and complete standard deviations.

    Parameters
    ----------
    raw : checked raw data
    warnings : what the checks found; each becomes a row of `flags`
    confidence_order : kinds of source, the preferred one first
    """
    import pandas as pd

    faults = sort_rows(raw, confidence_order)
    tables = {}
    for table in CONDITION_TABLES:
        sheet = raw[table.name]
        used = [row for row in sheet.rows if row_number(row) not in faults[table.name]]
        names = ["row", *sheet.table.names]
        if table.name == "results":
            used, names = [completed(row, sheet) for row in used], [*names, "computed"]
        tables[table.name] = pd.DataFrame(used, columns=names).sort_values(
            list(table.key), kind="stable", na_position="first", ignore_index=True
        )
    account = _account(raw, tables, faults)
    numbers = [tables.pop(name).assign(table=name) for name in ("results", "contrasts")]
    records = records_of(raw["results"].table, raw["contrasts"].table)
    lacking = [name for name in records.may_lack if name not in raw["results"].header]
    joined = records.frame(row for part in numbers for row in part.to_dict("records"))
    tables["records"] = joined.drop(columns=lacking)
    return Cleaned(
        tables=tables, dropped=_dropped(raw, faults), flags=_flags(raw, warnings), rows=account
    )


def _dropped(raw: RawData, faults: Mapping[str, Mapping[int, Dropped]]) -> pd.DataFrame:
    lines = []
    for table in CONDITION_TABLES:
        for row in raw[table.name].rows:
            if fault := faults[table.name].get(row_number(row)):
                about = (table.name, row_number(row), row.get("trial_id"), row.get("outcome"))
                lines.append((*about, fault.rule, fault.reason))
    return DROPPED.frame(lines)


def _flags(raw: RawData, warnings: Sequence[Problem]) -> pd.DataFrame:
    meaning = flags()
    by_file = {sheet.file: sheet for sheet in raw.sheets.values()}
    rows = {(sheet.file, row["row"]): row for sheet in raw.sheets.values() for row in sheet.rows}
    lines = []
    for warning in sorted(warnings, key=lambda w: (w.file, w.row or 0, w.column)):
        sheet, row = by_file[warning.file], rows.get((warning.file, warning.row), {})
        words = meaning.get(warning.check, warning.check.replace("_", " "))
        place = (sheet.table.name, warning.row, row.get("trial_id"), warning.column, warning.value)
        lines.append((*place, warning.check, words, warning.rule, warning.fix))
    return FLAGS.frame(lines)


def _account(
    raw: RawData, tables: Mapping[str, pd.DataFrame], faults: Mapping[str, Mapping[int, Dropped]]
) -> pd.DataFrame:
    lines = [
        (t.name, len(raw[t.name].rows), len(tables[t.name]), len(faults[t.name]))
        for t in CONDITION_TABLES
    ]
    return ROWS.frame(lines)
