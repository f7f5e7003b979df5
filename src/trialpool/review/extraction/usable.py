"""What makes a row usable, and the numbers that follow from what it reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool.effects.registry import reported_as
from trialpool.review.extraction.derived import behind_sd, spread
from trialpool.review.extraction.read import Row, Sheet, Value
from trialpool.words import text

# What a change score and the scores it lies between have in common.
_PEOPLE = ("trial_id", "arm_id", "outcome", "instrument", "definition", "period", "stratum",
           "analysis_set", "source")  # fmt: skip


def cells_behind(record: Mapping[str, Any]) -> tuple[str, ...]:
    """The raw columns from which the SD or count of a record was computed; none if reported."""
    if not text(record["computed"]):
        return ()
    return ("percent",) if record["outcome_type"] == "event" else behind_sd(record)


def spreads(rows: Sequence[Row]) -> frozenset[tuple[Value, ...]]:
    """Whose scores have an SD, and when: a baseline counts for every time."""
    return frozenset(
        (
            *(row[column] for column in _PEOPLE),
            row["outcome_type"],
            None if row["outcome_type"] == "baseline" else row["time_days"],
        )
        for row in rows
        if row["outcome_type"] in ("baseline", "msd") and spread(row) is not None
    )


def no_result(row: Row, *, sheet: Sheet, spreads: frozenset[tuple[Value, ...]]) -> str:
    """Why a row of results.csv cannot be used; blank where it can.

    `spreads` are those of all rows of the table, for changes whose SD is worked out from them.
    """
    if row["outcome_type"] == "event":
        return _no_count(row, sheet)
    needs = {"rate": ("event", "time_at_risk"), "association": ("n", "correlation")}
    if needed := needs.get(str(row["outcome_type"])):
        absent = [name for name in needed if row.get(name) is None]
        return f"no {' and no '.join(absent)}" if absent else ""
    if row["n"] is None:
        return "no number of participants"
    if row["mean"] is None:
        ends = (("q1", "q3"), ("minimum", "maximum"))
        if row["median"] is not None and any(
            all(row[end] is not None for end in pair) for pair in ends
        ):
            return ""
        return "no mean, and no median with its quartiles or range to estimate it from"
    if spread(row) is not None:
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


def no_contrast(row: Row) -> str:
    """Why a row of contrasts.csv cannot be used; blank where it can."""
    if row["sd_difference"] is not None and row["period"] == "both":
        return ""  # at least the correlation between the two conditions can be had from it
    if row["estimate"] is None:
        return "no estimate"
    has_ci = row["ci_low"] is not None and row["ci_high"] is not None
    people = row["n_experimental"] is not None and row["n_control"] is not None
    needs_df = reported_as(row["effect_measure"]).outcome == "continuous"
    has_p = row["p_value"] is not None and (not needs_df or row["df"] is not None or people)
    direct = any(row[name] is not None for name in ("se", "t", "f"))
    if not direct and not has_ci and not has_p:
        return "no SE, CI, t, F, or p with df or n to compute a standard error from"
    return ""


def completed(row: Row, sheet: Sheet) -> Row:
    """The row with an SD or a count that was not reported but follows from what was.

    `computed` says how; it is blank where nothing was computed.
    """
    if row["outcome_type"] == "event":
        if row["event"] is not None:
            return {**row, "computed": None}
        how = f"event = {sheet.text(row, 'percent')} % of {row['totaln']}"
        return {**row, "event": int(_from_percent(row, sheet)[0]), "computed": how}
    if row["outcome_type"] in ("rate", "association"):
        return {**row, "computed": None}
    of_mean = row["mean"] is not None or row["outcome_type"] == "baseline"
    derived = spread(row) if of_mean else None
    if derived is None:
        return {**row, "computed": None}
    return {**row, "sd": derived.sd, "computed": derived.how or None}


def _from_percent(row: Row, sheet: Sheet) -> tuple[float, str]:
    """The number of people that a printed percentage stands for, or why there is none."""
    # numpy and scipy come with it; `trialpool check` seldom needs it.
    from trialpool.effects.percentages import events_from_percent

    printed = sheet.text(row, "percent")
    decimals = len(printed.partition(".")[2])
    events = events_from_percent(float(printed), int(row["totaln"] or 0), decimals)
    return float(events.count[0]), events.reason[0]
