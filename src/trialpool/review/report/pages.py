"""The pages of the review: view models, and the templates that lay them out.

Styles and forest plots are inside a page; the other charts stay in their files beside it and are
read when they are opened, or a page of ten analyses would hold ten megabytes. It asks nothing of a
network. The same tables give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from trialpool import typed_json
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.effects import measure_of
from trialpool.review.report import (
    agreement_tables,
    condition_tables,
    findings_tables,
    missing_tables,
    result_tables,
    trust_tables,
)
from trialpool.review.report.answers import answer_of, asked_people
from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.grid import Grid
from trialpool.review.report.moderator_tables import side_by_side
from trialpool.review.report.question_section import DrawnQuestion, by_kind
from trialpool.review.report.readmes import condition_readme, review_readme
from trialpool.review.report.rendering import render
from trialpool.review.report.sections import FIELDS, Section, explained, first_primary, section
from trialpool.review.schema import files
from trialpool.review.schema.added import Added

# Lines of forest plots on a condition's page, the first analyses first; a page of forty analyses
# of five hundred trials would not open on a telephone. Every plot stands whole on its own page.
LINES = 150
# Rows of each table of a result's own page, and of one with many trials.
SHOWN, SHOWN_OF_MANY = 60, 6


def read_analyses(paths: Sequence[str | Path], added: Added) -> list[AnalysisTables]:
    """The results of analyses from their files, in the order in which their folders come."""
    folders: dict[Path, dict[str, Path]] = {}
    for path in map(Path, paths):
        folders.setdefault(path.parent, {})[path.stem] = path
    out = []
    for places in folders.values():
        result = typed_json.read(places.pop("model"), AnalysisResult)
        trust = {name: files.read(path, added) for name, path in places.items()}
        fields = {name: trust.pop(name) for name in FIELDS if name in trust}
        out.append(AnalysisTables(result=result, **fields, trust=trust))
    return out


def condition_pages(
    review: Mapping[str, Any],
    analyses: Sequence[AnalysisTables],
    by_name: Mapping[str, pd.DataFrame],
    menu: Mapping[str, str],
    questions: Sequence[DrawnQuestion] = (),
) -> dict[str, str]:
    """The pages of one condition: its answers, its tables, and one for each analysis.

    Parameters
    ----------
    review : `Review.for_condition(condition)`
    analyses : results of its analyses, in the protocol's order
    by_name
        the condition's tables by name: trials, arms, risk_of_bias, missing_results, excluded,
        search, dropped and rows, as the cleaning step wrote them; flags; summary; agreement and
        disagreements of two extractors, empty where there was one; certainty; findings
        (summary_of_findings.csv); others (other_reviews.csv); evidence (missing_evidence.csv) and
        judgements of it
    menu : `Review.menu()`
    questions : those of time, dose and networks, with the lists of their figures

    Returns
    -------
    By their places in `results/{condition}/`: `index.html`, `tables.html`, `README.md` and
    `{analysis}/index.html`
    """
    ((condition, spec),) = review["conditions"].items()
    analyses = first_primary([explained(each, by_name["flags"]) for each in analyses])
    certainty, findings = by_name["certainty"], by_name["findings"]
    sections = [
        section(each, by_name["risk_of_bias"], asked_people(spec, each.name), certainty, findings)
        for each in analyses
    ]
    grids = _grids(analyses, by_name, review, spec)
    shared = {
        "review": review,
        "spec": spec,
        "menu": menu,
        "condition": condition,
        "here": condition,
    }
    answer = answer_of(condition, spec, analyses, certainty, findings)
    beside = shared | {"root": "../", "trial_page": _trial_pages("../")}
    pages = {
        "index.html": render(
            "condition.html",
            **beside,
            answer=answer,
            drug=review["experimental"],
            sections=sections,
            drawn_here=_drawn_here(sections),
            questions=by_kind(questions),
            missing=grids["missing"],
        ),
        "tables.html": render(
            "tables.html",
            **beside,
            grids=grids,
            extraction=agreement_tables.extraction(by_name["agreement"], by_name["disagreements"]),
            measures=explained_measures(
                (
                    *(each.result.measure for each in analyses),
                    *(each.answered.answer.question.measure for each in questions),
                ),
                review["experimental"],
            ),
        ),
    }
    pages["README.md"] = condition_readme(review, answer, sections)
    pages |= {f"{made.name}/index.html": _result_page(made, shared) for made in sections}
    return pages


def _result_page(made: Section, shared: Mapping[str, Any]) -> str:
    return render(
        "result.html",
        **shared,
        root="../../",
        trial_page=_details_or_pages(made),
        section=made,
        shown=SHOWN_OF_MANY if made.forest.long else SHOWN,
    )


def first_pages(
    review: Mapping[str, Any],
    analyses: Sequence[AnalysisTables],
    of_conditions: Mapping[str, Mapping[str, pd.DataFrame]],
    claims: pd.DataFrame,
    menu: Mapping[str, str],
) -> dict[str, str]:
    """The first page: the answer for each condition, and every outcome at a glance.

    Parameters
    ----------
    review : the whole protocol, `Review.model_dump(mode="json")`
    analyses : results of all analyses, in the protocol's order
    of_conditions : certainty and findings of each condition
    claims : claims.csv; without a row where no claim is asked about
    menu : `Review.menu()`

    Returns
    -------
    `index.html` and `README.md` of `results/`
    """
    answers = []
    for name, spec in review["conditions"].items():
        of_condition = first_primary([each for each in analyses if each.result.condition == name])
        rated = of_conditions[name]
        answers.append(answer_of(name, spec, of_condition, rated["certainty"], rated["findings"]))
    page = render(
        "index.html",
        review=review,
        menu=menu,
        here="index",
        root="",
        drug=review["experimental"],
        answers=answers,
        claimed=len(claims),
    )
    return {"index.html": page, "README.md": review_readme(review, answers)}


def _drawn_here(sections: Sequence[Section]) -> set[str]:
    """The analyses whose forest plots stand on the condition's page as well as on their own."""
    drawn, lines = set(), 0
    for made in sections:
        lines += made.forest.lines
        if lines <= LINES:
            drawn.add(made.name)
    return drawn


def _grids(
    analyses: Sequence[AnalysisTables],
    by_name: Mapping[str, pd.DataFrame],
    review: Mapping[str, Any],
    spec: Mapping[str, Any],
) -> dict[str, Grid]:
    """The tables of a condition by name."""
    results = [each.result for each in analyses]
    outcomes = {name: outcome["title"] for name, outcome in review["outcomes"].items()}
    bias, trials = by_name["risk_of_bias"], by_name["trials"]
    return {
        "summary": result_tables.summary(by_name["summary"], results),
        "findings": findings_tables.findings(by_name["findings"], results),
        "others": findings_tables.other_reviews(by_name["others"], results),
        "verdicts": trust_tables.verdicts(results),
        "apart": side_by_side(analyses, spec["side_by_side"]),
        "trials": condition_tables.trials(trials, by_name["arms"], analyses),
        "risk_of_bias": condition_tables.risk_of_bias(bias, trials, outcomes),
        "bias_reasons": condition_tables.bias_reasons(bias, trials, outcomes),
        "missing": condition_tables.missing(by_name["missing_results"], trials, outcomes),
        "excluded": condition_tables.excluded(by_name["excluded"]),
        "search": condition_tables.search(by_name["search"]),
        "flags": condition_tables.flags(by_name["flags"]),
        "accounts": condition_tables.accounts(by_name["rows"]),
        "dropped": condition_tables.dropped(by_name["dropped"], outcomes),
        "evidence": missing_tables.evidence(by_name["evidence"]),
        "judgements": missing_tables.judgements(by_name["judgements"]),
        "agreement": agreement_tables.agreement(by_name["agreement"]),
        "disagreements": agreement_tables.disagreements(by_name["disagreements"]),
    }


def _trial_pages(root: str) -> Callable[[str], str]:
    """Where the page of a trial is, by its identifier."""
    return lambda trial: f"{root}trials/{trial}.html"


def _details_or_pages(made: Section) -> Callable[[str], str]:
    """Where a result's own page tells more of a trial: in itself, where it has its details."""
    here = {trial.trial_id for trial in made.details}
    elsewhere = _trial_pages("../../")
    return lambda trial: f"#trial-{trial}" if trial in here else elsewhere(trial)


# Measures in words of their own, before all others; {} is what is tested.
_EXPLAINED = {
    ("SMD",): "Standardised mean difference (Hedges g): the difference between the groups in "
    "standard deviations of the score, so that different scales can be pooled. No difference is "
    "0; negative means a lower score with {}.",
    ("MD",): "Mean difference in points of one scale. No difference is 0.",
    ("RR", "OR"): "{kind}: how many times as frequent an event is with {}. No difference is 1; "
    "above 1 means more frequent.",
}


def explained_measures(codes: Iterable[str], experimental: str) -> list[tuple[str, str]]:
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
