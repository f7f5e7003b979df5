"""PRISMA 2020 and its extension for living reviews, filled from what was built.

References
----------
Page et al. 2021, BMJ 372:n71: PRISMA 2020. Akl et al. 2024, BMJ 387:e079183: PRISMA-LSR.
The items are named by number; what each asks for is said in words of this project.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.review.extraction.screening import load_screening
from trialpool.review.report.grid import Row
from trialpool.review.report.prisma_items import ITEMS
from trialpool.review.schema import files
from trialpool.review.schema.added import Added
from trialpool.review.schema.results import PRISMA_CHECKLIST, PRISMA_FLOW
from trialpool.terms import OVERALL

_BOXES = {
    "found": "Records found by all searches",
    "duplicates": "Duplicates removed",
    "removed_otherwise": "Removed for other reasons before screening",
    "screened": "Records screened",
    "excluded_at_screening": "Records excluded at screening",
    "sought": "Reports sought",
    "not_retrieved": "Reports that could not be had",
    "assessed": "Reports assessed",
    "excluded": "Reports excluded, each with its reason",
    "included": "Trials included",
    "with_numbers": "of these, with usable numbers in at least one analysis",
    "without_numbers": "of these, without usable numbers for any analysis",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What is known of a condition's selection: its tables, its stages, and who was used."""

    trials: pd.DataFrame
    search: pd.DataFrame
    excluded: pd.DataFrame
    screening: Sequence[Row]
    used: frozenset[str]


def selections(
    processed: Mapping[str, Mapping[str, pd.DataFrame]],
    screened: Iterable[str | Path],
    studies: Iterable[str | Path],
    added: Added,
) -> dict[str, Selected]:
    """What is known of the selection of each condition.

    Parameters
    ----------
    processed : the cleaned tables trials, search and excluded by condition
    screened : the files screening.csv, of conditions that have one
    studies : the files studies.csv of all analyses, results/{condition}/{analysis}/studies.csv
    added : the columns the protocol adds
    """
    stages = {Path(path).parent.name: load_screening([path]) for path in screened}
    used: dict[str, set[str]] = {}
    for path in map(Path, studies):
        used.setdefault(path.parts[-3], set()).update(files.read(path, added)["trial_id"])
    return {
        name: Selected(
            trials=named["trials"],
            search=named["search"],
            excluded=named["excluded"],
            screening=stages.get(name, ()),
            used=frozenset(used.get(name, ())),
        )
        for name, named in processed.items()
    }


def flow(selections: Mapping[str, Selected]) -> pd.DataFrame:
    """The flow of each condition, box by box."""
    return PRISMA_FLOW.frame(row for name, of in selections.items() for row in _flow_of(name, of))


def _flow_of(condition: str, of: Selected) -> Iterator[dict[str, Any]]:
    stages = {row["stage"]: row for row in of.screening}
    eligible = set(of.trials["trial_id"])
    counted = {
        "excluded": (len(of.excluded), "excluded.csv"),
        "included": (len(eligible), "trials.csv"),
        "with_numbers": (len(eligible & of.used), "studies.csv of each analysis"),
        "without_numbers": (len(eligible - of.used), "studies.csv of each analysis"),
    }
    for box, says in _BOXES.items():
        row: dict[str, Any] = {"condition": condition, "box": box, "says": says}
        if box in counted:
            n, source = counted[box]
            yield row | {"n": n, "basis": "counted", "source": source}
            continue
        if box == "found":
            yield row | _searched(of.search)
            continue
        stage = stages.get(box, {})
        known = stage.get("n") is not None
        yield row | {
            "n": stage.get("n"),
            "basis": "recorded" if known else "not recorded",
            "source": "screening.csv" if known else None,
            "note": stage.get("source"),
        }


def _searched(search: pd.DataFrame) -> dict[str, Any]:
    """What all searches found; blank as soon as one of them did not record it."""
    counts = [w.number(row["n_records"]) for row in tables.records(search)]
    if counts and not any(map(isnan, counts)):
        return {"n": int(sum(counts)), "basis": "computed", "source": "search.csv"}
    bare = sum(map(isnan, counts))
    note = f"{bare} of {w.count(len(counts), 'search')} without a number of records"
    return {"basis": "not recorded", "note": note if counts else "no search is listed"}


def _cells(frame: pd.DataFrame) -> int:
    """How many cells of a condition two extractors typed, from its agreement.csv."""
    whole = frame[(frame["table"] == "all") & (frame["column"] == "cells")]
    return int(whole["compared"].sum())


def checklist(facts: Mapping[str, tuple[bool, str]]) -> pd.DataFrame:
    """The checklists: each item passes or fails by a fact, or is text for people to write.

    Parameters
    ----------
    facts : by name, whether it holds and what that rests on (`facts_of`)
    """
    rows = []
    for item in ITEMS:
        holds, why = facts[item.fact] if item.fact else (None, "")
        status = "text" if holds is None else "pass" if holds else "fail"
        rows.append(
            {
                "list": item.of,
                "item": item.number,
                "topic": item.topic,
                "status": status,
                "where": item.where or None,
                "why": why or None,
            }
        )
    return PRISMA_CHECKLIST.frame(rows)


def facts_of(
    review: Mapping[str, Any],
    selections: Mapping[str, Selected],
    results: Sequence[AnalysisResult],
    named: Mapping[str, Sequence[pd.DataFrame]],
) -> dict[str, tuple[bool, str]]:
    """What the build says to the items, each with what that rests on.

    Parameters
    ----------
    review : the whole protocol
    results : of all analyses
    named
        tables of all conditions by name: risk_of_bias, agreement, certainty, missing_evidence; and
        verification
    """
    title = review["title"].lower()
    searches = [row for of in selections.values() for row in tables.records(of.search)]
    dated = sum(bool(w.text(row["date"])) for row in searches)
    boxes = tables.records(flow(selections))
    bare = sum(row["basis"] == "not recorded" for row in boxes)
    trials = {name for of in selections.values() for name in of.trials["trial_id"]}
    used = frozenset[str]().union(*(of.used for of in selections.values())) & trials
    judged = {trial for frame in named["risk_of_bias"] for trial in frame["trial_id"]} & used
    excluded = sum(len(of.excluded) for of in selections.values())
    verdicts = [verdict for frame in named["verification"] for verdict in frame["verdict"]]
    agreed = sum(map(_cells, named["agreement"]))
    pooled = [(each.condition, each.analysis) for each in results if each.k]
    varied = sum(each.trust.other_choices.tried > 0 for each in results if each.k)
    rated = sum(len(set(_overall(frame))) for frame in named["certainty"])
    weighed = sum(len(set(frame["analysis"])) for frame in named["missing_evidence"])
    asked = _moderators(review)

    def of_all(number: int, what: str) -> tuple[bool, str]:
        whole = len(pooled)
        return bool(whole) and number >= whole, f"{number} of {whole} results {what}"

    return {
        "protocol": (bool(results), f"the protocol asks {w.count(len(results), 'analysis')}"),
        "named_review": ("review" in title, f"the title is: {review['title']}"),
        "named_living": ("living" in title, f"the title is: {review['title']}"),
        "version": (bool(review["version"]), f"version {review['version']}"),
        "question": (bool(review["question"].strip()), "the question of the protocol"),
        "searched": (
            bool(searches) and dated == len(searches),
            f"{dated} of {len(searches)} searches with a date",
        ),
        "screened": (not bare, f"{bare} of {len(boxes)} boxes of the flow not recorded"),
        "twice": (
            agreed > 0,
            f"{agreed} cells were typed a second time" if agreed else "nothing was typed twice",
        ),
        "trials": (bool(used), f"{len(used)} of {len(trials)} trials with usable numbers"),
        "judged": (
            bool(used) and judged == used,
            f"{len(judged)} of {len(used)} trials with numbers were judged",
        ),
        "excluded": (excluded > 0, f"{excluded} reports, each with its reason"),
        "grouped": (bool(asked), f"{asked} moderators are declared"),
        "varied": of_all(varied, "stand under other choices as well"),
        "missing": of_all(weighed, "were looked through for what is missing"),
        "rated": of_all(rated, "are rated"),
        "verified": (
            "agree" in verdicts and "DISAGREE" not in verdicts,
            f"{verdicts.count('agree')} numbers agree with a second program, "
            f"{verdicts.count('DISAGREE')} differ",
        ),
        "licence": (bool(review["licence"]), review["licence"] or "no licence is named"),
    }


def _overall(certainty: pd.DataFrame) -> Iterator[str]:
    """The analyses whose certainty is rated."""
    for row in tables.records(certainty):
        if row["domain"] == OVERALL and w.text(row["level"]):
            yield row["analysis"]


def _moderators(review: Mapping[str, Any]) -> int:
    """How many moderators the protocol declares, in its defaults and for single analyses."""
    specs = [spec for each in review["conditions"].values() for spec in each["analyses"].values()]
    return len(review["defaults"]["moderators"]) + sum(len(spec["moderators"]) for spec in specs)
