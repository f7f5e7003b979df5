"""Questions of a condition beyond one number: how fast and how long, which dose, against what.

Each declared time course, dose-response and network becomes an answer: tables, and facts that say
what was found or why it is not estimable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialpool.multilevel.model import fit
from trialpool.multilevel.terms import Structured
from trialpool.results import Array
from trialpool.review.analysis import asked
from trialpool.review.effects.records import Records
from trialpool.review.protocol.protocol import Review
from trialpool.review.questions.dose import dose_tables
from trialpool.review.questions.network_data import gather
from trialpool.review.questions.network_tables import network_tables
from trialpool.review.questions.time_course import Fitted, time_course
from trialpool.terms import DOSE, NETWORK, TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question's tables by name, and its record: kind, title, what is measured, facts."""

    folder: str
    record: dict[str, Any]
    tables: Mapping[str, pd.DataFrame]

    @property
    def made(self) -> dict[str, pd.DataFrame]:
        """The tables there are; a network that is not estimable has few."""
        return {name: table for name, table in self.tables.items() if len(table.columns)}


def answers(
    effects: pd.DataFrame, records: Records, review: Review, condition: str
) -> Iterator[Answer]:
    """Every question of a condition, in the protocol's order.

    Parameters
    ----------
    effects : the condition's effects.csv
    records : its clean trials, arms, records and flags
    """
    spec, order = review.conditions[condition], review.confidence_order
    for name, course in spec.time_courses.items():
        analysis = spec.analyses[course.analysis]
        found, facts = time_course(
            effects, records.trials, analysis, _autoregressive, course,
            better=review.outcomes[analysis.outcome].better, confidence_order=order,
        )  # fmt: skip
        question = asked(review, condition, course.analysis)
        yield _answer(TIME, name, course.title, question, facts, found)
    for name, doses in spec.doses.items():
        analysis = spec.analyses[doses.analysis]
        found, facts = dose_tables(
            effects, records.arms, records.trials, analysis, review.model_of(analysis), doses,
            confidence_order=order,
        )  # fmt: skip
        question = asked(review, condition, doses.analysis)
        yield _answer(DOSE, name, doses.title, question, facts, found)
    for name, network in spec.networks.items():
        gathered = gather(
            effects, records, network, network, review.defaults, confidence_order=order
        )
        made = network_tables(gathered, network, better=review.outcomes[network.outcome].better)
        yield _answer(NETWORK, name, network.title, made.model, made.model, made.tables)


def _answer(
    kind: str,
    name: str,
    title: str,
    question: Mapping[str, Any],
    facts: Mapping[str, Any],
    found: Mapping[str, pd.DataFrame],
) -> Answer:
    record = {"kind": kind, "name": name, "title": title, "question": {**question, "title": title},
              "facts": dict(facts)}  # fmt: skip
    return Answer(folder=f"{kind}_{name}", record=record, tables=found)


def _autoregressive(yi: Array, V: Sequence[Array], X: Array, data: Mapping[str, Any]) -> Fitted:
    """True effects of a trial, correlated the more the nearer their days are."""
    course = Structured("day", within="trial", struct="CAR")
    return fit(yi, list(V), X, random=[course], data=dict(data))
