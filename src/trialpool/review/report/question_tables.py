"""The tables behind a condition's questions of time, dose and networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.review.report.grid import Grid, Show, by_columns
from trialpool.review.report.question_words import Question
from trialpool.terms import DOSE, NETWORK, TIME


def question_grids(question: Question) -> dict[str, Grid]:
    """Every table of a question that has rows, by its title."""
    made = _KINDS[question.record["kind"]](question)
    return {title: grid for title, grid in made.items() if grid.rows}


def _grid(
    question: Question, table: str, title: str, columns: Mapping[str, tuple[str, Show]]
) -> Grid:
    rows = tables.records(question.tables[table]) if table in question.tables else []
    return by_columns(title, rows, columns)


def _word(name: str) -> tuple[str, Show]:
    return "text", lambda row: w.plain(row[name])


def _count(name: str) -> tuple[str, Show]:
    return "number", lambda row: w.whole(row[name])


def _number(name: str) -> tuple[str, Show]:
    return "number", lambda row: w.significant(row[name], 3)


def _effect(question: Question) -> tuple[str, tuple[str, Show]]:
    model = question.record["question"]
    heading = f"{say.short_measure(model)} (95 % CI)"
    return heading, ("number", lambda row: say.effect(model, row))


def _time(question: Question) -> dict[str, Grid]:
    heading, effect = _effect(question)
    return {"All times of all trials": _grid(question, "time_points", "All times of all trials", {
        "Trial": _word("study"), "Compared": _word("comparison"), "Measured": _word("instrument"),
        "Day": _number("day"), "n": _count("n"), heading: effect, "In the model": _word("in_model"),
    })}  # fmt: skip


def _dose(question: Question) -> dict[str, Grid]:
    heading, effect = _effect(question)
    return {"Trials and doses": _grid(question, "dose_points", "Trials and doses", {
        "Trial": _word("study"), "Arms": _word("arms"), "Dose": _number("dose"), heading: effect,
        "In the model": _word("in_model"), "Why not": _word("reason"),
    })}  # fmt: skip


def _network(question: Question) -> dict[str, Grid]:
    return {
        "Treatments": _grid(question, "nodes", "Treatments", {
            "Treatment": _word("treatment"), "Trials": _count("trials"),
            "People": _count("people"),
        }),
        "P-scores": _grid(question, "p_scores", "P-scores", {
            "Treatment": _word("treatment"), "P-score": _number("p_score"),
        }),
        "Trials left out": _grid(question, "left_out", "Trials left out", {
            "Trial": _word("study"), "Why": _word("reason"),
        }),
    }  # fmt: skip


_KINDS: dict[str, Callable[[Question], dict[str, Grid]]] = {
    TIME: _time, DOSE: _dose, NETWORK: _network,
}  # fmt: skip
