"""Absolute effects: what a pooled effect means for people at a given risk, or on a known scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import copysign, floor, inf, isfinite
from statistics import NormalDist
from typing import NamedTuple

from trialpool.digits import NOTHING, sure
from trialpool.results import TrialpoolError, check_choice

# Below this risk whole people of 100 say too little, so that 1,000 are told of.
RARE = 0.01
_NORMAL = NormalDist()


class Bounded(NamedTuple):
    """An estimate with the limits of its interval, `lb` <= `estimate` <= `ub`."""

    estimate: float
    lb: float
    ub: float

    def turned(self) -> Bounded:
        """The same with the other sign: the limits change places."""
        return Bounded(-self.estimate, -self.ub, -self.lb)

    def mapped(self, rising: Callable[[float], float]) -> Bounded:
        """A function that never falls, of the estimate and of both limits."""
        return Bounded(*(rising(value) for value in self))


class Frequencies(NamedTuple):
    """Whole people of `per`: at the baseline, with the treatment, and how many more (or fewer).

    `difference` is rounded from the exact difference, and can differ by one person from the
    difference of the two rounded risks.
    """

    per: int
    baseline: int
    risk: Bounded
    difference: Bounded


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsoluteEffect:
    """Risk with the treatment, and its difference from the baseline risk; all proportions.

    `difference` is risk - baseline: negative where the treatment makes the event rarer. `reason`
    says which risks would lie outside 0 to 1 and were set to that bound, "" where none would.
    """

    measure: str
    baseline: float
    risk: Bounded
    difference: Bounded
    reason: str = ""

    @property
    def per(self) -> int:
        """100 people; 1,000 where the baseline or the estimated risk is below 1 %."""
        return 1000 if sure(min(self.baseline, self.risk.estimate)) < RARE else 100

    def frequencies(self, per: int | None = None) -> Frequencies:
        """Risks and difference as whole people, halves away from 0.

        Parameters
        ----------
        per : of how many people, at least 1; without it `self.per`

        Raises
        ------
        TrialpoolError
            `per` is below 1

        References
        ----------
        Schünemann et al. 2023, Cochrane Handbook 6.4, chapter 14
        """
        if per is not None and per < 1:
            raise TrialpoolError(f"per = {per}: is a number of people, at least 1")
        people = self.per if per is None else per
        return Frequencies(
            per=people,
            baseline=_whole(self.baseline * people),
            risk=self.risk.mapped(lambda risk: _whole(risk * people)),
            difference=self.difference.mapped(lambda change: _whole(change * people)),
        )


class From(NamedTuple):
    """Numbers needed to treat from `low` to `high`; `high` is inf next to no difference."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberNeeded:
    """People to treat for one more to benefit (NNTB), or for one more to be harmed (NNTH).

    `kind` says which of the two `estimate` is, "" where there is no difference and the estimate
    is inf. `benefit` and `harm` are the two parts of the interval, None where it has no such
    part. An interval that includes no difference reaches infinity in each part: it reads "NNTB
    benefit.low to infinity to NNTH harm.low".
    """

    kind: str
    estimate: float
    benefit: From | None
    harm: From | None

    @property
    def includes_no_difference(self) -> bool:
        """Whether a part of the interval reaches infinity."""
        parts = (self.benefit, self.harm)
        return self.estimate == inf or any(part and part.high == inf for part in parts)


def absolute_effect(
    measure: str, estimate: float, ci_lb: float, ci_ub: float, *, baseline: float
) -> AbsoluteEffect:
    """Risk with the treatment where the risk without it is known.

    Parameters
    ----------
    measure : OR, RR or RD
    estimate, ci_lb, ci_ub
        the effect and the limits of its interval, single numbers: ratios as ratios, not their
        logs; RD as a difference of proportions, -1 to 1
    baseline : risk without the treatment, a proportion between 0 and 1

    Returns
    -------
    AbsoluteEffect; the limits are those of the effect, the baseline risk counts as known. Risks
    that would lie outside 0 to 1 are set to that bound, and `reason` says so

    Raises
    ------
    TrialpoolError
        another measure; a baseline risk that is not in (0, 1); limits out of order; a ratio below
        0 or a difference beyond -1 to 1; a number that is missing or infinite

    References
    ----------
    Schünemann et al. 2023, Cochrane Handbook 6.4, chapter 15
    """
    check_choice("measure", measure, tuple(_RISK))
    effect = _checked(estimate, ci_lb, ci_ub)
    _check_baseline(baseline)
    low, high = (-1.0, 1.0) if measure == "RD" else (0.0, inf)
    if effect.lb < low or effect.ub > high:
        rule = "lies within -1 to 1" if measure == "RD" else "is at least 0: a ratio, not its log"
        raise TrialpoolError(f"{measure} = {_shown(effect)}: {rule}")
    return _absolute(measure, baseline, effect.mapped(lambda one: _RISK[measure](baseline, one)))


def responders(
    smd: float, ci_lb: float, ci_ub: float, *, baseline: float, lower_is_better: bool
) -> AbsoluteEffect:
    """An SMD as the share of people who respond, where the share of the controls is known.

    Scores are taken as normal with one spread in both groups: p1 = Phi(Phi^-1(p0) + d), d the SMD
    with its sign turned so that above 0 is a benefit.

    Parameters
    ----------
    smd, ci_lb, ci_ub : standardised mean difference and the limits of its interval, single numbers
    baseline : share of the controls who respond, a proportion between 0 and 1
    lower_is_better : whether low scores are good, so that a negative SMD is a benefit

    Returns
    -------
    AbsoluteEffect of measure SMD; the event, a response, is desirable

    Raises
    ------
    TrialpoolError
        a baseline that is not in (0, 1); limits out of order; a number missing or infinite

    References
    ----------
    Furukawa & Leucht 2011, PLoS ONE 6:e19070
    """
    effect = _checked(smd, ci_lb, ci_ub)
    _check_baseline(baseline)
    benefit = effect.turned() if lower_is_better else effect
    start = _NORMAL.inv_cdf(baseline)
    return _absolute("SMD", baseline, benefit.mapped(lambda d: _NORMAL.cdf(start + d)))


def points(smd: float, ci_lb: float, ci_ub: float, *, sd: float) -> Bounded:
    """An SMD as a difference of means on a scale that readers know.

    Parameters
    ----------
    smd, ci_lb, ci_ub : standardised mean difference and the limits of its interval, single numbers
    sd : reference standard deviation, above 0, in points of the scale

    Returns
    -------
    The difference with its limits in points of the scale; the SD counts as known

    Raises
    ------
    TrialpoolError
        an SD that is not above 0; limits out of order; a number missing or infinite

    References
    ----------
    Schünemann et al. 2023, Cochrane Handbook 6.4, chapter 15
    """
    effect = _checked(smd, ci_lb, ci_ub)
    if not (isfinite(sd) and sd > 0):
        raise TrialpoolError(f"sd = {sd:g}: a standard deviation is above 0 and finite")
    return effect.mapped(lambda value: value * sd)


def number_needed(effect: AbsoluteEffect, *, desirable: bool) -> NumberNeeded:
    """How many people to treat for one more of them to gain, or to be harmed.

    Parameters
    ----------
    effect : of `absolute_effect` or `responders`
    desirable : whether the event is one to wish for, such as a response, or a harm

    Returns
    -------
    NumberNeeded, in people, not rounded. Differences nearer to 0 than 1e-12 are none

    References
    ----------
    Altman 1998, BMJ 317:1309
    """
    gain = effect.difference if desirable else effect.difference.turned()
    loss = gain.turned()
    kind = "NNTB" if gain.estimate > 0 else "NNTH" if loss.estimate > 0 else ""
    return NumberNeeded(
        kind=kind,
        estimate=_needed(abs(gain.estimate)),
        benefit=From(_needed(gain.ub), _needed(gain.lb)) if gain.ub > 0 else None,
        harm=From(_needed(loss.ub), _needed(loss.lb)) if loss.ub > 0 else None,
    )


def _needed(difference: float) -> float:
    """People for one event more; inf where there is none, or none on this side."""
    return 1 / difference if difference > 0 else inf


def _by_odds(baseline: float, ratio: float) -> float:
    return baseline * ratio / (1 - baseline + baseline * ratio)


_RISK: dict[str, Callable[[float, float], float]] = {
    "OR": _by_odds,
    "RR": lambda baseline, ratio: baseline * ratio,
    "RD": lambda baseline, difference: baseline + difference,
}


def _absolute(measure: str, baseline: float, risk: Bounded) -> AbsoluteEffect:
    """The effect of risks that may lie outside 0 to 1."""
    within = risk.mapped(lambda one: min(max(one, 0.0), 1.0))
    names = ("estimate", "lower limit", "upper limit")
    beyond = [
        f"{name} {one:.3g}" for name, one in zip(names, risk, strict=True)
        if one < -NOTHING or one > 1 + NOTHING
    ]  # fmt: skip
    return AbsoluteEffect(
        measure=measure,
        baseline=baseline,
        risk=within,
        difference=within.mapped(lambda one: _change(one - baseline)),
        reason=f"risks outside 0 to 1 were set to the bound: {', '.join(beyond)}" if beyond else "",
    )


def _change(difference: float) -> float:
    """A difference of risks; what only rounding keeps from 0 would be an NNT of billions."""
    return 0.0 if abs(difference) < NOTHING else difference


def _checked(estimate: float, ci_lb: float, ci_ub: float) -> Bounded:
    effect = Bounded(estimate, ci_lb, ci_ub)
    if not all(isfinite(value) for value in effect):
        raise TrialpoolError(f"effect = {_shown(effect)}: a number is missing or infinite")
    if not ci_lb <= estimate <= ci_ub:
        raise TrialpoolError(f"effect = {_shown(effect)}: the limits do not enclose the estimate")
    return effect


def _check_baseline(baseline: float) -> None:
    if not 0 < baseline < 1:
        raise TrialpoolError(f"baseline = {baseline:g}: a risk lies between 0 and 1, both excluded")


def _shown(effect: Bounded) -> str:
    return f"{effect.estimate:g} ({effect.lb:g} to {effect.ub:g})"


def _whole(people: float) -> int:
    """The nearest whole number; halves away from 0, as readers round them."""
    return int(copysign(floor(sure(abs(people)) + 0.5), people))
