"""Questions of a condition beyond one number: how fast and how long, which dose, against what.

Each declared time course, dose-response and network becomes an answer: tables, and facts that say
what came out or why it is not estimable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trialpool.multilevel.model import fit
from trialpool.multilevel.terms import Structured
from trialpool.question_answer import DoseAnswer, NetworkAnswer, TimeAnswer
from trialpool.results import Array
from trialpool.review.case import Case, Tables
from trialpool.review.effects.records import Records
from trialpool.review.protocol.protocol import Review
from trialpool.review.questions.answered import AnsweredQuestion
from trialpool.review.questions.dose import dose_tables
from trialpool.review.questions.network_data import gather
from trialpool.review.questions.network_tables import network_tables
from trialpool.review.questions.time_course import Fitted, time_course


def answers(
    tables: Tables, records: Records, review: Review, condition: str
) -> Iterator[AnsweredQuestion]:
    """Every question of a condition, in the protocol's order.

    Parameters
    ----------
    tables : of the condition
    records : its clean trials, arms, records and flags
    """
    spec = review.conditions[condition]
    for name, course in spec.time_courses.items():
        case = Case.of(review, condition, course.analysis, tables)
        question = case.heading(course.title)
        made, in_time = time_course(case, course, _autoregressive)
        over_time = TimeAnswer(name=name, title=question.title, question=question, facts=in_time)
        yield AnsweredQuestion(answer=over_time, tables=made)
    for name, doses in spec.doses.items():
        case = Case.of(review, condition, doses.analysis, tables)
        question = case.heading(doses.title)
        made, of_doses = dose_tables(case, doses)
        by_dose = DoseAnswer(name=name, title=question.title, question=question, facts=of_doses)
        yield AnsweredQuestion(answer=by_dose, tables=made)
    for name, network in spec.networks.items():
        gathered = gather(tables, records, network, review)
        better = review.outcomes[network.outcome].better
        made, compared = network_tables(gathered, network, better=better)
        linked = NetworkAnswer(name=name, title=network.title, question=compared, facts=compared)
        yield AnsweredQuestion(answer=linked, tables=made)


def _autoregressive(yi: Array, V: Sequence[Array], X: Array, data: Mapping[str, Any]) -> Fitted:
    """True effects of a trial, correlated the more the nearer their days are."""
    course = Structured("day", within="trial", struct="CAR")
    return fit(yi, list(V), X, random=[course], data=dict(data))
