"""Predicted study effects, the Henmi-Copas interval and the permutation test."""

from __future__ import annotations

import math
from itertools import permutations, product

import bcg
import numpy as np
import pytest
from fields import differing
from formulas import projection
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import gamma, norm

import trialpool as tp
from trialpool.pooling import henmi_copas as module
from trialpool.pooling.blup import blup
from trialpool.pooling.henmi_copas import henmi_copas
from trialpool.pooling.permutation import permutation_test
from trialpool.pooling.tau2 import estimators_of
from trialpool.results import TrialpoolError

Array = NDArray[np.float64]
DESIGN = np.column_stack([np.ones(13), bcg.LATITUDE - 33])
RANDOM = [code for code in estimators_of("effects") if code != "EE"]

# --- blup ----------------------------------------------------------------------------------------


def henderson(v: Array, x: Array, tau2: float) -> tuple[Array, Array]:
    """Left side of the mixed-model equations and the factor of y on the right (Henderson 1950)."""
    r, k = 1 / v, len(v)
    left = np.block(
        [
            [x.T @ (r[:, np.newaxis] * x), x.T * r],
            [r[:, np.newaxis] * x, np.diag(r) + np.eye(k) / tau2],
        ]
    )
    return left, np.vstack([x.T * r, np.diag(r)])


@pytest.mark.parametrize("code", ["DL", "ML", "REML", "SJ"])
@pytest.mark.parametrize("x", [None, DESIGN], ids=["mean", "latitude"])
def test_blups_solve_the_mixed_model_equations(x: Array | None, code: str) -> None:
    """Fixed and random effects at once; the inverse of their matrix holds the error variances.

    Robinson 1991, Stat Sci 6:15. Under z, so that the errors are those of the equations.
    """
    design = np.ones((13, 1)) if x is None else x
    found = blup(bcg.Y, bcg.V, x, tau2=code, test="z", level=0.9)
    tau2 = tp.regress(bcg.Y, bcg.V, design, tau2=code).tau2
    left, right = henderson(bcg.V, design, tau2)
    solution, error = np.linalg.solve(left, right @ bcg.Y), np.linalg.inv(left)
    p = design.shape[1]
    both = np.hstack([design, np.eye(13)])
    se = np.sqrt(np.diag(both @ error @ both.T))
    assert found.ranef == pytest.approx(solution[p:], rel=1e-9)
    assert found.ranef_se == pytest.approx(np.sqrt(np.diag(error)[p:]), rel=1e-9)
    assert found.pred == pytest.approx(both @ solution, rel=1e-9)
    assert found.se == pytest.approx(se, rel=1e-9)
    z = 1.6448536269514722
    assert found.pi_lb == pytest.approx(found.pred - z * se, rel=1e-9)
    assert found.ranef_pi_ub == pytest.approx(found.ranef + z * found.ranef_se, rel=1e-9)


@pytest.mark.parametrize("code", RANDOM)
def test_blups_lie_between_the_study_and_the_model(code: str) -> None:
    """The share of its own effect that a study keeps is tau2/(tau2 + vi); t quantile under hksj."""
    found = blup(bcg.Y, bcg.V, tau2=code)
    fit = tp.pool(bcg.Y, bcg.V, tau2=code)
    low, high = np.minimum(bcg.Y, fit.beta), np.maximum(bcg.Y, fit.beta)
    assert ((found.pred > low) & (found.pred < high)).all()
    kept = (found.pred - fit.beta) / (bcg.Y - fit.beta)
    assert kept == pytest.approx(fit.tau2 / (fit.tau2 + bcg.V), rel=1e-9)
    assert found.ranef == pytest.approx(found.pred - fit.beta, rel=1e-9, abs=1e-14)
    reach = 2.178812829663418  # t, 12 df
    assert found.pi_ub - found.pred == pytest.approx(reach * found.se, rel=1e-10)


def test_blups_without_heterogeneity_are_the_mean() -> None:
    """tau2 = 0: every study has the common effect, with its standard error and no random effect."""
    y = np.array([0.1, 0.11, 0.09])
    found, fit = blup(y, [0.1, 0.2, 0.3]), tp.pool(y, [0.1, 0.2, 0.3])
    assert fit.tau2 == 0
    assert found.pred == pytest.approx([fit.beta] * 3, rel=1e-13)
    assert found.se == pytest.approx([fit.se] * 3, rel=1e-13)
    assert (found.ranef == 0).all()
    assert (found.ranef_se == 0).all()


def test_blups_need_random_effects() -> None:
    """The common-effect model has one effect: an error says so."""
    with pytest.raises(TrialpoolError, match="in a common-effect model every true effect is the"):
        blup(bcg.Y, bcg.V, tau2="EE")


# --- Henmi-Copas ---------------------------------------------------------------------------------


def by_definition(y: Array, v: Array, level: float) -> tuple[float, float, float]:
    """Estimate, SE and reach of the interval from Henmi & Copas 2010, section 3.

    U = (b - mu)/se0 is normal. Given U, the effects are normal with mean and covariance by
    regression, and Q = y'Py is taken as gamma with the mean and variance of a quadratic form.
    """
    k, w = len(y), 1 / v
    p = projection(w, np.ones((k, 1)))
    whole = float(w.sum())
    room = whole - float((w**2).sum()) / whole
    tau2 = max(0.0, float(y @ p @ y - (k - 1)) / room)
    s = np.diag(v + tau2)
    a = w / math.sqrt(whole)  # U = a'(y - mu)
    var = float(a @ s @ a)
    cov = s - np.outer(s @ a, s @ a) / var
    ps = p @ cov
    spread0, slope = 2 * float(np.trace(ps @ ps)), s @ a / var

    def below(u: float, t: float) -> float:
        m = u * slope
        mean = float(np.trace(ps) + m @ p @ m)
        spread = spread0 + 4 * float(m @ p @ cov @ p @ m)
        # |U| > t se(tau2_DL) sqrt(whole) where tau2_DL stays below its bound, so Q below its own.
        bound = ((u / t) ** 2 - 1) / (float((w**2).sum()) / whole) * room + k - 1
        return float(gamma.cdf(bound, mean**2 / spread, scale=spread / mean))

    def exceeds(t: float) -> float:
        def inside(u: float) -> float:
            return below(u, t) * float(norm.pdf(u / math.sqrt(var))) / math.sqrt(var)

        far = t + 12 * math.sqrt(var)
        return 2 * quad(inside, t, far, limit=400, epsabs=1e-13, epsrel=1e-12)[0]

    reach = brentq(lambda t: exceeds(t) - (1 - level), 0.1, 50, xtol=1e-12)
    se = math.sqrt(var / whole)
    return float((w * y).sum() / whole), se, float(reach) * se


def test_henmi_copas_of_bcg_as_in_metafor() -> None:
    """hc() of metafor 5.1-12 with its tolerances tightened (default ones: to four digits)."""
    found = henmi_copas(bcg.Y, bcg.V)
    assert found.beta == pytest.approx(-0.43028516365409103, rel=1e-10)
    assert found.se == pytest.approx(0.28354435135524986, rel=1e-10)
    assert found.ci_lb == pytest.approx(-1.15554876193203, rel=1e-8)
    assert found.ci_ub == pytest.approx(0.29497843462384793, rel=1e-8)
    assert found.tau2 == pytest.approx(0.3087602628623762, rel=1e-9)


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("k", [4, 13])
def test_henmi_copas_by_definition(k: int, level: float) -> None:
    """Matrices and adaptive quadrature instead of closed sums and fixed nodes; p at its bound."""
    y, v = bcg.Y[:k], bcg.V[:k]
    found, (beta, se, reach) = henmi_copas(y, v, level=level), by_definition(y, v, level)
    assert (found.beta, found.se) == pytest.approx((beta, se), rel=1e-11)
    assert (found.ci_ub - found.beta) == pytest.approx(reach, rel=1e-8)
    # Moved so that 0 is at the bound of the interval, the p value is 1 - level.
    edge = henmi_copas(y - found.ci_lb, v, level=level)
    assert edge.pval == pytest.approx(1 - level, rel=1e-9)


@pytest.mark.parametrize(("nodes", "panels"), [(20, 16), (40, 32), (80, 60)])
def test_henmi_copas_does_not_hang_on_its_quadrature(
    nodes: int, panels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half as many nodes or eight times as many: the same to 1e-10, p values near 1 included."""
    near_zero = bcg.Y - henmi_copas(bcg.Y, bcg.V).beta + 1e-5
    sets = [(bcg.Y, bcg.V), (bcg.Y[:3], bcg.V[:3]), (near_zero, bcg.V)]
    sets += [(np.array([0, 0, 0, 0.1]), np.ones(4))]
    before = [henmi_copas(y, v) for y, v in sets]
    x, w = np.polynomial.legendre.leggauss(nodes)
    monkeypatch.setattr(module, "_NODES", x)
    monkeypatch.setattr(module, "_WEIGHTS", w)
    monkeypatch.setattr(module, "_PANELS", panels)
    for (y, v), one in zip(sets, before, strict=True):
        assert not differing(henmi_copas(y, v), one, rel=1e-10)


def test_henmi_copas_without_heterogeneity() -> None:
    """tau2 = 0: centre and SE of the common effect, an interval that still allows for some."""
    y, v = np.array([0.1, 0.11, 0.09, 0.1]), np.full(4, 0.05)
    found, common = henmi_copas(y, v), tp.pool(y, v, tau2="EE", test="z")
    assert found.tau2 == 0
    assert (found.beta, found.se) == pytest.approx((common.beta, common.se), rel=1e-13)
    assert found.ci_ub > found.beta + 1.5 * found.se


@pytest.mark.parametrize("a", [1e-8, -1.0, 1e8])
def test_henmi_copas_scales(a: float) -> None:
    """Unit and sign of the effects: the interval follows, the p value stays."""
    one, two = henmi_copas(bcg.Y, bcg.V), henmi_copas(a * bcg.Y, a * a * bcg.V)
    assert two.beta == pytest.approx(a * one.beta, rel=1e-12)
    ends = sorted([a * one.ci_lb, a * one.ci_ub])
    assert [two.ci_lb, two.ci_ub] == pytest.approx(ends, rel=1e-9)
    assert two.pval == pytest.approx(one.pval, rel=1e-9)


# --- permutation test ----------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "test"), [("REML", "z"), ("DL", "knha"), ("EE", "z")])
def test_all_orders_by_brute_force(code: str, test: str) -> None:
    """Share of the 120 orders of five rows whose statistics are no smaller than the observed."""
    y, v = bcg.Y[:5], bcg.V[:5]
    x = np.column_stack([np.ones(5), bcg.LATITUDE[:5], [0, 1, 0, 0, 1]])
    fits = [
        tp.regress(y, v, x[list(order)], tau2=code, test=test) for order in permutations(range(5))
    ]
    z = np.abs([fit.zval for fit in fits])
    qm = np.array([fit.qm for fit in fits])
    found = permutation_test(y, v, x, tau2=code, test=test, iterations=120)
    assert (found.exact, found.arrangements) == (True, 120)
    assert found.pval == pytest.approx((z >= z[0] * (1 - 1e-9)).mean(axis=0), rel=1e-12)
    assert found.qm_pval == pytest.approx(float((qm >= qm[0] * (1 - 1e-9)).mean()), rel=1e-12)
    assert found.names == ("intercept", "x1", "x2")


@pytest.mark.parametrize(("code", "test"), [("REML", "knha"), ("PM", "z")])
def test_all_signs_by_brute_force(code: str, test: str) -> None:
    """Without covariates the 64 ways to turn the signs of six effects, each through `pool`."""
    y, v = bcg.Y[:6] + 0.7, bcg.V[:6]
    z = np.abs([
        tp.pool(y * signs, v, tau2=code, test=test).zval for signs in product((1, -1), repeat=6)
    ])  # fmt: skip
    found = permutation_test(y, v, tau2=code, test=test, iterations=64)
    assert (found.exact, found.arrangements, found.names) == (True, 64, ("intercept",))
    assert found.pval[0] == pytest.approx(float((z >= z[0] * (1 - 1e-9)).mean()), rel=1e-12)
    assert math.isnan(found.qm_pval)
    # The mirror image is as extreme as the observed arrangement: no p below 2/64.
    assert found.pval[0] >= 2 / 64
    ones = permutation_test(y, v, np.ones((6, 1)), tau2=code, test=test, iterations=64)
    assert not differing(ones, found)


def test_bcg_sign_test_is_exact() -> None:
    """All 8192 signs of the 13 BCG effects: 12 are as extreme as observed (by brute force)."""
    found = permutation_test(bcg.Y, bcg.V, iterations=2**13)
    assert (found.exact, found.arrangements) == (True, 8192)
    assert found.pval[0] == 12 / 8192


def test_samples_are_reproducible_and_count_the_observed() -> None:
    """Same seed, same p; another seed, another; p is a multiple of 1/n and never 0.

    Phipson & Smyth 2010: the observed arrangement is one of the n.
    """
    x = np.column_stack([np.ones(13), bcg.LATITUDE])
    runs = [permutation_test(bcg.Y, bcg.V, x, iterations=200, seed=seed) for seed in (1, 1, 2)]
    assert not differing(runs[0], runs[1])
    assert differing(runs[0], runs[2])
    for found in runs:
        assert (found.exact, found.arrangements) == (False, 200)
        shares = np.r_[found.pval, found.qm_pval] * 200
        assert shares == pytest.approx(np.round(shares), abs=1e-9)
        assert (shares >= 1).all()
    extreme = permutation_test(3 + bcg.LATITUDE, bcg.V, x, iterations=50)
    assert extreme.pval[1] == extreme.qm_pval == 1 / 50


def test_a_sample_of_signs_keeps_the_observed_first() -> None:
    """Thirteen effects of one sign and size: nothing is more extreme than what was observed."""
    found = permutation_test(np.full(13, 1.0), np.full(13, 0.01), iterations=100, seed=7)
    assert not found.exact
    assert found.pval[0] == 1 / 100


def test_more_studies_than_anyone_lists() -> None:
    """40 studies: a sample, whatever the number of iterations; the numbers stay finite."""
    rng = np.random.default_rng(1)
    v = rng.uniform(0.05, 0.2, 40)
    found = permutation_test(rng.normal(0.5, np.sqrt(v + 0.1)), v, iterations=60)
    assert (found.exact, found.arrangements) == (False, 60)
    assert found.pval[0] == 1 / 60


def test_permutations_agree_with_z_in_a_large_sample() -> None:
    """No effect of the covariate: the p value is near that of the normal test."""
    x = np.column_stack([np.ones(13), bcg.YEAR])
    fit = tp.regress(bcg.Y, bcg.V, x, test="knha")
    found = permutation_test(bcg.Y, bcg.V, x, test="knha", iterations=1000, seed=5)
    assert found.pval[1] == pytest.approx(fit.pval[1], abs=0.05)
    assert found.qm_pval == found.pval[1]


def test_undefined_statistics_have_no_p_value() -> None:
    """Equal effects under knha: standard errors of 0, so NaN and not a made-up share."""
    x = np.column_stack([np.ones(5), np.arange(5)])
    found = permutation_test(np.zeros(5), np.ones(5), x, test="knha", iterations=120)
    assert np.isnan(found.pval).all()
    assert math.isnan(found.qm_pval)
