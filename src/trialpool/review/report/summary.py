"""The summary tables: one row per analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialpool.analysis_result import AnalysisResult
from trialpool.review.schema.results import SUMMARY
from trialpool.tables import records
from trialpool.terms import OVERALL
from trialpool.typed_json import to_json
from trialpool.words import text

# Fields of the pooled model (metafor's names) and the words they have in tables people read.
_POOLED = {
    "tau2": "tau2", "tau2_ci_lb": "tau2_ci_low", "tau2_ci_ub": "tau2_ci_high", "i2": "i2",
    "q": "q", "q_df": "q_df", "q_pval": "q_p_value",
}  # fmt: skip


# The certainty.csv of each condition, by its name.
Rated = Mapping[str, pd.DataFrame]


def summary_row(result: AnalysisResult, rated: Rated) -> dict[str, Any]:
    """An analysis' row of summary.csv; ratios are back-transformed, tau2 is on the log scale."""
    fields, pooled, verdict = to_json(result), result.pooled, result.verdict
    row = {name: fields[name] for name in SUMMARY.names if name in fields}
    row |= fields["display"]
    row |= {word: getattr(pooled, field, None) for field, word in _POOLED.items()}
    row |= {
        "conclusion": verdict.conclusion,
        "robust": verdict.robust,
        "threat": verdict.threats[0].name if verdict.threats else "",
        "verdict": verdict.line,
    }
    certainty = rated[result.condition]
    mine = (certainty["analysis"] == result.analysis) & (certainty["domain"] == OVERALL)
    (overall,) = records(certainty[mine])
    return row | {"certainty": text(overall["level"]), "certainty_basis": overall["basis"]}


def summary_table(results: Sequence[AnalysisResult], rated: Rated) -> pd.DataFrame:
    """summary.csv of several analyses, in the order given."""
    return SUMMARY.frame(summary_row(result, rated) for result in results)


def numbers(results: Sequence[AnalysisResult], rated: Rated) -> dict[str, Any]:
    """Every headline number under a dotted name, for texts that quote them."""
    out: dict[str, Any] = {}
    for result in results:
        key, row = f"{result.condition}.{result.analysis}", summary_row(result, rated)
        skipped = ("condition", "analysis", "outcome")
        out |= {f"{key}.{name}": row[name] for name in SUMMARY.names if name not in skipped}
    return out
