"""Several effects per trial: how they are put together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from trialpool import tables
from trialpool.multilevel.aggregate import Aggregated, aggregate
from trialpool.multilevel.covariance import Covariance, from_correlations, rows_of
from trialpool.results import Array
from trialpool.review.choosing.people import of_trial
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
        # An effect in parts (strata) is judged as a whole; they do not correlate.
        whole = put_together(chosen, chosen["effect_id"].tolist(), rho=0.0)
        trials = chosen.drop_duplicates("effect_id")["trial_id"].tolist()
        by_trial = pd.Series(whole.yi, index=whole.cluster).groupby(trials, sort=False)
        kept = set(by_trial.idxmin() if analysis.effects == "lowest" else by_trial.idxmax())
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

    Effects correlate by `rho` where they are of the same people (`covariance_of`).
    """
    V = covariance_of(studies, groups, studies["vi"], rho=rho)
    return aggregate(studies["yi"], studies["vi"], groups, V=V)


def covariance_of(
    studies: pd.DataFrame, groups: Sequence[Hashable], vi: ArrayLike, *, rho: float
) -> Covariance:
    """The sampling covariance of effects of which those of a group may share people.

    Effects of the same people correlate by `rho`; those of two parts of a trial (strata) not at
    all; one of all people and one of a part by `rho` times the root of the part's share in the
    information. The parts are then to the whole what they are when they are put together.

    Parameters
    ----------
    studies : vi and, where there are any, part of k effects; the shares are those of 1 / vi
    groups : (k,) whose effects correlate
    vi : (k,) the sampling variances that the covariance is to have
    """
    parts = np.array([text(each) for each in studies.get("part", [""] * len(studies))])
    information = 1 / studies["vi"].to_numpy(float)
    tables = {
        label: _correlations(parts[rows], information[rows], rho)
        for label, rows in rows_of(groups, len(parts)).items()
    }
    return from_correlations(vi, groups, tables)


def _correlations(parts: NDArray[np.str_], information: Array, rho: float) -> Array:
    """Of the effects of one group, from how the people of each lie in the parts and the rest."""
    names = sorted({*parts} - {""})
    weights = np.array([information[parts == name].mean() for name in names])
    whole = max(weights.sum(), information[parts == ""].mean() if "" in parts else 0.0)
    shares = weights / whole
    people = np.zeros((len(parts), len(names) + 1))
    for row, part in enumerate(parts):
        if part:
            people[row, names.index(part)] = 1.0
        else:
            people[row] = np.sqrt([*shares, max(1.0 - shares.sum(), 0.0)])
    out = np.asarray(rho * (people @ people.T), dtype=np.float64)
    np.fill_diagonal(out, 1.0)
    return out


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
        "n": of_trial(rows),
        "confidence": max(rows["confidence"], key=CONFIDENCE.index),
    }


def _words(values: pd.Series) -> str | None:
    distinct = dict.fromkeys(text(value) for value in values)
    return "; ".join(value for value in distinct if value) or None
