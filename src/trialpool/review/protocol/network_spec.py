"""`networks` under a condition of the protocol: which arms are which node, and what is compared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialpool.review.protocol.base import Spec
from trialpool.review.protocol.eligibility import Eligibility
from trialpool.review.protocol.vocabulary import NetworkEstimator

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


class NetworkQuestion(Eligibility):
    """Which treatment against which: all arms of the trials that a filter lets in, as nodes.

    The node named `reference` is what tables compare with.
    """

    title: str
    measure: NetworkMeasure
    nodes: Annotated[dict[str, Node], Field(min_length=2)]
    reference: str
    tau2: NetworkEstimator = "REML"

    @model_validator(mode="after")
    def _known_reference(self) -> NetworkQuestion:
        if self.reference not in self.nodes:
            raise ValueError(
                f"reference = {self.reference}: is not a node; use one of {', '.join(self.nodes)}"
            )
        return self
