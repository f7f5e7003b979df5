"""The answer to a question of time, dose or a network, as its answer.json holds it.

Made where the question is answered, written and read as it is (`typed_json`), and handed to figures
and pages. Tables stand beside it. Estimates are on the display scale, where ratios are not logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from trialpool.analysis_result import ResultHeading, ResultScale
from trialpool.terms import SIGNIFICANT
from trialpool.trust_facts import ShownEstimate


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeFacts:
    """What is known of an effect over time: `points` effects of `k` trials, up to `last_day`.

    `correlation` is that of a trial's effects one day apart. `reason` says why no course is
    `estimable`; then the fields from `largest_day` on are None.
    """

    estimable: bool
    reason: str
    k: int
    points: int
    last_day: float | None
    correlation: float
    largest_day: float | None
    largest: ShownEstimate | None
    first_day: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedCourse(TimeFacts):
    """A course over time from the model of these `words`, at the observed days.

    The effect is `largest` on `largest_day`; its interval excludes no difference from `first_day`
    on, None where it does on no day.
    """

    last_day: float
    largest_day: float
    largest: ShownEstimate
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseFacts:
    """The doses of `k` trials: `levels` counts trials by dose, in `unit`.

    `reason` says why no dose-response is `estimable`.
    """

    estimable: bool
    reason: str
    unit: str
    levels: Mapping[str, int]
    k: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedDose(DoseFacts):
    """A dose-response from the model of these `words`; `knots` only of a spline.

    `p_slope` is of a straight line, `p_nonlinear` of a curve's bend; the other one is None. `tau2`
    has one value for each term, analysis scale.
    """

    shape: Literal["linear", "spline"]
    knots: tuple[float, ...]
    words: str
    p_slope: float | None
    p_nonlinear: float | None
    tau2: tuple[float, ...]
    cautions: tuple[str, ...]

    @property
    def pval(self) -> float | None:
        """Of the slope of a line, or of a curve's bend."""
        return self.p_slope if self.shape == "linear" else self.p_nonlinear

    @property
    def shows(self) -> bool:
        """Whether a trend with dose, or a bend, is shown."""
        return self.pval is not None and self.pval < SIGNIFICANT


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts(ResultScale):
    """What `k` trials compare with the `reference`; `nodes` in the protocol's order.

    `reason` says why there is no network estimate.
    """

    reference: str
    nodes: tuple[str, ...]
    k: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedNetwork(NetworkFacts):
    """A network of `n` treatments from `m` contrasts of so many `designs`; see `tp.network`.

    Q is also taken apart into that within and between designs. `unranked` says why there are no
    P-scores, `reasons` of each missing number why it is missing.
    """

    n: int
    m: int
    tau2: float
    tau2_ci_lb: float
    tau2_ci_ub: float
    i2: float
    q: float
    q_df: int
    q_pval: float
    method: str
    level: float
    converged: bool
    q_between: float
    q_between_df: int
    q_between_pval: float
    q_within: float
    q_within_df: int
    designs: int
    unranked: str
    reasons: Mapping[str, str]
    cautions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the answers of all kinds have: what was asked, and under which name and title."""

    kind: str
    name: str
    title: str
    question: ResultScale

    @property
    def folder(self) -> str:
        """Name of the folder that holds the answer."""
        return f"{self.kind}_{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeAnswer(_Answer):
    """How fast and for how long an effect is there."""

    kind: Literal["time"] = "time"
    question: ResultHeading
    facts: TimeFacts | FittedCourse


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseAnswer(_Answer):
    """Whether more of a drug does more."""

    kind: Literal["dose"] = "dose"
    question: ResultHeading
    facts: DoseFacts | FittedDose


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAnswer(_Answer):
    """How treatments compare with each other; `question` is a copy of the `facts`."""

    kind: Literal["network"] = "network"
    question: NetworkFacts | FittedNetwork
    facts: NetworkFacts | FittedNetwork


QuestionAnswer = TimeAnswer | DoseAnswer | NetworkAnswer
