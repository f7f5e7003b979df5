"""One analysis from effects to results: select, pool, ask what is missing, vary the choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.effects import measure_of
from trialpool.review.choosing.missing import size
from trialpool.review.choosing.several import (
    ONE_ONLY,
    SEVERAL_KEYS,
    about,
    beside,
    cautions,
    gather,
    people,
    set_keys,
    usual_choice,
    withheld,
)
from trialpool.review.choosing.what_if import WhatIf, what_if
from trialpool.review.fitting.fit import Fit, fit, study_columns
from trialpool.review.protocol.protocol import Review
from trialpool.review.protocol.settings import EFFECT_SETTINGS, TOGETHER
from trialpool.review.schema.results import STUDIES
from trialpool.review.trust.moderators import moderators
from trialpool.review.trust.multiverse import explore
from trialpool.review.trust.sensitivity import posterior, sensitivity
from trialpool.review.trust.trust import trust
from trialpool.review.trust.verdict import verdict


@dataclass(frozen=True, slots=True)
class Material:
    """The condition's tables: effects.csv, universes.csv, trials.csv and so on."""

    effects: pd.DataFrame
    universes: pd.DataFrame
    trials: pd.DataFrame
    arms: pd.DataFrame
    missing: pd.DataFrame
    risk_of_bias: pd.DataFrame


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


def analyse(material: Material, review: Review, condition: str, name: str) -> Result:
    """Run one analysis of the protocol."""
    analysis = review.conditions[condition].analyses[name]
    model = review.model_of(analysis)
    defaults, effects, trials = review.defaults, material.effects, material.trials
    pool = gather(
        effects, trials, material.arms, material.risk_of_bias, analysis, model,
        review.confidence_order,
    )  # fmt: skip
    selected, studies = pool.selection, pool.selection.chosen
    usual, together = usual_choice(analysis), analysis.effects in TOGETHER
    result = fit(studies, analysis.measure, model)
    if together:
        result = withheld(result)
    absent = what_if(
        studies, material.missing, trials, material.arms, analysis, model, defaults.crossover
    )
    better = review.outcomes[analysis.outcome].better
    important = review.important_of(analysis)
    beliefs = None
    if not together:
        beliefs = posterior(studies, analysis.measure, defaults.bayes, better, important)
    others = list(beside(pool, material.arms, analysis, analysis.model or defaults.model))
    varied = sensitivity(
        studies, effects, trials, analysis, model, defaults.alternatives, beliefs, absent, others
    )

    several = about(analysis, result, studies)
    weights = [100 * float(w) for w in result.pooled.weights] if result.pooled else None
    columns = study_columns(studies, analysis.measure)
    moderated = None
    if not together:
        moderated = moderators(
            studies, trials, material.arms, material.risk_of_bias, analysis, model, review
        )
    studies = studies.assign(**columns, weight=weights)[list(STUDIES.names)]
    universe = explore(
        effects if usual else effects.iloc[:0], material.universes, trials, material.arms,
        material.missing, material.risk_of_bias, review, condition, name,
    )  # fmt: skip
    trusted = trust(
        studies, result, absent, beliefs, universe, moderated, material.risk_of_bias, review,
        condition, name,
    )  # fmt: skip
    record = {
        "condition": condition,
        "analysis": name,
        "left_out": _left_out(selected.rejected) if not len(studies) else [],
        "posterior": asdict(beliefs) if beliefs else None,
        "important": important,
        "forest": defaults.forest.model_dump(),
        "multiverse": universe.summary | ({} if usual else {"withheld": ONE_ONLY}),
        "trust": trusted.facts,
        **asked(review, condition, name),
        **several,
        **_answer(result, studies, several.get("several"), cautions(analysis, pool)),
        **_absence(absent, studies),
        "inputs_sha256": tables.fingerprint(studies),
    }
    return Result(
        model=record | {"verdict": verdict(record).as_dict()},
        studies=studies,
        selection=selected.rejected,
        missing=absent.missing,
        sensitivity=varied,
        trust=trusted.tables,
    )


def _left_out(rejected: pd.DataFrame) -> list[dict[str, str]]:
    """For an analysis without any trial: the trials that measured the outcome, and why not."""
    first = rejected.drop_duplicates("trial_id")
    return [{"study": row["study"], "reason": row["reason"]} for row in tables.records(first)]


def asked(review: Review, condition: str, name: str) -> dict[str, Any]:
    """What an analysis asks, as its model.json says it: outcome, measure, scale, sides."""
    analysis = review.conditions[condition].analyses[name]
    outcome = review.outcomes[analysis.outcome]
    experimental = review.experimental_of(condition)
    sides = [f"favours {experimental}", f"favours {review.control}"]
    left, right = sides if outcome.better == "lower" else reversed(sides)
    return {
        "title": analysis.title,
        "outcome": analysis.outcome,
        "outcome_title": outcome.title,
        "measure": analysis.measure,
        "scale": measure_of(analysis.measure).scale.name,
        "primary": analysis.primary,
        "better": outcome.better,
        "favours_left": left,
        "favours_right": right,
        "experimental_label": experimental.capitalize(),
        "control_label": review.control.capitalize(),
        "specification": {
            **analysis.model_dump(mode="json", exclude={"model", "subsets", *SEVERAL_KEYS}),
            **set_keys(analysis),
            "model": review.model_of(analysis).model_dump(mode="json"),
            **review.defaults.model_dump(mode="json", include=set(EFFECT_SETTINGS)),
        },
    }


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
