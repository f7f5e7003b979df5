"""What can be wrong with a condition's questions of time, dose and networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trialpool.review.protocol.specs import Condition, Outcome


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
    for key, network in condition.networks.items():
        where = f"conditions.{name}.networks.{key}"
        outcome = outcomes.get(network.outcome)
        if outcome is None:
            yield (
                f"{where}.outcome = {network.outcome}: not declared under outcomes; "
                "declare it there or fix the spelling"
            )
        elif (network.measure in ("OR", "RR", "RD")) != (outcome.kind == "binary"):
            fitting = "OR, RR or RD" if outcome.kind == "binary" else "SMD or MD"
            yield (
                f"{where}.measure = {network.measure}: does not fit outcome "
                f"{network.outcome}, which is {outcome.kind}; use {fitting}"
            )
