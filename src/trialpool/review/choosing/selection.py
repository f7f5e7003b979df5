"""Which effects of an outcome enter an analysis, and why each other one does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan
from typing import Any, Self

import numpy as np
import pandas as pd

from trialpool import tables
from trialpool.effects import measure_of
from trialpool.review.choosing.reasons import BIAS, why_not
from trialpool.review.effects.crossover import FIRST
from trialpool.review.effects.standardised import LEFT_OUT
from trialpool.review.protocol.eligibility import Eligibility
from trialpool.risk_of_bias import RiskOfBias
from trialpool.terms import OVERALL

# What an effect is made of, the preferred first.
BASES = ("arms", "contrast", "contrast, standardised")
# What tells one result of a trial from another, however it was reported.
_ONE_RESULT = ("experimental_arms", "control_arm", "instrument", "definition", "time_days",
               "analysis_set")  # fmt: skip

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides which effects count: the question, and what it asks of trials and sources.

    `comparators` are the preferred first; `several` says whether a trial may give several effects.
    `trials` are the rows of trials.csv by trial, `bias` the judgements of their results;
    `confidence` are kinds of source, the preferred one first; `counts` names the method that needs
    counts, and is blank where none is needed.
    """

    question: Eligibility
    comparators: Sequence[str]
    several: bool
    trials: Mapping[str, Row]
    bias: RiskOfBias[Row]
    confidence: Sequence[str]
    counts: str

    @classmethod
    def of(
        cls,
        question: Eligibility,
        trials: pd.DataFrame,
        risk_of_bias: pd.DataFrame,
        *,
        comparators: Sequence[str],
        several: bool,
        confidence: Sequence[str],
        counts: str,
    ) -> Self:
        """The rules of a question, from the condition's trials.csv and risk_of_bias.csv."""
        return cls(
            question=question,
            comparators=comparators,
            several=several,
            trials={row["trial_id"]: row for row in tables.records(trials)},
            bias=RiskOfBias[Row](tables.records(risk_of_bias)),
            confidence=confidence,
            counts=counts,
        )

    @property
    def told_apart(self) -> tuple[str, ...]:
        """The columns that tell effects of a trial apart of which each may count."""
        if not self.several:
            return ()
        return ("stratum",) if self.counts else _ONE_RESULT

    def judgement(self, trial: str, instrument: object = "") -> str:
        """The overall risk of bias of a trial's result on an instrument; blank = on none."""
        return self.bias.of(trial, OVERALL, self.question.outcome, instrument)

    def against(self, trial: str, instrument: object = "") -> str:
        """Why a trial's result is out, whatever was found in it; blank where it is not."""
        asked = self.question
        if reason := why_not(self.trials[trial], asked.include, asked.exclude):
            return reason
        if asked.risk_of_bias:
            judgement = self.judgement(trial, instrument)
            if judgement not in asked.risk_of_bias:
                return f"{BIAS}{judgement.replace('_', ' ')}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The effects that count in `chosen`; every other effect of the outcome in `rejected`.

    `every` are the effects that fit before a trial's are put together and any is left out again.
    An effect whose control is split has a row for each of its arms.
    """

    chosen: pd.DataFrame
    rejected: pd.DataFrame
    every: pd.DataFrame

    def without(self, reasons: Sequence[str]) -> Selection:
        """Without the chosen rows that have a reason."""
        out = np.array([bool(reason) for reason in reasons], dtype=bool)
        if not out.any():
            return self
        gone = self.chosen.loc[out, ["effect_id", "trial_id", "study"]].assign(
            reason=[reason for reason in reasons if reason]
        )
        rejected = pd.concat([part for part in (self.rejected, gone) if len(part)])
        order = rejected.drop_duplicates("effect_id").sort_values("effect_id", ignore_index=True)
        kept = self.chosen[~out].reset_index(drop=True)
        return Selection(chosen=kept, rejected=order, every=self.every)


def select(effects: pd.DataFrame, rules: Rules) -> Selection:
    """The effects that fit an analysis: one of each trial, or each result where it takes several.

    Effects outside the analysis (filters, risk of bias, window, instruments, comparators) are
    rejected. Of those left, a trial gives the one first by: instrument, comparator and outcome
    type in the protocol's order, closeness to the preferred time, both periods of a crossover
    before the first alone, arm data before a reported contrast, confidence of the source. Where
    the analysis takes several effects of a trial, the same holds of each comparison, instrument
    and time: a result reported twice (arm data and a contrast, two sources) is one effect still.
    Where the model pools counts it holds of each stratum, since tables must be of different people.

    Parameters
    ----------
    effects : effects.csv of the condition, or the part of it to choose from
    """
    question = rules.question
    pool = effects[
        (effects["outcome"] == question.outcome)
        & (effects["measure"] == question.measure)
        & effects["variant"].isna()
    ]
    rejected: dict[str, str] = {}
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in tables.records(pool.drop_duplicates("effect_id")):
        against = rules.against(row["trial_id"], row["instrument"])
        if reason := against or _unfit(row, rules):
            rejected[row["effect_id"]] = reason
        else:
            key = (row["trial_id"], *(str(row.get(name)) for name in rules.told_apart))
            groups.setdefault(key, []).append(row)
    chosen = []
    for rows in groups.values():
        best = min(rows, key=lambda row: _preference(row, rules))
        chosen.append(best["effect_id"])
        rejected |= {row["effect_id"]: _versus(row, best, rules) for row in rows if row is not best}
    return _sorted(pool, chosen, rejected)


def _sorted(pool: pd.DataFrame, chosen: Sequence[str], rejected: Mapping[str, str]) -> Selection:
    picked = pool[pool["effect_id"].isin(chosen)].sort_values(
        ["year", "study", "effect_id", "part"], na_position="last", ignore_index=True
    )
    left = pool[pool["effect_id"].isin(rejected)][["effect_id", "trial_id", "study"]]
    left = left.drop_duplicates("effect_id")
    left = left.assign(reason=[rejected[i] for i in left["effect_id"]])
    return Selection(chosen=picked, rejected=left.reset_index(drop=True), every=picked)


def _unfit(row: Row, rules: Rules) -> str:
    question, time = rules.question, row["time_days"]
    if question.instruments and row["instrument"] not in question.instruments:
        return f"instrument {row['instrument']} is not one of the analysis"
    compared = measure_of(question.measure).data.groups == 2
    if compared and row["comparator_class"] not in rules.comparators:
        return f"comparator is {row['comparator_class']}, not {' or '.join(rules.comparators)}"
    if question.time_days is not None:
        low, high = question.time_days
        if isnan(time):
            return "the time point is not known"
        if not low <= time <= high:
            return f"day {time:g} is outside day {low:g} to {high:g}"
    if (
        row["outcome_type"] in ("msd", "change")
        and row["outcome_type"] not in question.outcome_types
    ):
        return LEFT_OUT
    if isnan(row["yi"]) or isnan(row["vi"]):
        return str(row["reason"])
    if rules.counts and isnan(row["event_control"]):
        return f"a reported contrast has no counts for {rules.counts}"
    return ""


def _preference(row: Row, rules: Rules) -> tuple[float | str, ...]:
    question, time, distance = rules.question, row["time_days"], 0.0
    if question.prefer_time is not None:
        # A time that is not known comes after every known one.
        distance = inf if isnan(time) else abs(time - question.prefer_time)
    return (
        _place(row["instrument"], question.instruments),
        _place(row["comparator_class"], rules.comparators),
        _place(row["outcome_type"], question.outcome_types),
        distance,
        # Where both periods can be used the first one alone wastes half of the data.
        float(row["design"] == FIRST),
        float(BASES.index(row["basis"])),
        float(rules.confidence.index(row["confidence"])),
        0.0 if isnan(row["n"]) else -float(row["n"]),
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


def _versus(row: Row, best: Row, rules: Rules) -> str:
    """The first rule by which another effect of the trial was preferred."""
    mine, theirs = (_preference(each, rules) for each in (row, best))
    for (column, words), a, b in zip(_WHY, mine, theirs, strict=False):
        if a != b:
            shown = [f"{v:g}" if isinstance(v, float) else v for v in (row[column], best[column])]
            return f"another effect of the trial is used: {words.format(*shown)}"
    return f"another effect of the trial is used: {best['effect_id']}"
