"""Which raw rows are used: the others, each with the rule and the reason that dropped it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from trialpool.review.extraction.read import RawData, Row, Sheet, Value
from trialpool.review.extraction.usable import no_contrast, no_result, spreads
from trialpool.review.schema.raw import CONDITION_TABLES

# What tells two comparisons apart, leaving out the arms and who reported them.
_COMPARISON = {
    "results": ("trial_id", "outcome", "instrument", "definition", "period", "time_days",
                "outcome_type", "stratum", "analysis_set"),
    "contrasts": ("trial_id", "experimental_arm", "control_arm", "outcome", "instrument",
                  "definition", "period", "time_days", "effect_measure", "stratum",
                  "analysis_set"),
}  # fmt: skip
Roles = Mapping[tuple[Value, Value], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Why one raw row is not used; `tied`: another source, as much to be trusted, is taken."""

    rule: str
    reason: str
    tied: bool = False


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
    compared = [
        r for r in _left(raw["results"].rows, faults["results"]) if r["outcome"] not in raw.alone
    ]
    faults["results"] |= _alone(compared, roles)
    return faults


def row_number(row: Row) -> int:
    return int(row["row"] or 0)


def _unusable(name: str, rows: Sequence[Row], sheet: Sheet) -> dict[int, Dropped]:
    judge: Callable[[Row], str] = no_contrast
    if name == "results":
        judge = partial(no_result, sheet=sheet, spreads=spreads(rows))
    out = {}
    for row in rows:
        if row["exclude_reason"] is not None:
            out[row_number(row)] = Dropped(rule="extractor", reason=str(row["exclude_reason"]))
        elif reason := judge(row):
            out[row_number(row)] = Dropped(rule="incomplete", reason=reason)
    return out


def _left(rows: Sequence[Row], faults: Mapping[int, Dropped]) -> list[Row]:
    return [row for row in rows if row_number(row) not in faults]


def _superseded(
    name: str, rows: Sequence[Row], roles: Roles, order: Sequence[str]
) -> dict[int, Dropped]:
    """The same comparison from several sources: one source gives all its arms.

    A source that has both sides comes before one that has a single arm; then the most trusted. Of
    those alike in both any is taken, since their numbers are the same: others are an error of the
    checks (`sources_tie`).
    """
    groups: dict[tuple[Value, ...], dict[tuple[Value, Value], list[Row]]] = {}
    for row in rows:
        key = tuple(row[column] for column in _COMPARISON[name])
        source = (row["source"], row["confidence"])
        groups.setdefault(key, {}).setdefault(source, []).append(row)
    out = {}
    for sources in groups.values():
        rank = {source: _trust(sources, roles, order, source) for source in sources}
        best = min(sources, key=lambda source: (rank[source], str(source[0])))
        for source, source_rows in sources.items():
            for row in source_rows if source != best else ():
                out[row_number(row)] = Dropped(
                    rule="superseded",
                    reason=f"the same result is taken from row {sources[best][0]['row']} "
                    f"({best[1]} source)",
                    tied=rank[source] == rank[best],
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
        present_roles = sides.get((*key, row["analysis_set"]), set()) | sides.get(
            (*key, None), set()
        )
        for role in ("experimental", "control"):
            if role not in present_roles and row["outcome_type"] != "baseline":
                out[row_number(row)] = Dropped(
                    rule="no partner",
                    reason=f"no {role} arm has a usable result with the same outcome, instrument, "
                    "definition, period, time_days, outcome_type, stratum and analysis_set",
                )
    return out
