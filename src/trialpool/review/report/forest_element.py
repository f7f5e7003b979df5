"""The forest plot as a table of a page: real text, and a small drawing in each row.

It shows the lines of `figures.forest_table`, which the drawn figure shows as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.bias_tools import BIAS_DOMAINS
from trialpool.figures import forest_table, style
from trialpool.figures.forest_rows import Triple
from trialpool.figures.forest_table import ForestColumn, ForestTable
from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.row_plot import RowPlot, RowScale, tone

# Columns that are text beside the drawing; on a narrow screen only trial, drawing and effect stay.
_ARMS = ("scale", "experimental", "experimental_n", "control", "control_n")

# Above so many trials a row is the trial, its drawing and its effect: all of them stay on the page.
MANY = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A judgement: its sign, and what it says in words."""

    name: str
    sign: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestLine:
    """One line: what it is, its texts, its drawing, and what it is sorted by."""

    kind: str
    trial_id: str
    label: str
    marks: str
    texts: tuple[str, ...]
    plot: RowPlot | None
    effect: str
    weight: str
    dots: tuple[Dot, ...]
    said: str
    keys: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestElement:
    """A forest plot for a page; `scale` is None without a trial to draw.

    `columns` are (heading, its group, whether it is a number) of the texts of each line.
    """

    caption: str
    columns: tuple[tuple[str, str, bool], ...]
    measure: str
    weights: bool
    domains: tuple[str, ...]
    scale: RowScale | None
    favours: tuple[str, str]
    trials: tuple[ForestLine, ...]
    pooled: tuple[ForestLine, ...]
    missing_heading: str
    missing: tuple[ForestLine, ...]
    heterogeneity: str
    footnotes: tuple[tuple[str, str], ...]

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return len(self.trials) + len(self.pooled) + len(self.missing)

    @property
    def long(self) -> bool:
        """Whether its rows are cut short to what fits a page."""
        return len(self.trials) > MANY

    @property
    def width(self) -> int:
        """How many columns it has."""
        return 3 + len(self.columns) + self.weights + bool(self.domains)


def forest(analysis: AnalysisTables, bias: pd.DataFrame) -> ForestElement:
    """The forest plot of an analysis.

    Parameters
    ----------
    bias : the condition's judgements of bias
    """
    result = analysis.result
    sheet = forest_table.rows(analysis.studies, result, analysis.missing, bias)
    few = len(analysis.studies) <= MANY
    texts = [column for column in sheet.columns if few and column.key in _ARMS]
    scale = None if sheet.axis is None else RowScale(axis=sheet.axis)
    # The trials are the first lines, in the order of their table.
    years = analysis.studies["year"].reset_index(drop=True)
    lines = [
        _line(sheet, row, texts, scale, result)
        for row in tables.records(sheet.body.assign(year=years.reindex(range(len(sheet.body)))))
    ]
    headings = {column.key: column.heading.replace("\n", " ") for column in sheet.columns}
    return ForestElement(
        caption=f"Forest plot: {result.title}",
        columns=tuple((c.heading, c.group, c.align == "numeric") for c in texts),
        measure=headings.get("effect", "What was reported"),
        weights=few and "weight" in headings,
        domains=sheet.domains if few else (),
        scale=scale,
        favours=sheet.favours,
        trials=tuple(line for line in lines if line.kind == "study"),
        pooled=tuple(line for line in lines if line.kind in ("pooled", "prediction")),
        missing_heading=sheet.missing_heading,
        missing=tuple(line for line in lines if line.kind == "missing"),
        heterogeneity=sheet.heterogeneity,
        footnotes=sheet.footnotes,
    )


def _line(
    sheet: ForestTable,
    row: dict[str, Any],
    texts: list[ForestColumn],
    scale: RowScale | None,
    result: AnalysisResult,
) -> ForestLine:
    kind = row["kind"]
    numbers = row["estimate"], row["ci_low"], row["ci_high"]
    return ForestLine(
        kind=kind,
        trial_id=row["trial_id"],
        label=row["label"],
        marks=row["marks"],
        texts=tuple(row[column.key] for column in texts),
        plot=None if scale is None else _drawn(scale, kind, numbers, row["share"], result),
        effect=row["effect"],
        weight=row["weight"],
        dots=tuple(_dot(domain, row[domain]) for domain in sheet.domains if row[domain]),
        said=row["reported"],
        keys=_keys(row) if kind == "study" else (),
    )


def _drawn(
    scale: RowScale, kind: str, numbers: Triple, share: float, result: AnalysisResult
) -> RowPlot | None:
    meaning = tone(result, *numbers[1:])
    if kind == "study":
        return scale.trial(numbers, share, meaning)
    if kind == "pooled":
        return scale.pooled(numbers, meaning)
    return scale.prediction(numbers) if kind == "prediction" else None


def _keys(row: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What a line can be sorted by, each with a letter of its own."""
    given = {"e": row["estimate"], "w": row["share"], "y": row["year"]}
    return tuple((name, w.short(value)) for name, value in given.items() if w.short(value) != "–")


def _dot(domain: str, judgement: str) -> Dot:
    _, _, sign, words = style.JUDGEMENTS[judgement]
    title = "Overall" if domain == "overall" else BIAS_DOMAINS[domain]
    return Dot(name=judgement, sign=sign, words=f"{title}: {words}")
