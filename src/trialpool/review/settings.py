"""How effects are computed and pooled by default: `defaults` in the protocol."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from trialpool.pooling.tau2 import ESTIMATORS


def _registered(code: Any) -> Any:
    """An estimator is allowed once it is registered, in the words pydantic has for a choice."""
    if code in list(ESTIMATORS):
        return code
    *others, last = (f"'{name}'" for name in ESTIMATORS)
    expected = f"{', '.join(others)} or {last}"
    raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})


Estimator = Annotated[str, BeforeValidator(_registered)]
Test = Literal["z", "t", "knha", "hksj"]
Correlation = Annotated[float, Field(gt=-1, lt=1)]
MedianMethod = Literal["LWS", "QE", "MLN"]
ArmsHandling = Literal["combine", "split", "covariance"]


class Spec(BaseModel):
    """Base of all specifications: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Model(Spec):
    """How effects are pooled."""

    method: Literal["IV", "MH"] = "IV"
    tau2: Estimator = "REML"
    test: Test = "hksj"
    prediction: Literal["k-1", "k-2"] = "k-1"


class Alternative(Spec):
    """Another way to pool, shown beside the protocol's own."""

    tau2: Estimator
    test: Test


class SmdOptions(Spec):
    """Which variance and which small-sample correction a standardised difference uses."""

    variance: Literal["LS", "UB", "RevMan", "Metapsy"] = "LS"
    correction: Literal["exact", "approx"] = "exact"


class Crossover(Spec):
    """How a crossover trial with both conditions per participant enters."""

    handling: Literal["paired", "first_period", "parallel", "leave_out"] = "paired"
    correlation: Correlation = 0.5
    correlation_grid: tuple[Correlation, ...] = (0.3, 0.5, 0.7)
    variance: Literal["SMCRP", "Cochrane"] = "SMCRP"


class Change(Spec):
    """How a change score without an SD enters: by an assumed correlation with the baseline."""

    correlation: Correlation = 0.5
    correlation_grid: tuple[Correlation, ...] = (0.3, 0.5, 0.7)


class Medians(Spec):
    """How medians become means: by which method, and what happens when they look skewed."""

    method: MedianMethod = "LWS"
    skewed: Literal["refuse", "convert"] = "refuse"


class MultiArm(Spec):
    """How several experimental arms against one control enter."""

    handling: ArmsHandling = "combine"


class Bayes(Spec):
    """Prior of the Bayesian model shown beside a result from few trials."""

    tau_scale: Annotated[float, Field(gt=0)] = 0.5


class Important(Spec):
    """The smallest difference that matters, where an analysis names none of its own.

    `smd` in standard deviations (0.5 where no other threshold is known), `ratio` as a ratio away
    from 1 in either direction (GRADE guideline 6, Guyatt et al. 2011, J Clin Epidemiol 64:1283).
    """

    smd: Annotated[float, Field(gt=0)] = 0.5
    ratio: Annotated[float, Field(gt=1)] = 1.25


class Forest(Spec):
    """What the forest plot shows beside each trial's own result."""

    shrinkage: bool = False


# What a reader of any meta-analysis asks for first.
ALTERNATIVES = (
    Alternative(tau2="EE", test="z"),
    Alternative(tau2="DL", test="z"),
    Alternative(tau2="PM", test="hksj"),
    Alternative(tau2="REML", test="z"),
    Alternative(tau2="REML", test="knha"),
    Alternative(tau2="REML", test="hksj"),
)


class Defaults(Spec):
    """What holds for every analysis unless it says otherwise."""

    model: Model = Model()
    alternatives: tuple[Alternative, ...] = ALTERNATIVES
    smd: SmdOptions = SmdOptions()
    crossover: Crossover = Crossover()
    change: Change = Change()
    medians: Medians = Medians()
    multi_arm: MultiArm = MultiArm()
    bayes: Bayes = Bayes()
    important: Important = Important()
    forest: Forest = Forest()


# The settings that effects hang on; the others concern pooling.
EFFECT_SETTINGS = ("smd", "crossover", "change", "medians", "multi_arm")
