"""Cleaning: every raw row is either used, or dropped with a rule and a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from trialpool.extraction.checks import Outcomes, run_checks
from trialpool.extraction.columns import CONFIDENCE
from trialpool.extraction.problems import Problem
from trialpool.extraction.read import RawData, Row, Sheet, Value, raise_errors, read_condition
from trialpool.extraction.schema import CONDITION_TABLES
from trialpool.extraction.second import compare
from trialpool.extraction.usable import completed, no_contrast, no_result, spreads

if TYPE_CHECKING:
    import pandas as pd

# What tells two comparisons apart, leaving out the arms and who reported them.
_COMPARISON = {
    "results": ("trial_id", "outcome", "instrument", "definition", "period", "time_days",
                "outcome_type", "analysis_set"),
    "contrasts": ("trial_id", "experimental_arm", "control_arm", "outcome", "instrument",
                  "definition", "period", "time_days", "effect_measure", "analysis_set"),
}  # fmt: skip
Roles = Mapping[tuple[Value, Value], str]

# The files the cleaning step writes for a condition.
OUTPUTS = ("trials", "arms", "records", "risk_of_bias", "missing_results", "excluded", "search",
           "dropped", "flags", "rows")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Why one raw row is not used."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """The clean tables of a condition, and the account of every raw row.

    `tables` holds trials, arms, records (one row per reported number: results and contrasts),
    risk_of_bias, missing_results, excluded and search, each with the raw row's number in `row`;
    records say which table the row stands in. `dropped` has one row per raw row not used,
    `flags` one per warning, `rows` one per table: in = used + dropped.
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
    confidence_order: Sequence[str] = CONFIDENCE,
) -> tuple[RawData, list[Problem]]:
    """Read and check the raw data of a condition.

    Parameters
    ----------
    confidence_order : kinds of source, the preferred one first; warnings name the one that is used

    Returns
    -------
    The raw data, and the warnings.

    Raises
    ------
    DataError
        listing all errors of form and content
    """
    raw, problems = _checked(folder, condition, outcomes, confidence_order)
    return raw, raise_errors(problems)


def _checked(
    folder: Path, condition: str, outcomes: Outcomes, confidence_order: Sequence[str]
) -> tuple[RawData, list[Problem]]:
    """The raw data, with what is wrong in them and in a second extraction of them."""
    raw, problems = read_condition(folder, condition)
    _, found = compare(folder, condition, raw.sheets)
    return raw, problems + run_checks(raw, outcomes, confidence_order) + found


def look_at_all(
    folder: Path,
    conditions: Sequence[str],
    outcomes: Outcomes | None,
    confidence_order: Sequence[str] = CONFIDENCE,
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
            data[condition], found = read_condition(folder, condition)
        else:
            data[condition], found = _checked(folder, condition, outcomes, confidence_order)
        problems |= dict.fromkeys(found)
    return data, list(problems)


def check_all(
    folder: Path, conditions: Sequence[str], outcomes: Outcomes
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
    data, problems = look_at_all(folder, conditions, outcomes)
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
        used = [row for row in raw[table.name].rows if _number(row) not in faults[table.name]]
        if table.name == "results":
            used = [completed(row, raw["results"]) for row in used]
        columns = ["row", *table.names] + (["computed"] if table.name == "results" else [])
        tables[table.name] = pd.DataFrame(used, columns=columns).sort_values(
            list(table.key), kind="stable", na_position="first", ignore_index=True
        )
    account = _account(raw, tables, faults)
    records = [tables.pop(name).assign(table=name) for name in ("results", "contrasts")]
    tables["records"] = _joined(records)
    return Cleaned(
        tables=tables, dropped=_dropped(raw, faults), flags=_flags(raw, warnings), rows=account
    )


def sort_rows(raw: RawData, confidence_order: Sequence[str]) -> dict[str, dict[int, Dropped]]:
    """The rows that are not used, by table and row number, each with its reason.

    Parameters
    ----------
    raw : checked raw data
    confidence_order : kinds of source, the preferred one first
    """
    faults: dict[str, dict[int, Dropped]] = {table.name: {} for table in CONDITION_TABLES}
    roles = {(a["trial_id"], a["arm_id"]): str(a["role"]) for a in raw["arms"].rows}
    for name in ("results", "contrasts"):
        rows = raw[name].rows
        faults[name] |= _unusable(name, rows, raw[name])
        faults[name] |= _superseded(name, _left(rows, faults[name]), roles, confidence_order)
    faults["results"] |= _alone(_left(raw["results"].rows, faults["results"]), roles)
    return faults


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    columns = list(dict.fromkeys(["table", *(c for part in parts for c in part.columns)]))
    lines = [row for part in parts for row in part.to_dict("records")]
    return pd.DataFrame(lines, columns=columns)


def _number(row: Row) -> int:
    return int(row["row"] or 0)


def _unusable(name: str, rows: Sequence[Row], sheet: Sheet) -> dict[int, Dropped]:
    judge: Callable[[Row], str] = no_contrast
    if name == "results":
        judge = partial(no_result, sheet=sheet, spreads=spreads(rows))
    out = {}
    for row in rows:
        if row["exclude_reason"] is not None:
            out[_number(row)] = Dropped(rule="extractor", reason=str(row["exclude_reason"]))
        elif reason := judge(row):
            out[_number(row)] = Dropped(rule="incomplete", reason=reason)
    return out


def _left(rows: Sequence[Row], faults: Mapping[int, Dropped]) -> list[Row]:
    return [row for row in rows if _number(row) not in faults]


def _superseded(
    name: str, rows: Sequence[Row], roles: Roles, order: Sequence[str]
) -> dict[int, Dropped]:
    """The same comparison from several sources: one source gives all its arms.

    A source that has both sides comes before one that has a single arm; then the most trusted.
    """
    groups: dict[tuple[Value, ...], dict[tuple[Value, Value], list[Row]]] = {}
    for row in rows:
        key = tuple(row[column] for column in _COMPARISON[name])
        source = (row["source"], row["confidence"])
        groups.setdefault(key, {}).setdefault(source, []).append(row)
    out = {}
    for sources in groups.values():
        best = min(sources, key=partial(_trust, sources, roles, order))
        for source, held in sources.items():
            for row in held if source != best else ():
                out[_number(row)] = Dropped(
                    rule="superseded",
                    reason=f"the same result is taken from row {sources[best][0]['row']} "
                    f"({best[1]} source)",
                )
    return out


def _trust(
    sources: Mapping[tuple[Value, Value], Sequence[Row]],
    roles: Roles,
    order: Sequence[str],
    source: tuple[Value, Value],
) -> tuple[bool, int]:
    """The smaller the better: both sides first, then the kind of source."""
    sides = {roles[r["trial_id"], r["arm_id"]] for r in sources[source] if "arm_id" in r}
    return (len(sides) == 1, order.index(str(source[1])))


def _alone(rows: Sequence[Row], roles: Roles) -> dict[int, Dropped]:
    """Results without anything to compare them with.

    An arm of an alternative set of participants may be compared with the main set's other arm.
    """
    columns = [column for column in _COMPARISON["results"] if column != "analysis_set"]
    sides: dict[tuple[Value, ...], set[str]] = {}
    for row in rows:
        role = roles[row["trial_id"], row["arm_id"]]
        key = (*(row[column] for column in columns), row["analysis_set"])
        sides.setdefault(key, set()).add(role)
    out = {}
    for row in rows:
        key = tuple(row[column] for column in columns)
        found = sides.get((*key, row["analysis_set"]), set()) | sides.get((*key, None), set())
        for role in ("experimental", "control"):
            if role not in found and row["outcome_type"] != "baseline":
                out[_number(row)] = Dropped(
                    rule="no partner",
                    reason=f"no {role} arm has a usable result with the same outcome, instrument, "
                    "definition, period, time_days, outcome_type and analysis_set",
                )
    return out


def _dropped(raw: RawData, faults: Mapping[str, Mapping[int, Dropped]]) -> pd.DataFrame:
    import pandas as pd

    columns = ["table", "row", "trial_id", "outcome", "rule", "reason"]
    lines = []
    for table in CONDITION_TABLES:
        for row in raw[table.name].rows:
            fault = faults[table.name].get(_number(row))
            if fault:
                lines.append((table.name, _number(row), row.get("trial_id"), row.get("outcome"),
                              fault.rule, fault.reason))  # fmt: skip
    return pd.DataFrame(lines, columns=columns)


def _flags(raw: RawData, warnings: Sequence[Problem]) -> pd.DataFrame:
    import pandas as pd

    by_file = {sheet.file: sheet for sheet in raw.sheets.values()}
    rows = {(sheet.file, row["row"]): row for sheet in raw.sheets.values() for row in sheet.rows}
    lines = []
    for warning in sorted(warnings, key=lambda w: (w.file, w.row or 0, w.column)):
        sheet, row = by_file[warning.file], rows.get((warning.file, warning.row), {})
        lines.append((sheet.table.name, warning.row, row.get("trial_id"), warning.column,
                      warning.value, warning.check, warning.rule, warning.fix))  # fmt: skip
    columns = ["table", "row", "trial_id", "column", "value", "check", "rule", "fix"]
    return pd.DataFrame(lines, columns=columns)


def _account(
    raw: RawData, tables: Mapping[str, pd.DataFrame], faults: Mapping[str, Mapping[int, Dropped]]
) -> pd.DataFrame:
    import pandas as pd

    lines = [
        (t.name, len(raw[t.name].rows), len(tables[t.name]), len(faults[t.name]))
        for t in CONDITION_TABLES
    ]
    return pd.DataFrame(lines, columns=["table", "rows_in", "rows_used", "rows_dropped"])
