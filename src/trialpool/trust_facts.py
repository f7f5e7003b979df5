"""What the diagnostics of an analysis say: the few numbers its verdict and words are made of.

Effects are on the display scale, where ratios are not logs. A missing number is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal

from trialpool.typed_json import MAY_BE_ABSENT
from trialpool.words import Share, number

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEstimate:
    """An effect and its confidence limits on the display scale."""

    estimate: float
    ci_low: float
    ci_high: float

    @property
    def triple(self) -> tuple[float, float, float]:
        """Estimate, lower and upper limit."""
        return self.estimate, self.ci_low, self.ci_high

    @classmethod
    def of(cls, row: Mapping[str, Any], suffix: str = "") -> ShownEstimate:
        """From the columns estimate, ci_low and ci_high of a table's row, each with the suffix."""
        names = ("estimate", "ci_low", "ci_high")
        return ShownEstimate(**{name: number(row[f"{name}{suffix}"]) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """Why a question about an analysis has no answer."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluenceFacts:
    """Leave-one-out: the trials without which the conclusion turns, those that pull the estimate.

    `without` is the result without each trial, by its name.
    """

    turns: tuple[str, ...]
    influential: tuple[str, ...]
    without: Mapping[str, ShownEstimate]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallStudyFacts:
    """How many tests ask for asymmetry, which see it, which estimates that allow for it turn.

    `lowest` and `highest` are the range of the `estimates`; None where there is none.
    """

    tests: int
    asymmetric: tuple[str, ...]
    estimates: int
    turns: tuple[str, ...]
    lowest: float | None
    highest: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageFacts:
    """Between which shares the intervals hold the truth, over the tau2 that were simulated.

    `confidence` and `prediction` are of the shown intervals, `normal` of random effects with a
    normal quantile; None where nothing was simulated of them.
    """

    replicates: int
    tau2: tuple[float, ...]
    sampling: tuple[str, ...]
    confidence: Range | None
    prediction: Range | None
    normal: Range | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BeliefRange:
    """The range of a probability over priors: of any effect, and of one that matters."""

    any: Range
    matters: Range | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BeliefSides:
    """How probable a benefit and a harm are."""

    benefit: BeliefRange
    harm: BeliefRange


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorFacts(BeliefSides):
    """How probable a benefit and a harm are over all `priors`.

    `threshold` is the smallest difference that matters. `if_missing_null` is under the protocol's
    prior with the missing trials that can be added, at no effect.
    """

    priors: int
    threshold: float | None
    if_missing_null: BeliefSides | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiverseFacts:
    """How many declared analyses of the protocol's own question conclude the same.

    `same_sign` (None where the result has none) and `same_conclusion` are of the distinct fits that
    have an estimate, not of all `distinct` ones; `lowest` and `highest` are their range.
    `moved_most_by` and `turned_most_by` are the choices that most move the estimate and the
    conclusion, blank where none does.
    """

    specifications: int
    distinct: int
    lowest: float
    highest: float
    same_sign: Share | None
    same_conclusion: Share
    moved_most_by: str
    turned_most_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherChoices:
    """The rows of the sensitivity table that are `tried` besides the result, and have an interval.

    `turned` are the labels of those that conclude otherwise.
    """

    tried: int
    turned: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedOutcomes:
    """By how many events one arm of a trial is changed."""

    study: str
    arm: Literal["experimental", "control"]
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FragilityFacts:
    """How many of `n` people need another outcome to turn the result; None with the `reason`."""

    index: int | None
    n: int | None
    reason: str
    moved: tuple[ChangedOutcomes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumedEffect(ShownEstimate):
    """The pooled effect if the missing trials had found the `assumed` one."""

    assumed: float
    conclusion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TippingAnswer:
    """A question, and the effect nearest to no difference that the missing trials would need.

    `at_null` says that they would not need to find any; `assumed` is None where none is `reached`.
    """

    question: str
    reached: bool
    at_null: bool
    assumed: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TippingPoint:
    """An assumed effect at which the conclusion changes, and what it is on both sides."""

    assumed: float
    below: str
    above: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingEffectFacts(ShownEstimate):
    """What the missing trials that can be added would have to have found.

    `n` are their people, `k` counts trials with them; `conclusion` is that of the analysis itself,
    "benefit", "harm" or "includes no difference". `important` is the smallest difference that
    matters on the side of the estimate. Effects were `searched` between these two.
    """

    reason: str = ""
    trials: tuple[str, ...]
    studies: tuple[str, ...]
    n: int
    k: int
    model: str
    conclusion: str
    important: float | None
    if_null: AssumedEffect
    if_alike: AssumedEffect
    answers: tuple[TippingAnswer, ...]
    flips: tuple[TippingPoint, ...]
    searched: Range
    not_searched: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NextTrialFacts:
    """How the next trial was tried: the model with it, and what its size is worth.

    `tau_scale` is of the prior of tau of a Bayesian model, None of another. `reason` says why its
    size has no answer. `important` is the smallest difference that matters on the side of the
    estimate; `unit_variance` over the people per arm is the sampling variance at no difference;
    sizes were `searched` between these two.
    """

    reason: str
    k: int
    model: str
    tau2: str
    test: str
    tau_scale: float | None
    conclusion: str
    important: float | None
    assumption: str
    unit_variance: float
    searched: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupLevel(ShownEstimate):
    """The result of the trials of one level; `n` are their people."""

    level: str
    k: int
    n: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceTest:
    """Whether the levels differ: the shown test, its p by permutation, and Cochran's Q.

    `arrangements` were compared, all that there are where it is `exact`.
    """

    method: str
    statistic: float
    df: int
    ddf: float
    p_value: float
    r2: float
    p_permutation: float
    exact: bool
    arrangements: int | None
    q_p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CovariateSlope(ShownEstimate):
    """The effect of a covariate per its unit, and the share of tau2 it explains.

    `r2` is that share in percent; `arrangements` were compared for its p by permutation, all that
    there are where it is `exact`.
    """

    p_value: float
    r2: float
    p_permutation: float
    exact: bool
    arrangements: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _ModeratorFacts:
    """A moderator: how many trials have a value, and why each other one has none."""

    name: str
    title: str
    k: int
    missing: Mapping[str, str]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupFacts(_ModeratorFacts):
    """The trials by level of a moderator; none where a `reason` is given.

    `same_as` names the moderators with the same groups of trials; `crude` is from few trials.
    """

    kind: Literal["group"] = "group"
    levels: tuple[SubgroupLevel, ...]
    test: DifferenceTest | None
    same_as: tuple[str, ...]
    crude: bool | None = field(default=None, metadata=MAY_BE_ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class CovariateFacts(_ModeratorFacts):
    """Effects against a covariate, per `per` of its `unit`; no slope where a `reason` is given.

    `range` is of its values; `goes_with` are the correlations with other covariates that can
    hardly be told apart from it.
    """

    kind: Literal["covariate"] = "covariate"
    slope: CovariateSlope | None
    goes_with: Mapping[str, float]
    per: float
    unit: str
    range: Range | None = field(default=None, metadata=MAY_BE_ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustFacts:
    """How far to trust an analysis: of each diagnostic what its tables say, None where not asked.

    `weights` is the share of the weight, in percent, that rests on what one would rather not rest
    on; `flagged` names the trials with flagged results.
    """

    influence: InfluenceFacts | None = None
    weights: Mapping[str, float]
    flagged: tuple[str, ...]
    small_studies: SmallStudyFacts | None = None
    missing_effect: MissingEffectFacts | Unanswered
    next_trial: NextTrialFacts | Unanswered
    coverage: CoverageFacts | None = None
    priors: PriorFacts | None = None
    other_choices: OtherChoices
    multiverse: MultiverseFacts | None = None
    moderators: tuple[SubgroupFacts | CovariateFacts, ...] = ()
    fragility: FragilityFacts | None = None


class Gravity(IntEnum):
    """How much a threat matters: it turns the conclusion, it could, or it is a caution."""

    CAUTION = 1
    COULD = 2
    TURNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Threat:
    """What threatens a result: a name, how much, and the numbers behind it in words."""

    name: str
    gravity: Gravity
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is said of one analysis; `threats` are all there are, the gravest first.

    `line` is `text` with the estimate before it.
    """

    conclusion: str
    robust: str
    threats: tuple[Threat, ...]
    text: str
    line: str
