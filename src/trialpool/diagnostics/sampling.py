"""How the results of trials come about: draws of effects and variances around true effects.

A sampling model is a function of (generator, true effects (k, B)) that returns `Drawn`. The base
is the normal model with known variances, which pooling itself assumes; the others draw what the
trials observe (means, SDs, counts) and compute effect and variance from it, as the review does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from scipy.special import expit, logit, ndtr

from trialpool.effects.binary import log_odds_ratio, log_risk_ratio
from trialpool.effects.continuous import mean_difference, standardised_mean_difference
from trialpool.effects.registry import Estimate
from trialpool.pooling.subsets import Mask
from trialpool.results import Array


class Drawn(NamedTuple):
    """Effects and variances (k, B); `used` is False where a trial gives none."""

    y: Array
    v: Array
    used: Mask | None = None


Sampling = Callable[[Generator, Array], Drawn]


def known_variances(vi: Array) -> Sampling:
    """Normal effects whose variances vi (k,) are known."""
    v = vi[:, np.newaxis]

    def draw(rng: Generator, theta: Array) -> Drawn:
        y = theta + np.sqrt(v) * rng.standard_normal(theta.shape)
        return Drawn(y, np.broadcast_to(v, y.shape))

    return draw


def standardised(n1: Array, n2: Array, *, variance: str, correction: str) -> Sampling:
    """SMDs from normal scores in two arms of n1 and n2 people (k,), with SD 1 in truth."""
    n1, n2 = n1[:, np.newaxis], n2[:, np.newaxis]

    def draw(rng: Generator, theta: Array) -> Drawn:
        diff = theta + np.sqrt(1 / n1 + 1 / n2) * rng.standard_normal(theta.shape)
        sd1, sd2 = _sd(rng, n1, theta.shape), _sd(rng, n2, theta.shape)
        return _drawn(
            standardised_mean_difference(
                diff, sd1, n1, np.zeros(()), sd2, n2, variance=variance, correction=correction
            )
        )

    return draw


def raw_difference(n1: Array, sd1: Array, n2: Array, sd2: Array) -> Sampling:
    """Differences of means of normal scores in two arms with SDs sd1 and sd2 in truth; all (k,)."""
    n1, sd1, n2, sd2 = (x[:, np.newaxis] for x in (n1, sd1, n2, sd2))

    def draw(rng: Generator, theta: Array) -> Drawn:
        se = np.sqrt(sd1**2 / n1 + sd2**2 / n2)
        diff = theta + se * rng.standard_normal(theta.shape)
        one, two = sd1 * _sd(rng, n1, theta.shape), sd2 * _sd(rng, n2, theta.shape)
        return _drawn(mean_difference(diff, one, n1, np.zeros(()), two, n2))

    return draw


def counts(measure: str, n1: Array, n2: Array, control_risk: Array) -> Sampling:
    """Log odds or risk ratios from binomial counts; control_risk (k,) strictly within 0 and 1.

    Zero cells are corrected and trials without events left out as in the review. No risk is above
    1, whatever the risk ratio: `beyond_one` says how often that would matter.
    """
    # A control that is divided among arms may leave half a person.
    n1, n2, risk = (x[:, np.newaxis] for x in (np.rint(n1), np.rint(n2), control_risk))

    def draw(rng: Generator, theta: Array) -> Drawn:
        other = expit(logit(risk) + theta) if measure == "OR" else risk * np.exp(theta)
        a = rng.binomial(n1.astype(np.int64), np.minimum(other, 1.0)).astype(np.float64)
        c = rng.binomial(n2.astype(np.int64), risk, theta.shape).astype(np.float64)
        effect = log_odds_ratio if measure == "OR" else log_risk_ratio
        return _drawn(effect(a, np.broadcast_to(n1, a.shape), c, np.broadcast_to(n2, a.shape)))

    return draw


def beyond_one(control_risk: Array, mu: float, tau2: float) -> float:
    """Share of true log risk ratios, normal (mu, tau2), that would put a risk above 1."""
    with np.errstate(divide="ignore"):
        return float(ndtr((mu + np.log(control_risk)) / np.sqrt(np.float64(tau2))).mean())


def _sd(rng: Generator, n: Array, shape: tuple[int, ...]) -> Array:
    """SDs of samples of n from a normal distribution of SD 1."""
    return np.sqrt(rng.chisquare(n - 1, shape) / (n - 1))


def _drawn(effects: Estimate) -> Drawn:
    """Effects where the formula gives one; the places of the others hold a number all the same."""
    used = np.isfinite(effects.yi) & (effects.vi > 0) & np.isfinite(effects.vi)
    for broken, _ in effects.rules:
        used &= ~broken
    if used.all():
        return Drawn(effects.yi, effects.vi)
    return Drawn(np.where(used, effects.yi, 0.0), np.where(used, effects.vi, 1.0), used)


def per_trial(models: list[tuple[Mask, Sampling]]) -> Sampling:
    """Each trial by its own model: pairs of which trials (k,) and how they are drawn."""

    def draw(rng: Generator, theta: Array) -> Drawn:
        y, v = np.empty(theta.shape), np.empty(theta.shape)
        used = np.ones(theta.shape, dtype=np.bool_)
        for which, model in models:
            part = model(rng, theta[which])
            y[which], v[which] = part.y, part.v
            if part.used is not None:
                used[which] = part.used
        return Drawn(y, v, None if used.all() else used)

    return draw
