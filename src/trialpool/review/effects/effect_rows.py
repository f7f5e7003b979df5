"""One effect and everything needed to trace it: arms, formula, imputations, raw rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

import numpy as np

from trialpool.effects import measure_of
from trialpool.results import NAN, EffectSizes
from trialpool.review.effects.arms import MeasuredArm, Summary
from trialpool.review.schema.outcomes import in_words
from trialpool.review.schema.packed import (
    ADDRESSES,
    ARM_IDS,
    FLAG_NAMES,
    RAW_CELLS,
    RAW_ROWS,
    Identity,
    RawCell,
    RawRow,
    VariantName,
)
from trialpool.review.schema.raw import CONFIDENCE
from trialpool.words import text

_ABOUT = ("trial_id", "outcome", "instrument", "definition", "time_days", "timepoint",
          "outcome_type", "stratum", "analysis_set", "primary")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An effect before it becomes a row of effects.csv."""

    about: Mapping[str, Any]
    measure: str
    design: str
    basis: str
    sizes: EffectSizes
    experimental_arms: tuple[str, ...]
    control_arm: str
    comparison: str
    comparator_class: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    n: float = NAN
    standardiser: float = NAN
    variant: VariantName | None = None
    part: str = ""
    participants: str = ""
    imputed: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    confidences: tuple[str, ...] = ()
    records: tuple[RawRow, ...] = ()
    cells: tuple[RawCell, ...] = ()
    locators: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    hangs_on: frozenset[str] = frozenset()

    @property
    def has_number(self) -> bool:
        """Whether there is an effect with its variance."""
        return bool(np.isfinite(self.sizes.yi[0]) and np.isfinite(self.sizes.vi[0]))

    @property
    def as_part(self) -> str:
        """Which part of the effect it is; blank where it is the whole of it."""
        return _listed((text(self.about["stratum"]), self.part))

    def in_set(self, name: str, *, alternative: bool) -> Effect:
        """The effect in a named set of participants.

        As an alternative it has the identity of the main set's effect, whose place it can take.
        """
        if alternative:
            return replace(self, variant=VariantName("participants", name))
        return replace(self, participants=name)

    def as_row(self, trial: Mapping[str, Any]) -> dict[str, Any]:
        """The row of effects.csv."""
        about = self.about
        row = {key: about.get(key) for key in _ABOUT}
        return {
            **row,
            **self.numbers,
            "effect_id": str(self._identity()),
            "variant": str(self.variant or ""),
            "part": self.as_part,
            "study": trial["study"],
            "year": trial["year"],
            "comparison": self.comparison,
            "experimental_arms": ARM_IDS.write(self.experimental_arms),
            "control_arm": self.control_arm,
            "comparator_class": self.comparator_class,
            "design": self.design,
            "basis": self.basis,
            "measure": self.measure,
            "yi": float(self.sizes.yi[0]),
            "vi": float(self.sizes.vi[0]),
            "formula": self.sizes.formula,
            "reason": self.sizes.reason[0] if self.sizes.reason else "",
            "n": self.n,
            "reference_sd": about.get("reference_sd"),
            "standardiser": self.standardiser,
            "imputed": _listed(self.imputed),
            "derived": _listed(self.derived),
            "notes": _listed(self.notes),
            "flags": FLAG_NAMES.write(self.flags),
            "confidence": max(self.confidences, key=CONFIDENCE.index),
            "records": RAW_ROWS.write(self.records),
            "cells": RAW_CELLS.write(self.cells),
            "locator": _listed(self.locators),
            "source_url": ADDRESSES.write(self.urls),
        }

    def _identity(self) -> Identity:
        about, time = self.about, text(self.about["time_days"])
        # A stratum is a part of an effect, whose identity all of them share.
        strata = "by stratum" if text(about["stratum"]) else ""
        sides = [ARM_IDS.write(self.experimental_arms), self.control_arm]
        return Identity(
            trial_id=text(about["trial_id"]),
            arms=" v ".join(side for side in sides if side),
            outcome=text(about["outcome"]),
            instrument=text(about["instrument"]),
            definition=text(about["definition"]),
            day=f"day {float(time):g}" if time else "",
            period=text(about["period"]),
            outcome_type=text(about.get("outcome_type")) or "contrast",
            participants=_listed((strata, self.participants)),
            reported=text(about.get("effect_measure")),
            measure=self.measure,
        )


def from_arms(
    sizes: EffectSizes,
    measure: str,
    experimental: Sequence[MeasuredArm],
    control: MeasuredArm | None,
    sides: Sequence[Summary],
    *,
    design: str,
    n: float,
    part: str = "",
    imputed: Sequence[str] = (),
    derived: Sequence[str] = (),
    hangs_on: Set[str] = frozenset(),
) -> Effect:
    """An effect with the provenance of the arms it was computed from.

    `sides` are the summaries of both sides, several experimental arms taken together; there is one
    side where nothing is compared.
    """
    arms = [*experimental, *([control] if control else [])]
    marked = any(text(arm.row["primary"]) == "yes" for arm in arms)
    drugs = dict.fromkeys(str(arm.about["drug"]) for arm in experimental)
    reason = next((side.reason for side in sides if side.reason), "")
    if reason:
        sizes = single(NAN, NAN, measure, sizes.formula, reason)
    formula = measure_of(sizes.measure)
    sizes = replace(sizes, reason=tuple(in_words(each, formula) for each in sizes.reason))
    return Effect(
        about={**arms[-1].row, "primary": "yes" if marked else None},
        measure=measure,
        design=design,
        basis="arms",
        sizes=sizes,
        experimental_arms=tuple(str(arm.row["arm_id"]) for arm in experimental),
        control_arm=str(control.row["arm_id"]) if control else "",
        part=part,
        comparison=" v ".join([" + ".join(drugs), *([control.about["drug"]] if control else [])]),
        comparator_class=text(control.about["comparator_class"]) if control else "",
        numbers=_numbers(*sides),
        n=n,
        imputed=(*(remark for side in sides for remark in side.imputed), *imputed),
        derived=(
            *(text(arm.row["derived"]) for arm in arms),
            *(remark for side in sides for remark in side.derived),
            *derived,
        ),
        notes=tuple(text(arm.row["notes"]) for arm in arms),
        flags=tuple(flag for arm in arms for flag in arm.flags),
        confidences=tuple(str(arm.row["confidence"]) for arm in arms),
        records=tuple(row for arm in arms for row in arm.rows),
        cells=tuple(cell for side in sides for cell in side.cells),
        locators=tuple(text(arm.row["locator"]) for arm in arms),
        urls=tuple(str(arm.row["source_url"]) for arm in arms),
        hangs_on=frozenset[str]().union(hangs_on, *(side.hangs_on for side in sides)),
    )


def _numbers(*sides: Summary) -> dict[str, float]:
    """The summaries of the sides in the columns of effects.csv."""
    out = {}
    for name, side in zip(("experimental", "control"), sides, strict=False):
        out[f"n_{name}"] = side.n
        if isfinite(side.time):
            # Events in time are no share of the people.
            out |= {f"rate_events_{name}": side.event, f"rate_time_{name}": side.time}
            continue
        if isfinite(side.event):
            out |= {f"event_{name}": side.event, f"totaln_{name}": side.n}
        else:
            out |= {f"mean_{name}": side.mean, f"sd_{name}": side.sd}
    return out


def _listed(parts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(part for part in parts if part))


def without(effect: Effect, reason: str) -> Effect:
    """The effect without its numbers, and why."""
    return replace(effect, sizes=single(NAN, NAN, effect.measure, "", reason))


def single(yi: float, vi: float, measure: str, formula: str, reason: str = "") -> EffectSizes:
    """One effect computed elsewhere."""
    return EffectSizes(
        yi=np.array([yi]), vi=np.array([vi]), measure=measure, formula=formula, reason=(reason,)
    )
