"""The summary forest: one row per outcome, with what a reader needs at a glance.

Rows of different measures share a column, so each measure has a scale of its own about the line of
no effect; left of it is better for people, whatever the measure counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from statistics import median

import pandas as pd

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.effects import measure_of
from trialpool.figures.forest_axis import ForestAxis
from trialpool.review.choosing.people import size
from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.grid import Row
from trialpool.review.report.plain_answer import absolute
from trialpool.review.report.row_plot import RowPlot, RowScale, Triple, tone
from trialpool.terms import LEVELS

REACH = 3.0  # times the typical reach of a measure; an interval beyond ends in an arrow


@dataclass(frozen=True, slots=True, kw_only=True)
class GlanceRow:
    """One outcome: its link, its drawing, and the same in words."""

    name: str
    title: str
    primary: bool
    missing: str
    absolute: str
    tone: str
    plot: RowPlot | None
    effect: str
    basis: str
    symbols: str
    certainty: str


def glance(analyses: Sequence[AnalysisTables], findings: pd.DataFrame) -> list[GlanceRow]:
    """The rows of one condition, its main result first.

    Parameters
    ----------
    analyses : in the protocol's order
    findings : summary_of_findings.csv of the condition
    """
    rows = {row["analysis"]: row for row in tables.records(findings)}
    reach = _reaches([each.result for each in analyses])
    ordered = sorted(analyses, key=lambda each: not each.result.primary)
    return [_row(each, rows.get(each.name), reach) for each in ordered]


def symbols(level: str) -> str:
    """A certainty as GRADE's four signs; blank without one."""
    if level not in LEVELS:
        return ""
    filled = LEVELS.index(level) + 1
    return "⊕" * filled + "◯" * (len(LEVELS) - filled)


def basis(result: AnalysisResult) -> str:
    """Trials and people: `3 trials, 90 people`."""
    if not result.k:
        return "no trial"
    people = "" if result.n is None else f", {result.n} people"
    return f"{result.k} trial{'' if result.k == 1 else 's'}{people}"


def _row(analysis: AnalysisTables, finding: Row | None, reach: Mapping[str, float]) -> GlanceRow:
    result, missing = analysis.result, analysis.missing
    shown = result.display
    level = "" if finding is None else w.text(finding["certainty"])
    effect = say.effect(result, shown)
    meaning = tone(result, shown.ci_low, shown.ci_high)
    return GlanceRow(
        name=result.analysis,
        title=result.title,
        primary=result.primary,
        missing=_missing(missing),
        absolute="" if finding is None else absolute(result, finding),
        tone=meaning,
        plot=_plot(result, reach, meaning),
        effect="" if effect == w.DASH else f"{say.short_measure(result)} {effect}",
        basis=basis(result),
        symbols=symbols(level),
        certainty=level,
    )


def _missing(missing: pd.DataFrame) -> str:
    """Trials without usable numbers, and how many people they are."""
    if not len(missing):
        return ""
    known = [n for n in map(size, tables.records(missing)) if not isnan(n)]
    people = f", {w.whole(sum(known))} people" if known else ""
    return f"{len(missing)} trial{'' if len(missing) == 1 else 's'} missing{people}"


def _better(result: AnalysisResult) -> list[float]:
    """Estimate and limits as differences from no effect, on the analysis scale, less is better."""
    measure = measure_of(result.measure)
    if measure.null is None:
        return []
    to = math.log if measure.is_ratio else float
    values = [result.display.estimate, result.display.ci_low, result.display.ci_high]
    if any(map(isnan, values)) or (measure.is_ratio and min(values) <= 0):
        return []
    sign = -1 if result.better == "higher" else 1
    return [sign * (to(value) - to(measure.null)) for value in values]


def _group(result: AnalysisResult) -> str:
    """Rows that share a scale: points of one scale are no points of another."""
    points = measure_of(result.measure).unit == "points"
    return f"{result.measure} {result.analysis}" if points else result.measure


def _reaches(results: Sequence[AnalysisResult]) -> dict[str, float]:
    """How far the scale of each group of rows goes from no effect."""
    farthest: dict[str, list[float]] = {}
    for result in results:
        if values := _better(result):
            farthest.setdefault(_group(result), []).append(max(map(abs, values)))
    return {
        group: 1.08 * min(max(each), REACH * median(each)) or 1.0
        for group, each in farthest.items()
    }


def _plot(result: AnalysisResult, reach: Mapping[str, float], meaning: str) -> RowPlot | None:
    values = _better(result)
    if not values:
        return None
    limit = reach[_group(result)]
    axis = ForestAxis(scale="linear", null=0.0, limits=(-limit, limit), ticks=(), tick_labels=())
    low, high = sorted(values[1:])
    shown: Triple = (values[0], low, high)
    return RowScale(axis=axis).trial(shown, 25.0, meaning)
