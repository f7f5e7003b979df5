"""The multiverse of one analysis, fitted and told on the display scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

import numpy as np
import pandas as pd

from trialpool import phrases as say
from trialpool import words as w
from trialpool.analysis_result import (
    ChoiceEffect,
    MultiverseAnswer,
    MultiverseResult,
    ResultHeading,
    VariedChoice,
)
from trialpool.conclusions import ABOVE, ACROSS, BELOW
from trialpool.diagnostics.multiverse import Multiverse, multiverse
from trialpool.diagnostics.multiverse_summary import QuestionSummary, questions
from trialpool.digits import sure
from trialpool.effects import measure_of
from trialpool.pooling.policy import COUNT_METHODS
from trialpool.results import NAN, Array
from trialpool.review.case import Case
from trialpool.review.fitting.fit import Leading, shown, words
from trialpool.review.protocol.settings import FewTrials
from trialpool.review.trust.multiverse_choices import TITLES
from trialpool.review.trust.multiverse_data import MultiverseData

_COUNTED = tuple(COUNT_METHODS.values())
_ONE = "one trial: its own interval, normal quantile"
ONE_ONLY = "its choices are of analyses that take the protocol's one effect of each trial"
NUMBERS = ("specifications", "k", "set", "estimate", "ci_low", "ci_high", "p_value", "tau2", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisMultiverse:
    """All specifications of an analysis, on the display scale.

    `table` has one row per distinct fit, the protocol's own first: a column for each factor that
    matters here, with the levels of the first specification that comes to this fit (the
    protocol's own, where a choice changes nothing), and NUMBERS, of which `specifications` counts
    those that come to it. `sides` are the shares of the intervals of the protocol's own question
    that lie BELOW and ABOVE no effect, and ACROSS it.
    """

    table: pd.DataFrame
    summary: MultiverseResult
    sides: Mapping[int, float]


def explore(case: Case) -> AnalysisMultiverse:
    """Run one analysis of the protocol under every combination of its multiverse's choices.

    A trial whose effect has no number under a level drops out of those specifications. A factor
    or level that changes no data of this analysis is left out; `summary.without_effect` names
    such factors. An analysis that takes several effects of a trial, or leaves some out again for
    what they found, has no specifications, which `summary.withheld` says.
    """
    usual = case.spec.effects == "one" and case.spec.without is None
    data = MultiverseData(case if usual else case.but(effects=case.tables.effects.iloc[:0]))
    chosen = data.choices
    of_data = [chosen[n] for n in TITLES if n not in ("estimator", "test") and chosen[n].bites]
    estimator, test = chosen["estimator"], chosen["test"]
    fitted = multiverse(
        [choice.factor for choice in of_data],
        list(data.sets(of_data)),
        estimator=replace(estimator.factor, levels=estimator.values),
        test=replace(test.factor, levels=test.values),
        measure=case.measure,
        tau_scale=None if case.leading.no_bayes else case.leading.tau_scale,
        variance=case.model.variance,
    )
    readable = [*(choice.factor for choice in of_data), estimator.factor, test.factor]
    fitted = replace(fitted, factors=tuple(readable))
    made = _described(fitted, data)
    return made if usual else replace(made, summary=replace(made.summary, withheld=ONE_ONLY))


def _table(fitted: Multiverse, measure: str, leading: Leading) -> pd.DataFrame:
    """One row per distinct fit; of the factors those of the analysis."""
    first = fitted.first
    columns: dict[str, Any] = {
        factor.name: np.array(factor.levels, dtype=object)[fitted.place[first, i]]
        for i, factor in enumerate(fitted.factors)
    }
    columns["specifications"] = np.bincount(fitted.fit)[fitted.fit[first]]
    columns |= {"k": fitted.k[first], "set": fitted.set[first] + 1}
    for name, values in (
        ("estimate", fitted.beta),
        ("ci_low", fitted.ci_lb),
        ("ci_high", fitted.ci_ub),
    ):
        columns[name] = _shown(values[first], measure)
    p = fitted.pval[first]
    columns["p_value"] = p if measure_of(measure).null is not None else np.full_like(p, NAN)
    columns["tau2"] = fitted.tau2[first]
    columns["note"] = [_note(fitted, int(i), leading) for i in first]
    return pd.DataFrame(columns)


def _note(fitted: Multiverse, i: int, leading: Leading) -> str:
    """Why there is no estimate, or why estimator and test are not those of the row."""
    estimator, k = fitted.factors[-2].levels[fitted.place[i, -2]], int(fitted.k[i])
    if fitted.reason[i]:
        return str(fitted.reason[i])
    if k == 1:
        return _ONE
    led = leading.of(k)
    counted = estimator in _COUNTED
    if isinstance(led, FewTrials) or (led != leading.model and not counted):
        return f"{w.count(k, 'trial')}: {words(led)}"
    return f"{estimator}: normal quantile" if counted else ""


def _shown(values: Array, measure: str) -> Array:
    return measure_of(measure).scale.shown(values)


def answer_of(asked: QuestionSummary, heading: ResultHeading) -> MultiverseAnswer:
    """A question's answer for readers."""
    record, measure = measure_of(heading.measure), heading.measure
    compares = record.null is not None
    below, above = (asked.below_zero, asked.above_zero) if record.favours else (NAN, NAN)
    lower = heading.better == "lower"
    lowest, highest = shown(asked.lowest, measure), shown(asked.highest, measure)
    moved = say.value(heading, lowest) != say.value(heading, highest)
    words = [f"{TITLES[name]}: {level}" for name, level in asked.levels.items()]
    return MultiverseAnswer(
        question="; ".join(words) or "the protocol's",
        specifications=asked.specifications,
        distinct=asked.distinct,
        with_estimate=asked.estimated,
        without_estimate="; ".join(f"{n} {why}" for why, n in asked.without_estimate.items()),
        same_sign=asked.same_sign if compares else NAN,
        excludes_null=asked.excludes_zero if compares else NAN,
        favours_experimental=below if lower else above,
        favours_control=above if lower else below,
        estimate=shown(asked.beta, measure),
        ci_low=shown(asked.ci_lb, measure),
        ci_high=shown(asked.ci_ub, measure),
        median=shown(asked.median, measure),
        lowest=lowest,
        highest=highest,
        most=TITLES.get(asked.most, "") if moved else "",
        factors=tuple(_factors(asked, measure, moved=moved)),
    )


def _factors(asked: QuestionSummary, measure: str, *, moved: bool) -> Iterator[ChoiceEffect]:
    """How much each factor moves a question's answer, the one that moves it most first.

    None moves an estimate whose extremes read the same: what differs is the last digits of fits.
    """
    record = measure_of(measure)
    order = sorted(asked.factors, key=lambda moves: -sure(moves.eta2) if moves.eta2 > 0 else 0.0)
    for moves in order:
        yield ChoiceEffect(
            factor=TITLES[moves.name],
            kind=moves.kind,
            eta2=moves.eta2 if moved or isnan(moves.eta2) else 0.0,
            shift=record.difference(
                moves.start, moves.shift if moved or isnan(moves.shift) else 0.0
            ),
            from_level=moves.lowest if moved else "",
            to_level=moves.highest if moved else "",
            swing=moves.swing if record.null is not None else NAN,
        )


def _described(fitted: Multiverse, data: MultiverseData) -> AnalysisMultiverse:
    measure, wanted = data.case.measure, data.case.multiverse
    asked, heading = questions(fitted), data.case.heading()
    first = asked[0]
    used = [factor for factor in fitted.factors if len(factor.levels) > 1]
    named = {factor.name for factor in used}
    summary = MultiverseResult(
        factors=tuple(
            VariedChoice(name=f.name, title=TITLES[f.name], kind=f.kind, levels=tuple(f.levels))
            for f in used
        ),
        without_effect=tuple(
            title
            for name, title in TITLES.items()
            if getattr(wanted, name) is not None and name not in named
        ),
        specifications=len(fitted),
        distinct=len(fitted.first),
        questions=tuple(answer_of(each, heading) for each in asked),
        undecided=data.undecided or None,
    )
    idle = [factor.name for factor in fitted.factors if factor.name not in named]
    return AnalysisMultiverse(
        table=_table(fitted, measure, data.case.leading).drop(columns=idle),
        summary=summary,
        sides={
            BELOW: first.below_zero,
            ACROSS: 1 - first.below_zero - first.above_zero,
            ABOVE: first.above_zero,
        },
    )
