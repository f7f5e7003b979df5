"""Effects between independent groups of people, with one or several experimental arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from trialpool.effects import effect_size, measure_of
from trialpool.effects.multiarm import (
    one_estimate,
    shared_control_covariance,
    shared_control_covariance_counts,
    shared_control_covariance_md,
    split_arm,
    split_counts,
)
from trialpool.results import NAN, Array, EffectSizes, TrialpoolError
from trialpool.review.effects import choices as by
from trialpool.review.effects.arms import MeasuredArm, Summary, together
from trialpool.review.effects.effect_rows import Effect, from_arms, single, without
from trialpool.review.schema.outcomes import SIDES

if TYPE_CHECKING:
    from trialpool.review.effects.choices import Choices


def effects(
    measure: str,
    experimental: Sequence[MeasuredArm],
    control: MeasuredArm,
    how: Choices,
    *,
    design: str,
) -> list[Effect]:
    """The effect of independent arms; several effects where a shared control is split.

    Several experimental arms against one control are combined into one group; or compared one by
    one with an equal part of the control; or compared one by one with the whole control and put
    together by generalised least squares with the covariance that the shared control makes
    (Cochrane Handbook 23.3.4; Gleser & Olkin 2009).
    """
    if len(experimental) == 1 or how.multi_arm.handling == "combine":
        return [combined(measure, experimental, control, how, design=design)]
    if how.multi_arm.handling == "split":
        return _split(measure, experimental, control, how, design)
    return [_with_covariance(measure, experimental, control, how, design)]


def combined(
    measure: str,
    experimental: Sequence[MeasuredArm],
    control: MeasuredArm,
    how: Choices,
    *,
    design: str,
    people: float | None = None,
    imputed: Sequence[str] = (),
    hangs_on: frozenset[str] = frozenset(),
) -> Effect:
    """All experimental arms as one group against the control.

    `people` overrides the number of people where the groups are not independent but are counted
    so on purpose (a crossover analysed as parallel).
    """
    sides = (together([arm.summary(how) for arm in experimental]), control.summary(how))
    n = sides[0].n + sides[1].n if people is None else people
    return from_arms(
        compared(measure, *sides, how),
        measure,
        experimental,
        control,
        sides,
        design=design,
        n=n,
        imputed=imputed,
        hangs_on=hangs_on,
    )


def alone(measure: str, arms: Sequence[MeasuredArm], how: Choices) -> Effect:
    """What is measured in the experimental arms alone, which are one group; nothing is compared."""
    side = together([arm.summary(how) for arm in arms])
    sizes = effect_size(measure, **_columns([side], [], measure))
    return from_arms(sizes, measure, arms, None, [side], design="one group", n=side.n)


def compared(measure: str, one: Summary, other: Summary, how: Choices) -> EffectSizes:
    """The effect size of two independent groups."""
    return effect_size(measure, **_columns([one], [other], measure), **_options(measure, how))


def _options(measure: str, how: Choices) -> dict[str, Any]:
    """The protocol's options of an SMD, for the measures that have them."""
    record = measure_of(measure)
    return {
        name: value
        for name, value in how.smd.model_dump().items()
        if record.unit == "SD" and value in record.choices.get(name, ())
    }


def _columns(
    experimental: Sequence[Summary], control: Sequence[Summary], measure: str
) -> Mapping[str, Any]:
    sides, needs = (experimental, control), measure_of(measure).needs
    return {name: [getattr(arm, SIDES[name][1]) for arm in sides[SIDES[name][0]]] for name in needs}


def _split(
    measure: str,
    experimental: Sequence[MeasuredArm],
    control: MeasuredArm,
    how: Choices,
    design: str,
) -> list[Effect]:
    share = len(experimental)
    whole = control.summary(how)
    if isfinite(whole.time):
        parts = {name: getattr(whole, name) / share for name in ("n", "event", "time")}
        part = replace(whole, **parts)
    elif control.counts:
        event, people = split_counts(whole.event, whole.n, share)
        part = replace(whole, n=float(people), event=float(event))
    else:
        part = replace(whole, n=float(split_arm(whole.n, share)))
    derivation = f"one of {share} comparisons, each with 1/{share} of the control group"
    names = tuple(str(arm.row["arm_id"]) for arm in experimental)
    out = []
    for arm in experimental:
        sides = (arm.summary(how), part)
        effect = from_arms(
            compared(measure, *sides, how),
            measure,
            [arm],
            control,
            sides,
            design=design,
            n=sides[0].n + part.n,
            derived=(derivation,),
            hangs_on={by.ARMS},
        )
        out.append(replace(effect, experimental_arms=names, part=str(arm.row["arm_id"])))
    return out


def _with_covariance(
    measure: str,
    experimental: Sequence[MeasuredArm],
    control: MeasuredArm,
    how: Choices,
    design: str,
) -> Effect:
    """With one random effect per trial this is exact: the trial's arms share it (V + tau2 J)."""
    if measure not in _COVARIANCES:
        why = f"the covariance of several arms with one control is not known for {measure}"
        return without(combined(measure, experimental, control, how, design=design), why)
    arms, whole = [arm.summary(how) for arm in experimental], control.summary(how)
    columns = _columns(arms, [whole] * len(arms), measure)
    each = effect_size(measure, **columns, **_options(measure, how))
    sides = (together(arms), whole)
    yi = vi = NAN
    try:
        yi, vi = one_estimate(each.yi, _covariance(measure, each, arms, whole))
        reason = "" if np.isfinite(vi) else next((r for r in each.reason if r), "no covariance")
    except TrialpoolError as error:
        reason = str(error)
    derivation = f"{len(arms)} comparisons with one control, put together with their covariance"
    return from_arms(
        single(yi, vi, measure, each.formula, reason),
        measure,
        experimental,
        control,
        sides,
        design=design,
        n=sides[0].n + whole.n,
        derived=(derivation,),
        hangs_on={by.ARMS},
    )


_COVARIANCES = ("SMD", "MD", "OR", "RR", "RD")


def _covariance(
    measure: str, each: EffectSizes, arms: Sequence[Summary], control: Summary
) -> Array:
    """Covariance of one trial's effects: their own variances, and what the control adds."""
    n = [arm.n for arm in arms]
    if measure == "SMD":
        v = shared_control_covariance(each.yi, n, control.n)
    elif measure == "MD":
        v = shared_control_covariance_md([arm.sd for arm in arms], n, control.sd, control.n)
    else:
        events = [arm.event for arm in arms]
        cells = [*events, control.event, *(x.n - x.event for x in (*arms, control))]
        add = 0.5 if measure != "RD" and 0 in cells else 0.0
        v = shared_control_covariance_counts(measure, events, n, control.event, control.n, add)
    np.fill_diagonal(v, each.vi)
    return v
