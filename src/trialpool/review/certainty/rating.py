"""The certainty of each analysis: what the rules propose, and what people decided instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.review.accounts.rob_me import Written
from trialpool.review.certainty.body import BodyOfEvidence, Proposal, typed
from trialpool.review.certainty.domains import propose
from trialpool.review.schema.results import CERTAINTY
from trialpool.terms import DECIDED, DOMAINS, LEVELS, OVERALL, PROPOSED, STALE

Row = Mapping[str, Any]
# What a body of evidence takes from the files of its analysis.
PARTS = ("result", "studies", "missing", "weights", "multiverse")


def certainty(
    written: Iterable[Written],
    trials: pd.DataFrame,
    arms: pd.DataFrame,
    targets: Mapping[str, Mapping[str, Any] | None],
    decisions: Iterable[Row],
) -> pd.DataFrame:
    """The certainty of the evidence of analyses, certainty.csv.

    Parameters
    ----------
    written : the analyses of a condition, as read again
    trials, arms : the condition's tables
    targets : what each analysis is to tell of, `Review.targets`
    decisions : rows of data/raw/{condition}/certainty.csv, checked

    Returns
    -------
    CERTAINTY: five rows of domains for each analysis, then one of all together. A decision stands
    in the place of the proposal; where the numbers it was taken on have changed, the lower of the
    two stands until somebody decides again

    References
    ----------
    Guyatt et al. 2008, BMJ 336:924
    """
    decided = {(row["analysis"], row["domain"]): row for row in decisions}
    lines: list[Row] = []
    for each in written:
        name = each.result.analysis
        parts = {part: getattr(each, part) for part in PARTS}
        body = BodyOfEvidence(**parts, trials=trials, arms=arms, target=targets[name])
        lines += _lines(each.result, propose(body), {d: decided.get((name, d)) for d in DOMAINS})
    return CERTAINTY.frame(lines)


def _lines(
    result: AnalysisResult, proposals: Mapping[str, Proposal], decisions: Mapping[str, Row | None]
) -> Iterator[Row]:
    rows = [
        _domain(proposals[domain], decisions[domain] if result.k else None) | {"domain": domain}
        for domain in DOMAINS
    ]
    for row in (*rows, _overall(result, rows)):
        yield {"analysis": result.analysis} | row


def _domain(proposal: Proposal, decision: Row | None) -> dict[str, Any]:
    row = {
        "change": proposal.change,
        "basis": PROPOSED,
        "proposed": proposal.change,
        "reason": proposal.reason,
        "numbers": proposal.numbers,
    }
    if decision is None:
        return row
    change = int(decision["decision"])
    stale = typed(str(decision["numbers"])) != typed(proposal.numbers)
    if stale and proposal.change is not None:
        change = min(change, proposal.change)
    return row | {
        "change": change,
        "basis": STALE if stale else DECIDED,
        "decision_reason": decision["reason"],
        "decided_by": decision["by"],
        "decided_on": decision["date"],
    }


def _overall(result: AnalysisResult, rows: Sequence[Row]) -> dict[str, Any]:
    """Evidence from randomised trials starts high, and each domain lowers it."""
    bases = {row["basis"] for row in rows}
    basis = next(each for each in (STALE, PROPOSED, DECIDED) if each in bases)
    if not result.k:
        reason = "no trial is in the analysis: there is nothing to be certain of"
        return {"domain": OVERALL, "basis": basis, "reason": reason}
    lowered = {str(row["domain"]): row["change"] for row in rows}
    total = sum(change or 0 for change in lowered.values())
    said = [f"{_name(domain)} {w.short(change)}" for domain, change in lowered.items() if change]
    unknown = [_name(domain) for domain, change in lowered.items() if change is None]
    said += [f"not judged: {', '.join(unknown)}"] if unknown else []
    proposed = sum(row["proposed"] or 0 for row in rows)
    return {
        "domain": OVERALL,
        "change": total,
        "level": LEVELS[max(0, len(LEVELS) - 1 + total)],
        "basis": basis,
        "proposed": proposed,
        "reason": f"randomised trials start high; {'; '.join(said) or 'nothing lowers it'}",
    }


def _name(domain: str) -> str:
    return domain.replace("_", " ")
