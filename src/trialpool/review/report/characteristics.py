"""Characteristics of the trials of a review: one row per trial, for readers and manuscripts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.review.report.condition_tables import diagnosis
from trialpool.review.report.grid import Row
from trialpool.review.schema.results import CHARACTERISTICS

# Columns that are as the trials' own table has them.
SAME = (
    *("trial_id", "study", "year", "design", "country", "population", "n_randomised"),
    *("mean_age", "percent_women", "funding", "registration", "citation", "doi", "pmid"),
    "source_url",
)


def characteristics(by_condition: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
    """The table of characteristics, trials by year.

    A trial that stands in several conditions has one row: of a cell that is blank in one of them
    the value of the next is taken, and different ones are joined by "; ".

    Parameters
    ----------
    by_condition : the cleaned tables trials, arms and records of each condition
    """
    rows: dict[str, dict[str, Any]] = {}
    for condition, named in by_condition.items():
        arms, records = _by_trial(named["arms"]), _by_trial(named["records"])
        for trial in tables.records(named["trials"]):
            name = trial["trial_id"]
            mine = _row(trial, condition, arms.get(name, ()), records.get(name, ()))
            rows[name] = _joined(rows[name], mine) if name in rows else mine
    frame = CHARACTERISTICS.frame(rows.values())
    return frame.sort_values(["year", "study"], na_position="last", kind="stable")


def _by_trial(frame: pd.DataFrame) -> dict[str, list[Row]]:
    out: dict[str, list[Row]] = {}
    for row in tables.records(frame):
        out.setdefault(row["trial_id"], []).append(row)
    return out


def _row(trial: Row, condition: str, arms: Iterable[Row], records: Iterable[Row]) -> dict[str, Any]:
    labels = {arm["arm_id"]: w.text(arm["arm"]) for arm in arms}
    return {name: trial[name] for name in SAME} | {
        "conditions": condition,
        "diagnosis": diagnosis(trial),
        "treatment": _arms(arms, "experimental"),
        "comparator": _arms(arms, "control"),
        "severity": _severity(records, labels),
    }


def _arms(arms: Iterable[Row], role: str) -> str:
    """The arms of a side with dose, route and number of doses: `drug: 0.5 mg/kg, IV, 6 doses`.

    What a source does not say is not there.
    """
    said = []
    for arm in arms:
        if arm["role"] != role:
            continue
        name, dose = w.text(arm["arm"]), w.text(arm["dose"])
        doses = w.whole(arm["n_doses"])
        parts = [dose if dose not in name else "", w.text(arm["route"])]
        if doses not in (w.DASH, "0"):
            parts.append(w.count(int(doses), "dose"))
        given = ", ".join(filter(None, parts))
        said.append(f"{name}: {given}" if given else name)
    return "; ".join(dict.fromkeys(said))


def _severity(records: Iterable[Row], arms: Mapping[str, str]) -> str:
    """Scores before treatment as reported, by scale and arm: `SCALE 44.3 (drug), 42.1 (saline)`."""
    by_scale: dict[str, dict[str, None]] = {}
    for row in records:
        if row["outcome_type"] != "baseline" or pd.isna(row["mean"]):
            continue
        arm = arms.get(w.text(row["arm_id"]), "")
        score = w.short(row["mean"]) + (f" ({arm})" if arm else "")
        by_scale.setdefault(w.text(row["instrument"]), {})[score] = None
    return "; ".join(f"{scale} {', '.join(scores)}" for scale, scores in by_scale.items())


def _joined(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """The cells of a trial in two conditions."""
    out = {}
    for name, value in first.items():
        other = w.text(second[name])
        if not w.text(value):
            out[name] = second[name]
        elif isinstance(value, str) and other and f"; {other}; " not in f"; {value}; ":
            out[name] = f"{value}; {other}"
        else:
            out[name] = value
    return out
