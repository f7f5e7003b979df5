"""The words of a forest plot: measure, heterogeneity line, footnotes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trialpool.effects import measure_of
from trialpool.figures import style
from trialpool.pooling.policy import COUNT_METHODS
from trialpool.words import capital, letters, text, written

if TYPE_CHECKING:
    from trialpool.analysis_result import UnjudgedResult

NO_STUDY = "No trial with usable numbers for this outcome."
ONE_STUDY = "One trial: shown, not pooled."
_METHODS = {"EE": "common effect", **COUNT_METHODS}


def subtitle(result: UnjudgedResult) -> str:
    """The measure in words and which side favours whom."""
    side = "below 1" if result.scale == "log" else "negative"
    left = result.favours_left
    words = capital(measure_of(result.measure).words)
    return f"{words}; {side} {left}" if left else words


def heterogeneity(result: UnjudgedResult, k: int) -> str:
    """The line below the plot: tau2, I2, Q and the model, or why nothing was pooled."""
    if k == 0:
        return NO_STUDY
    if k == 1:
        return ONE_STUDY
    pooled = result.pooled
    if pooled is None or math.isnan(result.display.estimate):
        why = result.reasons.get("pooled") or result.reasons.get("beta")
        return f"{k} trials: shown, not pooled{': ' + why if why else ''}."
    parts = []
    # a common-effect model assumes tau2 = 0; printing the 0 would look like a finding
    common = pooled.method in {"EE", "FE", "CE"}
    posterior = result.posterior if result.policy.bayesian else None
    if posterior:
        bounds = f"{style.significant(posterior.tau_lb)} to {style.significant(posterior.tau_ub)}"
        parts.append(f"τ = {style.significant(posterior.tau)} ({result.interval} {bounds})")
    elif not common and not math.isnan(pooled.tau2):
        low, high = pooled.tau2_ci_lb, pooled.tau2_ci_ub
        shown = f"τ² = {style.significant(pooled.tau2)}"
        if not math.isnan(low + high):
            bounds = f"{style.significant(low)} to {style.significant(high)}"
            shown += f" ({result.level} % CI {bounds})"
        levels = result.several and result.several.levels
        if levels:
            sigma2 = levels.sigma2_between, levels.sigma2_within
            between, within = map(style.significant, sigma2)
            shown += f" ({between} between trials, {within} within)"
        parts.append(shown)
    if not math.isnan(pooled.i2):
        # A posterior has none.
        whose = f" ({_METHODS.get(pooled.method, pooled.method)})" if posterior else ""
        parts.append(f"I² = {pooled.i2:.0f} %{whose}")
    if not math.isnan(pooled.q):
        shown = f"Q = {pooled.q:.1f}, df = {pooled.q_df}"
        p = pooled.q_pval
        parts.append(shown if math.isnan(p) else f"{shown}, {style.p_value(p)}")
    line = f"Heterogeneity: {'; '.join(parts)}." if parts else ""
    return f"{line} Model: {written(result.model)}.".strip()


def prediction_note(result: UnjudgedResult) -> str:
    """Why no prediction interval is drawn, where the model says so; else empty."""
    why = result.reasons.get("pi") or result.reasons.get("pi_lb")
    return f"Prediction interval not shown: {why.rstrip('.')}." if why else ""


def weights_note(result: UnjudgedResult) -> str:
    """Whose the weights are where a posterior, which has none, leads; else empty."""
    pooled = result.pooled
    if pooled is None or not result.policy.bayesian:
        return ""
    method = _METHODS.get(pooled.method, pooled.method)
    return f"Weights: of the protocol’s own model ({method}), not of the Bayesian one."


def shrinkage_note(result: UnjudgedResult, *, drawn: bool) -> str:
    """What the second marks are, or why they are missing; empty where nobody asked."""
    if not result.forest.shrinkage:
        return ""
    if not drawn or result.posterior is None:
        return "Shrinkage estimates not shown: this analysis has no Bayesian model."
    prior = result.posterior.prior
    return (
        "Circles below the squares: each trial’s true effect given all trials (posterior median "
        f"and {result.level} % interval; prior: {prior.replace('tau', 'τ').replace('mu', 'μ')})."
    )


def notes(study: Mapping[str, Any]) -> list[str]:
    """What a reader must know about one trial’s numbers, one sentence each."""
    out = []
    if text(study.get("basis")).startswith("contrast"):
        out.append("Effect as reported, not computed from arm data.")
    design = text(study.get("design"))
    if design.startswith("crossover"):
        out.append(_sentence(design))
    for lead, value in (
        ("Imputed", text(study.get("imputed"))),
        ("Derived", text(study.get("derived"))),
        ("Flagged", text(study.get("flags"))),
    ):
        if value:
            out.append(_sentence(f"{lead}: {value}"))
    source = text(study.get("confidence"))
    if source == "abstract":
        out.append("Numbers from an abstract.")
    elif source == "secondary":
        out.append("Numbers from a secondary source, not the trial’s own report.")
    return list(dict.fromkeys(out))


def footnotes(
    per_study: Sequence[Sequence[str]],
) -> tuple[list[str], list[tuple[str, str]]]:
    """Marks of each trial, and the notes they stand for in order of first use.

    A note shared by trials has one mark; one that holds for all of two or more trials has none
    and is said once.
    """
    everyone = [
        note
        for note in (per_study[0] if len(per_study) > 1 else [])
        if all(note in others for others in per_study)
    ]
    order: dict[str, str] = {}
    marks = []
    for study in per_study:
        used = [n for n in study if n not in everyone]
        for note in used:
            order.setdefault(note, letters(len(order)))
        rank = list(order)
        marks.append(",".join(order[note] for note in sorted(used, key=rank.index)))
    listed = [(mark, note) for note, mark in order.items()]
    return marks, [*listed, *(("", f"All trials: {_lower(note)}") for note in everyone)]


def _lower(words: str) -> str:
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


def _sentence(words: str) -> str:
    return capital(words).rstrip(".") + "."
