"""The pages of a large review, grown from one shipped result: python -m benchmarks.pages

It takes what the fits wrote as given and times the pages alone. Run `make results` before.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from trialpool.review.protocol.protocol import read_protocol
from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.pages import condition_pages, read_analyses
from trialpool.review.schema import files
from trialpool.review.schema.trust import TRUST_TABLES

ROOT = Path(__file__).parents[1]
CONDITION, ANALYSIS = "safety", "dropout_any"
_OF_ANALYSIS = ("studies", "missing", "sensitivity", "selection", "figures", *TRUST_TABLES)
_OF_CONDITION = {
    "summary": "summary", "certainty": "certainty", "findings": "summary_of_findings",
    "others": "other_reviews", "evidence": "missing_evidence",
    "judgements": "missing_evidence_judgements", "agreement": "agreement",
    "disagreements": "disagreements",
}  # fmt: skip
_CLEANED = (
    "trials", "arms", "risk_of_bias", "missing_results", "excluded", "search", "dropped", "flags",
    "rows",
)  # fmt: skip
_BUDGET = 400_000, 5_000  # bytes and elements of a page (docs/pages.md)


def main() -> None:
    """Build the pages, and print what each weighs."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--trials", type=int, default=500)
    asked.add_argument("--analyses", type=int, default=40)
    given = asked.parse_args()
    review, analyses, named = large_review(given.trials, given.analyses)
    start = time.process_time()
    pages = condition_pages(review, analyses, named, {CONDITION: "Harms"})
    seconds = time.process_time() - start
    print(f"{len(pages)} pages of {given.trials} trials in {seconds:.1f} s")
    for name, page in sorted(pages.items(), key=lambda each: -len(each[1]))[:5]:
        size, elements = len(page.encode()), len(re.findall(r"<[a-z]", page))
        over = "" if size < _BUDGET[0] and elements < _BUDGET[1] else "  over budget"
        print(f"{name}: {size / 1000:.0f} kB, {elements} elements{over}")


def large_review(
    trials: int, analyses: int
) -> tuple[dict[str, Any], list[AnalysisTables], dict[str, pd.DataFrame]]:
    """What `condition_pages` takes: a protocol, results, and the condition's tables."""
    protocol = read_protocol(ROOT / "config" / "review.yaml")
    review = protocol.for_condition(CONDITION)
    folder = ROOT / "results" / CONDITION
    paths = [folder / ANALYSIS / "model.json"]
    paths += [folder / ANALYSIS / f"{name}.csv" for name in _OF_ANALYSIS]
    (one,) = read_analyses(paths, protocol.added)
    names = [f"outcome_{i}" for i in range(analyses)]
    asked = review["conditions"][CONDITION]["analyses"][ANALYSIS]
    spec = review["conditions"][CONDITION] | {"analyses": dict.fromkeys(names, asked)}
    cleaned = ROOT / "data" / "processed" / CONDITION
    named = {name: files.read(cleaned / f"{name}.csv", protocol.added) for name in _CLEANED}
    named |= {name: files.read(folder / f"{file}.csv") for name, file in _OF_CONDITION.items()}
    for table in ("trials", "arms", "risk_of_bias", "flags"):
        named[table] = _grown(named[table], trials)
    for table in ("summary", "certainty", "findings"):
        rows = named[table][named[table]["analysis"] == ANALYSIS]
        named[table] = pd.concat([rows.assign(analysis=name) for name in names])
    made = [_large(one, name, trials, first=name == names[0]) for name in names]
    return review | {"conditions": {CONDITION: spec}}, made, named


def _large(one: AnalysisTables, name: str, trials: int, *, first: bool) -> AnalysisTables:
    result = replace(one.result, analysis=name, k=trials, n=60 * trials, primary=first)
    trust: Mapping[str, pd.DataFrame] = {
        table: _grown(frame, trials) if table in ("influence", "weights") else frame
        for table, frame in one.trust.items()
    }
    return replace(one, result=result, studies=_grown(one.studies, trials), trust=trust)


def _grown(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    """The rows again and again, each of a trial of its own."""
    out = frame.iloc[[i % len(frame) for i in range(rows)]].reset_index(drop=True)
    for column in ("trial_id", "study", "effect_id"):
        if column in out:
            out[column] = [f"{value}_{i}" for i, value in enumerate(out[column])]
    return out


if __name__ == "__main__":
    main()
