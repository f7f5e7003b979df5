"""The prior of tau of an analysis: its scale in the units of the effects, or why it has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from trialpool.effects import measure_of
from trialpool.results import NAN


@dataclass(frozen=True, slots=True, kw_only=True)
class TauPrior:
    """A half-normal prior of tau with `scale`; without one `why_not` says why.

    `unit` is what a standard deviation is in the units of the effects, 1 where they have none.
    """

    scale: float = NAN
    unit: float = 1.0
    why_not: str = ""


def tau_prior(measure: str, tau_scale: float, reference_sds: Mapping[str, float]) -> TauPrior:
    """The prior of an analysis.

    Of standardised differences and logs of ratios it is the protocol's; of differences in points
    the protocol's times the reference SD of their instrument.

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
        why = f"no prior of tau in points: {without} has no reference SD in instruments.csv"
        return TauPrior(why_not=why)
    if len(sds) != 1:
        why = f"the trials are on instruments with different reference SDs ({named})"
        why = why if sds else "no reference SD of the instrument is known"
        return TauPrior(why_not=f"no prior of tau in points: {why}")
    (unit,) = sds
    return TauPrior(scale=tau_scale * unit, unit=unit)
