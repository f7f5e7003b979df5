"""`networks` under a condition of the protocol: which arms are which node, and what is compared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialpool.review.protocol.settings import Judgement, NetworkEstimator, Spec

# The measures whose covariance between the arms of one trial `trialpool.network` knows.
NetworkMeasure = Literal["SMD", "MD", "OR", "RR", "RD"]


class Node(Spec):
    """Arms that a network takes as one treatment; every rule that is named must hold.

    Doses are inclusive limits, `dose_min` and `dose_max` in mg/kg, `dose_mg_min` and `dose_mg_max`
    in mg. An arm whose dose is not known fits no limit. `concomitant` is the trial's.
    """

    drug: Annotated[tuple[str, ...], Field(min_length=1)]
    dose_min: float | None = None
    dose_max: float | None = None
    dose_mg_min: float | None = None
    dose_mg_max: float | None = None
    concomitant: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _rising(self) -> Node:
        for name, low, high in (
            ("dose", self.dose_min, self.dose_max),
            ("dose_mg", self.dose_mg_min, self.dose_mg_max),
        ):
            if low is not None and high is not None and low > high:
                raise ValueError(f"{name}_min = {low:g} is above {name}_max = {high:g}")
        return self


class NetworkSpec(Spec):
    """One network meta-analysis: an outcome, which results of it, and the nodes.

    The node named `reference` is what tables compare with. Which trials enter is a `Filter`, with
    which the protocol's own class joins this one.
    """

    title: str
    outcome: str
    measure: NetworkMeasure
    nodes: Annotated[dict[str, Node], Field(min_length=2)]
    reference: str
    instruments: tuple[str, ...] = ()
    time_days: tuple[float, float] | None = None
    prefer_time: float | None = None
    outcome_types: Annotated[tuple[Literal["msd", "change"], ...], Field(min_length=1)] = ("msd",)
    risk_of_bias: tuple[Judgement, ...] = ()
    tau2: NetworkEstimator = "REML"

    @model_validator(mode="after")
    def _consistent(self) -> NetworkSpec:
        if self.reference not in self.nodes:
            raise ValueError(
                f"reference = {self.reference}: is not a node; use one of {', '.join(self.nodes)}"
            )
        if self.time_days is not None and self.time_days[0] > self.time_days[1]:
            raise ValueError("time_days: the window's start is after its end")
        return self
