"""An analysis as it stands on pages: its answer, its forest plot, and folds by question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.review.report import (
    certainty_tables,
    flag_words,
    result_tables,
    sentences,
    trust_tables,
)
from trialpool.review.report.caveats import AnalysisTables, Caveat, caveats
from trialpool.review.report.charts import charts, not_drawn
from trialpool.review.report.folds import Fold, folds, hints
from trialpool.review.report.forest_element import ForestElement, forest
from trialpool.review.report.glance import symbols
from trialpool.review.report.moderator_tables import moderator_grids
from trialpool.review.report.moderator_words import moderator_words
from trialpool.review.report.trial_details import TrialDetails, trial_details
from trialpool.review.report.trust_words import trust_words
from trialpool.terms import OVERALL

# Tables of an analysis with a field of their own; all others say how far to trust it.
FIELDS = ("studies", "missing", "sensitivity", "selection", "figures")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One analysis as it stands on a page."""

    name: str
    title: str
    primary: bool
    answer: str
    indirect: str
    counts: str
    verdict: str
    threshold: str
    symbols: str
    certainty: str
    certainty_basis: str
    statement: str
    model: str
    forest: ForestElement
    folds: tuple[Fold, ...]
    details: tuple[TrialDetails, ...]
    not_drawn: tuple[tuple[str, str], ...]
    withheld: tuple[tuple[str, str], ...]
    files: tuple[str, ...]


def section(
    analysis: AnalysisTables,
    bias: pd.DataFrame,
    whom: str,
    certainty: pd.DataFrame,
    findings: pd.DataFrame,
) -> Section:
    """An analysis for a page.

    Parameters
    ----------
    bias : the condition's judgements of bias
    whom : the people asked about; blank without a target
    certainty, findings : certainty.csv and summary_of_findings.csv of its condition
    """
    result, studies, missing = analysis.result, analysis.studies, analysis.missing
    rated = certainty[certainty["analysis"] == analysis.name]
    level, basis = _level(rated)
    rows = {row["analysis"]: row for row in tables.records(findings)}
    details = trial_details(analysis, bias)
    return Section(
        name=result.analysis,
        title=result.title,
        primary=result.primary,
        answer=sentences.answer(result, studies, missing),
        indirect=certainty_tables.of_other_people(rated, whom),
        counts=sentences.counts(result, studies),
        verdict=result.verdict.text,
        threshold=sentences.threshold(result),
        symbols=symbols(level),
        certainty=level,
        certainty_basis=basis,
        statement=w.text(rows.get(analysis.name, {}).get("statement")),
        model=result.model,
        forest=forest(analysis, bias),
        folds=_folds(analysis, bias, certainty, level, detailed=bool(details)),
        details=details,
        not_drawn=not_drawn(analysis.figures),
        withheld=withheld(result),
        files=(*FIELDS, *analysis.trust),
    )


def explained(analysis: AnalysisTables, flags: pd.DataFrame) -> AnalysisTables:
    """An analysis whose tables say what a warning means, not what its check is called."""
    return replace(
        analysis,
        studies=flag_words.explained(analysis.studies, flags),
        sensitivity=flag_words.explained_refits(analysis.sensitivity, flags),
    )


def first_primary(analyses: Sequence[AnalysisTables]) -> list[AnalysisTables]:
    """Analyses with the main result first."""
    return sorted(analyses, key=lambda each: not each.result.primary)


def _level(rated: pd.DataFrame) -> tuple[str, str]:
    """How certain the evidence is, and what that rests on; blank where it is not rated."""
    for row in tables.records(rated[rated["domain"] == OVERALL]):
        return w.text(row["level"]), w.text(row["basis"])
    return "", ""


def _folds(
    analysis: AnalysisTables,
    bias: pd.DataFrame,
    certainty: pd.DataFrame,
    level: str,
    *,
    detailed: bool,
) -> tuple[Fold, ...]:
    makers = ["sensitivity", "missing", "selection"]
    if not detailed:  # else each trial has a list of its own, made from the same tables
        makers += ["trials", "provenance"]
    made = [getattr(result_tables, name)(analysis) for name in makers]
    made.append(certainty_tables.certainty(certainty, analysis.name))
    trusted: Sequence[Caveat] = ()
    by_kind: Sequence[Caveat] = ()
    if analysis.trust:
        made += [*trust_tables.trust_grids(analysis).values(), *moderator_grids(analysis).values()]
        trusted, by_kind = trust_words(analysis), moderator_words(analysis)
    return folds(
        [*caveats(analysis, bias), *trusted],
        by_kind,
        {grid.caption: grid for grid in made},
        charts(analysis.figures, analysis.result.title),
        hints(analysis, level),
    )


def withheld(result: AnalysisResult) -> tuple[tuple[str, str], ...]:
    """What is not shown for so few trials, gathered by reason."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in result.policy.withheld.items():
        by_reason.setdefault(reason, []).append(name)
    if result.k > 1:
        words = {"i2": "I²", "tau2": "τ²", "pi_lb": "prediction interval"}
        for field, name in words.items():
            why = result.reasons.get(field)
            if why and name not in result.policy.withheld:
                by_reason.setdefault(why, []).append(name)
    return tuple((w.capital(w.listed(names)), why) for why, names in by_reason.items())
