"""The pages of the review: view models, and the templates that lay them out.

Styles and forest plots are inside a page; the other charts stay in their files beside it and are
read when they are opened, or a page of ten analyses would hold ten megabytes. It asks nothing of a
network. The same tables give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from trialpool import phrases as say
from trialpool import typed_json
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.effects import measure_of
from trialpool.figures import style
from trialpool.figures.catalogue import BY_KIND
from trialpool.review.report import (
    agreement_tables,
    certainty_tables,
    condition_tables,
    findings_tables,
    flag_words,
    missing_tables,
    result_tables,
    sentences,
    templates,
    trust_tables,
)
from trialpool.review.report.caveats import AnalysisTables, Caveat, caveats, tipping
from trialpool.review.report.charts import Chart, Figure, charts, forest, not_drawn
from trialpool.review.report.grid import Grid
from trialpool.review.report.moderator_tables import moderator_grids, side_by_side
from trialpool.review.report.moderator_words import moderator_words
from trialpool.review.report.question_section import DrawnQuestion, by_kind
from trialpool.review.report.trust_words import trust_words
from trialpool.review.schema import files
from trialpool.review.schema.added import Added


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One analysis as it stands on a page."""

    name: str
    title: str
    primary: bool
    answer: str
    indirect: str
    counts: str
    largest: str
    joint: str
    tipping: str
    left_out: str
    also_missing: str
    caveats: tuple[Caveat, ...]
    withheld: tuple[tuple[str, str], ...]
    estimate: str
    limits: str
    interval: str
    measure: str
    basis: str
    model: str
    verdict: str
    threshold: str
    trust: tuple[Caveat, ...]
    figure: Figure | None
    charts: tuple[Chart, ...]
    by_kind: tuple[Caveat, ...]
    by_kind_charts: tuple[Chart, ...]
    not_drawn: tuple[tuple[str, str], ...]
    by_kind_grids: Mapping[str, Grid]
    grids: Mapping[str, Grid]
    trust_grids: Mapping[str, Grid]
    files: tuple[str, ...]


# Tables of an analysis with a field of their own; all others say how far to trust it.
_FIELDS = ("studies", "missing", "sensitivity", "selection", "figures")


def read_analyses(paths: Sequence[str | Path], added: Added) -> list[AnalysisTables]:
    """The results of analyses from their files, in the order in which their folders come."""
    folders: dict[Path, dict[str, Path]] = {}
    for path in map(Path, paths):
        folders.setdefault(path.parent, {})[path.stem] = path
    out = []
    for places in folders.values():
        result = typed_json.read(places.pop("model"), AnalysisResult)
        trust = {name: files.read(path, added) for name, path in places.items()}
        fields = {name: trust.pop(name) for name in _FIELDS if name in trust}
        out.append(AnalysisTables(result=result, **fields, trust=trust))
    return out


def write_page(path: str | Path, page: str) -> None:
    """Write a page with the same bytes on every system."""
    Path(path).write_text(page, encoding="utf-8", newline="\n")


def condition_page(
    review: Mapping[str, Any],
    analyses: Sequence[AnalysisTables],
    forests: Mapping[str, bytes],
    tables: Mapping[str, pd.DataFrame],
    questions: Sequence[DrawnQuestion] = (),
) -> str:
    """The page of one condition.

    Parameters
    ----------
    review : `Review.for_condition(condition)`
    analyses : results of its analyses, in the protocol's order
    forests : their forest plots as SVG files, by the name of the analysis
    tables
        the condition's tables by name: trials, arms, risk_of_bias, missing_results, excluded,
        search, dropped and rows, as the cleaning step wrote them; flags; summary; agreement and
        disagreements of two extractors, empty where there was one; certainty; findings
        (summary_of_findings.csv); others (other_reviews.csv); evidence (missing_evidence.csv) and
        judgements of it
    questions : those of time, dose and networks, with the lists of their figures

    Returns
    -------
    HTML; needs `{analysis}/` with its tables and figures beside it for the links
    """
    ((condition, spec),) = review["conditions"].items()
    analyses = [_explained(analysis, tables["flags"]) for analysis in analyses]
    outcomes = {name: outcome["title"] for name, outcome in review["outcomes"].items()}
    bias = tables["risk_of_bias"]
    sections = [
        _section(
            *(analysis, bias, forests[analysis.name], tables["certainty"]),
            whom=_whom(spec["analyses"][analysis.name]["target"] or spec["target"]),
        )
        for analysis in analyses
    ]
    grids = {
        "summary": result_tables.summary(tables["summary"], [a.result for a in analyses]),
        "findings": findings_tables.findings(tables["findings"], [a.result for a in analyses]),
        "others": findings_tables.other_reviews(tables["others"], [a.result for a in analyses]),
        "verdicts": trust_tables.verdicts([a.result for a in analyses]),
        "apart": side_by_side(analyses, spec["side_by_side"]),
        "trials": condition_tables.trials(tables["trials"], tables["arms"], analyses),
        "risk_of_bias": condition_tables.risk_of_bias(bias, tables["trials"], outcomes),
        "bias_reasons": condition_tables.bias_reasons(bias, tables["trials"], outcomes),
        "missing": condition_tables.missing(tables["missing_results"], tables["trials"], outcomes),
        "excluded": condition_tables.excluded(tables["excluded"]),
        "search": condition_tables.search(tables["search"]),
        "flags": condition_tables.flags(tables["flags"]),
        "accounts": condition_tables.accounts(tables["rows"]),
        "dropped": condition_tables.dropped(tables["dropped"], outcomes),
        "evidence": missing_tables.evidence(tables["evidence"]),
        "judgements": missing_tables.judgements(tables["judgements"]),
        "agreement": agreement_tables.agreement(tables["agreement"]),
        "disagreements": agreement_tables.disagreements(tables["disagreements"]),
    }
    return _render(
        "condition.html",
        review=review,
        spec=spec,
        indirect=certainty_tables.of_other_people(
            tables["certainty"][_of_target(tables["certainty"], spec)], _whom(spec["target"])
        ),
        condition=condition,
        extraction=agreement_tables.extraction(tables["agreement"], tables["disagreements"]),
        sections=_first_primary(sections),
        questions=by_kind(questions),
        grids=grids,
        measures=explained(
            (
                *(a.result.measure for a in analyses),
                *(q.answered.answer.question.measure for q in questions),
            ),
            review["experimental"],
        ),
        root="../",
    )


def _explained(analysis: AnalysisTables, flags: pd.DataFrame) -> AnalysisTables:
    """An analysis whose tables say what a warning means, not what its check is called."""
    return replace(
        analysis,
        studies=flag_words.explained(analysis.studies, flags),
        sensitivity=flag_words.explained_refits(analysis.sensitivity, flags),
    )


def index_page(
    review: Mapping[str, Any],
    analyses: Sequence[AnalysisTables],
    of_conditions: Mapping[str, Mapping[str, pd.DataFrame]],
    tables: Mapping[str, pd.DataFrame],
) -> str:
    """The first page: every answer of the review, and how far to trust them.

    Parameters
    ----------
    review : the whole protocol, `Review.model_dump(mode="json")`
    analyses : results of all analyses, in the protocol's order
    of_conditions : flags and certainty of each condition
    tables : summary, verification and claims, of results/; without a claim the last one is empty
    """
    analyses = [
        _explained(each, of_conditions[each.result.condition]["flags"]) for each in analyses
    ]
    conditions = []
    for name, spec in review["conditions"].items():
        of_condition = [a for a in analyses if a.result.condition == name]
        sections = _first_primary([_section(analysis) for analysis in of_condition])
        rated, whom = of_conditions[name]["certainty"], _whom(spec["target"])
        about = certainty_tables.of_other_people(rated[_of_target(rated, spec)], whom)
        conditions.append({"name": name, "sections": sections, "indirect": about, **spec})
    titles = {name: spec["title"] for name, spec in review["conditions"].items()}
    return _render(
        "index.html",
        review=review,
        conditions=conditions,
        summary=result_tables.summary(tables["summary"], [a.result for a in analyses], titles),
        verdicts=trust_tables.verdicts([a.result for a in analyses], titles),
        verification=_verified(tables["verification"]),
        claims=findings_tables.claims(tables["claims"]),
        measures=explained((a.result.measure for a in analyses), review["experimental"]),
        root="",
    )


def _of_target(rated: pd.DataFrame, spec: Mapping[str, Any]) -> pd.Series:
    """Which rows are of analyses that ask about the people of the condition's own target."""
    aside = [name for name, asked in spec["analyses"].items() if asked["target"]]
    return ~rated["analysis"].isin(aside)


def _whom(target: Mapping[str, Any] | None) -> str:
    """The people asked about, in words."""
    return "" if target is None else str(target["title"])


# Measures in words of their own, before all others; {} is what is tested.
_EXPLAINED = {
    ("SMD",): "Standardised mean difference (Hedges g): the difference between the groups in "
    "standard deviations of the score, so that different scales can be pooled. No difference is "
    "0; negative means a lower score with {}.",
    ("MD",): "Mean difference in points of one scale. No difference is 0.",
    ("RR", "OR"): "{kind}: how many times as frequent an event is with {}. No difference is 1; "
    "above 1 means more frequent.",
}


def explained(codes: Iterable[str], experimental: str) -> list[tuple[str, str]]:
    """Each measure in use: its short name, its words and what no effect is in it."""
    used = set(codes)
    out = []
    for group, words in _EXPLAINED.items():
        if here := [code for code in group if code in used]:
            kind = w.capital(" and ".join(measure_of(code).title for code in here))
            out.append((", ".join(here), words.format(experimental, kind=kind)))
    rest = {}
    for measure in map(measure_of, used - {code for group in _EXPLAINED for code in group}):
        middle = "Nothing is compared" if measure.null is None else f"No effect is {measure.null:g}"
        rest[measure.short] = f"{w.capital(measure.words)}. {middle}."
    return [*out, *sorted(rest.items())]


def _section(
    analysis: AnalysisTables,
    bias: pd.DataFrame | None = None,
    svg: bytes = b"",
    certainty: pd.DataFrame | None = None,
    whom: str = "",
) -> Section:
    """An analysis for a page; without the condition's tables what the first page shows."""
    result, studies, missing = analysis.result, analysis.studies, analysis.missing
    answer = sentences.answer(result, studies, missing)
    shown = result.display
    grids, indirect = {}, ""
    if bias is not None:
        makers = ("trials", "provenance", "sensitivity", "missing", "selection")
        grids = {name: getattr(result_tables, name)(analysis) for name in makers}
    if certainty is not None:
        grids["certainty"] = certainty_tables.certainty(certainty, analysis.name)
        rated = certainty[certainty["analysis"] == analysis.name]
        indirect = certainty_tables.of_other_people(rated, whom)
    basis = w.count(result.k, "trial")
    figures = analysis.figures
    others = charts(figures, result.analysis, result.title) if svg else ()
    return Section(
        name=result.analysis,
        title=result.title,
        primary=result.primary,
        answer=answer,
        indirect=indirect,
        counts=sentences.counts(result, studies),
        largest=sentences.largest_missing(result, missing),
        joint=sentences.joint_missing(result, missing),
        tipping=tipping(analysis.result),
        left_out=sentences.left_out(result, missing) if result.k else "",
        also_missing=sentences.also_missing(result, missing),
        caveats=tuple(caveats(analysis, bias)),
        withheld=_withheld(result),
        estimate=say.value(result, shown.estimate) if result.k else "",
        limits=say.interval(result, shown.ci_low, shown.ci_high),
        interval=result.interval,
        measure=say.short_measure(result),
        basis=f"{basis}, {sentences.people(result, studies)}" if result.k else basis,
        model=result.model,
        verdict=result.verdict.text,
        threshold=sentences.threshold(result),
        trust=tuple(trust_words(analysis)) if analysis.trust else (),
        figure=forest(figures, svg, f"Forest plot. {result.title}. {answer}") if svg else None,
        charts=tuple(chart for chart in others if chart.name not in BY_KIND),
        by_kind=tuple(moderator_words(analysis)) if analysis.trust else (),
        by_kind_charts=tuple(chart for chart in others if chart.name in BY_KIND),
        not_drawn=not_drawn(figures) if svg else (),
        by_kind_grids=moderator_grids(analysis) if analysis.trust else {},
        grids=grids,
        trust_grids=trust_tables.trust_grids(analysis) if analysis.trust else {},
        files=(*_FIELDS, *analysis.trust),
    )


def _first_primary(sections: list[Section]) -> list[Section]:
    return sorted(sections, key=lambda section: not section.primary)


def _withheld(result: AnalysisResult) -> tuple[tuple[str, str], ...]:
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


def _verified(table: pd.DataFrame) -> dict[str, Any]:
    """How many numbers a second program agreed with, and what it could not compute."""
    agreed = table[table["verdict"] == "agree"]
    compared = table[table["verdict"] != "not covered"]
    rest = table[table["verdict"] == "not covered"]
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rest.to_dict("records"):
        key = (w.text(row["quantity"]), w.text(row["note"]))
        reasons.setdefault(key, []).append(f"{row['condition']}/{row['analysis']}")
    return {
        "compared": len(compared),
        "agreed": len(agreed),
        "analyses": len(compared[["condition", "analysis"]].drop_duplicates()),
        "largest": _power(float(compared["difference"].max())) if len(compared) else "",
        "uncovered": [(q, why, where) for (q, why), where in sorted(reasons.items())],
    }


def _power(value: float) -> str:
    """A very small number: `4 × 10⁻⁶`."""
    if value == 0:
        return "0"
    digit, exponent = f"{value:.0e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digit} × 10{raised}"


# It begins with the space, so that a search jumps from one to the next.
_TOGETHER = re.compile(r" (?:(?<=\b[knp] )[=<] (?=\d)|(?<=\d )(?=%)|(?<=% )(?=Cr?I\b))")


def _unbroken(shown: Any) -> Any:
    """Text with `n = 90` and `95 % CI` kept on one line."""
    if not isinstance(shown, str) or isinstance(shown, Markup):
        return shown
    return _TOGETHER.sub(lambda match: match.group().replace(" ", "\u00a0"), shown)


def _render(template: str, **view: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(templates.FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_unbroken,
    )
    environment.globals |= {"style": style, "sentence": w.sentence}
    return environment.get_template(template).render(view)
