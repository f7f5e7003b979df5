"""Several effects per trial: how they are put together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.multilevel.aggregate import Aggregated, aggregate
from trialpool.multilevel.covariance import covariance
from trialpool.review.choosing.selection import Selection
from trialpool.review.protocol.specs import Analysis
from trialpool.review.schema.packed import ARM_IDS, FORMS
from trialpool.review.schema.raw import CONFIDENCE
from trialpool.words import text

HANDLINGS = {
    "all": "every effect, as if independent",
    "lowest": "the lowest effect of each trial",
    "highest": "the highest effect of each trial",
    "combined": "the effects of each trial combined, correlation {rho:g}",
    "che": "correlated and hierarchical effects, correlation {rho:g}",
}

# Of effects that were combined, words that are joined.
_JOINED = ("part", "comparison", "comparator_class", "instrument", "definition", "timepoint",
           "outcome_type", "analysis_set", "design", "basis", "imputed", "derived", "notes",
           "locator")  # fmt: skip
_NUMBERS = ("time_days", "n_experimental", "n_control")


def handled(selection: Selection, arms: pd.DataFrame, analysis: Analysis) -> Selection:
    """The effects of each trial as the analysis handles them."""
    chosen = selection.chosen
    if analysis.effects in ("lowest", "highest") and len(chosen):
        by_trial = chosen.groupby("trial_id", sort=False)["yi"]
        at = by_trial.idxmin() if analysis.effects == "lowest" else by_trial.idxmax()
        kept = set(chosen.loc[at, "effect_id"])
        why = f"another effect of the trial is used: the {analysis.effects}"
        words = ["" if i in kept else why for i in chosen["effect_id"]]
        return selection.without(analysis.effects, words)
    if analysis.effects == "combined" and len(chosen):
        rho, within = analysis.rho, analysis.within
        return replace(selection, chosen=combined(chosen, arms, rho=rho, within=within))
    return selection


def combined(studies: pd.DataFrame, arms: pd.DataFrame, *, rho: float, within: str) -> pd.DataFrame:
    """One row per trial, or per trial and label of the experimental arm.

    The effect is that of `put_together`; words are joined, numbers kept where all effects share
    them.
    """
    labels = {(r["trial_id"], r["arm_id"]): text(r["arm"]) for r in tables.records(arms)}
    groups = []
    for row in tables.records(studies):
        trial, names = row["trial_id"], ARM_IDS.read(row["experimental_arms"])
        label = "+".join(labels.get((trial, name), name) for name in names)
        groups.append((trial, label if within == "arm" else ""))
    means = put_together(studies, groups, rho=rho)
    lines = []
    for group, yi, vi in zip(means.cluster, means.yi, means.vi, strict=True):
        rows = studies[[each == group for each in groups]]
        line = tables.records(rows)[0] if len(rows) == 1 else _one(rows, rho)
        # As studies.csv will hold them, so that its readers can pool the same numbers.
        lines.append({**line, "yi": float(tables.cell(yi)), "vi": float(tables.cell(vi))})
    return pd.DataFrame(lines, columns=studies.columns)


def put_together(studies: pd.DataFrame, groups: Sequence[Hashable], *, rho: float) -> Aggregated:
    """The generalised least squares mean of each group (`multilevel.aggregate`).

    Effects correlate by `rho` where they are of the same people (`same_people`).
    """
    same = list(zip(groups, same_people(studies), strict=True))
    return aggregate(
        studies["yi"], studies["vi"], groups, V=covariance(studies["vi"], same, rho=rho)
    )


def same_people(studies: pd.DataFrame) -> list[tuple[str, str]]:
    """Of each effect its trial and part: the parts of a trial (strata) are of different people."""
    parts = studies["part"] if "part" in studies else [""] * len(studies)
    return list(zip(studies["trial_id"], map(text, parts), strict=True))


def _one(rows: pd.DataFrame, rho: float) -> dict[str, Any]:
    """The line of several effects: what they share, and the words of all of them."""
    first = tables.records(rows)[0]
    line: dict[str, Any] = {name: first[name] for name in ("trial_id", "study", "year", "measure")}
    line |= {name: _words(rows[name]) for name in _JOINED}
    line |= {name: form.union(rows[name]) or None for name, form in FORMS.items()}
    line |= {name: first[name] for name in _NUMBERS if (rows[name] == first[name]).all()}
    return line | {
        "outcome": first["outcome"],
        "formula": f"{len(rows)} effects combined, correlation {rho:g}",
        "n": rows.groupby(rows["part"].map(text))["n"].max().sum(skipna=False),
        "confidence": max(rows["confidence"], key=CONFIDENCE.index),
    }


def _words(values: pd.Series) -> str | None:
    distinct = dict.fromkeys(text(value) for value in values)
    return "; ".join(value for value in distinct if value) or None
