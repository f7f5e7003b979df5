"""The tables behind how far to trust a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isnan

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.grid import (
    Cell,
    Grid,
    GridColumn,
    Row,
    Show,
    by,
    cell,
    number,
    prose,
    table,
    text,
    to,
)

Columns = Sequence[GridColumn]


def trust_grids(analysis: AnalysisTables) -> dict[str, Grid]:
    """Every table that has rows, by what it shows, in reading order."""
    factors = analysis.result.multiverse.questions[0].factors
    read = {name: list(tables.records(frame)) for name, frame in analysis.trust.items()}
    made: dict[str, tuple[Sequence[Row], Columns]] = {
        "Each trial left out in turn": (read["influence"], _influence(analysis)),
        "What the weight rests on": (_known(read["weights"], "weight"), _WEIGHTS),
        "Small-study effects: tests and estimates that allow for them": (
            read["small_studies"],
            _small_studies(analysis),
        ),
        "The Bayesian result under each prior": (_known(read["priors"], "mu"), _priors(analysis)),
        "Real coverage of the intervals": (_known(read["coverage"], "coverage"), _COVERAGE),
        "What each choice moves": (
            [asdict(each) for each in factors if each.eta2 > 0 or each.swing > 0],
            _FACTORS,
        ),
        "The next trial": (_known(read["next_trial"], "effect"), _next_trial(analysis)),
    }
    return {
        title: table(title.partition(":")[0], rows, columns, blank="note")
        for title, (rows, columns) in made.items()
        if rows
    }


def verdicts(
    results: Sequence[AnalysisResult], conditions: Mapping[str, str] | None = None
) -> Grid:
    """One row per analysis: what it concludes, whether that is robust, and what threatens it most.

    `conditions` are titles by name, for the page over all of them.
    """

    def page(result: AnalysisResult) -> str:
        return f"{result.condition}/index.html" if conditions else "index.html"

    def threat(result: AnalysisResult) -> Cell:
        first = next(iter(result.verdict.threats), None)
        return cell(w.capital(first.name), w.sentence(first.text)) if first else cell()

    def estimate(result: AnalysisResult) -> str:
        shown = f"{say.short_measure(result)} {say.effect(result, result.display)}"
        return shown if result.k else w.DASH

    def condition(result: AnalysisResult) -> Cell:
        return to((conditions or {})[result.condition], page(result))

    return table("The verdict on each result", results, [
        text("Analysis", lambda result: to(result.title, f"{page(result)}#{result.analysis}")),
        text(f"Estimate ({w.intervals(each.policy.bayesian for each in results)})", estimate),
        number("Trials", lambda result: w.whole(result.k)),
        text("Conclusion", lambda result: w.capital(result.verdict.conclusion)),
        text("Robust", lambda result: w.capital(result.verdict.robust)),
        prose("Greatest threat", threat),
    ], under=condition if conditions else None)  # fmt: skip


def _known(rows: Sequence[Row], name: str) -> list[Row]:
    return [row for row in rows if not isnan(w.number(row[name]))]


def _effect(analysis: AnalysisTables, heading: str = "{} (95 % interval)") -> GridColumn:
    result = analysis.result
    return number(
        heading.format(say.short_measure(result)),
        lambda row: say.effect_of(result, row),
    )


def _value(analysis: AnalysisTables, name: str) -> GridColumn:
    result = analysis.result
    return number(say.short_measure(result), lambda row: say.value(result, row[name]))


def _influence(analysis: AnalysisTables) -> Columns:
    numbers = {
        "Studentised residual": "rstudent",
        "DFFITS": "dffits",
        "Cook’s distance": "cook_d",
        "Covariance ratio": "cov_r",
        "Hat": "hat",
        "DFBETAS": "dfbetas",
    }
    return [
        text("Without", "study"),
        _effect(analysis),
        number("I²", by(w.percent, "i2")),
        *(number(heading, by(w.significant, name)) for heading, name in numbers.items()),
        text("Influential", "influential"),
    ]


_WEIGHTS = [
    text("By", lambda row: w.capital(w.text(row["by"]))),
    text("Level", by(w.plain, "level")),
    number("Trials", "k"),
    number("Weight", by(w.percent, "weight")),
    prose("Which", "trials"),
]


def _small_studies(analysis: AnalysisTables) -> Columns:
    return [
        text("Method", "method"),
        _effect(analysis),
        number("Statistic", by(w.significant, "statistic", 3)),
        number("df", "df"),
        number("p", by(w.p_value, "p_value")),
        prose("Note", "note"),
        prose("Reference", "reference"),
    ]


def _priors(analysis: AnalysisTables) -> Columns:
    result = analysis.result

    def limits(name: str) -> Show:
        return lambda row: say.interval(result, row[f"{name}_low"], row[f"{name}_high"])

    shares = {
        "P(benefit)": "p_benefit",
        "P(benefit that matters)": "p_important",
        "P(harm that matters)": "p_harm_important",
    }
    return [
        text("Prior of the heterogeneity", "prior"),
        _value(analysis, "mu"),
        number(w.intervals([True]), limits("mu")),
        number("τ", by(w.significant, "tau")),
        number("A new trial", limits("new")),
        *(number(heading, by(w.fixed, name, 2)) for heading, name in shares.items()),
        prose("Reference", "reference"),
    ]


_COVERAGE = [
    text("Model", "method"),
    text("Shown", "shown"),
    text("Interval", "interval"),
    number("τ²", by(w.significant, "tau2")),
    prose("τ² is", "tau2_is"),
    number("Coverage", by(w.fixed, "coverage", 3)),
    number("Mean width", by(w.significant, "width_mean", 3)),
    prose("Drawn as", "sampling"),
]


def _hundredfold(name: str) -> Show:
    return lambda row: w.percent(100 * w.number(row[name]))


_FACTORS = [
    text("Choice", "factor"),
    text("Kind", "kind"),
    number("Share of the variance of the estimates", _hundredfold("eta2")),
    number("Largest shift of the mean", by(w.significant, "shift")),
    text("Between", lambda row: " and ".join(filter(None, (row["from_level"], row["to_level"])))),
    number("Share of intervals it turns", _hundredfold("swing")),
]


def _next_trial(analysis: AnalysisTables) -> Columns:
    return [
        text("If it finds", lambda row: w.capital(w.text(row["finds"]))),
        _value(analysis, "effect"),
        prose("So that the", "target"),
        number("People needed", "n_total"),
        _effect(analysis, "Result with it: {} (95 % interval)"),
        prose("Why not", "note"),
    ]
