"""The answer of a condition: its sentence, its main result and its outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.review.report import certainty_tables
from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.glance import GlanceRow, glance
from trialpool.review.report.grid import Row
from trialpool.review.report.plain_answer import plain_answer
from trialpool.review.schema.findings import SUMMARY_OF_FINDINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A condition as the first page shows it: its sentence, its main result, its outcomes."""

    name: str
    title: str
    plain: str
    main: GlanceRow
    rows: tuple[GlanceRow, ...]


def answer_of(
    name: str,
    spec: Mapping[str, Any],
    analyses: Sequence[AnalysisTables],
    certainty: pd.DataFrame,
    findings: pd.DataFrame,
) -> Answer:
    """A condition's answer; the analyses come with the main one first."""
    rows = glance(analyses, findings)
    main, *others = (each.result for each in analyses)
    finding = _finding(findings, main.analysis)
    return Answer(
        name=name,
        title=spec["title"],
        plain=plain_answer(
            *(main, finding, others, asked_people(spec, main.analysis)),
            certainty_tables.share_of_others(certainty, main.analysis),
        ),
        main=rows[0],
        rows=tuple(rows),
    )


def _finding(findings: pd.DataFrame, analysis: str) -> Row:
    """The row of summary_of_findings.csv; blank where it has none."""
    rows = tables.records(findings[findings["analysis"] == analysis])
    return next(iter(rows), dict.fromkeys(SUMMARY_OF_FINDINGS.names))


def asked_people(spec: Mapping[str, Any], analysis: str) -> str:
    """The people an analysis asks about, in words."""
    return _whom(spec["analyses"][analysis]["target"] or spec["target"])


def _whom(target: Mapping[str, Any] | None) -> str:
    """The people asked about, in words."""
    return "" if target is None else str(target["title"])
