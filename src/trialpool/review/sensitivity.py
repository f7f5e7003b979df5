"""The same analysis under other choices: one row per alternative, never averaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.bayes import normal_normal
from trialpool.pooling.tau2 import ESTIMATORS
from trialpool.results import Posterior
from trialpool.review.fit import Fit, fit, is_log, shown
from trialpool.review.protocol import Alternative, Analysis, Bayes, Defaults, Model
from trialpool.review.selection import why_not
from trialpool.review.what_if import WhatIf

COLUMNS = ("group", "label", "k", "estimate", "ci_low", "ci_high", "p_value", "tau2", "i2",
           "model", "note")  # fmt: skip

# A test in the words of the table's labels.
_QUANTILES = {
    "z": "normal quantile",
    "t": "t quantile",
    "knha": "Hartung-Knapp without the floor",
    "hksj": "Hartung-Knapp",
}


def sensitivity(
    studies: pd.DataFrame,
    effects: pd.DataFrame,
    trials: pd.DataFrame,
    analysis: Analysis,
    model: Model,
    defaults: Defaults,
    missing: WhatIf,
) -> pd.DataFrame:
    """Every declared alternative to the main result, on the display scale.

    Parameters
    ----------
    studies : the chosen effects
    effects : all effects of the condition, among them the `variant` rows
    defaults : of the review: its alternative models and its prior
    """
    rows = [_row("protocol", "as in the protocol", fit(studies, analysis.measure, model))]
    rows += list(_models(studies, analysis, model, defaults.alternatives))
    rows += list(_posterior(studies, analysis, defaults.bayes))
    rows += list(_variants(studies, effects, analysis, model))
    rows += list(_subsets(studies, trials, analysis, model))
    if missing.joint is not None and len(studies):
        names = missing.missing[missing.missing["what_if"] == "yes"]["study"]
        note = f"added with no effect: {', '.join(names)}"
        rows.append(
            _row(
                "missing results",
                "missing trials that can be added found nothing",
                missing.joint,
                note,
            )
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def posterior(studies: pd.DataFrame, measure: str, bayes: Bayes) -> Posterior | None:
    """The Bayesian model beside the result; it needs two trials.

    The half-normal prior of tau is made for standardised differences and log ratios (Roever
    2021); on the points of a scale, or on risks, it would mean something else.
    """
    if len(studies) < 2 or measure in ("MD", "RD"):
        return None
    return normal_normal(
        studies["yi"].to_numpy(float), studies["vi"].to_numpy(float), tau_scale=bayes.tau_scale
    )


def _row(group: str, label: str, result: Fit, note: str = "") -> dict[str, Any]:
    pooled = result.pooled
    return {
        "group": group,
        "label": label,
        "k": pooled.k if pooled else result.policy.k,
        "estimate": result.estimate,
        "ci_low": result.ci_low,
        "ci_high": result.ci_high,
        "p_value": result.p_value,
        "tau2": pooled.tau2 if pooled else float("nan"),
        "i2": pooled.i2 if pooled else float("nan"),
        "model": result.words,
        "note": note,
    }


def _models(
    studies: pd.DataFrame, analysis: Analysis, model: Model, others: Sequence[Alternative]
) -> Iterator[dict[str, Any]]:
    k = len(studies)
    if k < 2:
        return
    if analysis.measure in ("OR", "RR", "RD") and studies["event_control"].notna().all():
        pooled = fit(studies, analysis.measure, model.model_copy(update={"method": "MH"}))
        yield _row("model", "Mantel-Haenszel", pooled)
    for choice in others:
        # With two trials the policy leaves only the common effect.
        if k == 2 and choice.tau2 != "EE":
            continue
        settings = {"method": "IV", "tau2": choice.tau2, "test": choice.test}
        other = model.model_copy(update=settings)
        yield _row("model", _label(choice), fit(studies, analysis.measure, other))


def _label(choice: Alternative) -> str:
    name = ESTIMATORS[choice.tau2].name
    plain = choice.tau2 == "EE" and choice.test == "z"
    return name if plain else f"{name}, {_QUANTILES[choice.test]}"


def _posterior(studies: pd.DataFrame, analysis: Analysis, bayes: Bayes) -> Iterator[dict[str, Any]]:
    found = posterior(studies, analysis.measure, bayes)
    if found is None:
        return
    below = "1" if is_log(analysis.measure) else "0"
    yield {
        "group": "model",
        "label": f"Bayes, tau half-normal({bayes.tau_scale:g})",
        "k": len(studies),
        "estimate": shown(found.mu, analysis.measure),
        "ci_low": shown(found.mu_lb, analysis.measure),
        "ci_high": shown(found.mu_ub, analysis.measure),
        "p_value": float("nan"),
        "tau2": found.tau**2,
        "i2": float("nan"),
        "model": found.prior,
        "note": f"posterior median and 95 % interval; P(effect below {below}) "
        f"{_probability(found.p_below_zero)}",
    }


def _probability(p: float) -> str:
    if p < 0.001:
        return "< 0.001"
    return "> 0.999" if p > 0.999 else f"= {p:.3f}"


def _variants(
    studies: pd.DataFrame, effects: pd.DataFrame, analysis: Analysis, model: Model
) -> Iterator[dict[str, Any]]:
    """Other crossover handling and other participants: each replaces the effects it is of."""
    ids = set(studies["effect_id"])
    others = effects[effects["effect_id"].isin(ids) & effects["variant"].notna()]
    for variant in sorted(set(others["variant"]) - {""}):
        swap = others[others["variant"] == variant].set_index("effect_id")
        changed = studies.copy()
        for column in ("yi", "vi"):
            new = changed["effect_id"].map(swap[column])
            changed[column] = new.where(new.notna(), changed[column])
        note = f"changes {', '.join(sorted(swap['study']))}"
        group = "participants" if variant.startswith("participants") else "crossover"
        yield _row(group, variant, fit(changed, analysis.measure, model), note)


def _subsets(
    studies: pd.DataFrame, trials: pd.DataFrame, analysis: Analysis, model: Model
) -> Iterator[dict[str, Any]]:
    flagged = studies[studies["flags"].notna()]
    if 0 < len(flagged) < len(studies):
        left = studies.drop(flagged.index)
        note = f"without {', '.join(flagged['study'])}"
        yield _row("data", "without flagged results", fit(left, analysis.measure, model), note)
    secondary = studies[studies["confidence"] == "secondary"]
    if 0 < len(secondary) < len(studies):
        left = studies.drop(secondary.index)
        note = f"without {', '.join(secondary['study'])}"
        yield _row("data", "without results known only from other reviews",
                   fit(left, analysis.measure, model), note)  # fmt: skip
    about = {row["trial_id"]: row for row in tables.records(trials)}
    for subset in analysis.subsets:
        out = [bool(why_not(about[trial], subset)) for trial in studies["trial_id"]]
        left = studies[[not dropped for dropped in out]]
        if 0 < len(left) < len(studies):
            note = f"without {', '.join(studies[out]['study'])}"
            yield _row("subset", subset.label, fit(left, analysis.measure, model), note)
