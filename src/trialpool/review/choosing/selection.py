"""Which effects of an outcome enter an analysis, and why each other one does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, Self

import pandas as pd

from trialpool import tables
from trialpool.effects import measure_of
from trialpool.review.choosing import reasons as why
from trialpool.review.choosing.preference import Order, Tie, UndecidedError, first, versus
from trialpool.review.choosing.reasons import Reason
from trialpool.review.effects.standardised import LEFT_OUT
from trialpool.review.protocol.eligibility import Eligibility
from trialpool.risk_of_bias import RiskOfBias
from trialpool.terms import OVERALL
from trialpool.words import number, text

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
    def one_of_each(self) -> tuple[str, ...]:
        """The columns that tell effects of a trial apart of which each may count.

        None where counts are pooled: the tables of two effects share people, those of one effect's
        strata do not.
        """
        return _ONE_RESULT if self.several and not self.counts else ()

    def judgement(self, trial: str, instrument: object = "") -> str:
        """The overall risk of bias of a trial's result on an instrument; blank = on none."""
        return self.bias.of(trial, OVERALL, self.question.outcome, instrument)

    @property
    def order(self) -> Order:
        """What the order of a trial's effects goes by."""
        return Order(self.question, self.comparators, self.confidence)

    def against(self, trial: str, instrument: object = "") -> Reason | None:
        """Why a trial's result is out, whatever was found in it; None where it is not."""
        asked = self.question
        if words := why.why_not(self.trials[trial], asked.include, asked.exclude):
            return Reason(why.FILTER, words)
        if asked.risk_of_bias:
            judgement = self.judgement(trial, instrument)
            if judgement not in asked.risk_of_bias:
                return Reason(why.BIAS, f"risk of bias is {judgement.replace('_', ' ')}")
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The effects that count in `chosen`; every other effect of the outcome in `rejected`.

    `every` are the effects that fit before a trial's are put together and any is left out again.
    An effect whose control is split has a row for each of its arms.
    """

    chosen: pd.DataFrame
    rejected: pd.DataFrame
    every: pd.DataFrame

    def without(self, rule: str, words: Sequence[str]) -> Selection:
        """Without the chosen rows for which a rule has words."""
        out = pd.Series(list(map(bool, words)), index=self.chosen.index, dtype=bool)
        if not out.any():
            return self
        gone = self.chosen.loc[out, ["effect_id", "trial_id", "study"]].assign(
            rule=rule, reason=[each for each in words if each]
        )
        rejected = pd.concat([part for part in (self.rejected, gone) if len(part)])
        order = rejected.drop_duplicates("effect_id").sort_values("effect_id", ignore_index=True)
        kept = self.chosen[~out].reset_index(drop=True)
        return Selection(chosen=kept, rejected=order, every=self.every)


def select(effects: pd.DataFrame, rules: Rules) -> Selection:
    """The effects that fit an analysis: one of each trial, or each result where it takes several.

    Effects outside the analysis (filters, risk of bias, window, instruments, comparators) are
    rejected. Of those left, a trial gives the one that comes first by `preference.PREFERENCES`.
    Where the analysis takes several effects of a trial, the same holds of each comparison,
    instrument and time: a result reported twice (arm data and a contrast, two sources) is one
    effect still. Where the model pools counts it gives one, whose strata are tables of their own.

    Parameters
    ----------
    effects : effects.csv of the condition, or the part of it to choose from

    Raises
    ------
    UndecidedError
        naming every trial of which several effects come first
    """
    question, order = rules.question, rules.order
    pool = effects[
        (effects["outcome"] == question.outcome)
        & (effects["measure"] == question.measure)
        & effects["variant"].isna()
    ]
    rejected: dict[str, Reason] = {}
    groups: dict[tuple[str, ...], list[Row]] = {}
    parts: dict[str, list[Row]] = {}
    for part in tables.records(pool):
        parts.setdefault(part["effect_id"], []).append(part)
    for row in (_whole(of_one) for of_one in parts.values()):
        against = rules.against(row["trial_id"], row["instrument"])
        if reason := against or _unfit(row, rules):
            rejected[row["effect_id"]] = reason
        else:
            key = (row["trial_id"], *(str(row[name]) for name in rules.one_of_each))
            groups.setdefault(key, []).append(row)
    chosen, ties = [], []
    for rows in groups.values():
        best, *others = first(rows, order)
        if others:
            ties.append(Tie(str(best["study"]), (best, *others)))
            continue
        chosen.append(best["effect_id"])
        rejected |= {row["effect_id"]: versus(row, best, order) for row in rows if row is not best}
    if ties:
        raise UndecidedError(ties, rules.counts)
    return _sorted(pool, chosen, rejected)


def _whole(parts: Sequence[Row]) -> Row:
    """An effect for the rules, from its parts: one that has no number leaves the whole without.

    Not so a table of counts that says nothing of the measure, as one without events of a ratio.
    """
    known = [row for row in parts if _has_number(row)]
    unknown = [row for row in parts if not _has_number(row) and isnan(number(row["event_control"]))]
    whole: dict[str, Any] = dict((unknown or known or parts)[0])
    if unknown and known:
        whole["reason"] = f"part {text(whole['part'])}: {whole['reason']}"
    if any(row.get("primary") == "yes" for row in parts):
        whole["primary"] = "yes"
    return whole


def _has_number(row: Row) -> bool:
    return not (isnan(row["yi"]) or isnan(row["vi"]))


def _sorted(pool: pd.DataFrame, chosen: Sequence[str], rejected: Mapping[str, Reason]) -> Selection:
    numbered = pool["yi"].notna() & pool["vi"].notna()
    picked = pool[pool["effect_id"].isin(chosen) & numbered].sort_values(
        ["year", "study", "effect_id", "part"], na_position="last", ignore_index=True
    )
    left = pool[pool["effect_id"].isin(rejected)][["effect_id", "trial_id", "study"]]
    left = left.drop_duplicates("effect_id")
    reasons = [rejected[i] for i in left["effect_id"]]
    left = left.assign(
        rule=[each.rule for each in reasons], reason=[each.words for each in reasons]
    )
    return Selection(chosen=picked, rejected=left.reset_index(drop=True), every=picked)


def _unfit(row: Row, rules: Rules) -> Reason | None:
    question, time = rules.question, row["time_days"]
    if question.instruments and row["instrument"] not in question.instruments:
        words = f"instrument {row['instrument']} is not one of the analysis"
        return Reason(why.INSTRUMENTS, words)
    compared = measure_of(question.measure).data.groups == 2
    if compared and row["comparator_class"] not in rules.comparators:
        words = f"comparator is {row['comparator_class']}, not {' or '.join(rules.comparators)}"
        return Reason(why.COMPARATORS, words)
    if question.time_days is not None:
        low, high = question.time_days
        if isnan(time):
            return Reason(why.WINDOW, "the time point is not known")
        if not low <= time <= high:
            return Reason(why.WINDOW, f"day {time:g} is outside day {low:g} to {high:g}")
    unasked = (
        row["outcome_type"] in ("msd", "change")
        and row["outcome_type"] not in question.outcome_types
    )
    # The protocol may also leave changes out of standardised differences.
    if unasked or row["reason"] == LEFT_OUT:
        return Reason(why.TYPES, LEFT_OUT)
    if not _has_number(row):
        return Reason(why.NO_NUMBER, str(row["reason"]))
    if rules.counts and isnan(row["event_control"]):
        return Reason(why.NO_COUNTS, f"a reported contrast has no counts for {rules.counts}")
    return None
