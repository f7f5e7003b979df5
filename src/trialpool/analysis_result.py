"""The result of one analysis of a review, as its model.json holds it.

Made where an analysis is fitted, written and read as it is (`typed_json`), and handed to figures
and pages. Tables stand beside it. Estimates of `display` and of all trust facts are on the display
scale, where ratios are not logs; `pooled` and `posterior` are on the analysis scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trialpool.effects.scales import ScaleName
from trialpool.pooling.policy import Policy
from trialpool.results import Pooled, PooledCounts, Posterior
from trialpool.trust_facts import ShownEstimate, TrustFacts, Verdict
from trialpool.typed_json import MAY_BE_ABSENT
from trialpool.words import intervals


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultScale:
    """What a result measures, on which scale, and what each side of no effect means.

    `scale` is that of the analysis, as `effects.scales` names it: "identity", "log" and others.
    """

    title: str
    outcome: str
    measure: str
    scale: ScaleName
    better: Literal["lower", "higher"]
    favours_left: str
    favours_right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultHeading(ResultScale):
    """What an analysis asks; `specification` is its part of the protocol, all settings resolved."""

    outcome_title: str
    primary: bool
    experimental_label: str
    control_label: str
    specification: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayedResult(ShownEstimate):
    """The result a reader sees: the pooled effect, or that of the only trial."""

    p_value: float
    pi_low: float
    pi_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WithMissingTrials(ShownEstimate):
    """The pooled effect with all missing trials that can be added, at no effect; `k` with them."""

    trials: tuple[str, ...]
    k: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LargestMissing(ShownEstimate):
    """The largest trial known to have been carried out, of `n` people, that is missing.

    The estimate is that of the analysis with it, at no effect, where it can be added.
    """

    trial_id: str
    study: str
    n: float
    reported: str | None
    larger_than_any_included: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialLeftOut:
    """A trial that measured the outcome of an analysis without any trial, and why it is not in."""

    study: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceLevels:
    """Variance between trials and between the effects of a trial; `i2` in percent of each."""

    sigma2_between: float
    sigma2_within: float
    i2_between: float
    i2_within: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralEffects:
    """How several effects of a trial are put together, and how many there are.

    `rho` is their correlation, None where it does not enter; `levels` are of a model of both.
    """

    handling: str
    within: str
    words: str
    effects: int
    trials: int
    rho: float | None
    levels: VarianceLevels | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestOptions:
    """What the forest plot shows beside each trial's own result."""

    shrinkage: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VariedChoice:
    """A choice that the multiverse varies; of kind N (another question), E or U (equivalence)."""

    name: str
    title: str
    kind: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceEffect:
    """How much one choice moves a question's answer, as in `diagnostics.multiverse_summary`.

    `shift` is on the display scale, from the mean of one level to that of another: the ratio of
    two where effects are pooled as logarithms, otherwise the difference.
    """

    factor: str
    kind: str
    eta2: float
    shift: float
    from_level: str
    to_level: str
    swing: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiverseAnswer(ShownEstimate):
    """One question of the multiverse: its result under the protocol, and those of all choices.

    Shares (0 to 1), median and range are of the distinct fits that have an estimate; shares of what
    favours a side are NaN where nothing is a benefit, and all of sides where nothing is compared.
    `most` is the choice that moves the estimate most, blank where none moves what readers see of
    it; `factors` are all of them in this order.
    """

    question: str
    specifications: int
    distinct: int
    with_estimate: int
    without_estimate: str
    same_sign: float
    excludes_null: float
    favours_experimental: float
    favours_control: float
    median: float
    lowest: float
    highest: float
    most: str
    factors: tuple[ChoiceEffect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiverseResult:
    """All declared specifications: the choices, those without effect, and each question's answer.

    The protocol's own question comes first. `withheld` says why nothing was varied, `undecided`
    which levels are left out because no rule says which of a trial's effects counts under them.
    """

    factors: tuple[VariedChoice, ...]
    without_effect: tuple[str, ...]
    specifications: int
    distinct: int
    questions: tuple[MultiverseAnswer, ...]
    withheld: str | None = field(default=None, metadata=MAY_BE_ABSENT)
    undecided: tuple[str, ...] | None = field(default=None, metadata=MAY_BE_ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnjudgedResult(ResultHeading):
    """One analysis before its verdict: what it asks, what came out, and how far to trust it.

    `k` counts trials and `n` people, None if one trial does not say how many; `model` is what was
    fitted, in words, and `note` what a reader must know. `pooled` is None for fewer than two
    trials, `posterior` without a Bayesian model. Where the posterior leads, `pooled` is the model
    `beside` it, in words, "" elsewhere. `important` is the smallest difference that matters, > 0,
    analysis scale, and `important_reason` why. `several` is of several effects per trial. `reasons`
    says of each missing number why it is missing, `weight_by_design` is in percent,
    `inputs_sha256` is of studies.csv.
    """

    condition: str
    analysis: str
    k: int
    n: int | None
    model: str
    beside: str
    note: str
    display: DisplayedResult
    pooled: Pooled | PooledCounts | None
    posterior: Posterior | None
    important: float | None
    important_reason: str
    policy: Policy
    reasons: Mapping[str, str]
    cautions: tuple[str, ...]
    weight_by_design: Mapping[str, float]
    several: SeveralEffects | None = field(default=None, metadata=MAY_BE_ABSENT)
    what_if: WithMissingTrials | None
    largest_missing: LargestMissing | None
    left_out: tuple[TrialLeftOut, ...]
    multiverse: MultiverseResult
    trust: TrustFacts
    forest: ForestOptions
    inputs_sha256: str

    @property
    def level(self) -> str:
        """Confidence level of the intervals in percent, as `95`."""
        return "95" if self.pooled is None else f"{100 * self.pooled.level:g}"

    @property
    def interval(self) -> str:
        """What the shown interval is called: `95 % CI`, or of a posterior `95 % CrI`."""
        return intervals([self.policy.bayesian], self.level)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisResult(UnjudgedResult):
    """One analysis with its verdict, which is made from all the rest."""

    verdict: Verdict
