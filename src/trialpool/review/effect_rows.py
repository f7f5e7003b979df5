"""One effect and everything needed to trace it: arms, formula, imputations, raw rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from trialpool.effects import effect_size
from trialpool.effects.multiarm import combine_arms, combine_counts
from trialpool.extraction.columns import CONFIDENCE
from trialpool.results import NAN, EffectSizes

if TYPE_CHECKING:
    from trialpool.review.protocol import SmdOptions
    from trialpool.review.records import Records

EFFECT_COLUMNS = (
    "effect_id", "variant", "trial_id", "study", "year", "comparison", "experimental_arms",
    "control_arm", "comparator_class", "outcome", "instrument", "definition", "time_days",
    "timepoint", "outcome_type", "analysis_set", "design", "basis", "measure", "yi", "vi",
    "formula", "reason", "n_experimental", "n_control", "n", "mean_experimental",
    "sd_experimental", "mean_control", "sd_control", "event_experimental", "totaln_experimental",
    "event_control", "totaln_control", "imputed", "derived", "notes", "flags", "confidence",
    "records", "locator", "source_url",
)  # fmt: skip


class Arm:
    """One arm's result with what the arm is."""

    def __init__(self, row: Mapping[str, Any], records: Records) -> None:
        self.row = row
        self.about = records.arm(str(row["trial_id"]), str(row["arm_id"]))
        self.role = str(self.about["role"])
        self.flag = records.flag("results", int(row["row"]))

    @property
    def counts(self) -> bool:
        return bool(self.row["outcome_type"] == "event")


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
    variant: str = ""
    participants: str = ""
    imputed: str = ""
    derived: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    confidences: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    locators: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()

    def in_set(self, name: str, *, alternative: bool) -> Effect:
        """The effect in a named set of participants.

        As an alternative it has the identity of the main set's effect, whose place it can take.
        """
        if alternative:
            return replace(self, variant=f"participants: {name}")
        return replace(self, participants=name)

    def as_row(self, trial: Mapping[str, Any]) -> dict[str, Any]:
        """The row of effects.csv."""
        about = self.about
        keys = ("trial_id", "outcome", "instrument", "definition", "time_days", "timepoint",
                "outcome_type", "analysis_set")  # fmt: skip
        row = {key: about.get(key) for key in keys}
        return {
            **row,
            **self.numbers,
            "effect_id": self._identity(),
            "variant": self.variant,
            "study": trial["study"],
            "year": trial["year"],
            "comparison": self.comparison,
            "experimental_arms": "+".join(self.experimental_arms),
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
            "imputed": self.imputed,
            "derived": "; ".join(dict.fromkeys(self.derived)),
            "notes": "; ".join(dict.fromkeys(self.notes)),
            "flags": "; ".join(dict.fromkeys(self.flags)),
            "confidence": max(self.confidences, key=CONFIDENCE.index),
            "records": ";".join(self.records),
            "locator": "; ".join(dict.fromkeys(self.locators)),
            "source_url": " ; ".join(dict.fromkeys(self.urls)),
        }

    def _identity(self) -> str:
        about = self.about
        time = about["time_days"]
        parts = [
            about["trial_id"],
            f"{'+'.join(self.experimental_arms)} v {self.control_arm}",
            about["outcome"],
            about["instrument"],
            about["definition"],
            "" if _blank(time) else f"day {float(time):g}",
            about["period"],
            text(about.get("outcome_type")) or "contrast",
            self.participants,
            about.get("effect_measure"),
            self.measure,
        ]
        # Blank parts keep their place, or two different effects could read the same.
        return "|".join(text(part) for part in parts)


def _blank(value: Any) -> bool:
    return bool(value is None or value != value)


def text(value: Any) -> str:
    """A cell as text; blank where it is missing."""
    return "" if _blank(value) else str(value)


def from_arms(
    sizes: EffectSizes,
    measure: str,
    experimental: Sequence[Arm],
    control: Arm,
    *,
    design: str,
    n: float,
    numbers: Mapping[str, float],
    variant: str = "",
    imputed: str = "",
    computed: str = "",
) -> Effect:
    """An effect with the provenance of the arms it was computed from."""
    arms = [*experimental, control]
    drugs = dict.fromkeys(str(arm.about["drug"]) for arm in experimental)
    derived = [text(arm.row["derived"]) for arm in arms]
    derived += [
        f"SD = {arm.row['sd_from']}"
        for arm in arms
        if text(arm.row["sd_from"]) not in ("", "reported")
    ]
    derived.append(computed)
    if len(experimental) > 1:
        derived.append(f"{len(experimental)} experimental arms combined")
    return Effect(
        about=control.row,
        measure=measure,
        design=design,
        basis="arms",
        sizes=sizes,
        experimental_arms=tuple(str(arm.row["arm_id"]) for arm in experimental),
        control_arm=str(control.row["arm_id"]),
        comparison=f"{' + '.join(drugs)} v {control.about['drug']}",
        comparator_class=text(control.about["comparator_class"]),
        numbers=numbers,
        n=n,
        variant=variant,
        imputed=imputed,
        derived=tuple(part for part in derived if part),
        notes=tuple(note for arm in arms if (note := text(arm.row["notes"]))),
        flags=tuple(arm.flag for arm in arms if arm.flag),
        confidences=tuple(str(arm.row["confidence"]) for arm in arms),
        records=tuple(f"results.csv:{int(arm.row['row'])}" for arm in arms),
        locators=tuple(where for arm in arms if (where := text(arm.row["locator"]))),
        urls=tuple(str(arm.row["source_url"]) for arm in arms),
    )


def arm_numbers(experimental: Sequence[Arm], control: Arm) -> dict[str, float]:
    """The summary of both sides; several experimental arms are combined.

    Scores: n, mean, sd (Cochrane Handbook table 6.5.a). Counts: event and totaln, summed.
    """
    if control.counts:
        event, total = combine_counts(
            [float(a.row["event"]) for a in experimental],
            [float(a.row["totaln"]) for a in experimental],
        )
        return {
            "event_experimental": float(event),
            "totaln_experimental": float(total),
            "event_control": float(control.row["event"]),
            "totaln_control": float(control.row["totaln"]),
            "n_experimental": float(total),
            "n_control": float(control.row["totaln"]),
        }
    n, mean, sd = combine_arms(
        *([float(a.row[name]) for a in experimental] for name in ("n", "mean", "sd"))
    )
    return {
        "n_experimental": float(n),
        "mean_experimental": float(mean),
        "sd_experimental": float(sd),
        "n_control": float(control.row["n"]),
        "mean_control": float(control.row["mean"]),
        "sd_control": float(control.row["sd"]),
    }


def arm_effect(
    measure: str,
    experimental: Sequence[Arm],
    control: Arm,
    *,
    design: str,
    smd: SmdOptions,
    variant: str = "",
    imputed: str = "",
    people: float | None = None,
) -> Effect:
    """The effect between two independent groups of people.

    `people` overrides the number of people where the groups are not independent but are counted
    so on purpose (a crossover analysed as parallel).
    """
    numbers = arm_numbers(experimental, control)
    if control.counts:
        sizes = effect_size(
            measure,
            ai=[numbers["event_experimental"]],
            n1i=[numbers["totaln_experimental"]],
            ci=[numbers["event_control"]],
            n2i=[numbers["totaln_control"]],
        )
    else:
        options = smd.model_dump() if measure == "SMD" else {}
        sizes = effect_size(
            measure,
            m1i=[numbers["mean_experimental"]],
            sd1i=[numbers["sd_experimental"]],
            n1i=[numbers["n_experimental"]],
            m2i=[numbers["mean_control"]],
            sd2i=[numbers["sd_control"]],
            n2i=[numbers["n_control"]],
            **options,
        )
    n = numbers["n_experimental"] + numbers["n_control"] if people is None else people
    return from_arms(
        sizes, measure, experimental, control, design=design, n=n, numbers=numbers,
        variant=variant, imputed=imputed,
    )  # fmt: skip


def single(yi: float, vi: float, measure: str, formula: str, reason: str = "") -> EffectSizes:
    """One effect computed elsewhere."""
    return EffectSizes(
        yi=np.array([yi]), vi=np.array([vi]), measure=measure, formula=formula, reason=(reason,)
    )
