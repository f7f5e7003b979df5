"""Which effect of each trial enters an analysis, and why the others do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.review.effects.crossover import FIRST
from trialpool.review.protocol.specs import Analysis, Filter
from trialpool.review.schema.raw import CONFIDENCE

# What an effect is made of, the preferred first.
BASES = ("arms", "contrast", "contrast, standardised")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """One effect per trial in `chosen`; every other effect of the outcome in `rejected`.

    An effect whose control is split has a row for each of its arms.
    """

    chosen: pd.DataFrame
    rejected: pd.DataFrame


def select(
    effects: pd.DataFrame,
    trials: pd.DataFrame,
    analysis: Analysis,
    *,
    counts: bool = False,
    confidence_order: Sequence[str] = CONFIDENCE,
) -> Selection:
    """Choose one effect per trial as the protocol says.

    Effects outside the analysis (filters, window, instruments, comparators) are rejected. Of
    those left, a trial gives the one first by: instrument, comparator and outcome type in the
    protocol's order, closeness to the preferred time, both periods of a crossover before the first
    alone, arm data before a reported contrast, confidence of the source.

    Parameters
    ----------
    effects : effects.csv of the condition
    trials : trials.csv of the condition
    counts : whether the model needs counts (Mantel-Haenszel)
    confidence_order : kinds of source, the preferred one first
    """
    pool, candidates, rejected = _fitting(effects, trials, analysis, counts=counts)
    groups = list(candidates.values())
    return _best(pool, groups, rejected, analysis, confidence_order)


def select_all(
    effects: pd.DataFrame,
    trials: pd.DataFrame,
    analysis: Analysis,
    *,
    counts: bool = False,
    confidence_order: Sequence[str] = CONFIDENCE,
) -> Selection:
    """Every effect that fits, once per comparison, instrument and time; parameters of `select`.

    The same result reported twice (arm data and a contrast, two sources) is one effect still: the
    one `select` would prefer.
    """
    pool, candidates, rejected = _fitting(effects, trials, analysis, counts=counts)
    groups: list[list[Mapping[str, Any]]] = []
    for rows in candidates.values():
        same: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
        for row in rows:
            same.setdefault(tuple(str(row[name]) for name in _ONE_RESULT), []).append(row)
        groups += same.values()
    return _best(pool, groups, rejected, analysis, confidence_order)


# What tells one result of a trial from another, however it was reported.
_ONE_RESULT = ("experimental_arms", "control_arm", "instrument", "definition", "time_days",
               "analysis_set")  # fmt: skip

Candidates = dict[str, list[Mapping[str, Any]]]


def _best(
    pool: pd.DataFrame,
    groups: Sequence[Sequence[Mapping[str, Any]]],
    rejected: dict[str, str],
    analysis: Analysis,
    order: Sequence[str],
) -> Selection:
    """Of each group the effect that the protocol prefers; the others with the rule against them."""
    chosen = []
    for rows in groups:
        best = min(rows, key=lambda row: _preference(row, analysis, order))
        chosen.append(best["effect_id"])
        for other in rows:
            if other is not best:
                rejected[other["effect_id"]] = _versus(other, best, analysis, order)
    return _sorted(pool, chosen, rejected)


def _fitting(
    effects: pd.DataFrame, trials: pd.DataFrame, analysis: Analysis, *, counts: bool
) -> tuple[pd.DataFrame, Candidates, dict[str, str]]:
    """The outcome's effects; of these the ones that fit, by trial; why the others do not."""
    pool = effects[
        (effects["outcome"] == analysis.outcome)
        & (effects["measure"] == analysis.measure)
        & effects["variant"].isna()
    ]
    about = {row["trial_id"]: row for row in tables.records(trials)}
    rejected: dict[str, str] = {}
    candidates: Candidates = {}
    for row in tables.records(pool.drop_duplicates("effect_id")):
        reason = why_not(about[row["trial_id"]], analysis) or _unfit(row, analysis, counts=counts)
        if reason:
            rejected[row["effect_id"]] = reason
        else:
            candidates.setdefault(row["trial_id"], []).append(row)
    return pool, candidates, rejected


def _sorted(pool: pd.DataFrame, chosen: Sequence[str], rejected: Mapping[str, str]) -> Selection:
    picked = pool[pool["effect_id"].isin(chosen)].sort_values(
        ["year", "study", "effect_id", "part"], na_position="last", ignore_index=True
    )
    left = pool[pool["effect_id"].isin(rejected)][["effect_id", "trial_id", "study"]]
    left = left.drop_duplicates("effect_id")
    left = left.assign(reason=[rejected[i] for i in left["effect_id"]])
    return Selection(chosen=picked, rejected=left.reset_index(drop=True))


def why_not(trial: Mapping[str, Any], rule: Filter) -> str:
    """Why a filter leaves a trial out; blank when it does not."""
    for column, values in rule.include.items():
        if trial[column] not in values:
            return f"{column} is {trial[column]}, not {' or '.join(values)}"
    for column, values in rule.exclude.items():
        if trial[column] in values:
            return f"{column} is {trial[column]}"
    return ""


def _unfit(row: Mapping[str, Any], analysis: Analysis, *, counts: bool) -> str:
    if analysis.instruments and row["instrument"] not in analysis.instruments:
        return f"instrument {row['instrument']} is not one of the analysis"
    if row["comparator_class"] not in analysis.comparators:
        return f"comparator is {row['comparator_class']}, not {' or '.join(analysis.comparators)}"
    if analysis.time_days is not None:
        low, high = analysis.time_days
        if row["time_days"] != row["time_days"]:
            return "the time point is not known"
        if not low <= row["time_days"] <= high:
            return f"day {row['time_days']:g} is outside day {low:g} to {high:g}"
    if (
        row["outcome_type"] in ("msd", "change")
        and row["outcome_type"] not in analysis.outcome_types
    ):
        return "change scores are not pooled with scores after treatment"
    if row["yi"] != row["yi"] or row["vi"] != row["vi"]:
        return str(row["reason"])
    if counts and row["event_control"] != row["event_control"]:
        return "a reported contrast has no counts for Mantel-Haenszel"
    return ""


def _preference(
    row: Mapping[str, Any], analysis: Analysis, order: Sequence[str]
) -> tuple[float | str, ...]:
    time, distance = row["time_days"], 0.0
    if analysis.prefer_time is not None:
        # A time that is not known comes after every known one.
        distance = abs(float(time) - analysis.prefer_time) if time == time else inf
    return (
        _place(row["instrument"], analysis.instruments),
        _place(row["comparator_class"], analysis.comparators),
        _place(row["outcome_type"], analysis.outcome_types),
        distance,
        # Where both periods can be used the first one alone wastes half of the data.
        float(row["design"] == FIRST),
        float(BASES.index(row["basis"])),
        float(order.index(row["confidence"])),
        -float(row["n"]) if row["n"] == row["n"] else 0.0,
        str(row["effect_id"]),
    )


def _place(value: Any, order: Sequence[str]) -> float:
    return float(order.index(value)) if value in order else 0.0


_WHY = (
    ("instrument", "instrument {} comes after {}"),
    ("comparator_class", "comparator {} comes after {}"),
    ("outcome_type", "{} comes after {}"),
    ("time_days", "day {} is further from the preferred day than day {}"),
    ("design", "{} comes after {}"),
    ("basis", "a reported {} comes after {}"),
    ("confidence", "a source of confidence {} comes after {}"),
)


def _versus(
    row: Mapping[str, Any], best: Mapping[str, Any], analysis: Analysis, order: Sequence[str]
) -> str:
    """The first rule by which another effect of the trial was preferred."""
    mine, theirs = (_preference(each, analysis, order) for each in (row, best))
    for (column, words), a, b in zip(_WHY, mine, theirs, strict=False):
        if a != b:
            shown = [f"{v:g}" if isinstance(v, float) else v for v in (row[column], best[column])]
            return f"another effect of the trial is used: {words.format(*shown)}"
    return f"another effect of the trial is used: {best['effect_id']}"
