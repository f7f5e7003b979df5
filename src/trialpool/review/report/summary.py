"""The summary tables: one row per analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialpool.review.schema.results import SUMMARY

# Fields of the pooled model (metafor's names) and the words they have in tables people read.
_POOLED = {
    "tau2": "tau2", "tau2_ci_lb": "tau2_ci_low", "tau2_ci_ub": "tau2_ci_high", "i2": "i2",
    "q": "q", "q_df": "q_df", "q_pval": "q_p_value",
}  # fmt: skip


def summary_row(model: Mapping[str, Any]) -> dict[str, Any]:
    """An analysis' row of summary.csv; ratios are back-transformed, tau2 is on the log scale."""
    row = {name: model[name] for name in SUMMARY.names if name in model}
    row |= model["display"]
    pooled = model["pooled"] or {}
    row |= {word: pooled.get(field) for field, word in _POOLED.items()}
    verdict = model["verdict"]
    row |= {
        "conclusion": verdict["conclusion"],
        "robust": verdict["robust"],
        "threat": verdict["threats"][0]["name"] if verdict["threats"] else "",
        "verdict": verdict["line"],
    }
    return row


def summary_table(models: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """summary.csv of several analyses, in the order given."""
    return SUMMARY.frame(summary_row(m) for m in models)


def numbers(models: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Every headline number under a dotted name, for texts that quote them."""
    out: dict[str, Any] = {}
    for model in models:
        key = f"{model['condition']}.{model['analysis']}"
        row = summary_row(model)
        skipped = ("condition", "analysis", "outcome")
        out |= {f"{key}.{name}": row[name] for name in SUMMARY.names if name not in skipped}
    return out
