"""The choices of the multiverse: `defaults.multiverse` in the protocol."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar, get_args

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from trialpool.review.protocol.base import Spec, TimeWindow
from trialpool.review.protocol.vocabulary import (
    ArmsHandling,
    Comparator,
    Correlation,
    MedianMethod,
    PairedVariance,
    SmdVariance,
    Standardise,
    Test,
    Unpaired,
    registered,
)


def _how_pooled(code: Any) -> Any:
    return code if code == "MH" else registered(code)


def _crossed(value: Any) -> Any:
    """A correlation between the conditions, or another handling of crossovers by its name."""
    number = isinstance(value, float | int) and not isinstance(value, bool)
    if value in get_args(Unpaired) or (number and -1 < value < 1):
        return float(value) if number else value
    names = ", ".join(f"'{name}'" for name in get_args(Unpaired))
    message = f"Input should be a correlation between -1 and 1, or one of {names}"
    raise PydanticCustomError("crossover_level", message)


class Window(Spec):
    """Another time window, with its preferred day."""

    time_days: TimeWindow
    prefer_time: float | None = None


Level = TypeVar("Level")


class FactorSpec(Spec, Generic[Level]):
    """One choice of the multiverse, and its levels beside the protocol's own.

    `kind`: E(quivalent), U(ncertain) or N(on-equivalent: each level its own question).
    """

    kind: Literal["E", "U", "N"]
    levels: tuple[Level, ...]


class MultiverseSpec(Spec):
    """The choices that are combined with each other; one that is not named is switched off."""

    estimator: FactorSpec[Annotated[str, BeforeValidator(_how_pooled)]] | None = None
    test: FactorSpec[Test] | None = None
    smd_variance: FactorSpec[SmdVariance] | None = None
    crossover: FactorSpec[Annotated[float | str, BeforeValidator(_crossed)]] | None = None
    paired_variance: FactorSpec[PairedVariance] | None = None
    several_arms: FactorSpec[ArmsHandling] | None = None
    medians: FactorSpec[MedianMethod] | None = None
    change_correlation: FactorSpec[Correlation] | None = None
    change_standardised: FactorSpec[Standardise] | None = None
    instruments: FactorSpec[Literal["reversed", "each"] | tuple[str, ...]] | None = None
    time_point: FactorSpec[Literal["earliest", "latest"]] | None = None
    time_window: FactorSpec[Window] | None = None
    comparators: FactorSpec[Literal["each"] | tuple[Comparator, ...]] | None = None
    risk_of_bias: FactorSpec[Literal["without_high"]] | None = None
    flagged: FactorSpec[Literal["out"]] | None = None
    missing: FactorSpec[Literal["null"]] | None = None

    def overridden_by(self, others: MultiverseSpec | None) -> MultiverseSpec:
        """These factors, with those an analysis names for itself in their place."""
        named = {name: factor for name, factor in others or () if factor is not None}
        return self.model_copy(update=named)


# Every factor that needs nothing from a protocol; what does not bite in an analysis falls away.
MULTIVERSE = MultiverseSpec.model_validate(
    {
        "estimator": {"kind": "E", "levels": ["MH", "DL", "PM", "REML"]},
        "test": {"kind": "E", "levels": ["z", "knha", "hksj"]},
        "smd_variance": {"kind": "E", "levels": ["LS", "UB", "RevMan"]},
        "crossover": {"kind": "U", "levels": [0.3, 0.5, 0.7, *get_args(Unpaired)]},
        "paired_variance": {"kind": "E", "levels": ["SMCRP", "Cochrane"]},
        "several_arms": {"kind": "E", "levels": ["combine", "split", "covariance"]},
        "medians": {"kind": "E", "levels": ["LWS", "QE", "MLN"]},
        "change_correlation": {"kind": "U", "levels": [0.3, 0.5, 0.7]},
        "change_standardised": {"kind": "U", "levels": list(get_args(Standardise))},
        "instruments": {"kind": "U", "levels": ["reversed"]},
        "time_point": {"kind": "U", "levels": ["earliest", "latest"]},
        "comparators": {"kind": "N", "levels": ["each"]},
        "risk_of_bias": {"kind": "U", "levels": ["without_high"]},
        "flagged": {"kind": "U", "levels": ["out"]},
        "missing": {"kind": "U", "levels": ["null"]},
    }
)
