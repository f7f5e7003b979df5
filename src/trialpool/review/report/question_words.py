"""How fast and how long, which dose, against what: the answers in plain words, by rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import ResultScale
from trialpool.conclusions import Marks
from trialpool.effects import measure_of
from trialpool.terms import DOSE, NETWORK, TIME
from trialpool.trust_facts import ShownEstimate

Record = Mapping[str, Any]
Held = Mapping[str, pd.DataFrame]

KINDS = {
    TIME: "How fast, and for how long?",
    DOSE: "Which dose?",
    NETWORK: "Against what?",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """A question's record and its tables by name, read back from its folder."""

    folder: str
    record: Record
    tables: Held


def scale(record: Record) -> ResultScale:
    """What a question measures, and on which scale."""
    return ResultScale(**{each.name: record["question"][each.name] for each in fields(ResultScale)})


def told(question: Question) -> str:
    """The answer in a few sentences: what was found, or why it cannot be told; then its limits."""
    return _TOLD[question.record["kind"]](question.record, question.tables)


def _time(record: Record, held: Held) -> str:
    asked, facts = scale(record), record["facts"]
    marks = Marks.of(measure_of(asked.measure))
    rows = tables.records(held["time_points"])
    if not rows:
        return f"It cannot be told: {facts['reason']}."
    days = sorted({w.number(row["day"]) for row in rows})
    trials = w.count(facts["k"], "trial")
    lead = f"{w.capital(trials)} measured it on {_days(days)}."
    if not facts["estimable"]:
        apart = [row for row in rows if marks.conclude(ShownEstimate.of(row)).excludes_null]
        text = f"{lead} A course over time is {facts['reason'].rstrip('.')}."
        if apart:
            seen = w.listed(f"{w.text(row['study'])} on day {w.short(row['day'])}" for row in apart)
            text += f" Taken alone, the interval of {seen} excludes no difference."
        return f"{text} Beyond day {w.short(days[-1])} nothing is known."
    first = facts["first_day"]
    shows = (
        f"the interval first excludes no difference on day {w.short(first)}"
        if first is not None
        else "on no day does the interval exclude no difference"
    )
    return (
        f"{lead} In one model of all of them ({facts['words']}) the effect is largest on day "
        f"{w.short(facts['largest_day'])} ({say.value(asked, facts['largest']['estimate'])}), "
        f"and {shows}. "
        f"Beyond day {w.short(facts['last_day'])} nothing is known."
    )


def _days(days: list[float]) -> str:
    named = [w.short(day) for day in days]
    return f"day{'s' if len(named) > 1 else ''} {w.listed(named)}"


def _dose(record: Record, held: Held) -> str:
    facts = record["facts"]
    if not facts["estimable"]:
        return f"{w.capital(facts['reason'].rstrip('.'))}."
    p = facts["p_slope"] if facts["p_slope"] is not None else facts["p_nonlinear"]
    what = "a trend with dose" if facts["p_slope"] is not None else "a bend"
    levels = w.listed(
        f"{dose} mg/kg in {w.count(k, 'trial')}" for dose, k in facts["levels"].items()
    )
    limits = " ".join(w.sentence(caution) for caution in facts["cautions"])
    verb = "show" if p is not None and p < _SHOWN else "do not show"
    return (
        f"{w.capital(w.count(facts['k'], 'trial'))} with a known dose ({levels}) {verb} {what} "
        f"({w.p_value(p)}; {facts['words']}). {limits}"
    )


def _network(record: Record, held: Held) -> str:
    asked, facts = scale(record), record["facts"]
    if facts["reason"]:
        return f"Treatments cannot be compared in one network: {facts['reason']}."
    rows = [row for row in tables.records(held["effects"]) if row["model"] == "random"]
    parts = [
        f"{w.text(row['treatment'])} {say.effect_of(asked, row)}"
        for row in rows
        if row["treatment"] != facts["reference"]
    ]
    people = tables.records(held["nodes"])
    nodes = w.count(len(people), "treatment")
    lead = (
        f"{w.capital(w.count(facts['k'], 'trial'))} link {nodes}. Against {facts['reference']} "
        f"({say.short_measure(asked)}): {'; '.join(parts)} (τ² {w.significant(facts['tau2'])})."
    )
    loops = facts["q_between_df"]
    if not loops:
        lead += (
            " No two routes lead to the same comparison, so that nothing could show a"
            " contradiction; a comparison no trial made rests on all trials between."
        )
    alone = [w.text(row["treatment"]) for row in people if w.number(row["trials"]) == 1]
    if alone:
        each = "rests on one trial" if len(alone) == 1 else "rest on one trial each"
        lead += f" {w.capital(w.listed(alone))} {each}."
    limits = " ".join(w.sentence(caution) for caution in facts["cautions"])
    return f"{lead} {limits}".strip()


_SHOWN = 0.05  # p of a slope that is said to be shown
_TOLD: dict[str, Callable[[Record, Held], str]] = {TIME: _time, DOSE: _dose, NETWORK: _network}
