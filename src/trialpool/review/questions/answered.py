"""An answered question with its tables, in memory and in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trialpool import typed_json
from trialpool.question_answer import QuestionAnswer
from trialpool.review.schema import files
from trialpool.review.schema.questions import ANSWER, QUESTION_TABLES


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnsweredQuestion:
    """A question's answer and its tables by name; one without columns has no rows."""

    answer: QuestionAnswer
    tables: Mapping[str, pd.DataFrame]


def write(questions: Path, answered: AnsweredQuestion) -> Path:
    """Write the answer and its tables into a folder of their own, which is returned."""
    folder = questions / answered.answer.folder
    typed_json.write(folder / ANSWER, answered.answer)
    for name, declared in QUESTION_TABLES[answered.answer.kind].items():
        table = answered.tables.get(name, declared.frame())
        files.write(folder / f"{name}.csv", table if len(table.columns) else declared.frame())
    return folder


def read(folder: Path) -> AnsweredQuestion:
    """Read what `write` wrote; a wrong answer is refused with its field (`typed_json`)."""
    answer: QuestionAnswer = typed_json.read(folder / ANSWER, QuestionAnswer)
    names = sorted(QUESTION_TABLES[answer.kind])
    tables = {name: files.read(folder / f"{name}.csv") for name in names}
    return AnsweredQuestion(answer=answer, tables=tables)
