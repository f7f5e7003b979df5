"""Bayesian random effects of counts, against sums and integrals that share no code with it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import comb, inf
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad

from trialpool.bayes import normal_normal
from trialpool.bayes.counts import binomial_normal, unbounded
from trialpool.bayes.likelihoods import LIKELIHOODS
from trialpool.effects import effect_size
from trialpool.pooling.counts.pool import pool_counts
from trialpool.results import Posterior, TrialpoolError

Array = NDArray[np.float64]
Counts = tuple[list[float], list[float], list[float], list[float]]

FEW: Counts = ([3, 5, 2], [12, 15, 10], [1, 2, 3], [12, 14, 11])
ZEROS: Counts = ([3, 0, 2, 0], [10, 9, 12, 8], [0, 0, 1, 1], [10, 9, 12, 9])
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


def below(counts: Counts, like: Callable[..., Array], scale: float, points: list[float]) -> Array:
    """P(mu < point), by Gauss-Hermite over effects, Gauss-Legendre over tau and mu."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(90)
    u, w = np.polynomial.legendre.leggauss(40)
    tau = (np.add.outer(np.arange(3), (u + 1) / 2) * 7 * scale / 3).ravel()
    prior = np.tile(w, 3) * np.exp(-((tau / scale) ** 2) / 2)

    def mass(low: float, high: float) -> float:
        edges = np.linspace(low, high, 9)
        half = np.diff(edges) / 2
        mu = (edges[:-1, np.newaxis] + half[:, np.newaxis] * (u + 1)).ravel()
        theta = mu[:, np.newaxis, np.newaxis] + tau[:, np.newaxis] * nodes
        joint = np.broadcast_to(prior, (len(mu), len(tau))).copy()
        for row in zip(*counts, strict=True):
            of_trial = like(theta.ravel(), *row).reshape(theta.shape)
            joint *= of_trial @ weights
        return float((joint.sum(axis=1) * (half[:, np.newaxis] * w).ravel()).sum())

    ends = [-10.0, *points, 10.0]
    parts = np.array([mass(*pair) for pair in pairwise(ends)])
    return np.asarray(np.cumsum(parts)[:-1] / parts.sum())


@pytest.mark.parametrize("case", CASES)
def test_the_posterior_of_an_odds_ratio_is_that_of_plain_integration(case: str) -> None:
    """To 1e-6, with the mean's quantiles where their probabilities are."""
    made = binomial_normal(*CASES[case], measure="OR", tau_scale=0.5, each=False)
    at = [made.mu_lb, made.mu, made.mu_ub]
    assert below(CASES[case], conditional, 0.5, at) == pytest.approx([0.025, 0.5, 0.975], abs=1e-6)


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
        ({"tau_scale": 0.0}, "tau_scale"),
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


@pytest.mark.parametrize(
    ("counts", "measure", "sharp"),
    [
        (([85, 80], [91, 90], [85, 70], [90, 88]), "RR", True),
        (([85, 80], [91, 90], [85, 70], [90, 88]), "OR", False),
        (([20, 18], [60, 60], [21, 15], [60, 60]), "RR", False),
        (([20.0] * 12, [60.0] * 12, [21.0] * 12, [60.0] * 12), "RR", True),
        (([20.0] * 4, [60.0] * 4, [21.0] * 4, [60.0] * 4), "OR", False),
    ],
)
def test_what_is_sharper_than_the_grid_is_refused(
    counts: Counts, measure: str, sharp: bool
) -> None:
    """A grid by the odds ratio's error gave -11 to 11 for risk ratios of high risks."""
    assert too_sharp(*counts, measure=measure) == sharp
    if sharp:
        with pytest.raises(TrialpoolError, match="normal_normal"):
            binomial_normal(*counts, measure=measure)
        return
    made = binomial_normal(*counts, measure=measure, each=False)
    effects = effect_size(measure, ai=counts[0], n1i=counts[1], ci=counts[2], n2i=counts[3])
    normal = normal_normal(effects.yi, effects.vi)
    assert (made.mu_lb, made.mu_ub) == pytest.approx((normal.mu_lb, normal.mu_ub), abs=0.06)
