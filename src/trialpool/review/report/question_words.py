"""How fast and how long, which dose, against what: the answers in plain words, by rule."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.conclusions import Marks
from trialpool.effects import measure_of
from trialpool.question_answer import (
    DoseAnswer,
    FittedCourse,
    FittedDose,
    FittedNetwork,
    NetworkAnswer,
    TimeAnswer,
)
from trialpool.review.questions.answered import AnsweredQuestion
from trialpool.terms import DOSE, NETWORK, TIME
from trialpool.trust_facts import ShownEstimate

KINDS = {
    TIME: "How fast, and for how long?",
    DOSE: "Which dose?",
    NETWORK: "Against what?",
}


def in_words(answered: AnsweredQuestion) -> str:
    """The answer in a few sentences: what came out, or why it cannot be said; then its limits."""
    answer = answered.answer
    match answer:
        case TimeAnswer():
            return _time(answer, answered.tables["time_points"])
        case DoseAnswer():
            return _dose(answer)
        case NetworkAnswer():
            return _network(answer, answered.tables)


def _time(answer: TimeAnswer, points: pd.DataFrame) -> str:
    question, facts = answer.question, answer.facts
    rows = tables.records(points)
    if not rows:
        return f"It cannot be told: {facts.reason}."
    days = sorted({w.number(row["day"]) for row in rows})
    trials = w.count(facts.k, "trial")
    lead = f"{w.capital(trials)} measured it on {_days(days)}."
    beyond = f"Beyond day {w.short(days[-1])} nothing is known."
    if not isinstance(facts, FittedCourse):
        marks = Marks.of(measure_of(question.measure))
        apart = [row for row in rows if marks.conclude(ShownEstimate.of(row)).excludes_null]
        text = f"{lead} A course over time is {facts.reason.rstrip('.')}."
        if apart:
            seen = w.listed(f"{w.text(row['study'])} on day {w.short(row['day'])}" for row in apart)
            text += f" Taken alone, the interval of {seen} excludes no difference."
        return f"{text} {beyond}"
    shows = (
        f"the interval first excludes no difference on day {w.short(facts.first_day)}"
        if facts.first_day is not None
        else "on no day does the interval exclude no difference"
    )
    return (
        f"{lead} In one model of all of them ({facts.words}) the effect is largest on day "
        f"{w.short(facts.largest_day)} ({say.value(question, facts.largest.estimate)}), "
        f"and {shows}. {beyond}"
    )


def _days(days: list[float]) -> str:
    named = [w.short(day) for day in days]
    return f"day{'s' if len(named) > 1 else ''} {w.listed(named)}"


def _dose(answer: DoseAnswer) -> str:
    facts = answer.facts
    if not isinstance(facts, FittedDose):
        return f"{w.capital(facts.reason.rstrip('.'))}."
    what = "a trend with dose" if facts.shape == "linear" else "a bend"
    levels = w.listed(f"{dose} mg/kg in {w.count(k, 'trial')}" for dose, k in facts.levels.items())
    limits = " ".join(w.sentence(caution) for caution in facts.cautions)
    verb = "show" if facts.shows else "do not show"
    return (
        f"{w.capital(w.count(facts.k, 'trial'))} with a known dose ({levels}) {verb} {what} "
        f"({w.p_value(facts.pval)}; {facts.words}). {limits}"
    )


def _network(answer: NetworkAnswer, by_name: Mapping[str, pd.DataFrame]) -> str:
    facts = answer.facts
    if not isinstance(facts, FittedNetwork):
        return f"Treatments cannot be compared in one network: {facts.reason}."
    rows = [row for row in tables.records(by_name["effects"]) if row["model"] == "random"]
    parts = [
        f"{w.text(row['treatment'])} {say.effect_of(facts, row)}"
        for row in rows
        if row["treatment"] != facts.reference
    ]
    people = tables.records(by_name["nodes"])
    nodes = w.count(len(people), "treatment")
    lead = (
        f"{w.capital(w.count(facts.k, 'trial'))} link {nodes}. Against {facts.reference} "
        f"({say.short_measure(facts)}): {'; '.join(parts)} (τ² {w.significant(facts.tau2)})."
    )
    if not facts.q_between_df:
        lead += (
            " No two routes lead to the same comparison, so that nothing could show a"
            " contradiction; a comparison no trial made rests on all trials between."
        )
    alone = [w.text(row["treatment"]) for row in people if w.number(row["trials"]) == 1]
    if alone:
        each = "rests on one trial" if len(alone) == 1 else "rest on one trial each"
        lead += f" {w.capital(w.listed(alone))} {each}."
    limits = " ".join(w.sentence(caution) for caution in facts.cautions)
    return f"{lead} {limits}".strip()
