"""What holds for every set of studies, whatever the numbers."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from formulas import generalised_q, log_likelihood, score, tau2_of
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import gammaincinv

import trialpool as tp
from trialpool.pooling.tau2 import estimators_of
from trialpool.results import Pooled

Studies = tuple[NDArray[np.float64], NDArray[np.float64]]
CODES = sorted(estimators_of("effects"))
RANDOM = [code for code in CODES if code != "EE"]

quick = settings(max_examples=30, deadline=None, derandomize=True)


@st.composite
def studies(draw: st.DrawFn, min_k: int = 3) -> Studies:
    """3 to 12 studies, variances over four orders of magnitude."""
    k = draw(st.integers(min_k, 12))
    y = draw(st.lists(st.integers(-3000, 3000), min_size=k, max_size=k))
    v = draw(st.lists(st.floats(-3, 1), min_size=k, max_size=k))
    return np.array(y) / 1000, 10.0 ** np.array(v)


def _numbers(fit: Pooled) -> dict[str, float]:
    out = {f.name: getattr(fit, f.name) for f in fields(fit)}
    return {name: value for name, value in out.items() if isinstance(value, float)}


@pytest.mark.parametrize("code", CODES)
@quick
@given(data=studies(), seed=st.integers(0, 1000))
def test_order_of_studies_is_irrelevant(code: str, data: Studies, seed: int) -> None:
    """Shuffled studies give the same numbers and the same weights, shuffled."""
    y, v = data
    order = np.random.default_rng(seed).permutation(len(y))
    one, two = tp.pool(y, v, tau2=code), tp.pool(y[order], v[order], tau2=code)
    for name, value in _numbers(one).items():
        assert _numbers(two)[name] == pytest.approx(value, rel=1e-7, abs=1e-9, nan_ok=True), name
    assert two.weights == pytest.approx(one.weights[order], rel=1e-7)


@pytest.mark.parametrize("code", CODES)
@quick
@given(data=studies(), shift=st.integers(-64, 64))
def test_a_shift_moves_only_the_estimate(code: str, data: Studies, shift: int) -> None:
    """For yi + c: estimate and intervals move by c; tau2, SE, Q, I2 and weights stay."""
    y, v = data
    one, two = tp.pool(y, v, tau2=code), tp.pool(y + shift, v, tau2=code)
    for name in ("beta", "ci_lb", "ci_ub", "pi_lb", "pi_ub"):
        moved = getattr(two, name) - shift
        assert moved == pytest.approx(getattr(one, name), rel=1e-7, abs=1e-9, nan_ok=True)
    for name in ("se", "tau2", "se_tau2", "tau2_ci_lb", "tau2_ci_ub", "q", "i2", "h2"):
        value = getattr(one, name)
        assert getattr(two, name) == pytest.approx(value, rel=1e-7, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("code", CODES)
@quick
@given(data=studies(), a=st.sampled_from([-1e8, 1e-8, 1e-3, 1e8, -1.0]))
def test_the_unit_of_measurement_is_irrelevant(code: str, data: Studies, a: float) -> None:
    """For a yi, a^2 vi: everything scales by a, a^2 or not at all; relative to 1e-9."""
    y, v = data
    one, two = tp.pool(y, v, tau2=code), tp.pool(a * y, a * a * v, tau2=code)
    tiny = 1e-10 * float(v.mean())
    assert two.beta / a == pytest.approx(one.beta, rel=1e-9, abs=1e-9)
    assert two.se / abs(a) == pytest.approx(one.se, rel=1e-9)
    assert two.tau2 / a**2 == pytest.approx(one.tau2, rel=1e-9, abs=tiny)
    for name in ("tau2_ci_lb", "tau2_ci_ub", "se_tau2"):
        value = getattr(one, name)
        assert getattr(two, name) / a**2 == pytest.approx(value, rel=1e-8, abs=tiny, nan_ok=True)
    assert two.i2 == pytest.approx(one.i2, rel=1e-8, abs=1e-8)
    assert two.q == pytest.approx(one.q, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("code", CODES)
@quick
@given(data=studies(min_k=2), value=st.floats(-100, 100))
def test_equal_effects_have_no_heterogeneity(code: str, data: Studies, value: float) -> None:
    """All yi equal: tau2 = 0 exactly."""
    _, v = data
    fit = tp.pool(np.full(len(v), value), v, tau2=code)
    assert fit.tau2 == fit.q == fit.i2_q == 0


@pytest.mark.parametrize("code", RANDOM)
@quick
@given(data=studies(min_k=2))
def test_estimates_stay_in_their_range(code: str, data: Studies) -> None:
    """tau2 >= 0, 0 <= I2 < 100, H2 >= 1, weights positive and summing to 1, hksj not under z."""
    y, v = data
    fit, plain = tp.pool(y, v, tau2=code), tp.pool(y, v, tau2=code, test="z")
    assert fit.tau2 >= 0
    assert 0 <= fit.i2 < 100
    assert fit.h2 >= 1
    assert 0 <= fit.tau2_ci_lb <= fit.tau2_ci_ub
    assert (fit.weights > 0).all()
    assert fit.weights.sum() == pytest.approx(1)
    assert fit.ci_lb < plain.ci_lb
    assert fit.ci_ub > plain.ci_ub


@pytest.mark.parametrize(("code", "restricted"), [("REML", True), ("ML", False)])
@quick
@given(data=studies(min_k=2))
def test_likelihood_estimates_solve_their_own_score(
    code: str, restricted: bool, data: Studies
) -> None:
    """The score is zero at an interior estimate and not positive at 0; no tau2 does better."""
    y, v = data
    tau2 = tau2_of(code, y, v)
    at = score(y, v, tau2, restricted=restricted)
    size = float((1 / (v + tau2)).sum())
    if tau2 > 0:
        assert abs(at) < 1e-9 * size
    else:
        assert at <= 1e-12 * size
    grid = np.concatenate([[0], np.geomspace(1e-6, 1e3, 300)])
    best = max(log_likelihood(y, v, float(t), restricted=restricted) for t in grid)
    assert log_likelihood(y, v, tau2, restricted=restricted) >= best - 1e-9


@quick
@given(data=studies(min_k=2))
def test_score_is_the_slope_of_the_likelihood(data: Studies) -> None:
    """Twice the central difference of the log-likelihood, at a few tau2."""
    y, v = data
    for t in (0.05, 0.5, 5.0):
        h = 1e-5 * t
        for restricted in (True, False):
            up = log_likelihood(y, v, t + h, restricted=restricted)
            down = log_likelihood(y, v, t - h, restricted=restricted)
            slope = score(y, v, t, restricted=restricted)
            assert (up - down) / h == pytest.approx(slope, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("code", ["PM", "EB"])
@quick
@given(data=studies(min_k=2))
def test_paule_mandel_brings_q_to_its_expectation(code: str, data: Studies) -> None:
    """Generalised Q = k - 1 at a positive estimate, below it at 0."""
    y, v = data
    tau2 = tau2_of(code, y, v)
    q = generalised_q(y, v, tau2)
    assert q == pytest.approx(len(y) - 1, rel=1e-10) if tau2 > 0 else q <= len(y) - 1


@quick
@given(data=studies(min_k=2), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_q_profile_bounds_are_quantiles_of_q(data: Studies, level: float) -> None:
    """At each bound above 0 the generalised Q is the chi-squared quantile of its tail."""
    y, v = data
    half = (len(y) - 1) / 2
    fit = tp.pool(y, v, level=level)
    bounds = (fit.tau2_ci_lb, fit.tau2_ci_ub)
    for bound, p in zip(bounds, ((1 + level) / 2, (1 - level) / 2), strict=True):
        target = 2 * float(gammaincinv(half, p))
        q = generalised_q(y, v, bound)
        assert q == pytest.approx(target, rel=1e-9) if bound > 0 else q <= target


@quick
@given(data=studies(), copies=st.integers(2, 5))
def test_copies_of_the_evidence(data: Studies, copies: int) -> None:
    """With m copies of each study: the ML tau2 and the estimate stay, SE^2 is divided by m."""
    y, v = data
    for code in ("EE", "ML", "SJ"):
        one = tp.pool(y, v, tau2=code, test="z")
        many = tp.pool(np.tile(y, copies), np.tile(v, copies), tau2=code, test="z")
        if code == "SJ":  # its divisor k - 1 is the only thing that changes
            k, km = len(y), len(y) * copies
            assert many.tau2 * (km - 1) / copies == pytest.approx(one.tau2 * (k - 1), rel=1e-9)
            continue
        assert many.tau2 == pytest.approx(one.tau2, rel=1e-7, abs=1e-10)
        assert many.beta == pytest.approx(one.beta, rel=1e-7, abs=1e-9)
        assert many.se**2 * copies == pytest.approx(one.se**2, rel=1e-7)


@pytest.mark.parametrize("code", CODES)
@quick
@given(data=studies())
def test_a_turned_sign_changes_no_conclusion(code: str, data: Studies) -> None:
    """-yi: the mirror image, same p value, same heterogeneity."""
    y, v = data
    one, two = tp.pool(y, v, tau2=code), tp.pool(-y, v, tau2=code)
    assert two.beta == pytest.approx(-one.beta, rel=1e-12, abs=1e-14)
    assert (two.pval, two.tau2, two.q) == pytest.approx((one.pval, one.tau2, one.q), rel=1e-9)


tables = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)).filter(
        lambda t: t[0] + t[1] > 0 and t[2] + t[3] > 0
    ),
    min_size=2,
    max_size=6,
)


@quick
@given(cells=tables)
def test_swapped_arms_turn_the_sign_of_counts(cells: list[tuple[int, int, int, int]]) -> None:
    """Arm 1 for arm 2: every estimate turns its sign, SE, Q and k stay; never infinite."""
    a, b, c, d = (np.array(x, dtype=float) for x in zip(*cells, strict=True))
    for measure, method in (("OR", "MH"), ("RR", "MH"), ("RD", "MH"), ("OR", "Peto")):
        one = tp.pool_counts(a, a + b, c, c + d, measure=measure, method=method)
        two = tp.pool_counts(c, c + d, a, a + b, measure=measure, method=method)
        assert two.k == one.k
        assert two.beta == pytest.approx(-one.beta, rel=1e-9, abs=1e-12, nan_ok=True)
        assert two.se == pytest.approx(one.se, rel=1e-9, nan_ok=True)
        assert two.q == pytest.approx(one.q, rel=1e-7, abs=1e-9, nan_ok=True)
        assert not any(np.isinf(x) for x in _numbers(one).values())
        assert {n for n, x in _numbers(one).items() if np.isnan(x)} == set(one.reasons)
