"""Bayesian random effects of counts, against sums and integrals that share no code with it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import pairwise
from math import comb, inf
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.interpolate import CubicSpline
from scipy.special import betaln, gammaln, log_ndtr, logsumexp

from trialpool.bayes import normal_normal
from trialpool.bayes.counts import binomial_normal, unbounded
from trialpool.bayes.likelihoods import LIKELIHOODS
from trialpool.effects import effect_size
from trialpool.pooling.counts.pool import pool_counts
from trialpool.results import NoPosteriorError, Posterior, TrialpoolError

Array = NDArray[np.float64]
Counts = tuple[list[float], list[float], list[float], list[float]]

FEW: Counts = ([3, 5, 2], [12, 15, 10], [1, 2, 3], [12, 14, 11])
ZEROS: Counts = ([3, 0, 2, 0], [10, 9, 12, 8], [0, 0, 1, 1], [10, 9, 12, 9])
PRESSURE: Counts = ([26, 19, 10, 7], [227, 231, 152, 114], [9, 5, 5, 4], [225, 113, 145, 113])
CASES = {"few": FEW, "zeros": ZEROS}


def conditional(theta: Array, a: float, n1: float, c: float, n2: float) -> Array:
    """The likelihood of a log odds ratio from whole numbers of ways."""
    events, n, m = int(a + c), int(n1), int(n2)
    support = range(max(0, events - m), min(n, events) + 1)
    whole = sum(comb(n, x) * comb(m, events - x) * np.exp(theta * x) for x in support)
    return np.asarray(np.exp(theta * a) / whole)


def of_risks(theta: Array, a: float, n1: float, c: float, n2: float) -> Array:
    """The likelihood of a log risk ratio, the log of the control risk integrated by quadpack."""
    if a + c == 0:
        return np.ones_like(theta)

    def at(ratio: float) -> float:
        def of(risk: float) -> float:
            other = min(ratio * risk, 1.0)
            binomial = other**a * (1 - other) ** (n1 - a) * risk**c * (1 - risk) ** (n2 - c)
            return float(binomial / risk)

        top = min(1.0, 1 / ratio)
        return float(quad(of, 0, top, epsabs=0, epsrel=1e-11, limit=400)[0])

    # Between points of a fine even grid by a polynomial of nine, of the logarithm.
    knots = np.linspace(-14, 14, 561)
    logs = np.log([at(float(np.exp(x))) for x in knots])
    place = np.clip(np.searchsorted(knots, theta) - 4, 0, len(knots) - 9)
    out = np.zeros_like(theta)
    for j in range(9):
        term = logs[place + j]
        for m in range(9):
            if m != j:
                term = term * (theta - knots[place + m]) / (knots[place + j] - knots[place + m])
        out += term
    return np.asarray(np.exp(out))


def odds(theta: Array, a: float, n1: float, c: float, n2: float) -> Array:
    """The log likelihood of a log odds ratio, for counts whose whole numbers are too long."""
    x = np.arange(max(0, a + c - n2), min(n1, a + c) + 1)
    ways = betaln(x + 1, n1 - x + 1) + betaln(a + c - x + 1, n2 - a - c + x + 1)
    return np.asarray(a * theta - logsumexp(np.multiply.outer(theta, x) - ways, axis=1))


def risks(theta: Array, a: float, n1: float, c: float, n2: float) -> Array:
    """The log likelihood of a log risk ratio as the finite sum that its integral is.

    2F1(-m, b; c; z) turned to powers of 1 - z, whose coefficients are positive.
    """

    def below_0(x: Array, a: float, m: float, others: float, events: float) -> Array:
        j = np.arange(m + 1)
        terms = gammaln(others + m - j + 1) - gammaln(m - j + 1) + gammaln(events + j)
        powers = np.multiply.outer(np.log(-np.expm1(np.minimum(x, -1e-300))), j)
        return np.asarray(a * x + logsumexp(terms - gammaln(j + 1) + powers, axis=1))

    if a + c == 0:
        return np.zeros_like(theta)
    m, others = n1 - a, n2 - c
    both = below_0(theta, a, m, others, a + c), below_0(-theta, c, others, m, a + c)
    # Each is right to a factor, which is that of theta = 0.
    zero = np.zeros(1)
    level = below_0(zero, a, m, others, a + c) - below_0(zero, c, others, m, a + c)
    return np.where(theta <= 0, both[0], both[1] + level)


def kinked(mu: Array, tau: float, a: float, c: float) -> Array:
    """A risk ratio where everyone has the event, with a random effect on top, in closed form."""
    rise = a * mu + (a * tau) ** 2 / 2 + log_ndtr(-(mu + a * tau**2) / tau)
    fall = -c * mu + (c * tau) ** 2 / 2 + log_ndtr((mu - c * tau**2) / tau)
    return np.asarray(np.exp(np.logaddexp(rise, fall)))


class Plain:
    """A study's likelihood with a random effect on top, by plain sums."""

    def __init__(self, log: Callable[..., Array], row: tuple[float, ...]) -> None:
        a, b, c, d = (x + 0.5 for x in (row[0], row[1] - row[0], row[2], row[3] - row[2]))
        risk = log is risks
        self.y = math.log(a / c) + (math.log((c + d) / (a + b)) if risk else math.log(d / b))
        odds = 1 / a + 1 / b + 1 / c + 1 / d
        self.s = math.sqrt(odds - (1 / b + 1 / d + 1 / (a + b) + 1 / (c + d)) * risk)
        self.theta = self.y + self.s * np.arange(-14, 14.01, 1 / 20)
        logs = log(self.theta, *row)
        self.at = CubicSpline(self.theta, logs - logs.max())

    def __call__(self, mu: Array, tau: float) -> Array:
        ends = self.theta[[0, -1]]
        if tau < 2 * self.s:
            z = np.arange(-7.2, 7.21, 0.2)
            theta = np.clip(mu[:, np.newaxis] + tau * z, *ends)
            return np.asarray(np.exp(self.at(theta)) @ np.exp(-(z**2) / 2) / 5)
        theta = self.theta[::4]
        away = (mu[:, np.newaxis] - theta) / tau
        return np.asarray(np.exp(-(away**2) / 2) @ np.exp(self.at(theta)) * self.s / 5 / tau)


def shares(
    studies: list[Callable[[Array, float], Array]],
    centre: float,
    width: float,
    made: Posterior,
    points: int = 500,
) -> dict[str, Array]:
    """Posterior probabilities below the quantiles of a result, and below 0.

    tau by Gauss and Legendre, the mean on an even grid of `width` + 6 tau about the centre, all
    between its points by a cubic spline.
    """
    ends = {name: [getattr(made, f"{name}{end}") for end in ("_lb", "", "_ub")] for name in KNOWN}
    at = {name: np.array([*values, 0.0]) for name, values in ends.items()}
    edges = np.unique([0, *np.geomspace(width / 200, 3.5, 9), *at["tau"][:3]])
    x, w = np.polynomial.legendre.leggauss(9)
    z = np.arange(-7.2, 7.21, 0.04)
    normal = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    total, below = 0.0, {name: np.zeros(4) for name in KNOWN}
    for low, high in pairwise(edges):
        for node, weight in zip((low + high) / 2 + (high - low) / 2 * x, w, strict=True):
            reach = width + 6 * node
            mu = np.linspace(centre - reach, centre + reach, points)
            density = math.prod(study(mu, node) for study in studies)
            density = density * weight * (high - low) * math.exp(-2 * node**2)
            up_to = CubicSpline(mu, density).antiderivative()

            def share(points: Array, up_to: CubicSpline = up_to, mu: Array = mu) -> Array:
                return np.asarray(up_to(np.clip(points, mu[0], mu[-1])))

            mass = float(up_to(mu[-1]))
            total += mass
            below["mu"] += share(at["mu"])
            below["new"] += share(at["new"][:, np.newaxis] - node * z) @ normal
            below["tau"] += mass * (node < at["tau"])
    return {name: values / total for name, values in below.items()}


KNOWN = ("mu", "new", "tau")
# Counts, and where the mean is without heterogeneity: its place and how far it reaches.
WHOLE: dict[str, tuple[Counts, float, float]] = {
    "four trials": (
        ([26, 19, 10, 7], [227, 231, 152, 114], [9, 5, 5, 4], [225, 113, 145, 113]),
        0.8,
        2.0,
    ),
    "few events": (FEW, 0.5, 6.0),
    "zero cells": (ZEROS, 1.0, 14.0),
    "two without events": (([5, 0, 2], [50, 40, 60], [1, 0, 4], [50, 40, 61]), 0.2, 6.0),
    "each arm empty once": (([4, 0], [30, 200], [0, 3], [30, 100]), 0.0, 10.0),
    "high risks": (([85, 80], [91, 90], [85, 70], [90, 88]), 0.1, 2.0),
    "many people": (([2000, 2500], [5000] * 2, [1800, 2300], [5000] * 2), 0.1, 0.4),
    "many people, high risks": (([4500, 4600], [5000] * 2, [4400, 4650], [5000] * 2), 0.0, 0.5),
    "far apart": (([90, 20], [100] * 2, [20, 90], [100] * 2), 0.0, 5.0),
}


@pytest.mark.parametrize("measure", ["OR", "RR"])
@pytest.mark.parametrize("case", WHOLE)
def test_the_posterior_is_that_of_plain_integration(case: str, measure: str) -> None:
    """Each quantile has its probability to 1e-6, and so have the probabilities of a benefit."""
    counts, centre, width = WHOLE[case]
    made = binomial_normal(*counts, measure=measure, each=False)
    log = odds if measure == "OR" else risks
    studies = [Plain(log, row) for row in zip(*counts, strict=True)]
    _check(shares(list(studies), centre, width, made), made)


def test_a_kink_in_the_likelihood_of_a_risk_ratio_is_integrated() -> None:
    """Where everyone has the event the likelihood is exponential on both sides of equal risks."""
    a, c = [28, 20, 33], [29, 18, 27]
    made = binomial_normal(a, a, c, c, measure="RR", each=False)

    def of(a: int, c: int) -> Callable[[Array, float], Array]:
        return lambda mu, tau: kinked(mu, tau, a, c)

    _check(shares([of(*row) for row in zip(a, c, strict=True)], 0.0, 0.6, made, 4001), made)


def _check(below: dict[str, Array], made: Posterior) -> None:
    for name in KNOWN:
        assert below[name][:3] == pytest.approx([0.025, 0.5, 0.975], abs=1e-6), name
    assert below["mu"][3] == pytest.approx(made.p_benefit, abs=1e-6)
    assert below["new"][3] == pytest.approx(made.p_new_benefit, abs=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_the_likelihood_of_a_risk_ratio_is_that_of_quadpack(case: str) -> None:
    theta = np.linspace(-6, 6, 41)
    for row in zip(*CASES[case], strict=True):
        ours = LIKELIHOODS["RR"](theta, *row)
        theirs = np.log(of_risks(theta, *row))
        assert ours - ours.max() == pytest.approx(theirs - theirs.max(), abs=1e-8)


def test_the_likelihood_of_an_odds_ratio_is_that_of_whole_numbers() -> None:
    theta = np.linspace(-20, 20, 81)
    for row in zip(*ZEROS, strict=True):
        ours = LIKELIHOODS["OR"](theta, *row)
        theirs = np.log(conditional(theta, *row))
        assert np.diff(ours) == pytest.approx(np.diff(theirs), abs=1e-9)


@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_turning_arms_and_measure_round_turns_the_result_round(measure: str) -> None:
    a, n1, c, n2 = FEW
    one = binomial_normal(a, n1, c, n2, measure=measure, mid=0.2)
    other = binomial_normal(c, n2, a, n1, measure=measure, mid=0.2, better="higher")
    assert (one.mu, one.mu_lb, one.new_ub) == pytest.approx(
        (-other.mu, -other.mu_ub, -other.new_lb), abs=1e-7
    )
    assert one.theta_lb == pytest.approx([-x for x in other.theta_ub], abs=1e-6)
    assert (one.tau, one.p_mid, one.p_harm_mid) == pytest.approx(
        (other.tau, other.p_mid, other.p_harm_mid), abs=1e-7
    )
    assert one.p_benefit == pytest.approx(one.p_below_zero)


@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_with_many_people_it_is_the_normal_model(measure: str) -> None:
    """Counts large enough that every likelihood is normal, with heterogeneity that shows."""
    counts = ([410, 520, 370], [9000] * 3, [330, 360, 350], [9000] * 3)
    exact = binomial_normal(*counts, measure=measure)
    effects = effect_size(measure, ai=counts[0], n1i=counts[1], ci=counts[2], n2i=counts[3])
    normal = normal_normal(effects.yi, effects.vi)
    for name in ("mu", "mu_lb", "mu_ub", "tau", "tau_lb", "tau_ub", "new_lb", "new_ub"):
        assert getattr(exact, name) == pytest.approx(getattr(normal, name), abs=4e-3), name
    assert exact.theta == pytest.approx(normal.theta, abs=1e-3)


def test_without_heterogeneity_the_median_is_near_the_conditional_estimate() -> None:
    """Metafor's CM.EL with a common effect: a sharp prior of tau leaves the same likelihood."""
    counts = ([40, 52, 37], [100] * 3, [25, 29, 22], [100] * 3)
    made = binomial_normal(*counts, measure="OR", tau_scale=0.005)
    common = pool_counts(*counts, measure="OR", method="GLMM", model="CM.EL", tau2="EE")
    assert made.mu == pytest.approx(common.beta, abs=0.003)
    assert made.mu_ub - made.mu_lb == pytest.approx(common.ci_ub - common.ci_lb, rel=0.01)


@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_a_trial_without_events_tells_nothing(measure: str) -> None:
    a, n1, c, n2 = FEW
    alone = binomial_normal(*FEW, measure=measure, each=False)
    more = binomial_normal([*a, 0], [*n1, 30], [*c, 0], [*n2, 30], measure=measure, each=False)
    assert (more.mu, more.mu_lb, more.tau_ub) == pytest.approx(
        (alone.mu, alone.mu_lb, alone.tau_ub), abs=1e-7
    )


@pytest.mark.parametrize(
    ("counts", "measure", "why"),
    [
        (([3, 2], [10, 10], [0, 0], [10, 10]), "OR", "above"),
        (([3, 2], [10, 10], [0, 1], [10, 10]), "OR", ""),
        (([0, 0], [10, 10], [3, 1], [10, 10]), "RR", "below"),
        (([0, 1], [10, 10], [3, 1], [10, 10]), "RR", ""),
        # Everybody in one arm: the odds ratio has no bound, the risk ratio has.
        (([10, 10], [10, 10], [3, 4], [10, 10]), "OR", "above"),
        (([10, 10], [10, 10], [3, 4], [10, 10]), "RR", ""),
    ],
)
def test_an_effect_without_a_bound_has_no_posterior(counts: Counts, measure: str, why: str) -> None:
    said = unbounded(*counts, measure=measure)
    assert (why in said) if why else said == ""
    if why:
        with pytest.raises(TrialpoolError, match=why):
            binomial_normal(*counts, measure=measure)
    else:
        assert np.isfinite(binomial_normal(*counts, measure=measure).mu_ub)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"measure": "RD"}, "measure"),
        ({"ai": [3, 5.5, 2]}, r"ai\[1\] = 5.5: a count of people is a whole number"),
        ({"ci": [1, 20, 3]}, r"ci\[1\] = 20: more events than participants"),
        ({"tau_scale": 0.0}, "half-normal scale"),
        ({"tau_scale": 10.5}, "tau_scale = 10.5: of a log ratio, at most 10"),
        ({"mid": -1.0}, "mid"),
        ({"level": 1.0}, "level"),
        ({"better": "left"}, "better"),
    ],
)
def test_what_cannot_be_is_refused(changed: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = dict(zip(("ai", "n1i", "ci", "n2i"), FEW, strict=True))
    with pytest.raises(TrialpoolError, match=message):
        binomial_normal(**{**given, "measure": "OR", **changed})


def test_the_result_does_not_hang_on_the_units_of_the_grid() -> None:
    """A precise trial makes the grid finer: beside it, one that tells nothing changes nothing."""

    def bounds(made: Posterior) -> tuple[float, float, float]:
        return made.mu_lb, made.mu, made.mu_ub

    few = binomial_normal(*FEW, measure="OR", each=False)
    silent: Counts = tuple([*x, y] for x, y in zip(FEW, (0, 5000, 0, 5000), strict=True))  # type: ignore[assignment]
    assert bounds(binomial_normal(*silent, measure="OR", each=False)) == pytest.approx(
        bounds(few), abs=1e-7
    )
    assert inf > few.mu_ub


@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_a_true_effect_is_its_likelihood_times_what_the_others_say(measure: str) -> None:
    """Of two trials, the other one's as its prior, with a spread of sqrt(2) tau."""
    counts, _, _ = WHOLE["high risks"]
    made = binomial_normal(*counts, measure=measure)
    log = odds if measure == "OR" else risks
    first, other = (Plain(log, row) for row in zip(*counts, strict=True))
    x, w = np.polynomial.legendre.leggauss(12)
    edges = np.geomspace(1e-4, 3.5, 14)
    tau = (
        (edges[:-1] + edges[1:])[:, np.newaxis] / 2 + np.diff(edges)[:, np.newaxis] / 2 * x
    ).ravel()
    weight = (np.diff(edges)[:, np.newaxis] * w).ravel() * np.exp(-2 * tau**2)
    theta = np.linspace(first.y - 10 * first.s, first.y + 10 * first.s, 1001)
    says = sum(n * other(theta, 2**0.5 * t) for n, t in zip(weight, tau, strict=True))
    density = CubicSpline(theta, np.exp(first.at(theta)) * says).antiderivative()
    ends = [made.theta_lb[0], made.theta[0], made.theta_ub[0]]
    assert density(ends) / density(theta[-1]) == pytest.approx([0.025, 0.5, 0.975], abs=1e-4)


def test_forty_trials_of_many_people_are_the_normal_model() -> None:
    """Sharper together than any of them."""
    rng = np.random.default_rng(3)
    people = np.full(40, 5000)
    counts = rng.binomial(people, 0.3), people, rng.binomial(people, 0.28), people
    effects = effect_size("RR", **dict(zip(("ai", "n1i", "ci", "n2i"), counts, strict=True)))
    exact = binomial_normal(*counts, measure="RR", each=False)
    normal = normal_normal(effects.yi, effects.vi, each=False)
    for name in ("mu", "mu_lb", "mu_ub", "new_lb", "new_ub", "tau_ub"):
        assert getattr(exact, name) == pytest.approx(getattr(normal, name), abs=2e-4), name


def test_studies_that_rounding_would_decide_are_refused() -> None:
    """Far apart under a prior that says they cannot be; under a wider one they are not."""
    apart = ([900, 20], [1000, 1000], [20, 900], [1000, 1000])
    with pytest.raises(TrialpoolError, match="too far apart for this prior of tau"):
        binomial_normal(*apart, measure="OR", tau_scale=0.1, each=False)
    assert binomial_normal(*apart, measure="OR", tau_scale=0.5, each=False).tau > 2


@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_four_trials_take_less_than_50_ms(measure: str) -> None:
    times = []
    for _ in range(8):
        start = time.process_time()
        binomial_normal(*PRESSURE, measure=measure, each=False)
        times.append(time.process_time() - start)
    assert min(times) < 0.05


def test_rounding_at_the_end_of_a_grid_is_no_posterior_without_an_end() -> None:
    """Two small trials of a rare harm; one has no event in its controls."""
    counts = ([1, 2], [15, 14], [0, 4], [15, 14])
    one = binomial_normal(*counts, measure="RR", each=False)
    assert one.mu_lb < one.mu < one.mu_ub
    assert abs(one.mu_ub) < 5


def test_what_has_no_posterior_says_so_by_its_class() -> None:
    """A pipeline tells data without a posterior from a wrong argument."""
    with pytest.raises(NoPosteriorError, match="no events in any control arm"):
        binomial_normal([1, 2], [9, 9], [0, 0], [9, 9], measure="OR")
    far = ([0, 1000], [1000, 1000], [1000, 0], [1000, 1000])
    with pytest.raises(NoPosteriorError, match="too far apart"):
        binomial_normal(*far, measure="OR", tau_scale=0.1)
    with pytest.raises(TrialpoolError, match="tau_scale") as wrong:
        binomial_normal([1, 2], [9, 9], [2, 3], [9, 9], measure="OR", tau_scale=10.1)
    assert not isinstance(wrong.value, NoPosteriorError)
