"""The prior of tau of an analysis: its scale in the units of the effects, or why it has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any

import pandas as pd

from trialpool.effects import measure_of
from trialpool.results import NAN
from trialpool.words import number, text

# What a standard deviation of points is, and the key of model.json that has it by instrument.
OF_INSTRUMENT = "reference SD of the instrument"
WITHIN_GROUPS = "SD within the groups of the trials"
_KEYS = {OF_INSTRUMENT: "reference_sd", WITHIN_GROUPS: "sd_within_groups"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TauPrior:
    """A half-normal prior of tau with `scale`; without one `why_not` says why.

    `unit` is what a standard deviation is in the units of the effects, 1 where they have none.
    """

    scale: float = NAN
    unit: float = 1.0
    why_not: str = ""


def sds_of(effects: pd.DataFrame) -> tuple[dict[str, float], str]:
    """What a standard deviation is of each instrument of effects in points, and that in words.

    The reference SD of the instrument. Where one has none, of all the SD within the groups of the
    trials, pooled by their degrees of freedom; NaN where no group has one.

    Parameters
    ----------
    effects : instrument, reference_sd, and sd and n of both sides
    """
    names = effects["instrument"].map(text)
    known = dict(sorted(zip(names, effects["reference_sd"].map(number), strict=True)))
    if all(map(isfinite, known.values())):
        return known, OF_INSTRUMENT
    sides = [
        pd.DataFrame({
            "name": names,
            "sd": effects[f"sd_{side}"].map(number).astype(float),
            "df": effects[f"n_{side}"].map(number).astype(float) - 1,
        })
        for side in ("experimental", "control")
    ]  # fmt: skip
    groups = pd.concat(sides)
    groups = groups[(groups["sd"] > 0) & (groups["df"] > 0)]
    pooled = {
        name: sqrt(float((rows["df"] * rows["sd"] ** 2).sum() / rows["df"].sum()))
        for name, rows in groups.groupby("name")
    }
    return {name: pooled.get(name, NAN) for name in known}, WITHIN_GROUPS


def specified(sds: Mapping[str, float], sd_is: str) -> dict[str, dict[str, float]]:
    """The SD of an analysis in points as its specification has them; nothing of other effects."""
    return {_KEYS[sd_is]: dict(sds)} if sds else {}


def sds_specified(specification: Mapping[str, Any]) -> dict[str, float]:
    """The same read back, NaN where there is none; empty of other effects."""
    kept = (specification[key] for key in _KEYS.values() if key in specification)
    return {name: number(sd) for name, sd in next(kept, {}).items()}


def tau_prior(measure: str, tau_scale: float, reference_sds: Mapping[str, float]) -> TauPrior:
    """The prior of an analysis.

    Of standardised differences and logs of ratios it is the protocol's; of differences in points
    the protocol's times the reference SD of their instrument, or the SD within the groups of the
    trials (`sds_of`).

    Parameters
    ----------
    tau_scale : the protocol's scale, in standard deviations or logs of ratios
    reference_sds : of the instruments that effects in points are of, NaN where there is none

    References
    ----------
    Roever et al. 2021, Res Synth Methods 12:448
    """
    record = measure_of(measure)
    if record.no_prior:
        return TauPrior(why_not=record.no_prior)
    if record.unit != "points":
        return TauPrior(scale=tau_scale)
    named, sds = ", ".join(reference_sds), set(reference_sds.values())
    if not all(map(isfinite, sds)):
        without = ", ".join(name for name, sd in reference_sds.items() if not isfinite(sd))
        lacks = "has no reference SD in instruments.csv, and its trials give none"
        return TauPrior(why_not=f"no prior of tau in points: {without} {lacks}")
    if len(sds) != 1:
        why = f"the trials are on instruments with different reference SDs ({named})"
        why = why if sds else "no reference SD of the instrument is known"
        return TauPrior(why_not=f"no prior of tau in points: {why}")
    (unit,) = sds
    return TauPrior(scale=tau_scale * unit, unit=unit)
