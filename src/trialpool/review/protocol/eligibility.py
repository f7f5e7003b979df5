"""Which trials and which of their results a question takes: the rules every question shares."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from trialpool.effects import MEASURES, measure_of
from trialpool.review.protocol.base import Identifier, Spec, TimeWindow, Word
from trialpool.review.protocol.settings import added_columns
from trialpool.review.protocol.vocabulary import Judgement
from trialpool.review.schema.outcomes import unfilled
from trialpool.review.schema.raw import TRIALS


def _computable(code: str) -> str:
    """The measure itself, if a review can compute it from raw tables."""
    asked = {name: measure for name, measure in MEASURES.items() if measure.outcome}
    if code in asked and (lacking := unfilled(asked[code])):
        raise ValueError(
            f"needs {', '.join(lacking)}, which a review fills in from no raw table; "
            "ask for another measure"
        )
    known = [name for name, measure in asked.items() if not unfilled(measure)]
    if code not in known:
        raise ValueError(f"is none of the measures of a review; use one of {', '.join(known)}")
    return code


MeasureCode = Annotated[str, AfterValidator(_computable)]


class Filter(Spec):
    """Values of trial columns that an analysis includes or excludes."""

    include: dict[str, tuple[Word, ...]] = Field(default_factory=dict)
    exclude: dict[str, tuple[Word, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known_columns(self, info: ValidationInfo) -> Filter:
        known = {
            column.name: ("yes", "no") if column.kind == "yes_no" else column.choices
            for column in (*TRIALS.columns, *added_columns(info, "trials"))
            if column.kind in ("choice", "id", "yes_no")
        }
        for column, values in (*self.include.items(), *self.exclude.items()):
            if column not in known:
                raise ValueError(
                    f"'{column}' is not a column of trials.csv to filter on; "
                    f"use one of {', '.join(known)}"
                )
            allowed = known[column]
            for value in values:
                if allowed and value not in allowed:
                    raise ValueError(
                        f"{column} is never '{value}'; use one of {', '.join(allowed)}"
                    )
        return self


OutcomeType = Literal["msd", "change"]


class Eligibility(Filter):
    """The effects of an outcome that a question may take, and which it prefers.

    `outcome_types` are the preferred first. Unless named, they are scores after treatment, and of
    a standardised difference changes too, which effects have in SDs of scores.
    """

    outcome: Identifier
    measure: MeasureCode
    instruments: tuple[str, ...] = ()
    time_days: TimeWindow | None = None
    prefer_time: float | None = None
    outcome_types: Annotated[tuple[OutcomeType, ...], Field(min_length=1)] = ("msd",)
    risk_of_bias: tuple[Judgement, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _changes_where_they_fit(cls, given: Any) -> Any:
        code = given.get("measure") if isinstance(given, dict) else None
        if code in MEASURES and measure_of(str(code)).standardises:
            return {"outcome_types": ("msd", "change"), **given}
        return given

    @property
    def works_out_changes(self) -> bool:
        """Whether changes that were not reported are computed from the scores before and after.

        Where a score comes before its own change, that change is never taken.
        """
        return self.outcome_types[0] == "change"
