"""What can be wrong with a condition's questions of time, dose and networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from trialpool.effects import measure_of
from trialpool.review.protocol.network_spec import NetworkMeasure
from trialpool.review.protocol.specs import Analysis, Condition, NetworkQuestion, Outcome


def misfit(
    where: str, asked: Analysis | NetworkQuestion, outcome: Outcome, among: Iterable[str]
) -> Iterator[str]:
    """A measure that is none of its outcome's kind; `among` are those that may be asked for."""
    if measure_of(asked.measure).outcome != outcome.kind:
        fitting = [code for code in among if measure_of(code).outcome == outcome.kind]
        yield (
            f"{where}.measure = {asked.measure}: does not fit outcome {asked.outcome}, which is "
            f"{outcome.kind}; use one of {', '.join(fitting) or 'none: ask an analysis instead'}"
        )


def wrong_questions(
    name: str, condition: Condition, outcomes: Mapping[str, Outcome]
) -> Iterator[str]:
    """What is wrong with a condition's questions."""
    for kind in ("time_courses", "doses"):
        for key, question in getattr(condition, kind).items():
            if question.analysis not in condition.analyses:
                yield (
                    f"conditions.{name}.{kind}.{key}.analysis = {question.analysis}: is not an "
                    f"analysis of {name}; use one of {', '.join(condition.analyses)}"
                )
            elif measure_of(measure := condition.analyses[question.analysis].measure).null is None:
                yield (
                    f"conditions.{name}.{kind}.{key}.analysis = {question.analysis}: {measure} "
                    "compares nothing, and the question is of a difference between groups; "
                    "ask it of another analysis"
                )
    for key, network in condition.networks.items():
        where = f"conditions.{name}.networks.{key}"
        outcome = outcomes.get(network.outcome)
        if outcome is None:
            yield (
                f"{where}.outcome = {network.outcome}: not declared under outcomes; "
                "declare it there or fix the spelling"
            )
        else:
            yield from misfit(where, network, outcome, get_args(NetworkMeasure))
