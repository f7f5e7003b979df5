"""What a condition may ask: outcomes, filters, analyses and questions, as typed specifications."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from trialpool.effects import MEASURES, measure_of
from trialpool.review.protocol.base import Identifier, Spec, TimeWindow, folded
from trialpool.review.protocol.eligibility import Eligibility, Filter
from trialpool.review.protocol.multiverse_spec import MultiverseSpec
from trialpool.review.protocol.network_spec import NetworkQuestion
from trialpool.review.protocol.settings import Handling, Model, Moderator
from trialpool.review.protocol.thresholds import OutcomeImportant
from trialpool.review.protocol.time_dose_spec import Doses, TimeCourse
from trialpool.review.protocol.vocabulary import Comparator
from trialpool.terms import DOSE, NETWORK, TIME

OutcomeKind = Literal["continuous", "binary", "rate", "time_to_event", "association"]
Confidence = Literal["primary", "abstract", "secondary"]


class Outcome(Spec):
    """A construct: what it is called, how it is recorded, and which way is better."""

    title: str
    kind: OutcomeKind
    better: Literal["lower", "higher"]
    important: OutcomeImportant | None = None

    @model_validator(mode="after")
    def _of_its_kind(self) -> Outcome:
        if self.important is not None:
            of_scores = self.kind == "continuous"
            if self.important.smd is not None and not of_scores:
                raise ValueError(f"important.smd: {self.kind} outcomes are no scores; give a ratio")
            if self.important.smd is None and self.important.ratio is None:
                raise ValueError(
                    f"important: give {'smd, or ratio' if of_scores else 'ratio'} with the reason"
                )
        return self

    def rule(self, asked: Collection[int] = ()) -> dict[str, str]:
        """What raw data are checked against: kind, better direction and, if need be, `groups`.

        `groups`, "1" or "1 or 2", is of an outcome that some question asks of one group alone, or
        of a kind that has no other measures. `asked` are the numbers of groups of its questions.
        """
        of_kind = {each.data.groups for each in MEASURES.values() if each.outcome == self.kind}
        groups = set(asked) or (of_kind if of_kind == {1} else set())
        alone = {"groups": " or ".join(map(str, sorted(groups)))} if 1 in groups else {}
        return {"kind": self.kind, "better": self.better, **alone}


def _not_blank(label: str) -> str:
    if not label.strip():
        raise ValueError("blank, and names a row of a table; say which trials are taken")
    return label


class Subset(Filter):
    """A declared sensitivity analysis: the same analysis in fewer trials."""

    label: Annotated[str, AfterValidator(_not_blank)]

    @model_validator(mode="after")
    def _takes_some(self) -> Subset:
        if not self.include and not self.exclude:
            raise ValueError("takes every trial; say which to include or exclude, or remove it")
        return self


class Target(Filter):
    """Whom and what a question is about, where its trials may be of others.

    What it does not name is as the analysis filters it: nothing of that lies outside. `title` are
    its people in words.
    """

    title: str = "the people asked about"
    drug: tuple[str, ...] = ()
    comparators: tuple[Comparator, ...] = ()
    time_days: TimeWindow | None = None


class BaselineRisk(Spec):
    """The share of people with the event, or with a response, without the treatment.

    Either a `risk` with its `source`, or the controls of an `analysis` of the same condition.
    """

    risk: Annotated[float, Field(gt=0, lt=1)] | None = None
    source: str = ""
    analysis: Identifier | None = None

    @model_validator(mode="after")
    def _from_one_place(self) -> BaselineRisk:
        given = self.risk is not None, bool(self.source.strip())
        if given != ((False, False) if self.analysis else (True, True)):
            raise ValueError(
                "give a risk with its source, or the analysis whose controls have it, not both"
            )
        return self


class Analysis(Eligibility):
    """One analysis: which results enter, and how they are pooled."""

    title: str
    primary: bool = False
    comparators: Annotated[tuple[Comparator, ...], Field(min_length=1)] = (
        "placebo",
        "active_placebo",
    )
    model: Model | None = None
    subsets: tuple[Subset, ...] = ()
    important: Annotated[float, Field(gt=0)] | None = None
    target: Target | None = None
    baseline_risk: BaselineRisk | None = None
    multiverse: MultiverseSpec | None = None
    moderators: dict[Identifier, Moderator] = Field(default_factory=dict)
    effects: Handling = "one"
    rho: Annotated[float, Field(ge=0, lt=1)] = 0.6
    within: Literal["trial", "arm"] = "trial"
    without: Literal["outliers", "influential"] | None = None

    @model_validator(mode="after")
    def _poolable(self) -> Analysis:
        measure = measure_of(self.measure)
        if measure.null is None and self.important is not None:
            raise ValueError(
                f"important = {self.important:g}: {self.measure} compares nothing, so that no "
                "difference can matter; remove it, or ask for a measure of a difference"
            )
        labels = Counter(folded(subset.label) for subset in self.subsets)
        for subset in self.subsets:
            if (times := labels[folded(subset.label)]) > 1:
                raise ValueError(
                    f"subsets: {times} have the label '{subset.label.strip()}'; "
                    "give each its own, or remove one"
                )
        if measure.is_ratio and self.important is not None and self.important <= 1:
            raise ValueError(
                "important: a ratio that matters is given as more than 1, such as 1.25"
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


# The keys of a condition that hold its questions beyond one number, and the kind of each.
QUESTIONS = {"time_courses": TIME, "doses": DOSE, "networks": NETWORK}


class Condition(Spec):
    """One condition (a folder of data/raw), its analyses, and its questions beyond one number.

    `short` stands for its title where there is little room, as in the menu of all pages.
    """

    title: str
    short: str = ""
    question: str
    scope: str = ""
    experimental: str = ""
    target: Target | None = None
    side_by_side: Identifier | None = None
    analyses: dict[Identifier, Analysis]
    time_courses: dict[Identifier, CourseQuestion] = Field(default_factory=dict)
    doses: dict[Identifier, DoseQuestion] = Field(default_factory=dict)
    networks: dict[Identifier, NetworkQuestion] = Field(default_factory=dict)
