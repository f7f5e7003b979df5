"""Risk of bias due to missing evidence: which results are there, and a proposed judgement.

After ROB-ME (Page et al. 2023, BMJ 383:e076754). The rules are this review's own and stand in
docs/missing_results.md; what they give is proposed, and a person decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from trialpool import tables, typed_json
from trialpool.analysis_result import AnalysisResult
from trialpool.conclusions import concluded
from trialpool.review.choosing.people import size
from trialpool.review.choosing.reasons import Reason, not_asked, why_not
from trialpool.review.schema import files
from trialpool.review.schema.added import Added
from trialpool.review.schema.results import EVIDENCE, JUDGEMENTS
from trialpool.terms import (
    AVAILABLE,
    NOT_KNOWN,
    OTHER,
    OUTSIDE,
    RESULT,
    UNCLEAR,
    UNUSABLE,
)

LOW, SOME, HIGH = "low", "some concerns", "high"
STANDING = "proposed; a person decides"


class Written(NamedTuple):
    """An analysis as its files say it: model.json, and the tables of these names.

    Missing evidence is told without `weights` and `multiverse`.
    """

    result: AnalysisResult
    studies: pd.DataFrame
    selection: pd.DataFrame
    missing: pd.DataFrame
    weights: pd.DataFrame = pd.DataFrame()
    multiverse: pd.DataFrame = pd.DataFrame()

    @classmethod
    def read(cls, model: Path, names: Sequence[str], added: Added) -> Written:
        """An analysis from its model.json and the tables of these names beside it."""
        parts = {name: files.read(model.parent / f"{name}.csv", added) for name in names}
        return cls(typed_json.read(model, AnalysisResult), **parts)


# A source that says there was no difference, and gives no numbers.
_NO_DIFFERENCE = re.compile(
    r"\bno (statistically )?significant|\bno differences?\b|\bnot significant|\bnon-?signific"
    r"|\bdid not differ|\bsimilar\b|\bcomparable\b",
    re.IGNORECASE,
)
# The reviewers' own reason: the numbers may stand in what they could not read.
_NOT_READ = re.compile(r"\b(read|seen|visible|abstract|mirror)\b", re.IGNORECASE)
_CONTRADICTS = "would contradict"


def rob_me(
    analyses: Sequence[Written], trials: pd.DataFrame, missing_results: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The availability of results, and a proposed judgement for each analysis of a condition.

    Parameters
    ----------
    analyses : of the condition, as read again
    trials, missing_results : the condition's trials.csv and missing_results.csv

    Returns
    -------
    matrix
        a row per analysis and trial, with the `status` and in `detail` what it rests on
    proposals
        a row per analysis; `n_of_concern` counts the people in trials missing because of the
        result or unclear why, `decided` is blank, a person's to fill in

    References
    ----------
    Page et al. 2023, BMJ 383:e076754
    """
    matrix, proposals = [], []
    for written in analyses:
        lines = availability(written, trials, missing_results)
        matrix += lines
        proposals.append(_proposal(written, lines))
    return (
        EVIDENCE.frame(matrix),
        JUDGEMENTS.frame(proposals),
    )


def availability(
    written: Written, trials: pd.DataFrame, missing_results: pd.DataFrame
) -> list[dict[str, Any]]:
    """What is known of each trial's result for one analysis, the first that applies.

    In the analysis; left out by its filter; known to be missing from it; measured, but left out
    as unusable or as another question; missing, but from another question; nothing known.
    """
    result, studies, selection, missing, *_ = written
    include, exclude = (result.specification[name] for name in ("include", "exclude"))
    included = set(studies["trial_id"])
    gone = {row["trial_id"]: row for row in tables.records(missing)}
    left: dict[str, list[Reason]] = {}
    for row in tables.records(selection):
        reason = Reason(row["rule"], str(row["reason"]))
        left.setdefault(row["trial_id"], []).append(reason)
    elsewhere = set(missing_results[missing_results["outcome"] == result.outcome]["trial_id"])
    lines = []
    for trial in tables.records(trials):
        name = trial["trial_id"]
        if name in included:
            status, detail = AVAILABLE, ""
        elif filtered := why_not(trial, include, exclude):
            status, detail = OUTSIDE, filtered
        elif name in gone:
            status, detail = _missing(gone[name])
        elif name in left:
            status, detail = _left_out(left[name])
        elif name in elsewhere:
            status = OUTSIDE
            detail = "its missing result is of another time or comparator"
        else:
            status, detail = NOT_KNOWN, ""
        lines.append(
            {
                "analysis": result.analysis,
                "title": result.title,
                "trial_id": name,
                "study": trial["study"],
                "year": trial["year"],
                "status": status,
                "detail": detail,
            }
        )
    return lines


def _missing(row: Mapping[str, Any]) -> tuple[str, str]:
    """Why a result is missing, as far as its row says, and what that rests on."""
    reported, reason = _text(row["reported"]), _text(row["reason"])
    basis = f'reported: "{reported}"; {reason}' if reported else reason
    if row["status"] == "ongoing":
        return OTHER, f"the trial is still running; {basis}"
    if row["status"] != "published_without_numbers":
        return UNCLEAR, f"{str(row['status']).replace('_', ' ')}; {basis}"
    if _CONTRADICTS in _text(row["what_if_reason"]):
        return OTHER, f"not held back for finding nothing; {basis}"
    if _NO_DIFFERENCE.search(reported) and not _NOT_READ.search(reason):
        return RESULT, f"no difference was reported, without numbers; {basis}"
    return UNCLEAR, basis


def _left_out(reasons: Sequence[Reason]) -> tuple[str, str]:
    """Of effects that were computed and left out: unusable if any would have fitted."""
    unusable = [reason.words for reason in reasons if not not_asked(reason.rule)]
    if unusable:
        return UNUSABLE, unusable[0]
    return OUTSIDE, reasons[0].words


def _proposal(written: Written, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    result, missing = written.result, written.missing
    status = {line["trial_id"]: line["status"] for line in lines}
    counts = {name: list(status.values()).count(name) for name in (RESULT, UNCLEAR, OTHER)}
    sizes = [
        size(row)
        for row in tables.records(missing)
        if status.get(row["trial_id"]) in (RESULT, UNCLEAR)
    ]
    people = int(sum(n for n in sizes if not isnan(n)))
    unknown = sum(map(isnan, sizes))
    changes = _conclusion_changes(result)
    proposed, reason = _judge(result, counts, people, unknown, changes)
    return {
        "analysis": result.analysis,
        "title": result.title,
        "k": result.k,
        "n": result.n,
        "because_of_result": counts[RESULT],
        "unclear": counts[UNCLEAR],
        "other_reason": counts[OTHER],
        "n_of_concern": people,
        "size_not_known": unknown,
        "conclusion_changes": changes,
        "proposed": proposed,
        "reason": reason,
        "standing": STANDING,
        "decided": "",
    }


def _judge(
    result: AnalysisResult, counts: Mapping[str, int], people: int, unknown: int, changes: str
) -> tuple[str, str]:
    """The first rule of docs/missing_results.md that holds, and why."""
    if not result.k:
        return "", "no trial is in the analysis: there is no result to judge"
    of_concern = counts[RESULT] + counts[UNCLEAR]
    notes = []
    if counts[OTHER]:
        notes.append(f"{_trials(counts[OTHER])} missing for another reason")
    if "asymmetry tests" in result.policy.withheld:
        notes.append(f"small-study effects cannot be tested, {_withheld(result)}")
    tail = "".join(f"; {note}" for note in notes)
    if not of_concern:
        return LOW, f"no result is known to be missing because of what it was{tail}"
    known = [f"n = {people}"] if people else []
    sizes = ", ".join([*known, *([f"size of {unknown} not known"] if unknown else [])])
    who = (
        f"{_trials(of_concern)} missing ({counts[RESULT]} presumably because of the result,"
        f" {counts[UNCLEAR]} unclear why; {sizes})"
    )
    if changes == "yes":
        why = "the conclusion changes if those that can be added found nothing"
        return HIGH, f"{who}; {why}{tail}"
    if result.n is not None and people >= result.n:
        return (
            HIGH,
            f"{who}; they hold at least as many people as the analysis (n = {result.n}){tail}",
        )
    return SOME, f"{who}{tail}"


def _conclusion_changes(result: AnalysisResult) -> str:
    """Whether the interval begins or ceases to exclude no difference once the missing are added.

    They are those that can be added, each with no effect; blank where there is none.
    """
    added = result.what_if
    if not added:
        return ""
    return "yes" if concluded(result, added).turns(concluded(result)) else "no"


def _withheld(result: AnalysisResult) -> str:
    return str(result.policy.withheld["asymmetry tests"])


def _trials(count: int) -> str:
    return f"{count} trial{'s' if count > 1 else ''}"


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str) else ""
