"""The section of a page for questions of time, dose and networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trialpool.review.questions import answered
from trialpool.review.questions.answered import AnsweredQuestion
from trialpool.review.report.charts import Chart, charts, not_drawn
from trialpool.review.report.grid import Grid
from trialpool.review.report.question_tables import question_grids
from trialpool.review.report.question_words import KINDS, in_words
from trialpool.review.schema import files


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnQuestion:
    """An answered question with the list of its figures."""

    answered: AnsweredQuestion
    figures: pd.DataFrame


def read_questions(folders: Iterable[Path]) -> list[DrawnQuestion]:
    """The questions of a condition from their folders."""
    return [
        DrawnQuestion(answered=answered.read(folder), figures=files.read(folder / "figures.csv"))
        for folder in folders
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSection:
    """A question of time, dose or networks as it stands on a page."""

    name: str
    title: str
    text: str
    charts: tuple[Chart, ...]
    not_drawn: tuple[tuple[str, str], ...]
    grids: Mapping[str, Grid]
    files: tuple[str, ...]


def by_kind(questions: Sequence[DrawnQuestion]) -> dict[str, list[QuestionSection]]:
    """The questions under their headings, in reading order."""
    sections: dict[str, list[QuestionSection]] = {}
    for kind, heading in KINDS.items():
        for question in questions:
            if question.answered.answer.kind == kind:
                sections.setdefault(heading, []).append(_section(question))
    return sections


def _section(question: DrawnQuestion) -> QuestionSection:
    answer = question.answered.answer
    folder = f"questions/{answer.folder}"
    return QuestionSection(
        name=folder,
        title=answer.title,
        text=in_words(question.answered),
        charts=charts(question.figures, answer.title),
        not_drawn=not_drawn(question.figures),
        grids=question_grids(question.answered),
        files=(*question.answered.tables, "figures"),
    )
