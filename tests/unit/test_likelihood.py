"""The highest of all maxima of the likelihood, its interval and its criteria.

The second route is the textbook likelihood of tests/formulas.py, scanned densely or, for the
score, computed in rational arithmetic.
"""

from __future__ import annotations

import math

import bcg
import numpy as np
import pytest
from formulas import (
    exact_q,
    exact_score,
    generalised_q,
    likelihood_curve,
    log_likelihood,
    projection,
)
from hard import PRECISE_AND_VAGUE, SEEDS, Studies, heavy_tailed
from numpy.typing import NDArray

import trialpool as tp
from trialpool.pooling.tau2 import estimators_of
from trialpool.results import TrialpoolError

LIKELIHOODS = [("REML", True), ("ML", False)]
CHI2_95 = 3.841458820694124  # quantile .95 of chi-squared with 1 df


def scan(y: NDArray[np.float64], v: NDArray[np.float64], *, restricted: bool) -> tuple[float, int]:
    """The highest likelihood on a dense grid of tau2, and how many local maxima it has there."""
    far = 1e3 * v.max() + 10 * np.ptp(y) ** 2
    t = np.concatenate([[0.0], np.geomspace(1e-4 * v.min(), far, 3000)])
    curve = likelihood_curve(y, v, t, restricted=restricted)
    rises = np.diff(curve) > 0
    return float(curve.max()), int(not rises[0]) + int((rises[:-1] & ~rises[1:]).sum())


def scattered(seed: int) -> Studies:
    """2 to 12 studies, variances log-uniform over six orders, with heterogeneity or without."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 13))
    v = 10 ** rng.uniform(-6, 0, k)
    spread = 10 ** rng.uniform(-8, 1) * rng.integers(0, 2)
    return rng.normal(0, np.sqrt(v * rng.uniform(0.1, 3) + spread)), v


def groups(seed: int) -> Studies:
    """Precise studies that agree, vague ones far off: what makes likelihoods bend."""
    rng = np.random.default_rng(seed)
    precise, vague = rng.integers(2, 6, 2)
    v = np.r_[10 ** rng.uniform(-6, -3, precise), 10 ** rng.uniform(-1, 1, vague)]
    far = rng.normal(0, 10 ** rng.uniform(0, 1), vague)
    return np.r_[rng.normal(0, np.sqrt(v[:precise])), far], v


FAMILIES = {
    "two groups": [PRECISE_AND_VAGUE, *map(groups, range(40))],
    "scattered": [scattered(seed) for seed in range(40)],
    "several maxima": [heavy_tailed(seed) for seeds in SEEDS.values() for seed in seeds],
}


@pytest.mark.parametrize(("code", "restricted"), LIKELIHOODS)
@pytest.mark.parametrize("family", FAMILIES)
def test_no_tau2_is_more_likely(family: str, code: str, restricted: bool) -> None:
    """The estimate is as high as the top of a dense scan; the number of maxima is that counted.

    More than one is said in words beside the result.
    """
    for number, (y, v) in enumerate(FAMILIES[family]):
        fit = tp.pool(y, v, tau2=code)
        top, maxima = scan(y, v, restricted=restricted)
        own = log_likelihood(y, v, fit.tau2, restricted=restricted)
        assert own >= top - 1e-10 * abs(top), number
        assert fit.loglik == pytest.approx(own, rel=1e-11, abs=1e-11), number
        assert fit.maxima == maxima, number
        assert fit.converged
        said = f"The likelihood of tau2 has {maxima} separate maxima; the highest one is reported."
        assert (said in fit.cautions) == (maxima > 1)


def test_the_families_hold_what_they_promise() -> None:
    """Both likelihoods with one, two and three maxima are among the data above."""
    for code, _ in LIKELIHOODS:
        seen = {tp.pool(y, v, tau2=code).maxima for sets in FAMILIES.values() for y, v in sets}
        assert seen == {1, 2, 3}


@pytest.mark.parametrize(("code", "restricted"), LIKELIHOODS)
@pytest.mark.parametrize("seed", range(12))
def test_the_score_is_zero_in_rational_arithmetic(seed: int, code: str, restricted: bool) -> None:
    """Without any rounding the score changes its sign within 1e-11 of the estimate."""
    for y, v in (scattered(seed), groups(seed), heavy_tailed(seed)):
        tau2 = tp.pool(y, v, tau2=code).tau2
        assert exact_score(y, v, tau2 * (1 + 1e-11), restricted=restricted) < 0
        if tau2 > 0:
            assert exact_score(y, v, tau2 * (1 - 1e-11), restricted=restricted) > 0


@pytest.mark.parametrize("code", ["PM", "EB"])
@pytest.mark.parametrize("seed", range(12))
def test_paule_mandel_in_rational_arithmetic(seed: int, code: str) -> None:
    """The generalised Q crosses its expectation within 1e-11; it falls, so there is one root."""
    for y, v in (scattered(seed), groups(seed), heavy_tailed(seed)):
        fit = tp.pool(y, v, tau2=code)
        assert (fit.maxima, fit.converged) == (1, True)
        df = len(y) - 1
        if fit.tau2 > 0:
            assert (
                exact_q(y, v, fit.tau2 * (1 + 1e-11)) < df < exact_q(y, v, fit.tau2 * (1 - 1e-11))
            )
        else:
            assert exact_q(y, v, 0.0) <= df


@pytest.mark.parametrize("ratio", [1e12, 1e15, 1e16])
@pytest.mark.parametrize(("code", "restricted"), LIKELIHOODS)
def test_one_dominant_study_hides_no_maximum(code: str, restricted: bool, ratio: float) -> None:
    """Variances as far apart as floats have digits, and an outlier: still the highest maximum."""
    for seed in range(25):
        _dominated(seed, code, ratio, restricted=restricted)


def test_dominance_beyond_the_digits_of_a_float() -> None:
    """At 1e18 the maximum of the likelihood must not be taken for 0 either, nor called proven."""
    for seed in range(25):
        _dominated(seed, "ML", 1e18, restricted=False)


def _dominated(seed: int, code: str, ratio: float, *, restricted: bool) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 7))
    v = 10 ** rng.uniform(-1, 0, k)
    v[0] = 1 / ratio
    y = rng.normal(0, 1, k) * 10 ** rng.uniform(-np.log10(ratio) / 2, 2, k)
    tau2 = tp.pool(y, v, tau2=code).tau2
    t = np.concatenate([[0.0], np.geomspace(1e-4 / ratio, 1e3 + 10 * np.ptp(y) ** 2, 3000)])
    top = likelihood_curve(y, v, t, restricted=restricted).max()
    own = likelihood_curve(y, v, np.array([tau2]), restricted=restricted)[0]
    assert own >= top - 1e-9 * abs(top), seed


@pytest.mark.parametrize(("code", "restricted"), LIKELIHOODS)
def test_a_tie_of_two_maxima(code: str, restricted: bool) -> None:
    """Where both maxima are equally high either is right; a step aside the right one is taken.

    As a vague effect moves away the estimate jumps from one maximum to the other; the place is
    bracketed to the last digit, and the textbook likelihood is equally high on both sides.
    """
    precise, v = PRECISE_AND_VAGUE

    def data(far: float) -> NDArray[np.float64]:
        return np.array([*precise[:3], far, -1.0])

    def at(far: float) -> float:
        return tp.pool(data(far), v, tau2=code).tau2

    near, far = 0.0, 8.0
    while (middle := (near + far) / 2) not in (near, far):
        near, far = (middle, far) if at(middle) < 0.1 else (near, middle)
    low, high = at(near), at(far)
    assert 1e-4 < low < 1e-3 < 1 < high
    heights = [log_likelihood(data(far), v, t, restricted=restricted) for t in (low, high)]
    assert heights[0] == pytest.approx(heights[1], abs=1e-12)
    for side, expected in ((1 - 1e-6, low), (1 + 1e-6, high)):
        fit = tp.pool(data(far * side), v, tau2=code)
        assert fit.maxima == 2
        assert fit.tau2 == pytest.approx(expected, rel=1e-4)


def test_equal_studies_are_one_study_many_times() -> None:
    """Ties among the studies: equal variances have the closed form max(0, SS/(k - 1) - v)."""
    y, v = np.array([0.1, 0.1, 0.9, 0.9, 0.5]), np.full(5, 0.05)
    ss = float(((y - y.mean()) ** 2).sum())
    assert tp.pool(y, v, tau2="REML").tau2 == pytest.approx(ss / 4 - 0.05, rel=1e-13)
    assert tp.pool(y, v, tau2="ML").tau2 == pytest.approx(ss / 5 - 0.05, rel=1e-13)
    assert tp.pool(y, v + ss, tau2="REML").tau2 == 0.0


@pytest.mark.parametrize("code", sorted(estimators_of("effects")))
@pytest.mark.parametrize("a", [1e-8, 1e-5, 1e-3, 1e3, 1e5, 1e8])
def test_units_do_not_matter(code: str, a: float) -> None:
    """For (a yi, a^2 vi) tau2 is a^2 times as large, to 1e-9, from a = 1e-8 to 1e8."""
    for y, v in (PRECISE_AND_VAGUE, (bcg.Y, bcg.V), heavy_tailed(35), scattered(3)):
        one, two = tp.pool(y, v, tau2=code), tp.pool(a * y, a * a * v, tau2=code)
        assert two.tau2 == pytest.approx(a * a * one.tau2, rel=1e-9)
        assert two.tau2_ci_ub == pytest.approx(a * a * one.tau2_ci_ub, rel=1e-9, nan_ok=True)
        assert (two.maxima, two.converged) == (one.maxima, one.converged)
        assert two.i2 == pytest.approx(one.i2, rel=1e-9, abs=1e-12)
        shift = math.log(a) * (len(y) - (code == "REML"))
        assert two.loglik == pytest.approx(one.loglik - shift, rel=1e-9, abs=1e-8)


# --- profile-likelihood interval -----------------------------------------------------------------


@pytest.mark.parametrize(("code", "restricted"), LIKELIHOODS)
@pytest.mark.parametrize("family", FAMILIES)
def test_profile_likelihood_bounds_by_definition(family: str, code: str, restricted: bool) -> None:
    """At a bound the log-likelihood is chi2/2 below its maximum; a bound of 0 lies above that.

    Hardy & Thompson 1996: the values that a likelihood-ratio test with 1 df does not reject.
    """
    for y, v in FAMILIES[family][:15]:
        fit = tp.pool(y, v, tau2=code, tau2_ci="PL")
        floor = log_likelihood(y, v, fit.tau2, restricted=restricted) - CHI2_95 / 2
        assert fit.tau2_ci_lb <= fit.tau2 < fit.tau2_ci_ub
        high = log_likelihood(y, v, fit.tau2_ci_ub, restricted=restricted)
        assert high == pytest.approx(floor, abs=1e-9)
        low = log_likelihood(y, v, fit.tau2_ci_lb, restricted=restricted)
        assert low == pytest.approx(floor, abs=1e-9) if fit.tau2_ci_lb > 0 else low >= floor
        # Nothing in between is rejected: it is one piece about the maximum.
        inside = np.linspace(fit.tau2_ci_lb, fit.tau2_ci_ub, 400)[1:-1]
        if fit.maxima == 1:
            assert (likelihood_curve(y, v, inside, restricted=restricted) > floor).all()
        assert fit.tau2_ci_method == "PL"


def test_profile_likelihood_of_bcg() -> None:
    """Intervals of I2 and H2 are those of tau2; a higher level is wider; EE-like data touch 0."""
    fit = tp.pool(bcg.Y, bcg.V, tau2="ML", tau2_ci="PL")
    wide = tp.pool(bcg.Y, bcg.V, tau2="ML", tau2_ci="PL", level=0.99)
    assert wide.tau2_ci_lb < fit.tau2_ci_lb < fit.tau2 < fit.tau2_ci_ub < wide.tau2_ci_ub
    typical = fit.tau2 * (100 - fit.i2) / fit.i2
    for side in ("lb", "ub"):
        t = getattr(fit, f"tau2_ci_{side}")
        assert getattr(fit, f"i2_ci_{side}") == pytest.approx(100 * t / (t + typical), rel=1e-10)
        assert getattr(fit, f"h2_ci_{side}") == pytest.approx(1 + t / typical, rel=1e-10)
    alike = tp.pool(np.zeros(5), np.ones(5), tau2_ci="PL")
    assert alike.tau2 == alike.tau2_ci_lb == 0 < alike.tau2_ci_ub


@pytest.mark.parametrize(
    "code", [code for code in estimators_of("effects") if code not in ("ML", "REML")]
)
def test_profile_likelihood_needs_a_likelihood(code: str) -> None:
    """Estimators that maximise nothing have no profile: the error says what to take instead."""
    message = f"tau2_ci = 'PL': only ML and REML maximise a likelihood, tau2 = '{code}' does not; "
    for call in (tp.pool, tp.pool_many):
        with pytest.raises(TrialpoolError) as caught:
            call(bcg.Y, bcg.V, tau2=code, tau2_ci="PL")
        assert str(caught.value) == message + "take 'QP'"


@pytest.mark.parametrize("code", ["ML", "REML"])
def test_profile_likelihood_of_one_study_ends(code: str) -> None:
    """One study's likelihood is flat: NaN with the reason, alone and in a batch."""
    fit = tp.pool([0.3], [0.04], tau2=code, tau2_ci="PL")
    assert math.isnan(fit.tau2_ci_ub)
    assert fit.reasons["tau2_ci_ub"] == "k < 2"
    mask = np.array([[True, False, False], [True, True, True]])
    many = tp.pool_many([0.3, 0.5, 0.9], [0.04, 0.05, 0.1], mask, tau2=code, tau2_ci="PL")
    whole = tp.pool([0.3, 0.5, 0.9], [0.04, 0.05, 0.1], tau2=code, tau2_ci="PL")
    assert math.isnan(many.tau2_ci_lb[0])
    assert many.tau2_ci_ub[1] == pytest.approx(whole.tau2_ci_ub, rel=1e-12)


# --- criteria ------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(estimators_of("effects")))
def test_information_criteria_by_hand(code: str) -> None:
    """AIC = -2 ll + 2p, BIC = -2 ll + p log n, AICc = AIC + 2p(p + 1)/(n - p - 1).

    p counts the mean and, but for EE, tau2; n is k, for REML k - 1 (Hurvich & Tsai 1989). The
    log-likelihood is the restricted one for REML and the full one for every other estimator.
    """
    fit = tp.pool(bcg.Y, bcg.V, tau2=code)
    p, n = (1 if code == "EE" else 2), (12 if code == "REML" else 13)
    assert fit.loglik == pytest.approx(
        log_likelihood(bcg.Y, bcg.V, fit.tau2, restricted=code == "REML"), rel=1e-13
    )
    assert fit.aic == pytest.approx(2 * p - 2 * fit.loglik, rel=1e-14)
    assert fit.bic == pytest.approx(p * math.log(n) - 2 * fit.loglik, rel=1e-14)
    assert fit.aicc == pytest.approx(fit.aic + 2 * p * (p + 1) / (n - p - 1), rel=1e-14)


def test_aicc_of_very_few_studies_is_finite() -> None:
    """Its denominator n - p - 1 would be 0 or less: n is taken as p + 2 at least, as in metafor."""
    for k in (2, 3, 4):
        fit = tp.pool(bcg.Y[:k], bcg.V[:k])
        assert fit.aicc == pytest.approx(2 * 2 * 4 - 2 * fit.loglik, rel=1e-14)


def test_log_likelihood_is_the_normal_density() -> None:
    """Full: the sum of normal log densities about the estimate; restricted: by determinants."""
    fit = tp.pool(bcg.Y, bcg.V, tau2="ML")
    s2 = bcg.V + fit.tau2
    density = np.exp(-((bcg.Y - fit.beta) ** 2) / (2 * s2)) / np.sqrt(2 * np.pi * s2)
    assert fit.loglik == pytest.approx(float(np.log(density).sum()), rel=1e-13)
    fit = tp.pool(bcg.Y, bcg.V, tau2="REML")
    w, x = 1 / (bcg.V + fit.tau2), np.ones((13, 1))
    value = 12 * math.log(2 * math.pi) - np.log(w).sum() + math.log(w.sum()) - math.log(13)
    value += float(bcg.Y @ projection(w, x) @ bcg.Y)
    assert fit.loglik == pytest.approx(-value / 2, rel=1e-13)


def test_reported_q_is_at_tau2_zero() -> None:
    """Cochran's Q is the generalised Q at 0, whatever the estimator."""
    for code, test in (("REML", "hksj"), ("EE", "z"), ("SJ", "knha")):
        fit = tp.pool(bcg.Y, bcg.V, tau2=code, test=test)
        assert fit.q == pytest.approx(generalised_q(bcg.Y, bcg.V, 0.0), rel=1e-13)
