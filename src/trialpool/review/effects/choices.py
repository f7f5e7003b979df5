"""The choices that decide an effect where the data leave one, and the alternatives to each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, get_args

from trialpool.review.protocol.multiverse_spec import MultiverseSpec
from trialpool.review.protocol.settings import (
    Change,
    Crossover,
    Defaults,
    Medians,
    MultiArm,
    SmdOptions,
)
from trialpool.review.protocol.vocabulary import ArmsHandling, MedianMethod, Standardise
from trialpool.review.schema.packed import VariantName

# Names of the choices; an effect says which of them it hangs on.
PAIRING = "crossover handling"
PAIR_CORRELATION = "correlation between conditions"
PAIR_VARIANCE = "variance of a paired SMD"
CHANGE_CORRELATION = "correlation with baseline"
STANDARDISER = "SD that divides changes"
EITHER_SD = "reference SD or SD at baseline"
MEDIANS = "medians"
ARMS = "several experimental arms"
SPREAD = "suspected standard error"
# The SDs that a change can be divided by.
SD_NAMES = {"reference_sd": "reference SD", "baseline_sd": "SD at baseline"}
# Several arms of a trial one by one, each with its part of the control.
_ARMS = "several arms"
SPLIT = VariantName(_ARMS, "split")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How effects are computed; `sd_is_se` takes each SD that a check suspects for an SE."""

    smd: SmdOptions
    crossover: Crossover
    change: Change
    medians: Medians
    multi_arm: MultiArm
    sd_is_se: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Another value of one choice; `name` is its group in the sensitivity table and its label."""

    name: VariantName
    choice: str
    choices: Choices


def of_protocol(defaults: Defaults) -> Choices:
    """The protocol's own choices."""
    return Choices(
        smd=defaults.smd,
        crossover=defaults.crossover,
        change=defaults.change,
        medians=defaults.medians,
        multi_arm=defaults.multi_arm,
    )


def variants(defaults: Defaults) -> Iterator[Variant]:
    """Every other value that is shown beside the protocol's own."""
    base = of_protocol(defaults)

    def crossover(label: str, choice: str, **settings: object) -> Variant:
        changed = base.crossover.model_copy(update=settings)
        return _other("crossover", label, choice, replace(base, crossover=changed))

    if base.crossover.handling != "paired":
        yield crossover("paired", PAIRING, handling="paired")
    for r in base.crossover.correlation_grid:
        yield crossover(f"r = {r:g}", PAIR_CORRELATION, handling="paired", correlation=r)
    variance = "Cochrane" if base.crossover.variance == "SMCRP" else "SMCRP"
    yield crossover(f"variance {variance}", PAIR_VARIANCE, variance=variance)
    yield crossover("as parallel", PAIRING, handling="parallel")
    for r in base.change.correlation_grid:
        change = base.change.model_copy(update={"correlation": r})
        yield _other(
            "change scores", f"r = {r:g}", CHANGE_CORRELATION, replace(base, change=change)
        )
    other: Standardise = (
        "reference_sd" if base.change.standardise == "baseline_sd" else "baseline_sd"
    )
    change = base.change.model_copy(update={"standardise": other})
    label = f"divided by the {SD_NAMES[other]}"
    yield _other("change scores", label, EITHER_SD, replace(base, change=change))
    for method in get_args(MedianMethod):
        if method != base.medians.method:
            medians = base.medians.model_copy(update={"method": method})
            yield _other("medians", method, MEDIANS, replace(base, medians=medians))
    for handling in get_args(ArmsHandling):
        if handling != base.multi_arm.handling:
            arms = MultiArm(handling=handling)
            yield _other(_ARMS, handling, ARMS, replace(base, multi_arm=arms))
    yield _other(
        "flagged data",
        "with suspected SDs read as standard errors",
        SPREAD,
        replace(base, sd_is_se=True),
    )


def _other(group: str, level: str, choice: str, choices: Choices) -> Variant:
    return Variant(name=VariantName(group, level), choice=choice, choices=choices)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceAxis:
    """A choice of the multiverse: which effects may hang on it, how to read and set its level."""

    hangs_on: frozenset[str]
    level: Callable[[Choices], Any]
    at: Callable[[Choices, Any], Choices]


def _crossed(how: Choices, level: float | str) -> Choices:
    named = isinstance(level, str)
    update = {"handling": level} if named else {"handling": "paired", "correlation": level}
    return replace(how, crossover=how.crossover.model_copy(update=update))


def _axis(group: str, field: str, *hangs_on: str) -> ChoiceAxis:
    """A choice that is one field of one group of settings."""

    def at(how: Choices, level: Any) -> Choices:
        return replace(how, **{group: getattr(how, group).model_copy(update={field: level})})

    return ChoiceAxis(
        hangs_on=frozenset(hangs_on), level=lambda how: getattr(getattr(how, group), field), at=at
    )


# The choices that effects hang on, by the name of their factor of the multiverse. An SMD of
# independent groups always hangs on its variance.
AXES: dict[str, ChoiceAxis] = {
    "smd_variance": _axis("smd", "variance"),
    "crossover": ChoiceAxis(
        hangs_on=frozenset({PAIRING, PAIR_CORRELATION}),
        level=lambda how: (
            how.crossover.correlation
            if how.crossover.handling == "paired"
            else how.crossover.handling
        ),
        at=_crossed,
    ),
    "paired_variance": _axis("crossover", "variance", PAIR_VARIANCE),
    "several_arms": _axis("multi_arm", "handling", ARMS),
    "medians": _axis("medians", "method", MEDIANS),
    "change_correlation": _axis("change", "correlation", CHANGE_CORRELATION),
    "change_standardised": _axis("change", "standardise", STANDARDISER),
}
# These take the trial's first period, or nothing: they decide which effect is selected.
UNPAIRED_SELECTION = ("first_period", "leave_out")


def levels_of(axis: str, defaults: Defaults, multiverse: MultiverseSpec) -> list[Any]:
    """The protocol's own level of a choice, and the others of the multiverse."""
    factor = getattr(multiverse, axis)
    levels = [AXES[axis].level(of_protocol(defaults)), *(factor.levels if factor else ())]
    return list(dict.fromkeys(levels))


def named(level: Any) -> str:
    """A level of a choice as tables name it."""
    return f"r = {level:g}" if isinstance(level, float | int) else str(level)
