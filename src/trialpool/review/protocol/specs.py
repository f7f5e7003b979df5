"""What a condition may ask: outcomes, filters, analyses and questions, as typed specifications."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from trialpool.effects import MEASURES, measure_of
from trialpool.review.protocol.network_spec import NetworkSpec
from trialpool.review.protocol.settings import (
    Comparator,
    Handling,
    Identifier,
    Judgement,
    Model,
    Moderator,
    MultiverseSpec,
    Spec,
    Word,
    added_columns,
)
from trialpool.review.protocol.time_dose_spec import Doses, TimeCourse
from trialpool.review.schema.raw import TRIALS


def _computable(code: str) -> str:
    """The measure itself, if a review can compute it from raw tables."""
    known = [name for name, measure in MEASURES.items() if measure.outcome]
    if code not in known:
        raise ValueError(f"is none of the measures of a review; use one of {', '.join(known)}")
    return code


MeasureCode = Annotated[str, AfterValidator(_computable)]
OutcomeKind = Literal["continuous", "binary", "rate", "time_to_event", "association"]


Confidence = Literal["primary", "abstract", "secondary"]


class Outcome(Spec):
    """A construct: what it is called, how it is recorded, and which way is better."""

    title: str
    kind: OutcomeKind
    better: Literal["lower", "higher"]


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


class Subset(Filter):
    """A declared sensitivity analysis: the same analysis in fewer trials."""

    label: str


class Analysis(Filter):
    """One analysis: which results enter, and how they are pooled."""

    title: str
    outcome: Identifier
    measure: MeasureCode
    primary: bool = False
    instruments: tuple[str, ...] = ()
    time_days: tuple[float, float] | None = None
    prefer_time: float | None = None
    comparators: Annotated[tuple[Comparator, ...], Field(min_length=1)] = (
        "placebo",
        "active_placebo",
    )
    outcome_types: Annotated[tuple[Literal["msd", "change"], ...], Field(min_length=1)] = ("msd",)
    model: Model | None = None
    subsets: tuple[Subset, ...] = ()
    important: Annotated[float, Field(gt=0)] | None = None
    multiverse: MultiverseSpec | None = None
    moderators: dict[Identifier, Moderator] = Field(default_factory=dict)
    effects: Handling = "one"
    rho: Annotated[float, Field(ge=0, lt=1)] = 0.6
    within: Literal["trial", "arm"] = "trial"
    without: Literal["outliers", "influential"] | None = None
    risk_of_bias: tuple[Judgement, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Analysis:
        measure = measure_of(self.measure)
        if measure.is_ratio and self.important is not None and self.important <= 1:
            raise ValueError(
                "important: a ratio that matters is given as more than 1, such as 1.25"
            )
        if self.time_days is not None and self.time_days[0] > self.time_days[1]:
            raise ValueError("time_days: the window's start is after its end")
        if measure.unit == "SD" and len(set(self.outcome_types)) > 1:
            raise ValueError(
                f"outcome_types: change scores and post scores are never pooled in one "
                f"{measure.short} (their SDs differ); choose one, or use measure MD"
            )
        if self.effects == "che" and self.without is not None:
            raise ValueError(
                f"without = {self.without}: looks at effects one by one, and effects = che models "
                "how they depend on each other; leave one of the two out"
            )
        return self


class AnalysisQuestion(Spec):
    """A question of the trials of an analysis, by its name."""

    title: str
    analysis: Identifier


class CourseQuestion(AnalysisQuestion, TimeCourse):
    """How fast and how long: all times of the trials of an analysis."""


class DoseQuestion(AnalysisQuestion, Doses):
    """Which dose: the trials of an analysis by their doses."""


class NetworkQuestion(Filter, NetworkSpec):
    """Which treatment against which: all arms of the trials that a filter lets in."""


# The keys of a condition that hold its questions beyond one number.
QUESTIONS = ("time_courses", "doses", "networks")


class Condition(Spec):
    """One condition (a folder of data/raw), its analyses, and its questions beyond one number."""

    title: str
    question: str
    scope: str = ""
    experimental: str = ""
    analyses: dict[Identifier, Analysis]
    time_courses: dict[Identifier, CourseQuestion] = Field(default_factory=dict)
    doses: dict[Identifier, DoseQuestion] = Field(default_factory=dict)
    networks: dict[Identifier, NetworkQuestion] = Field(default_factory=dict)
