"""Reported differences between arms, pooled by generic inverse variance."""

from __future__ import annotations

from collections.abc import Mapping
from math import log, sqrt
from typing import TYPE_CHECKING, Any

from trialpool.effects.generic import d_to_g, se_from_ci, se_from_p, se_from_t
from trialpool.results import NAN, EffectSizes
from trialpool.review.effect_rows import Effect, single, text

if TYPE_CHECKING:
    from trialpool.review.records import Records

# Which reported measures can stand for the measure an analysis asks for.
_SERVES = {"MD": ("MD",), "SMD": ("D", "G"), "OR": ("OR",), "RR": ("RR",), "RD": ("RD",)}
_LOGGED = ("OR", "RR")


def effect(row: Mapping[str, Any], measure: str, records: Records) -> Effect:
    """A reported contrast as an effect in `measure`, or with the reason why it is not one."""
    trial = str(row["trial_id"])
    experimental = records.arm(trial, str(row["experimental_arm"]))
    control = records.arm(trial, str(row["control_arm"]))
    n1, n2 = _float(row["n_experimental"]), _float(row["n_control"])
    both = row["period"] == "both"
    return Effect(
        about=row,
        measure=measure,
        design="crossover, paired"
        if both
        else ("parallel" if row["period"] == "whole" else "crossover, first period"),
        basis="contrast",
        sizes=_sizes(row, measure, n1, n2),
        experimental_arms=(str(row["experimental_arm"]),),
        control_arm=str(row["control_arm"]),
        comparison=f"{experimental['drug']} v {control['drug']}",
        comparator_class=text(control["comparator_class"]),
        numbers={"n_experimental": n1, "n_control": n2},
        n=max(n1, n2) if both else n1 + n2,
        derived=(text(row["derived"]),) if text(row["derived"]) else (),
        notes=(text(row["notes"]),) if text(row["notes"]) else (),
        flags=tuple(f for f in [records.flag("contrasts", int(row["row"]))] if f),
        confidences=(str(row["confidence"]),),
        records=(f"contrasts.csv:{int(row['row'])}",),
        locators=(text(row["locator"]),) if text(row["locator"]) else (),
        urls=(str(row["source_url"]),),
    )


def _sizes(row: Mapping[str, Any], measure: str, n1: float, n2: float) -> EffectSizes:
    reported = str(row["effect_measure"])
    if reported not in _SERVES[measure]:
        return single(NAN, NAN, measure, "", f"a reported {reported} cannot serve as {measure}")
    yi, se, formula = _estimate(row, reported)
    if reported == "D":
        df = n1 + n2 - 2
        yi, se = (float(value) for value in d_to_g(yi, se, df))
        formula += "; g = J d, J exact"
    if row["contrast"] == "control-experimental":
        yi = -yi
        formula += "; sign turned to experimental - control"
    if adjusted := text(row["adjusted_for"]):
        formula += f"; adjusted for {adjusted}"
    reason = "" if yi == yi and se == se else "no standard error can be computed"
    return single(yi, se * se, measure, formula, reason)


def _estimate(row: Mapping[str, Any], reported: str) -> tuple[float, float, str]:
    """Estimate and SE on the analysis scale, and how the SE was found (Handbook 6.3)."""
    low, high, df = _float(row["ci_low"]), _float(row["ci_high"]), _float(row["df"])
    yi = _float(row["estimate"])
    if yi != yi:
        return NAN, NAN, ""
    if reported in _LOGGED:
        yi, low, high = log(yi), _log(low), _log(high)
    se = _float(row["se"])
    if se == se:
        return yi, se, "reported estimate and SE"
    if low == low and high == high:
        return yi, float(se_from_ci(low, high)), "SE = CI width / (2 x 1.96)"
    spread = _float(row["sd_difference"])
    if spread == spread:
        pairs = min(_float(row["n_experimental"]), _float(row["n_control"]))
        return yi, spread / sqrt(pairs), "SE = SD of the difference / sqrt(pairs)"
    t, p = _float(row["t"]), _float(row["p_value"])
    if t == t:
        return yi, float(se_from_t(yi, t)), "SE = |estimate / t|"
    return yi, float(se_from_p(yi, p, df)), "SE = |estimate / t|, t from p and df"


def _float(value: Any) -> float:
    return NAN if value is None or value != value else float(value)


def _log(value: float) -> float:
    return log(value) if value == value and value > 0 else NAN
