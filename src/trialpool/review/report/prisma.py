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
from trialpool.review.extraction.screening import load_screening
from trialpool.review.report.grid import Row
from trialpool.review.report.prisma_items import ITEMS
from trialpool.review.schema import files
from trialpool.review.schema.added import Added
from trialpool.review.schema.results import PRISMA_CHECKLIST, PRISMA_FLOW

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


def _cells(path: str | Path) -> int:
    """How many cells of a condition two extractors typed."""
    rows = tables.records(files.read(path))
    return sum(
        int(row["compared"]) for row in rows if row["column"] == "cells" and row["table"] == "all"
    )


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
    processed: Mapping[str, Mapping[str, pd.DataFrame]],
    agreement: Iterable[str | Path],
    checked: pd.DataFrame,
) -> dict[str, tuple[bool, str]]:
    """What the build says to the items.

    Parameters
    ----------
    review : the whole protocol
    processed : the cleaned tables risk_of_bias by condition
    agreement : the files agreement.csv of all conditions
    checked : verification.csv
    """
    agreed = sum(_cells(path) for path in agreement)
    judged_by = (named["risk_of_bias"]["trial_id"] for named in processed.values())
    title = review["title"].lower()
    searches = [row for of in selections.values() for row in tables.records(of.search)]
    dated = sum(bool(w.text(row["date"])) for row in searches)
    boxes = tables.records(flow(selections))
    bare = sum(row["basis"] == "not recorded" for row in boxes)
    trials = {name for of in selections.values() for name in of.trials["trial_id"]}
    judged = {trial for each in judged_by for trial in each} & trials
    excluded = sum(len(of.excluded) for of in selections.values())
    used = frozenset[str]().union(*(of.used for of in selections.values()))
    differ = int((checked["verdict"] == "DISAGREE").sum())
    return {
        "built": (True, "made by the build"),
        "named_review": ("review" in title, f"the title is: {review['title']}"),
        "named_living": ("living" in title, f"the title is: {review['title']}"),
        "version": (bool(review["version"]), f"version {review['version']}"),
        "question": (bool(review["question"].strip()), "the question of the protocol"),
        "searched": (
            bool(searches) and dated == len(searches),
            f"{dated} of {w.count(len(searches), 'search')} with a date",
        ),
        "screened": (
            not bare,
            f"{bare} of {len(boxes)} boxes of the flow not recorded",
        ),
        "twice": (
            agreed > 0,
            f"{agreed} cells were typed a second time" if agreed else "nothing was typed twice",
        ),
        "judged": (
            judged >= used & trials,
            f"{len(judged & used)} of {len(used & trials)} trials with numbers were judged",
        ),
        "excluded": (excluded > 0, f"{excluded} reports, each with its reason"),
        "verified": (not differ, f"{differ} of {len(checked)} numbers differ"),
        "licence": (bool(review["licence"]), review["licence"] or "no licence is named"),
    }
