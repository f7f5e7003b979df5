"""What can be wrong with a condition's analyses and its questions of time, dose and networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from trialpool.effects import measure_of
from trialpool.pooling.counts.mantel_haenszel import TABLES
from trialpool.review.protocol.network_spec import NetworkMeasure, NetworkQuestion
from trialpool.review.protocol.problems import ProtocolProblem
from trialpool.review.protocol.settings import Model, Moderator
from trialpool.review.protocol.specs import (
    QUESTIONS,
    Analysis,
    AnalysisQuestion,
    Condition,
    Outcome,
)
from trialpool.words import capital

# Folders of results/ and of a condition that hold something else.
RESERVED_CONDITION = "schemas"
RESERVED_ANALYSIS = "questions"


def misfit(
    where: str, asked: Analysis | NetworkQuestion, outcome: Outcome, among: Iterable[str]
) -> Iterator[ProtocolProblem]:
    """A measure that is none of its outcome's kind; `among` are those that may be asked for."""
    if measure_of(asked.measure).outcome != outcome.kind:
        fitting = [code for code in among if measure_of(code).outcome == outcome.kind]
        yield ProtocolProblem(
            key=f"{where}.measure",
            value=asked.measure,
            rule=f"does not fit outcome {asked.outcome}, which is {outcome.kind}",
            fix=f"use one of {', '.join(fitting) or 'none: ask an analysis instead'}",
        )


def wrong_model(where: str, analysis: Analysis, model: Model) -> Iterator[ProtocolProblem]:
    """A model that does not go with the measure, or with how several effects are handled."""
    known = [code for method, code in TABLES if method == model.method]
    if model.counts and analysis.measure not in known:
        yield ProtocolProblem(
            key=f"{where}.model.method",
            value=model.method,
            rule=f"{capital(model.counts)} needs counts",
            fix=f"it pools {', '.join(known)}",
        )
    if model.counts and analysis.effects in ("combined", "che"):
        yield ProtocolProblem(
            key=f"{where}.effects",
            value=analysis.effects,
            rule=f"{capital(model.counts)} pools tables of counts, and effects that are put "
            "together have none",
            fix="use effects one, whose strata are tables of their own, or method IV",
        )
    if model.variance and (model.method, analysis.measure) != ("MH", "RD"):
        yield ProtocolProblem(
            key=f"{where}.model.variance",
            value=model.variance,
            rule="is of differences of risks by method MH alone",
            fix="remove it",
        )
    if model.tau2 != "REML" and analysis.effects == "che":
        yield ProtocolProblem(
            key=f"{where}.model.tau2", value=model.tau2, rule="effects che needs REML"
        )


def undeclared(where: str, asked: Analysis | NetworkQuestion) -> ProtocolProblem:
    """A question of an outcome that the protocol does not declare."""
    return ProtocolProblem(
        key=f"{where}.outcome",
        value=asked.outcome,
        rule="not declared under outcomes",
        fix="declare it there or fix the spelling",
    )


def wrong_baselines(
    name: str, condition: Condition, outcomes: Mapping[str, Outcome]
) -> Iterator[ProtocolProblem]:
    """Baseline risks of analyses that the condition lacks, that count nobody, or another thing.

    The controls that respond to a score are those of an outcome of which more is better.
    """
    counting = [
        key
        for key, each in condition.analyses.items()
        for data in [measure_of(each.measure).data]
        if data.outcome == "binary" and data.groups == 2
    ]
    for key, analysis in condition.analyses.items():
        named = analysis.baseline_risk and analysis.baseline_risk.analysis
        if not named:
            continue
        if named not in counting:
            rule = f"is not an analysis of {name} that compares counts of people"
            fix = f"use one of {', '.join(counting)}" if counting else "declare a risk"
        else:
            other = outcomes.get(condition.analyses[named].outcome)
            of_score = measure_of(analysis.measure).data.outcome == "continuous"
            if not (of_score and other and other.better == "lower"):
                continue
            rule = f"{other.title} is no response to a score: less of it is better"
            fix = "name an analysis of responders, or declare a risk with its source"
        where = f"conditions.{name}.analyses.{key}.baseline_risk.analysis"
        yield ProtocolProblem(key=where, value=named, rule=rule, fix=fix)


def wrong_side_by_side(
    name: str, asked: str | None, moderators: Iterable[Mapping[str, Moderator]]
) -> Iterator[ProtocolProblem]:
    """Results side by side by what no analysis of the condition has as a moderator of groups."""
    groups = {key for each in moderators for key, one in each.items() if one.kind == "group"}
    if asked is not None and asked not in groups:
        yield ProtocolProblem(
            key=f"conditions.{name}.side_by_side",
            value=asked,
            rule=f"no analysis of {name} has such a moderator of kind group",
            fix=f"use one of {', '.join(sorted(groups))}" if groups else "remove it",
        )


def wrong_questions(
    name: str, condition: Condition, outcomes: Mapping[str, Outcome]
) -> Iterator[ProtocolProblem]:
    """What is wrong with a condition's questions."""
    for kind in QUESTIONS:
        for key, question in getattr(condition, kind).items():
            if not isinstance(question, AnalysisQuestion):
                continue
            if question.analysis not in condition.analyses:
                yield ProtocolProblem(
                    key=f"conditions.{name}.{kind}.{key}.analysis",
                    value=question.analysis,
                    rule=f"is not an analysis of {name}",
                    fix=f"use one of {', '.join(condition.analyses)}",
                )
            elif measure_of(measure := condition.analyses[question.analysis].measure).null is None:
                yield ProtocolProblem(
                    key=f"conditions.{name}.{kind}.{key}.analysis",
                    value=question.analysis,
                    rule=f"{measure} compares nothing, and the question is of a difference "
                    "between groups",
                    fix="ask it of another analysis",
                )
    for key, network in condition.networks.items():
        where = f"conditions.{name}.networks.{key}"
        outcome = outcomes.get(network.outcome)
        if outcome is None:
            yield undeclared(where, network)
        else:
            yield from misfit(where, network, outcome, get_args(NetworkMeasure))


def unusable_names(conditions: Mapping[str, Condition]) -> Iterator[ProtocolProblem]:
    """Names whose folder holds something else, and conditions of which nothing is asked."""
    fix = "a folder of the results is called so; choose another name"
    for name, condition in conditions.items():
        key = f"conditions.{name}"
        if name == RESERVED_CONDITION:
            yield ProtocolProblem(key=key, rule="this name is taken", fix=fix)
        if RESERVED_ANALYSIS in condition.analyses:
            key_of_analysis = f"{key}.analyses.{RESERVED_ANALYSIS}"
            yield ProtocolProblem(key=key_of_analysis, rule="this name is taken", fix=fix)
        if not condition.analyses:
            rule, add = "no analysis is asked", "add one, or take the condition out"
            yield ProtocolProblem(key=f"{key}.analyses", rule=rule, fix=add)
