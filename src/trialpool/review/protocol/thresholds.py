"""The smallest differences that matter, and why: of all outcomes, or of one."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import Field, model_validator

from trialpool.review.protocol.base import Spec

# Why the thresholds of the defaults are what they are, unless the protocol says it.
_HALF = "half a standard deviation is a convention (Norman 2003, Med Care 41:582)"
_QUARTER = "a quarter is the convention of GRADE (Guyatt 2011, J Clin Epidemiol 64:1283)"


class Important(Spec):
    """The smallest difference that matters, where neither an outcome nor an analysis names its own.

    `smd` in standard deviations, `ratio` as a ratio away from 1 in either direction.
    """

    smd: Annotated[float, Field(gt=0)] = 0.5
    ratio: Annotated[float, Field(gt=1)] = 1.25
    reason_smd: Annotated[str, Field(min_length=1)] = _HALF
    reason_ratio: Annotated[str, Field(min_length=1)] = _QUARTER

    @model_validator(mode="after")
    def _each_with_its_reason(self) -> Important:
        for name in ("smd", "ratio"):
            changed = getattr(self, name) != type(self).model_fields[name].default
            if changed and f"reason_{name}" not in self.model_fields_set:
                raise ValueError(
                    f"{name} = {getattr(self, name):g}: give reason_{name}, why this difference "
                    "is the smallest that matters"
                )
        return self


class OutcomeImportant(Spec):
    """The smallest difference of an outcome that matters, and why.

    `smd` of a score, in standard deviations; `ratio` of a count, away from 1 in either direction.
    """

    smd: Annotated[float, Field(gt=0)] | None = None
    ratio: Annotated[float, Field(gt=1)] | None = None
    reason: Annotated[str, Field(min_length=1)]


class Threshold(NamedTuple):
    """The smallest difference that matters, > 0 on the analysis scale, and why; None without."""

    value: float | None
    reason: str
