"""What is asked of a posterior, and its answer, whichever way the distributions are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from trialpool.bayes.priors import Prior, check_positive
from trialpool.pooling.inference import check_level
from trialpool.results import Posterior, check_choice


class Ranged(Protocol):
    """A posterior distribution whose quantiles are known."""

    def quantiles(self, probs: Sequence[float]) -> Sequence[float]:
        """Where it reaches each probability."""


class Marginal(Ranged, Protocol):
    """One whose probabilities are known too."""

    def beyond(self, bound: float, side: int) -> float:
        """Probability of `bound` or more in the direction of `side`, 1 or -1, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Level of intervals, the side of the benefit, and the smallest difference that matters."""

    level: float
    better: str
    mid: float | None

    def __post_init__(self) -> None:
        """Check all three."""
        check_level(self.level)
        check_choice("better", self.better, ("lower", "higher"))
        if self.mid is not None:
            check_positive("mid", self.mid)

    def answer(
        self,
        mu: Marginal,
        new: Marginal,
        tau: Ranged,
        theta: Sequence[Ranged],
        words: str,
        prior: Prior,
    ) -> Posterior:
        """The posterior, from the distributions of mean, new effect, tau and studies' effects."""
        tail, side = (1 - self.level) / 2, -1 if self.better == "lower" else 1
        probs = (tail, 0.5, 1 - tail)
        ranges = [tuple(one.quantiles(probs)) for one in (mu, new, tau)]
        effects = list(zip(*(one.quantiles(probs) for one in theta), strict=True)) or [()] * 3
        mid = self.mid
        return Posterior(
            mu=ranges[0][1],
            mu_lb=ranges[0][0],
            mu_ub=ranges[0][2],
            tau=ranges[2][1],
            tau_lb=ranges[2][0],
            tau_ub=ranges[2][2],
            new=ranges[1][1],
            new_lb=ranges[1][0],
            new_ub=ranges[1][2],
            p_below_zero=mu.beyond(0.0, -1),
            prior=f"{words}, {prior}",
            level=self.level,
            prior_reference=prior.reference,
            better=self.better,
            mid=mid,
            p_benefit=mu.beyond(0.0, side),
            p_new_benefit=new.beyond(0.0, side),
            p_mid=None if mid is None else mu.beyond(mid, side),
            p_new_mid=None if mid is None else new.beyond(mid, side),
            p_harm_mid=None if mid is None else mu.beyond(mid, -side),
            theta=effects[1],
            theta_lb=effects[0],
            theta_ub=effects[2],
        )
