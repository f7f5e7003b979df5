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
from trialpool.review.case import Case, Tables
from trialpool.review.effects.records import Records
from trialpool.review.protocol.protocol import Review
from trialpool.review.questions.dose import dose_tables
from trialpool.review.questions.network_data import gather
from trialpool.review.questions.network_tables import network_tables
from trialpool.review.questions.time_course import Fitted, time_course
from trialpool.terms import DOSE, NETWORK, TIME
from trialpool.typed_json import to_json


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


def answers(tables: Tables, records: Records, review: Review, condition: str) -> Iterator[Answer]:
    """Every question of a condition, in the protocol's order.

    Parameters
    ----------
    tables : of the condition
    records : its clean trials, arms, records and flags
    """
    spec = review.conditions[condition]
    for name, course in spec.time_courses.items():
        case = Case.of(review, condition, course.analysis, tables)
        yield _answer(TIME, name, to_json(case.heading(course.title)),
                      *time_course(case, course, _autoregressive))  # fmt: skip
    for name, doses in spec.doses.items():
        case = Case.of(review, condition, doses.analysis, tables)
        yield _answer(DOSE, name, to_json(case.heading(doses.title)), *dose_tables(case, doses))
    for name, network in spec.networks.items():
        gathered = gather(tables, records, network, review)
        made = network_tables(gathered, network, better=review.outcomes[network.outcome].better)
        yield _answer(NETWORK, name, made.model, made.tables, made.model)


def _answer(
    kind: str,
    name: str,
    question: Mapping[str, Any],
    found: Mapping[str, pd.DataFrame],
    facts: Mapping[str, Any],
) -> Answer:
    record = {
        "kind": kind,
        "name": name,
        "title": question["title"],
        "question": dict(question),
        "facts": dict(facts),
    }
    return Answer(folder=f"{kind}_{name}", record=record, tables=found)


def _autoregressive(yi: Array, V: Sequence[Array], X: Array, data: Mapping[str, Any]) -> Fitted:
    """True effects of a trial, correlated the more the nearer their days are."""
    course = Structured("day", within="trial", struct="CAR")
    return fit(yi, list(V), X, random=[course], data=dict(data))
