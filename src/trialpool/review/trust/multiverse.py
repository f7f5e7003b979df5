"""The multiverse of one analysis, fitted and told on the display scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from trialpool.analysis_result import ChoiceEffect, MultiverseAnswer, MultiverseResult, VariedChoice
from trialpool.diagnostics.multiverse import COUNTED, Multiverse, multiverse
from trialpool.diagnostics.multiverse_summary import QuestionSummary, questions
from trialpool.effects import measure_of
from trialpool.results import Array
from trialpool.review.case import Case
from trialpool.review.fitting.fit import shown
from trialpool.review.trust.multiverse_choices import TITLES, words_of
from trialpool.review.trust.multiverse_data import MultiverseData

_FEW = {
    1: "one trial: its own interval, normal quantile",
    2: "two trials: common effect, normal quantile",
}
ONE_ONLY = "its choices are of analyses that take the protocol's one effect of each trial"
NUMBERS = ("specifications", "k", "set", "estimate", "ci_low", "ci_high", "p_value", "tau2", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisMultiverse:
    """All specifications of an analysis, on the display scale.

    `table` has one row per distinct fit, the protocol's own first: a column for each factor that
    matters here, with the levels of the first specification that comes to this fit (the
    protocol's own, where a choice changes nothing), and NUMBERS, of which `specifications` counts
    those that come to it.
    """

    table: pd.DataFrame
    summary: MultiverseResult


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
    )
    readable = [*(choice.factor for choice in of_data), estimator.factor, test.factor]
    fitted = replace(fitted, factors=tuple(readable))
    made = _described(fitted, data)
    return made if usual else replace(made, summary=replace(made.summary, withheld=ONE_ONLY))


def _table(fitted: Multiverse, measure: str) -> pd.DataFrame:
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
    columns |= {"p_value": fitted.pval[first], "tau2": fitted.tau2[first]}
    columns["note"] = [_note(fitted, int(i)) for i in first]
    return pd.DataFrame(columns)


def _note(fitted: Multiverse, i: int) -> str:
    """Why there is no estimate, or why estimator and test are not those of the row."""
    estimator = fitted.factors[-2].levels[fitted.place[i, -2]]
    if fitted.reason[i]:
        return str(fitted.reason[i])
    if estimator == words_of(COUNTED) and fitted.k[i] > 1:
        return "Mantel-Haenszel: normal quantile"
    return _FEW.get(int(fitted.k[i]), "")


def _shown(values: Array, measure: str) -> Array:
    return measure_of(measure).scale.shown(values)


def _answer(asked: QuestionSummary, measure: str, better: str) -> MultiverseAnswer:
    """A question's answer for readers."""
    below, above = asked.below_zero, asked.above_zero
    words = [f"{TITLES[name]}: {level}" for name, level in asked.levels.items()]
    return MultiverseAnswer(
        question="; ".join(words) or "the protocol's",
        specifications=asked.specifications,
        distinct=asked.distinct,
        with_estimate=asked.estimated,
        without_estimate="; ".join(f"{n} {why}" for why, n in asked.without_estimate.items()),
        same_sign=asked.same_sign,
        excludes_null=asked.excludes_zero,
        favours_experimental=below if better == "lower" else above,
        favours_control=above if better == "lower" else below,
        estimate=shown(asked.beta, measure),
        ci_low=shown(asked.ci_lb, measure),
        ci_high=shown(asked.ci_ub, measure),
        median=shown(asked.median, measure),
        lowest=shown(asked.lowest, measure),
        highest=shown(asked.highest, measure),
        most=TITLES.get(asked.most, ""),
        factors=tuple(_factors(asked, measure)),
    )


def _factors(asked: QuestionSummary, measure: str) -> Iterator[ChoiceEffect]:
    """How much each factor moves a question's answer, the one that moves it most first."""
    order = sorted(asked.factors, key=lambda moves: -moves.eta2 if moves.eta2 > 0 else 0.0)
    for moves in order:
        yield ChoiceEffect(
            factor=TITLES[moves.name],
            kind=moves.kind,
            eta2=moves.eta2,
            shift=shown(moves.shift, measure),
            from_level=moves.lowest,
            to_level=moves.highest,
            swing=moves.swing,
        )


def _described(fitted: Multiverse, data: MultiverseData) -> AnalysisMultiverse:
    measure, wanted = data.case.measure, data.case.multiverse
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
        questions=tuple(
            _answer(each, measure, data.case.outcome.better) for each in questions(fitted)
        ),
    )
    idle = [factor.name for factor in fitted.factors if factor.name not in named]
    return AnalysisMultiverse(table=_table(fitted, measure).drop(columns=idle), summary=summary)
