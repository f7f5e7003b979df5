"""The likelihoods of counts of events that generalised linear mixed models are fitted to.

Each builder gives a `GlmmProblem`: the studies with all their parameters, where to start, and what
the saturated model, with an effect of its own for every study, says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from trialpool.pooling.counts.families import (
    Binomial,
    Family,
    Hypergeometric,
    Poisson,
    hypergeometric,
    log_choose,
    saturated_binomial,
    saturated_poisson,
    support,
)
from trialpool.pooling.counts.marginal import CountModel, Rule
from trialpool.pooling.counts.newton import fit_model
from trialpool.results import NAN, Array

# Columns of the parameters. Models without random study effects have no sigma; those with one
# count per study no level.
EFFECT, TAU, LEVEL, SIGMA = range(4)

# A log mean this low gives the count 0 with certainty.
_NEVER = -1e3


class Saturated(NamedTuple):
    """Log likelihood, and Wald's statistic for equal effects, with the reason where it is NaN."""

    loglik: float
    wald: float
    reason: str = ""


class Effects(NamedTuple):
    """Each study by itself, shapes (k,).

    `yi`, `vi` with the usual half added to a zero cell: for starting values and I2 only.
    `estimate` is that of maximum likelihood, `weight` its inverse variance; where it is
    infinite the weight is 0.
    """

    yi: Array
    vi: Array
    estimate: Array
    weight: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class GlmmProblem:
    """One model of k studies.

    `start` (k, p) are first values, `per_study` the column of the
    parameter each study has for itself. `rows` counts
    the observations as BIC and AICc see them. `saturated` takes the rule of integration.
    """

    model: CountModel
    start: Array
    per_study: int | None
    effects: Effects
    rows: int
    saturated: Callable[[Rule], Saturated]


def tables(a: Array, n1: Array, c: Array, n2: Array, model: str) -> GlmmProblem:
    """Two-by-two tables, log odds ratio; columns (k,), model UM.FS, UM.RS, CM.AL or CM.EL."""
    events = a + c
    effects = _log_odds_ratios(a, n1, c, n2)
    if model == "CM.AL":
        # Given the sum of two Poisson counts, the first is binomial.
        return _shares(a, c, np.log(n1 / n2), effects)
    y, n = np.stack([a, c], axis=1), np.stack([n1, n2], axis=1)
    constant = log_choose(n, y).sum(axis=1)
    if model == "CM.EL":
        family = hypergeometric(n1, n2, events)
        low, high = support(n1, n2, events)
        effects, best = _conditional_estimates(family, a, effects, (low < a) & (a < high), constant)
        return _one_count(a, np.zeros(len(a)), constant, family, effects, best)
    best = saturated_binomial(y, n).sum(axis=1) + constant
    level = np.log((events + 0.5) / (n1 + n2 - events + 0.5))
    problem = _two_counts(y, np.zeros(y.shape), constant, Binomial(n), effects, level, best)
    if model == "UM.FS":
        return problem
    extreme = (a == 0) | (a == n1)
    first = extreme[:, np.newaxis] & np.array([True, False])
    binomial = Binomial(np.where(first, 0.0, n))
    without = replace(problem.model, y=np.where(first, 0.0, y), family=binomial)
    return _random_levels(problem, without, extreme)


def rates(x1: Array, t1: Array, x2: Array, t2: Array, model: str) -> GlmmProblem:
    """Events in person-time, log rate ratio; columns (k,), model UM.FS, UM.RS or CM.EL."""
    effects = _log_rate_ratios(x1, t1, x2, t2)
    if model == "CM.EL":
        return _shares(x1, x2, np.log(t1 / t2), effects)
    y, log_t = np.stack([x1, x2], axis=1), np.log(np.stack([t1, t2], axis=1))
    constant = -gammaln(y + 1).sum(axis=1)
    best = saturated_poisson(y).sum(axis=1) + constant
    level = np.log((x1 + x2 + 0.5) / (t1 + t2))
    problem = _two_counts(y, log_t, constant, Poisson(), effects, level, best)
    if model == "UM.FS":
        return problem
    extreme = x1 == 0
    first = extreme[:, np.newaxis] & np.array([True, False])
    without = replace(problem.model, offset=np.where(first, _NEVER, log_t))
    return _random_levels(problem, without, extreme)


def proportions(x: Array, n: Array) -> GlmmProblem:
    """Events in one arm, log odds; columns (k,)."""
    a, b = _with_half(x, n - x)
    inside = (x > 0) & (x < n)
    effects = Effects(
        yi=np.log(a / b),
        vi=1 / a + 1 / b,
        estimate=np.log(a / b),
        weight=np.where(inside, x * (n - x) / n, 0.0),
    )
    constant = log_choose(n, x)
    best = saturated_binomial(x, n) + constant
    return _one_count(x, np.zeros(len(x)), constant, Binomial(n[:, np.newaxis]), effects, best)


def incidences(x: Array, t: Array) -> GlmmProblem:
    """Events in the person-time of one arm, log rate; columns (k,)."""
    (a,) = _with_half(x)
    yi = np.log(a / t)
    constant = -gammaln(x + 1)
    effects = Effects(yi=yi, vi=1 / a, estimate=yi, weight=x)
    best = saturated_poisson(x) + constant
    return _one_count(x, np.log(t), constant, Poisson(), effects, best)


def wald(estimate: Array, weight: Array) -> float:
    """Weighted squared distances from the weighted mean; studies of weight 0 add nothing."""
    if not weight.any():
        return NAN
    return float((weight * (estimate - (weight * estimate).sum() / weight.sum()) ** 2).sum())


def _with_half(*counts: Array) -> tuple[Array, ...]:
    """The counts, with a half added to all of a study's where one of them is 0."""
    add = np.where(np.any([x == 0 for x in counts], axis=0), 0.5, 0.0)
    return tuple(x + add for x in counts)


def _log_odds_ratios(a: Array, n1: Array, c: Array, n2: Array) -> Effects:
    cells = _with_half(a, n1 - a, c, n2 - c)
    yi = np.log(cells[0] / cells[1]) - np.log(cells[2] / cells[3])
    vi = np.sum([1 / x for x in cells], axis=0)
    return Effects(yi, vi, yi, np.where(cells[0] == a, 1 / vi, 0.0))


def _log_rate_ratios(x1: Array, t1: Array, x2: Array, t2: Array) -> Effects:
    a, c = _with_half(x1, x2)
    yi, vi = np.log(a / t1) - np.log(c / t2), 1 / a + 1 / c
    return Effects(yi, vi, yi, np.where(a == x1, 1 / vi, 0.0))


def _start(effects: Effects) -> tuple[float, float]:
    """Weighted mean, and the spread that the variances leave unexplained."""
    w = 1 / effects.vi
    mean = float((w * effects.yi).sum() / w.sum())
    left = float(np.mean((effects.yi - mean) ** 2 - effects.vi))
    return mean, max(left, 0.01) ** 0.5


def _one_count(
    y: Array, offset: Array, constant: Array, family: Family, effects: Effects, best: Array
) -> GlmmProblem:
    """One count per study, its predictor offset + effect + tau z."""
    model = CountModel(
        y=y[:, np.newaxis],
        offset=offset[:, np.newaxis],
        constant=constant,
        family=family,
        x=np.ones((1, 2)),
        axis=(-1, 0),
    )
    sat = Saturated(float(best.sum()), wald(effects.estimate, effects.weight))
    start = np.tile(_start(effects), (len(y), 1))
    return GlmmProblem(
        model=model,
        start=start,
        per_study=None,
        effects=effects,
        rows=len(y),
        saturated=lambda _: sat,
    )


def _shares(x1: Array, x2: Array, offset: Array, effects: Effects) -> GlmmProblem:
    """Events of arm 1 among those of both, log odds of the share less its offset."""
    n = x1 + x2
    inside = (x1 > 0) & (x2 > 0)
    a, c = (np.where(inside, x, 1.0) for x in (x1, x2))
    effects = effects._replace(
        estimate=np.log(a / c) - offset, weight=np.where(inside, x1 * x2 / n, 0.0)
    )
    constant = log_choose(n, x1)
    best = saturated_binomial(x1, n) + constant
    return _one_count(x1, offset, constant, Binomial(n[:, np.newaxis]), effects, best)


def _two_counts(
    y: Array,
    offset: Array,
    constant: Array,
    family: Family,
    effects: Effects,
    level: Array,
    best: Array,
) -> GlmmProblem:
    """Both arms, at level + half the study's effect and level - half of it; every level free.

    Coded so, swapping the arms turns the sign of the effect and changes nothing else.
    """
    model = CountModel(
        y=y,
        offset=offset,
        constant=constant,
        family=family,
        x=np.array([[0.5, 0.5, 1.0], [-0.5, -0.5, 1.0]]),
        axis=(-1, 0, -1),
    )
    sat = Saturated(float(best.sum()), wald(effects.estimate, effects.weight))
    k = len(level)
    start = np.column_stack([np.tile(_start(effects), (k, 1)), level])
    return GlmmProblem(
        model=model,
        start=start,
        per_study=LEVEL,
        effects=effects,
        rows=2 * k,
        saturated=lambda _: sat,
    )


def _random_levels(problem: GlmmProblem, without: CountModel, extreme: np.ndarray) -> GlmmProblem:
    """The same with normal levels: their mean and standard deviation are parameters.

    `without` is the model in which arm 1 says nothing in the studies marked `extreme`.
    """
    x = np.array([[0.5, 0.5, 1.0, 1.0], [-0.5, -0.5, 1.0, 1.0]])
    levels = problem.start[:, LEVEL]
    k = len(levels)
    spread = max(float(levels.std()), 0.1)
    start = np.column_stack(
        [problem.start[:, :LEVEL], np.full(k, levels.mean()), np.full(k, spread)]
    )

    def saturated(rule: Rule) -> Saturated:
        # The effect of a study without events in arm 1 is minus infinity: arm 1 then has
        # probability 1, and only arm 2 is left. An effect is arm 1's distance from arm 2.
        levels = replace(without, x=np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]), axis=(-1, -1, 0))
        first = np.column_stack([problem.effects.yi, start[:, LEVEL], start[:, SIGMA]])
        first[:, 1] -= first[:, 0].mean() / 2
        top = fit_model(levels, first, 0, rule)
        if top.problem:
            return Saturated(NAN, NAN, f"saturated model: {top.problem}")
        shared, mine = top.hessian[:, 1:, 1:].sum(axis=0), top.hessian[:, 0, 1:]
        information = -np.diag(top.hessian[:, 0, 0]) + mine @ np.linalg.pinv(shared) @ mine.T
        theta = np.where(extreme, 0.0, top.phi[:, 0])
        ones = np.where(extreme, 0.0, 1.0)
        cross = float(ones @ information @ theta)
        total = float(ones @ information @ ones)
        stat = float(theta @ information @ theta) - cross**2 / total if total > 0 else NAN
        return Saturated(top.value, stat)

    model = replace(problem.model, x=x, axis=(-1, 1, -1, 0))
    return replace(problem, model=model, start=start, per_study=None, saturated=saturated)


def _conditional_estimates(
    family: Hypergeometric, a: Array, effects: Effects, inside: np.ndarray, constant: Array
) -> tuple[Effects, Array]:
    """Each study's conditional estimate, its information, and its likelihood there.

    Where a count is at an end of its support the estimate is infinite and its probability 1.
    """
    estimate = effects.yi.copy()
    for _ in range(100):
        b, mean, var = (part[:, 0] for part in family(estimate[:, np.newaxis]))
        step = np.where(inside, (a - mean) / np.maximum(var, 1e-300), 0.0)
        # The mean flattens out towards the ends of the support, where a full step would overshoot.
        estimate = estimate + np.clip(step, -1, 1)
        if (np.abs(step) < 1e-14 * (1 + np.abs(estimate))).all():
            break
    best = np.where(inside, a * estimate - b + constant, 0.0)
    return effects._replace(estimate=estimate, weight=np.where(inside, var, 0.0)), best
