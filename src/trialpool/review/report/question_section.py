"""The section of a page for questions of time, dose and networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trialpool.figures.catalogue import QUESTION_CHARTS
from trialpool.review.questions import answered
from trialpool.review.questions.answered import AnsweredQuestion
from trialpool.review.report.charts import Chart, drawn
from trialpool.review.report.grid import Grid
from trialpool.review.report.question_tables import question_grids
from trialpool.review.report.question_words import KINDS, in_words


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnQuestion:
    """An answered question with its figures as SVG files, by name."""

    answered: AnsweredQuestion
    figures: Mapping[str, bytes]


def read_questions(folder: str | Path) -> list[DrawnQuestion]:
    """The questions of a condition from their folder, by name."""
    return [
        DrawnQuestion(
            answered=answered.read(path.parent),
            figures={svg.stem: svg.read_bytes() for svg in sorted(path.parent.glob("*.svg"))},
        )
        for path in sorted(Path(folder).glob(f"*/{answered.ANSWER}"))
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSection:
    """A question of time, dose or networks as it stands on a page."""

    name: str
    title: str
    text: str
    charts: tuple[Chart, ...]
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
        charts=tuple(drawn(question.figures, QUESTION_CHARTS, folder, answer.title)),
        grids=question_grids(question.answered),
        files=tuple(question.answered.tables),
    )
