"""The words of a forest plot: measure, heterogeneity line, footnotes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trialpool.effects import Measure, measure_of
from trialpool.figures import style
from trialpool.words import capital, letters, level, number, text

NO_STUDY = "No trial with usable numbers for this outcome."
ONE_STUDY = "One trial: shown, not pooled."


def measure(model: Mapping[str, Any]) -> Measure:
    """The measure of a model; of one that does not say, an effect as it was given."""
    return measure_of(text(model.get("measure")) or "GEN")


def subtitle(model: Mapping[str, Any]) -> str:
    """The measure in words and which side favours whom."""
    side = "below 1" if model.get("scale") == "log" else "negative"
    left = text(model.get("favours_left"))
    words = capital(measure(model).words)
    return f"{words}; {side} {left}" if left else words


def heterogeneity(model: Mapping[str, Any], k: int) -> str:
    """The line below the plot: tau2, I2, Q and the model, or why nothing was pooled."""
    if k == 0:
        return NO_STUDY
    if k == 1:
        return ONE_STUDY
    pooled: Mapping[str, Any] = model.get("pooled") or {}
    reasons: Mapping[str, Any] = model.get("reasons") or {}
    if not pooled or math.isnan(number(pooled.get("beta"))):
        why = text(reasons.get("pooled")) or text(reasons.get("beta"))
        return f"{k} trials: shown, not pooled{': ' + why if why else ''}."
    parts = []
    # a common-effect model assumes tau2 = 0; printing the 0 would look like a finding
    common = text(pooled.get("method")) in {"EE", "FE", "CE"}
    tau2 = math.nan if common else number(pooled.get("tau2"))
    if not math.isnan(tau2):
        low, high = number(pooled.get("tau2_ci_lb")), number(pooled.get("tau2_ci_ub"))
        shown = f"τ² = {style.significant(tau2)}"
        if not math.isnan(low + high):
            bounds = f"{style.significant(low)} to {style.significant(high)}"
            shown += f" ({level(model)} % CI {bounds})"
        levels: Mapping[str, Any] = (model.get("several") or {}).get("levels") or {}
        if levels:
            sigma2 = (number(levels[f"sigma2_{name}"]) for name in ("between", "within"))
            between, within = map(style.significant, sigma2)
            shown += f" ({between} between trials, {within} within)"
        parts.append(shown)
    i2 = number(pooled.get("i2"))
    if not math.isnan(i2):
        parts.append(f"I² = {i2:.0f} %")
    q, q_pval = number(pooled.get("q")), number(pooled.get("q_pval"))
    if not math.isnan(q):
        shown = f"Q = {q:.1f}, df = {int(number(pooled.get('q_df')))}"
        parts.append(shown if math.isnan(q_pval) else f"{shown}, {style.p_value(q_pval)}")
    line = f"Heterogeneity: {'; '.join(parts)}." if parts else ""
    words = text(model.get("model"))
    return f"{line} Model: {words}.".strip() if words else line


def prediction_note(model: Mapping[str, Any]) -> str:
    """Why no prediction interval is drawn, where the model says so; else empty."""
    policy: Mapping[str, Any] = model.get("policy") or {}
    reasons: Mapping[str, Any] = model.get("reasons") or {}
    withheld: Mapping[str, Any] = policy.get("withheld") or {}
    for source in (withheld, reasons):
        for field in ("prediction_interval", "pi", "pi_lb", "pi_low"):
            if why := text(source.get(field)):
                return f"Prediction interval not shown: {why.rstrip('.')}."
    return ""


def shrinkage_asked(model: Mapping[str, Any]) -> bool:
    """Whether the protocol wants shrinkage estimates in the plot."""
    return bool((model.get("forest") or {}).get("shrinkage"))


def shrinkage_note(model: Mapping[str, Any], *, drawn: bool) -> str:
    """What the second marks are, or why they are missing; empty where nobody asked."""
    if not shrinkage_asked(model):
        return ""
    if not drawn:
        return "Shrinkage estimates not shown: this analysis has no Bayesian model."
    prior = text((model.get("posterior") or {}).get("prior"))
    return (
        "Circles below the squares: each trial’s true effect given all trials (posterior median "
        f"and {level(model)} % interval; prior: {prior.replace('tau', 'τ').replace('mu', 'μ')})."
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
