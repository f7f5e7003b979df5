"""The tables behind a condition's questions of time, dose and networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import ResultScale
from trialpool.review.questions.answered import AnsweredQuestion
from trialpool.review.report.grid import Grid, GridColumn, by, number, table, text
from trialpool.terms import DOSE, NETWORK, TIME


def question_grids(answered: AnsweredQuestion) -> dict[str, Grid]:
    """Every table of a question that has rows, by its title."""
    grids, effect = {}, _effect(answered.answer.question)
    for title, (name, columns) in _COLUMNS[answered.answer.kind].items():
        rows = tables.records(answered.tables[name]) if name in answered.tables else []
        shown = [effect if column is EFFECT else column for column in columns]
        if rows:
            grids[title] = table(title, rows, shown, blank="note")
    return grids


def _effect(question: ResultScale) -> GridColumn:
    heading = f"{say.short_measure(question)} (95 % CI)"
    return number(heading, lambda row: say.effect_of(question, row))


def _words(heading: str, name: str) -> GridColumn:
    return text(heading, by(w.plain, name))


def _number(heading: str, name: str) -> GridColumn:
    return number(heading, by(w.significant, name, 3))


EFFECT = number("effect", lambda row: "")  # stands for the question's own measure
# kind of question -> title -> (table, columns)
_COLUMNS: Mapping[str, Mapping[str, tuple[str, Sequence[GridColumn]]]] = {
    TIME: {
        "All times of all trials": ("time_points", [
            _words("Trial", "study"), _words("Compared", "comparison"),
            _words("Measured", "instrument"), _number("Day", "day"), number("n", "n"), EFFECT,
            _words("In the model", "in_model"),
        ]),
    },
    DOSE: {
        "Trials and doses": ("dose_points", [
            _words("Trial", "study"), _words("Arms", "arms"), _number("Dose", "dose"), EFFECT,
            _words("In the model", "in_model"), _words("Why not", "reason"),
        ]),
    },
    NETWORK: {
        "Treatments": ("nodes", [
            _words("Treatment", "treatment"), number("Trials", "trials"),
            number("People", "people"),
        ]),
        "P-scores": ("p_scores", [_words("Treatment", "treatment"), _number("P-score", "p_score")]),
        "Trials left out": ("left_out", [_words("Trial", "study"), _words("Why", "reason")]),
    },
}  # fmt: skip
