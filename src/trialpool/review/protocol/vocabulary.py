"""The words a protocol has for how effects are computed, compared and pooled."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from trialpool.pooling.tau2 import estimators_of


def registered(code: Any, model: str = "effects") -> Any:
    """An estimator is allowed once it is registered, in the words pydantic has for a choice."""
    known = estimators_of(model)
    if code in known:
        return code
    *others, last = (f"'{name}'" for name in known)
    expected = f"{', '.join(others)} or {last}"
    raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})


Estimator = Annotated[str, BeforeValidator(registered)]
NetworkEstimator = Annotated[str, BeforeValidator(partial(registered, model="network"))]
Test = Literal["z", "t", "knha", "hksj"]
Correlation = Annotated[float, Field(gt=-1, lt=1)]
MedianMethod = Literal["LWS", "QE", "MLN"]
ArmsHandling = Literal["combine", "split", "covariance"]
Comparator = Literal[
    "placebo",
    "active_placebo",
    "usual_care",
    "waiting_list",
    "no_treatment",
    "same_ect",
    "ect",
    "other",
]
Judgement = Literal["low", "some_concerns", "high"]
SmdVariance = Literal["LS", "UB", "RevMan", "Metapsy"]
PairedVariance = Literal["SMCRP", "Cochrane"]
Unpaired = Literal["parallel", "first_period", "leave_out"]
Standardise = Literal["reference_sd", "baseline_sd", "leave_out"]
