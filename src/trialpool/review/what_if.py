"""Missing results: what the pooled effect becomes if the missing trials had found nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.results import NAN
from trialpool.review.fit import Fit, fit
from trialpool.review.protocol import Analysis, Crossover, Model
from trialpool.review.selection import why_not

MISSING_COLUMNS = (
    "trial_id", "study", "year", "status", "n_experimental", "n_control", "n_total", "reported",
    "reason", "what_if", "what_if_reason", "yi", "vi", "estimate_if_null", "ci_low_if_null",
    "ci_high_if_null", "source_url",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """The missing trials of an analysis, and the pooled effect with all of them at no effect.

    `joint` is None when no missing trial can enter.
    """

    missing: pd.DataFrame
    joint: Fit | None
    added: tuple[str, ...]


def what_if(
    studies: pd.DataFrame,
    missing: pd.DataFrame,
    trials: pd.DataFrame,
    analysis: Analysis,
    model: Model,
    crossover: Crossover,
) -> WhatIf:
    """Refit the analysis with missing trials added, each with an effect of exactly zero.

    The sampling variance of an added trial is what its size implies at no effect: 1/n1 + 1/n2
    for an SMD, 2(1 - r)/n for a crossover, and for counts the variance at the control groups'
    overall risk. A trial whose size is not known cannot enter; the table says so.
    """
    about = {row["trial_id"]: row for row in tables.records(trials)}
    lines, additions = [], []
    for row in tables.records(missing[missing["outcome"] == analysis.outcome]):
        trial = about[row["trial_id"]]
        if row["trial_id"] in set(studies["trial_id"]) or why_not(trial, analysis):
            continue
        vi, reason = _variance(row, trial, studies, analysis.measure, crossover)
        if row["what_if"] != "yes":
            vi, reason = NAN, str(row["what_if_reason"])
        line = {
            **{name: row.get(name) for name in MISSING_COLUMNS},
            "study": trial["study"],
            "year": trial["year"],
            "what_if": "yes" if vi == vi else "no",
            "what_if_reason": reason,
        }
        if vi == vi:
            added = _added(row, vi, analysis.measure)
            additions.append(added)
            one = fit(_with(studies, [added]), analysis.measure, _poolable(model))
            line |= {
                "yi": 0.0,
                "vi": vi,
                "estimate_if_null": one.estimate,
                "ci_low_if_null": one.ci_low,
                "ci_high_if_null": one.ci_high,
            }
        lines.append(line)
    table = pd.DataFrame(lines, columns=list(MISSING_COLUMNS))
    table = table.sort_values(["year", "study"], na_position="last", ignore_index=True)
    joint = None
    if additions and len(studies):
        joint = fit(_with(studies, additions), analysis.measure, _poolable(model))
    return WhatIf(missing=table, joint=joint, added=tuple(a["trial_id"] for a in additions))


def size(row: Mapping[str, Any]) -> float:
    """The number of people in a missing trial, NaN when it is not known."""
    if row["n_experimental"] == row["n_experimental"] and row["n_control"] == row["n_control"]:
        return float(row["n_experimental"]) + float(row["n_control"])
    return float(row["n_total"])


def _poolable(model: Model) -> Model:
    # An assumed effect has no counts, so a Mantel-Haenszel analysis is refitted as a common
    # effect by inverse variance.
    if model.method == "MH":
        return model.model_copy(update={"method": "IV", "tau2": "EE", "test": "z"})
    return model


def _variance(
    row: Mapping[str, Any],
    trial: Mapping[str, Any],
    studies: pd.DataFrame,
    measure: str,
    crossover: Crossover,
) -> tuple[float, str]:
    """The sampling variance at no effect, and what was assumed (or why it is not known)."""
    n = size(row)
    if n != n:
        return NAN, "the number of participants is not known"
    if trial["design"] == "crossover" and measure == "SMD":
        r = crossover.correlation
        return 2 * (1 - r) / n, f"crossover, correlation assumed {r:g}"
    known = row["n_experimental"] == row["n_experimental"]
    split = "" if known else "equal groups assumed"
    n1, n2 = (float(row["n_experimental"]), float(row["n_control"])) if known else (n / 2, n / 2)
    if measure == "SMD":
        return 1 / n1 + 1 / n2, split
    if measure in ("OR", "RR", "RD") and len(studies):
        risk = studies["event_control"].sum() / studies["totaln_control"].sum()
        if not 0 < risk < 1:
            return NAN, "no risk in the control groups to assume"
        unit = {"OR": 1 / (risk * (1 - risk)), "RR": (1 - risk) / risk, "RD": risk * (1 - risk)}
        told = f"the control groups' overall risk ({100 * risk:.0f} %) assumed in both arms"
        return unit[measure] * (1 / n1 + 1 / n2), "; ".join(t for t in (split, told) if t)
    return NAN, "no standard deviation is known to give a mean difference its variance"


def _added(row: Mapping[str, Any], vi: float, measure: str) -> dict[str, Any]:
    return {"trial_id": row["trial_id"], "yi": 0.0, "vi": vi, "measure": measure}


def _with(studies: pd.DataFrame, added: list[dict[str, Any]]) -> pd.DataFrame:
    columns = ["trial_id", "yi", "vi"]
    extra = pd.DataFrame(added)[columns]
    return pd.concat([studies[columns], extra], ignore_index=True) if len(studies) else extra
