"""Reported differences between arms, pooled by generic inverse variance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

from trialpool.effects import measure_of
from trialpool.effects.generic import d_to_g, sd_from_difference, smd_from_md
from trialpool.results import NAN
from trialpool.review.effects.crossover import FIRST, PAIRED
from trialpool.review.effects.effect_rows import Effect, single
from trialpool.review.effects.standardised import Divisor, divisor_of
from trialpool.review.extraction.reported import Reported, reported_estimate
from trialpool.review.schema.packed import RawRow
from trialpool.words import number, text

if TYPE_CHECKING:
    from trialpool.review.effects.choices import Choices
    from trialpool.review.effects.records import Records

_DESIGNS = {"both": PAIRED, "first": FIRST, "whole": "parallel"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Serving(Reported):
    """A reported estimate, and what it was divided by to standardise it."""

    divisor: Divisor | None = None


def effect(row: Mapping[str, Any], measure: str, records: Records, how: Choices) -> Effect:
    """A reported contrast as an effect in `measure`, or with the reason why it is not one."""
    trial = str(row["trial_id"])
    experimental = records.arm(trial, str(row["experimental_arm"]))
    control = records.arm(trial, str(row["control_arm"]))
    n1, n2 = number(row["n_experimental"]), number(row["n_control"])
    estimate = _serving(row, measure, (n1, n2), records, how)
    at = RawRow("contrasts", int(row["row"]))
    standardised = measure_of(measure).unit == "SD" and row["effect_measure"] == "MD"
    made = Effect(
        about=row,
        measure=measure,
        design=_DESIGNS[str(row["period"])],
        basis="contrast, standardised" if standardised else "contrast",
        sizes=single(estimate.yi, estimate.se**2, measure, estimate.formula, estimate.reason),
        experimental_arms=(str(row["experimental_arm"]),),
        control_arm=str(row["control_arm"]),
        comparison=f"{experimental['drug']} v {control['drug']}",
        comparator_class=text(control["comparator_class"]),
        numbers={"n_experimental": n1, "n_control": n2},
        n=max(n1, n2) if row["period"] == "both" else n1 + n2,
        imputed=(estimate.imputed,),
        derived=(text(row["derived"]),),
        notes=(text(row["notes"]),),
        flags=records.flags_of(at),
        confidences=(str(row["confidence"]),),
        records=(at,),
        cells=at.cells(*estimate.cells),
        locators=(text(row["locator"]),),
        urls=(str(row["source_url"]),),
    )
    return made if estimate.divisor is None else estimate.divisor.marked(made, records)


def _serving(
    row: Mapping[str, Any],
    measure: str,
    people: tuple[float, float],
    records: Records,
    how: Choices,
) -> _Serving:
    """The reported estimate in the measure asked for, experimental - control."""
    reported = str(row["effect_measure"])
    if reported not in measure_of(measure).reported:
        return _Serving(reason=f"a reported {reported} cannot serve as {measure}")
    read = reported_estimate(row, *people)
    estimate = _Serving(**{each.name: getattr(read, each.name) for each in fields(read)})
    if measure_of(measure).unit == "SD":
        estimate = _standardised(estimate, row, people, records, how)
    formula = estimate.formula
    yi = estimate.yi
    if row["contrast"] == "control-experimental":
        yi = -yi
        formula += "; sign turned to experimental - control"
    if adjusted := text(row["adjusted_for"]):
        formula += f"; adjusted for {adjusted}"
    reason = estimate.reason
    if not reason and not (isfinite(yi) and isfinite(estimate.se)):
        reason = "no standard error can be computed"
    return replace(estimate, yi=yi, formula=formula, reason=reason)


def _standardised(
    estimate: _Serving,
    row: Mapping[str, Any],
    people: tuple[float, float],
    records: Records,
    how: Choices,
) -> _Serving:
    """A reported d, g or mean difference as Hedges' g."""
    reported, (n1, n2), smd = row["effect_measure"], people, how.smd
    if reported == "G":
        return estimate
    if reported == "D":
        yi, se = (float(x) for x in d_to_g(estimate.yi, estimate.se, n1 + n2 - 2, smd.correction))
        return replace(
            estimate, yi=yi, se=se, formula=f"{estimate.formula}; g = J d, J {smd.correction}"
        )
    adjusted, spread = text(row["adjusted_for"]), number(row["sd_pooled"])
    if row["period"] == "both":
        return replace(estimate, yi=NAN, reason="a paired mean difference is not standardised")
    if adjusted and not isfinite(spread):
        return _by_other_sd(estimate, row, records, how)
    cells, derivation = (*estimate.cells, "sd_pooled"), f"{estimate.formula}; SD as reported"
    if not isfinite(spread):
        spread = float(sd_from_difference(estimate.se, n1, n2))
        cells = (*estimate.cells, "n_experimental", "n_control")
        derivation = f"{estimate.formula}; SD = SE / sqrt(1/n1 + 1/n2)"
    g, vi, formula = smd_from_md(
        estimate.yi, estimate.se, spread, n1, n2, correction=smd.correction, adjusted=bool(adjusted)
    )
    return replace(
        estimate, yi=float(g), se=sqrt(float(vi)), formula=f"{derivation}; {formula}", cells=cells
    )


def _by_other_sd(
    estimate: _Serving, row: Mapping[str, Any], records: Records, how: Choices
) -> _Serving:
    """An adjusted mean difference, whose SE does not tell the SD of scores, as changes are."""
    if how.change.standardise == "leave_out":
        why = "an adjusted mean difference needs sd_pooled to be standardised"
        return replace(estimate, yi=NAN, reason=why)
    arms = (row["experimental_arm"], row["control_arm"])
    divisor = divisor_of(row, [records.baseline({**row, "arm_id": arm}) for arm in arms], how)
    if divisor.reason:
        why = f"an adjusted mean difference has no sd_pooled, and {divisor.reason}"
        return replace(estimate, yi=NAN, reason=why)
    yi, vi, formula = divisor.divided(estimate.yi, estimate.se, how.smd.correction)
    formula = f"{estimate.formula}; {formula}"
    return replace(estimate, yi=yi, se=sqrt(vi), formula=formula, divisor=divisor)
