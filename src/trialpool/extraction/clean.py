"""Cleaning: every raw row is either used, or dropped with a rule and a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from pathlib import Path

import pandas as pd

from trialpool.effects.generic import sd_from_ci, sd_from_se
from trialpool.effects.percentages import events_from_percent
from trialpool.extraction.checks import Outcomes, run_checks
from trialpool.extraction.problems import Problem
from trialpool.extraction.read import RawData, Row, Sheet, Value, raise_errors, read_condition
from trialpool.extraction.schema import CONDITION_TABLES
from trialpool.extraction.second import compare

# What tells two comparisons apart, leaving out the arms and who reported them.
_COMPARISON = {
    "results": ("trial_id", "outcome", "instrument", "definition", "period", "time_days",
                "outcome_type", "analysis_set"),
    "contrasts": ("trial_id", "experimental_arm", "control_arm", "outcome", "instrument",
                  "definition", "period", "time_days", "effect_measure", "analysis_set"),
}  # fmt: skip
Roles = Mapping[tuple[Value, Value], str]

# What a change score and the scores it lies between have in common.
_PEOPLE = ("trial_id", "arm_id", "outcome", "instrument", "definition", "period", "analysis_set",
           "source")  # fmt: skip
# How a number that was not reported is computed, by the first words of what `computed` says, and
# the cells it is computed from.
_COMPUTED = {
    "SD = SE": ("se",),
    "SD = sqrt(n)": ("ci_low", "ci_high"),
    "event =": ("percent",),
}


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


def load(folder: Path, condition: str, outcomes: Outcomes) -> tuple[RawData, list[Problem]]:
    """Read and check the raw data of a condition.

    Returns
    -------
    The raw data, and the warnings.

    Raises
    ------
    DataError
        listing all errors of form and content
    """
    raw, problems = _checked(folder, condition, outcomes)
    return raw, raise_errors(problems)


def _checked(folder: Path, condition: str, outcomes: Outcomes) -> tuple[RawData, list[Problem]]:
    """The raw data, with what is wrong in them and in a second extraction of them."""
    raw, problems = read_condition(folder, condition)
    _, found = compare(folder, condition, raw.sheets)
    return raw, problems + run_checks(raw, outcomes) + found


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
    problems: list[Problem] = []
    data = {}
    for condition in conditions:
        data[condition], found = _checked(folder, condition, outcomes)
        problems += [p for p in found if p not in problems]
    return data, raise_errors(problems)


def clean(raw: RawData, warnings: Sequence[Problem], confidence_order: Sequence[str]) -> Cleaned:
    """Sort raw rows into used and dropped, and complete standard deviations.

    Parameters
    ----------
    raw : checked raw data
    warnings : what the checks found; each becomes a row of `flags`
    confidence_order : kinds of source, the preferred one first
    """
    faults: dict[str, dict[int, Dropped]] = {table.name: {} for table in CONDITION_TABLES}
    roles = {(a["trial_id"], a["arm_id"]): str(a["role"]) for a in raw["arms"].rows}
    for name in ("results", "contrasts"):
        rows = raw[name].rows
        faults[name] |= _unusable(name, rows, raw[name])
        faults[name] |= _superseded(name, _left(rows, faults[name]), roles, confidence_order)
    faults["results"] |= _alone(_left(raw["results"].rows, faults["results"]), roles)

    tables = {}
    for table in CONDITION_TABLES:
        used = [row for row in raw[table.name].rows if _number(row) not in faults[table.name]]
        if table.name == "results":
            used = [_completed(row, raw["results"]) for row in used]
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


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns = list(dict.fromkeys(["table", *(c for part in parts for c in part.columns)]))
    lines = [row for part in parts for row in part.to_dict("records")]
    return pd.DataFrame(lines, columns=columns)


def _number(row: Row) -> int:
    return int(row["row"] or 0)


def cells_behind(computed: str) -> tuple[str, ...]:
    """The raw columns from which a number was computed, as `computed` of a record says."""
    return next((cells for words, cells in _COMPUTED.items() if computed.startswith(words)), ())


def _unusable(name: str, rows: Sequence[Row], sheet: Sheet) -> dict[int, Dropped]:
    judge: Callable[[Row], str] = _no_contrast
    if name == "results":
        judge = partial(_no_result, sheet=sheet, spreads=_spreads(rows))
    out = {}
    for row in rows:
        if row["exclude_reason"] is not None:
            out[_number(row)] = Dropped(rule="extractor", reason=str(row["exclude_reason"]))
        elif reason := judge(row):
            out[_number(row)] = Dropped(rule="incomplete", reason=reason)
    return out


def _spreads(rows: Sequence[Row]) -> frozenset[tuple[Value, ...]]:
    """Whose scores have an SD, and when: a baseline counts for every time."""
    return frozenset(
        (*(row[column] for column in _PEOPLE), row["outcome_type"],
         None if row["outcome_type"] == "baseline" else row["time_days"])
        for row in rows
        if row["outcome_type"] in ("baseline", "msd") and _sd(row) is not None
    )  # fmt: skip


def _no_result(row: Row, *, sheet: Sheet, spreads: frozenset[tuple[Value, ...]]) -> str:
    if row["outcome_type"] == "event":
        return _no_count(row, sheet)
    if row["n"] is None:
        return "no number of participants"
    if row["mean"] is None:
        ends = (("q1", "q3"), ("minimum", "maximum"))
        spread = any(all(row[end] is not None for end in pair) for pair in ends)
        if row["median"] is not None and spread:
            return ""
        return "no mean, and no median with its quartiles or range to estimate it from"
    if _sd(row) is not None:
        return ""
    people = tuple(row[column] for column in _PEOPLE)
    if row["outcome_type"] != "change":
        return "no SD, and no SE or CI of the mean to compute it from"
    if {(*people, "baseline", None), (*people, "msd", row["time_days"])} <= spreads:
        return ""
    return "no SD, SE or CI of the change, and no SD before and after to work it out from"


def _no_count(row: Row, sheet: Sheet) -> str:
    if row["totaln"] is None:
        return "no totaln" if row["event"] is not None else "no event and no totaln"
    if row["event"] is not None:
        return ""
    if row["percent"] is None:
        return "no event, and no percentage to compute it from"
    return _from_percent(row, sheet)[1]


def _from_percent(row: Row, sheet: Sheet) -> tuple[float, str]:
    """The number of people that a printed percentage stands for, or why there is none."""
    printed = sheet.text(row, "percent")
    decimals = len(printed.partition(".")[2])
    found = events_from_percent(float(printed), int(row["totaln"] or 0), decimals)
    return float(found.count[0]), found.reason[0]


def _no_contrast(row: Row) -> str:
    if row["sd_difference"] is not None and row["period"] == "both":
        return ""  # at least the correlation between the two conditions can be had from it
    if row["estimate"] is None:
        return "no estimate"
    has_ci = row["ci_low"] is not None and row["ci_high"] is not None
    people = row["n_experimental"] is not None and row["n_control"] is not None
    needs_df = row["effect_measure"] not in ("OR", "RR", "RD")
    has_p = row["p_value"] is not None and (not needs_df or row["df"] is not None or people)
    direct = any(row[name] is not None for name in ("se", "t", "f"))
    if not direct and not has_ci and not has_p:
        return "no SE, CI, t, F, or p with df or n to compute a standard error from"
    return ""


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


def _sd(row: Row) -> tuple[float, str] | None:
    """The SD of an arm and how it was found (Cochrane Handbook 6.5.2.2)."""
    if row["n"] is None:
        return None
    n = float(row["n"])
    if row["sd"] is not None:
        return float(row["sd"]), ""
    if row["se"] is not None:
        return float(sd_from_se(float(row["se"]), n)), "SD = SE x sqrt(n)"
    if row["ci_low"] is not None and row["ci_high"] is not None and n > 1:
        sd = float(sd_from_ci(float(row["ci_low"]), float(row["ci_high"]), n))
        return (sd, "SD = sqrt(n) x CI width / (2 t)") if isfinite(sd) else None
    return None


def _completed(row: Row, sheet: Sheet) -> Row:
    """The row with an SD or a count that was not reported but follows from what was.

    `computed` says how; it is blank where nothing was computed.
    """
    if row["outcome_type"] == "event":
        if row["event"] is not None:
            return {**row, "computed": None}
        told = f"event = {sheet.text(row, 'percent')} % of {row['totaln']}"
        return {**row, "event": int(_from_percent(row, sheet)[0]), "computed": told}
    found = _sd(row) if row["mean"] is not None or row["outcome_type"] == "baseline" else None
    if found is None:
        return {**row, "computed": None}
    return {**row, "sd": found[0], "computed": found[1] or None}


def _dropped(raw: RawData, faults: Mapping[str, Mapping[int, Dropped]]) -> pd.DataFrame:
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
    by_file = {sheet.file: sheet for sheet in raw.sheets.values()}
    lines = []
    for warning in sorted(warnings, key=lambda w: (w.file, w.row or 0, w.column)):
        sheet = by_file[warning.file]
        row = next((r for r in sheet.rows if r["row"] == warning.row), {})
        lines.append((sheet.table.name, warning.row, row.get("trial_id"), warning.column,
                      warning.value, warning.check, warning.rule, warning.fix))  # fmt: skip
    columns = ["table", "row", "trial_id", "column", "value", "check", "rule", "fix"]
    return pd.DataFrame(lines, columns=columns)


def _account(
    raw: RawData, tables: Mapping[str, pd.DataFrame], faults: Mapping[str, Mapping[int, Dropped]]
) -> pd.DataFrame:
    lines = [
        (t.name, len(raw[t.name].rows), len(tables[t.name]), len(faults[t.name]))
        for t in CONDITION_TABLES
    ]
    return pd.DataFrame(lines, columns=["table", "rows_in", "rows_used", "rows_dropped"])
