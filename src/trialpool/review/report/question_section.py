"""The section of a page for questions of time, dose and networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trialpool import tables
from trialpool.figures.catalogue import QUESTION_CHARTS
from trialpool.review.report.charts import Chart, drawn
from trialpool.review.report.grid import Grid
from trialpool.review.report.question_tables import question_grids
from trialpool.review.report.question_words import KINDS, Question, told
from trialpool.review.schema import files


def read_questions(folder: str | Path) -> list[tuple[Question, dict[str, bytes]]]:
    """The questions of a condition from their folder, with their figures as SVG files."""
    found = []
    for own in sorted(path.parent for path in Path(folder).glob("*/answer.json")):
        held = {path.stem: files.read(path) for path in sorted(own.glob("*.csv"))}
        figures = {path.stem: path.read_bytes() for path in sorted(own.glob("*.svg"))}
        record = tables.read_json(own / "answer.json")
        found.append((Question(folder=own.name, record=record, tables=held), figures))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A question of time, dose or networks as it stands on a page."""

    name: str
    title: str
    text: str
    charts: tuple[Chart, ...]
    grids: Mapping[str, Grid]
    files: tuple[str, ...]


def by_kind(
    questions: Sequence[tuple[Question, Mapping[str, bytes]]],
) -> dict[str, list[Told]]:
    """The questions under their headings, in reading order."""
    out: dict[str, list[Told]] = {}
    for kind, heading in KINDS.items():
        for question, figures in questions:
            if question.record["kind"] == kind:
                out.setdefault(heading, []).append(_asked(question, figures))
    return out


def _asked(question: Question, figures: Mapping[str, bytes]) -> Told:
    title, folder = question.record["title"], f"questions/{question.folder}"
    return Told(
        name=folder,
        title=title,
        text=told(question),
        charts=tuple(drawn(figures, QUESTION_CHARTS, folder, title)),
        grids=question_grids(question),
        files=tuple(question.tables),
    )
