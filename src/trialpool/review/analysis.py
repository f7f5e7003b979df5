"""One analysis from effects to results: select, pool, ask what is missing, vary the choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from trialpool import tables, typed_json
from trialpool.review.case import Case
from trialpool.review.choosing.missing import size
from trialpool.review.choosing.several import people
from trialpool.review.fitting.fit import Fit
from trialpool.review.schema.added import with_added
from trialpool.review.schema.results import STUDIES
from trialpool.review.trust.handlings import about, cautions
from trialpool.review.trust.main_result import main_result
from trialpool.review.trust.multiverse import explore
from trialpool.review.trust.sensitivity import sensitivity
from trialpool.review.trust.trust import trust
from trialpool.review.trust.verdict import verdict
from trialpool.review.trust.what_if import WhatIf


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The tables and the model of one analysis, ready to be written.

    `trust` are the tables of how far to trust it, by name.
    """

    model: dict[str, Any]
    studies: pd.DataFrame
    selection: pd.DataFrame
    missing: pd.DataFrame
    sensitivity: pd.DataFrame
    trust: Mapping[str, pd.DataFrame]


def analyse(case: Case) -> Result:
    """Run one analysis of the protocol."""
    main = main_result(case)
    studies, absent = main.studies, main.absent
    shown = _shown(studies, case)
    universe = explore(case)
    trusted = trust(case, main, universe)
    several = about(case.spec, main.fit, studies)
    said = cautions(case.spec, main.selection)
    rejected = main.selection.rejected
    record = {
        "condition": case.condition,
        "analysis": case.name,
        "left_out": [] if len(studies) else _left_out(rejected),
        "posterior": asdict(main.posterior) if main.posterior else None,
        "important": case.important,
        "forest": case.defaults.forest.model_dump(),
        "multiverse": universe.summary,
        "trust": trusted.facts,
        **case.asked(),
        **several,
        **_answer(main.fit, studies, several.get("several"), said),
        **_absence(absent, studies),
        "inputs_sha256": tables.fingerprint(shown),
    }
    return Result(
        model=record | {"verdict": typed_json.to_json(verdict(record))},
        studies=shown,
        selection=rejected,
        missing=absent.missing,
        sensitivity=sensitivity(case, main),
        trust=trusted.tables,
    )


def _shown(studies: pd.DataFrame, case: Case) -> pd.DataFrame:
    """The columns of studies.csv; those that the protocol adds to trials stand at the end."""
    trials = case.tables.trials.set_index("trial_id")
    more = [column.name for column in case.added.get("trials", ())]
    of_trial = {name: studies["trial_id"].map(trials[name]) for name in more}
    return studies.assign(**of_trial)[list(with_added(STUDIES, case.added).names)]


def _left_out(rejected: pd.DataFrame) -> list[dict[str, str]]:
    """For an analysis without any trial: the trials that measured the outcome, and why not."""
    first = rejected.drop_duplicates("trial_id")
    return [{"study": row["study"], "reason": row["reason"]} for row in tables.records(first)]


def _answer(
    result: Fit,
    studies: pd.DataFrame,
    several: Mapping[str, Any] | None,
    cautions: Sequence[str],
) -> dict[str, Any]:
    pooled = result.pooled
    shown = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "p_value")
    allowed = result.policy
    reasons = dict(pooled.reasons) if pooled else {"pooled": allowed.rule}
    if "prediction interval" in allowed.withheld:
        reasons["pi"] = allowed.withheld["prediction interval"]
    return {
        "k": int(studies["trial_id"].nunique()),
        "n": int(people(studies, several)) if studies["n"].notna().any() else 0,
        "model": result.words,
        "display": {field: getattr(result, field) for field in shown},
        "pooled": pooled.as_dict() if pooled else None,
        "policy": asdict(allowed),
        "reasons": reasons,
        "cautions": [*(pooled.cautions if pooled else ()), *cautions],
        "weight_by_design": _by_design(studies),
        "note": _note(result, studies),
    }


def _by_design(studies: pd.DataFrame) -> dict[str, float]:
    """The share of the weight, in percent, of each design (Curtin 2002, Stat Med 21:2161)."""
    known = studies[studies["weight"].notna()]
    shares = known.groupby("design", sort=True)["weight"].sum()
    return {str(design): float(share) for design, share in shares.items()}


def _note(result: Fit, studies: pd.DataFrame) -> str:
    parts = [result.policy.rule]
    for column, text in (("imputed", "imputed values in"), ("flags", "flagged data in")):
        hit = studies[studies[column].notna()]
        if len(hit):
            parts.append(f"{text} {', '.join(hit['study'])}")
    definitions = sorted(set(studies["definition"].dropna()))
    if len(definitions) + studies["definition"].isna().any() > 1:
        parts.append(f"definitions differ: {', '.join(definitions)}")
    unknown = int(studies["n"].isna().sum())
    if unknown:
        parts.append(f"n not known for {unknown} trial{'s' if unknown > 1 else ''}")
    return "; ".join(parts)


def _absence(absent: WhatIf, studies: pd.DataFrame) -> dict[str, Any]:
    joint = absent.joint
    out: dict[str, Any] = {"what_if": None, "largest_missing": None}
    if joint is not None:
        out["what_if"] = {
            "trials": list(absent.added),
            "k": int(studies["trial_id"].nunique()) + len(absent.added),
            "estimate": joint.estimate,
            "ci_low": joint.ci_low,
            "ci_high": joint.ci_high,
        }
    if len(studies):
        out["largest_missing"] = _largest(absent.missing, studies)
    return out


def _largest(missing: pd.DataFrame, studies: pd.DataFrame) -> dict[str, Any] | None:
    """The largest trial known to have been carried out; its estimate where it can be added."""
    done = missing[missing["status"].isin(["published_without_numbers", "completed_unpublished"])]
    known = [row for row in tables.records(done) if size(row) == size(row)]
    if not known:
        return None
    row = max(known, key=size)
    return {
        "trial_id": row["trial_id"],
        "study": row["study"],
        "n": size(row),
        "reported": row["reported"],
        "larger_than_any_included": bool(size(row) > studies["n"].max()),
        "estimate": row["estimate_if_null"],
        "ci_low": row["ci_low_if_null"],
        "ci_high": row["ci_high_if_null"],
    }
