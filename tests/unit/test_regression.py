"""Meta-regression against matrix algebra, rational arithmetic and published numbers."""

from __future__ import annotations

import math
from typing import Any

import bcg
import numpy as np
import pandas as pd
import pytest
from fields import differing
from formulas import exact_least_squares, projection
from numpy.typing import NDArray
from scipy.special import fdtrc, stdtrit

import trialpool as tp
from trialpool.pooling.model import PoolOptions
from trialpool.pooling.regression import Regression, _explained
from trialpool.pooling.studies import Studies
from trialpool.pooling.tau2 import estimators_of

Array = NDArray[np.float64]
CODES = estimators_of("effects")
TESTS = ("z", "t", "knha", "hksj")
ONES = np.ones(13)
ABLAT = np.column_stack([ONES, bcg.LATITUDE])
ABLAT_YEAR = np.column_stack([ONES, bcg.LATITUDE, bcg.YEAR])
GROUPS = np.column_stack([n == bcg.ALLOCATION for n in ("alternate", "random", "systematic")])
GROUPS = GROUPS.astype(np.float64)


def fit(x: Array = ABLAT_YEAR, **options: Any) -> Regression:
    """The BCG trials on a design."""
    return tp.regress(bcg.Y, bcg.V, x, **{"test": "z", **options})


def drawn(seed: int) -> tuple[Array, Array, Array]:
    """6 to 15 studies, an intercept and two covariates of different size."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(6, 16))
    v = 10 ** rng.uniform(-2, 0, k)
    x = np.column_stack([np.ones(k), rng.normal(50, 10, k), rng.integers(0, 2, k)])
    x[:2, 2] = 0, 1
    return 0.02 * x[:, 1] + rng.normal(0, np.sqrt(v + 0.3)), v, x


# --- published -----------------------------------------------------------------------------------


def test_bcg_on_latitude_and_year_as_published() -> None:
    """Viechtbauer 2010, J Stat Softw 36(3), mixed-effects model with latitude and year.

    What does not hang on the fifth digit of tau2 is as printed.
    """
    found = fit()
    assert (round(found.tau2, 4), round(found.se_tau2, 4)) == (0.1108, 0.0845)
    assert (round(found.qe, 4), found.qe_df, round(found.qe_pval, 4)) == (28.3251, 10, 0.0016)
    assert (found.qm_df, round(found.qm_pval, 4)) == (2, 0.0022)
    assert np.round(found.beta[1:], 4).tolist() == [-0.0280, 0.0019]
    assert np.round(found.se[1:], 4).tolist() == [0.0102, 0.0147]
    assert np.round(found.zval, 4).tolist() == [-0.1219, -2.7371, 0.1299]
    assert np.round(found.pval, 4).tolist() == [0.9030, 0.0062, 0.8966]
    assert np.round(found.ci_lb[1:], 4).tolist() == [-0.0481, -0.0269]
    assert np.round(found.ci_ub[1:], 4).tolist() == [-0.0080, 0.0307]


def test_the_published_intercept_comes_from_an_iteration_that_stopped_early() -> None:
    """Printed: intercept -3.5455 (-60.5724 to 53.4814), QM 12.2043; exact: -3.5454 and 12.2045.

    The printed ones belong to a tau2 that is 2.6e-6 too large, within the 1e-5 at which the
    iteration of that paper stops; all four numbers agree on it.
    """
    found = fit()
    assert found.beta[0] == pytest.approx(-3.54535302, abs=1e-8)
    assert found.qm == pytest.approx(12.20448688, abs=1e-8)
    beta, covariance, _ = exact_least_squares(bcg.Y, bcg.V, ABLAT_YEAR, found.tau2 + 2.6e-6)
    assert round(beta[0], 4) == -3.5455
    reach = 1.959963984540054 * math.sqrt(covariance[0, 0])
    assert (round(beta[0] - reach, 4), round(beta[0] + reach, 4)) == (-60.5724, 53.4814)
    assert round(float(beta[1:] @ np.linalg.solve(covariance[1:, 1:], beta[1:])), 4) == 12.2043


def test_bcg_predictions_as_published() -> None:
    """The same paper: average risk ratio at latitude 10 to 60 in 1970, with both intervals."""
    at = [[1, latitude, 1970] for latitude in range(10, 70, 10)]
    p = fit(pi="z").predict(at)
    shown = np.round(np.exp(np.column_stack([p.pred, p.ci_lb, p.ci_ub, p.pi_lb, p.pi_ub])), 4)
    assert shown.tolist() == [
        [0.9345, 0.5833, 1.4973, 0.4179, 2.0899],
        [0.7062, 0.5149, 0.9686, 0.3421, 1.4579],
        [0.5337, 0.4196, 0.6789, 0.2663, 1.0697],
        [0.4033, 0.2956, 0.5502, 0.1958, 0.8306],
        [0.3048, 0.1916, 0.4848, 0.1369, 0.6787],
        [0.2303, 0.1209, 0.4386, 0.0921, 0.5761],
    ]


def test_bcg_by_allocation_as_published() -> None:
    """The same paper: the three ways of allocation, each with its mean and against the first."""
    means = fit(GROUPS)
    assert (round(means.tau2, 4), round(means.se_tau2, 4)) == (0.3615, 0.2111)
    assert np.round(means.beta, 4).tolist() == [-0.5180, -0.9658, -0.4289]
    assert np.round(means.se, 4).tolist() == [0.4412, 0.2672, 0.3449]
    # Printed 15.9842, exact 15.9841: tau2 of that paper stops early here too.
    assert (round(means.qm, 3), means.qm_df, round(means.qm_pval, 4)) == (15.984, 3, 0.0011)
    against = fit(np.column_stack([ONES, GROUPS[:, 1:]]))
    assert (round(against.qm, 4), against.qm_df, round(against.qm_pval, 4)) == (1.7675, 2, 0.4132)
    assert np.round(against.beta, 4).tolist() == [-0.5180, -0.4478, 0.0890]
    assert against.r2 == 0.0


# --- by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("code", CODES)
def test_coefficients_and_tests_by_matrix_algebra(code: str, test: str) -> None:
    """(X'WX)^-1 X'Wy at the model's tau2; Knapp-Hartung's factor y'Py/(k - p); QM and QE."""
    for seed in range(4):
        y, v, x = drawn(seed)
        k, p = x.shape
        found = tp.regress(y, v, x, tau2=code, test=test, level=0.9)
        w = 1 / (v + found.tau2)
        cov = np.linalg.inv(x.T @ (w[:, np.newaxis] * x))
        beta = cov @ x.T @ (w * y)
        q = float(y @ projection(w, x) @ y) / (k - p)
        cov *= {"z": 1.0, "t": 1.0, "knha": q, "hksj": max(1.0, q)}[test]
        se = np.sqrt(np.diag(cov))
        assert found.beta == pytest.approx(beta, rel=1e-9)
        assert found.vb == pytest.approx(cov, rel=1e-9, abs=1e-12)
        assert found.se == pytest.approx(se, rel=1e-9)
        assert found.zval == pytest.approx(beta / se, rel=1e-9)
        reach = float(stdtrit(k - p, 0.95)) if test != "z" else 1.6448536269514722
        assert found.ci_ub == pytest.approx(beta + reach * se, rel=1e-9, abs=1e-9)
        qm = float(beta[1:] @ np.linalg.solve(cov[1:, 1:], beta[1:]))
        if test == "z":
            assert (found.qm, found.qm_pval) == pytest.approx((qm, math.exp(-qm / 2)), rel=1e-8)
            assert math.isnan(found.qm_ddf)
        else:
            assert (found.qm, found.qm_ddf) == pytest.approx((qm / 2, k - p), rel=1e-8)
            assert found.qm_pval == pytest.approx(float(fdtrc(2, k - p, qm / 2)), rel=1e-8)
        assert found.qe == pytest.approx(float(y @ projection(1 / v, x) @ y), rel=1e-9)
        assert (found.k, found.p, found.qm_df, found.qe_df) == (k, p, 2, k - p)
        assert found.fitted == pytest.approx(x @ beta, rel=1e-9)
        hat = np.diag(x @ np.linalg.inv(x.T @ (w[:, np.newaxis] * x)) @ (x.T * w))
        assert found.hat == pytest.approx(hat, rel=1e-8)
        assert found.weights == pytest.approx(w / w.sum(), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_estimators_by_matrix_algebra(seed: int) -> None:
    """Each estimator's own equation, written with P = W - WX(X'WX)^-1 X'W (Viechtbauer 2005).

    Moments: E[y'Py] = tr(PV) + tau2 tr(P). Likelihoods: their scores; and the log-likelihood.
    """
    y, v, x = drawn(seed)
    k, p = x.shape
    tau2 = {code: tp.regress(y, v, x, tau2=code).tau2 for code in CODES}

    def moment(w: Array) -> float:
        m = projection(w, x)
        return max(0.0, float((y @ m @ y - np.trace(m * v)) / np.trace(m)))

    m = projection(1 / v, x)
    assert tau2["EE"] == 0.0
    assert tau2["DL"] == pytest.approx(moment(1 / v), rel=1e-9, abs=1e-12)
    assert tau2["HE"] == pytest.approx(moment(np.ones(k)), rel=1e-9, abs=1e-12)
    hs = max(0.0, float(y @ m @ y - k) / float((1 / v).sum()))
    assert tau2["HS"] == pytest.approx(hs, rel=1e-9, abs=1e-12)
    crude = float(((y - y.mean()) ** 2).sum()) / k
    sj = crude * float(y @ projection(1 / (v + crude), x) @ y) / (k - p)
    assert tau2["SJ"] == pytest.approx(sj, rel=1e-9)
    m = projection(1 / (v + tau2["PM"]), x)
    assert tau2["PM"] == tau2["EB"] > 0
    assert float(y @ m @ y) == pytest.approx(k - p, rel=1e-9)
    m = projection(1 / (v + tau2["REML"]), x)
    assert float(y @ m @ m @ y) == pytest.approx(float(np.trace(m)), rel=1e-9)
    w = 1 / (v + tau2["ML"])
    m = projection(w, x)
    assert float(y @ m @ m @ y) == pytest.approx(float(w.sum()), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_standard_errors_of_tau2_by_matrix_algebra(seed: int) -> None:
    """Fixed weights: sqrt(2 tr(PSPS))/tr(P); likelihoods: from tr(PP) and tr(WW) (the same)."""
    y, v, x = drawn(seed)
    k = len(y)
    for code, w in (("DL", 1 / v), ("HE", np.ones(k)), ("HS", 1 / v)):
        found = tp.regress(y, v, x, tau2=code)
        m, s = projection(w, x), np.diag(v + found.tau2)
        size = float(w.sum()) if code == "HS" else float(np.trace(m))
        se = math.sqrt(2 * float(np.trace(m @ s @ m @ s))) / size
        assert found.se_tau2 == pytest.approx(se, rel=1e-9), code
    found = tp.regress(y, v, x, tau2="REML")
    m = projection(1 / (v + found.tau2), x)
    assert found.se_tau2 == pytest.approx(math.sqrt(2 / float(np.trace(m @ m))), rel=1e-9)
    found = tp.regress(y, v, x, tau2="ML")
    w = 1 / (v + found.tau2)
    assert found.se_tau2 == pytest.approx(math.sqrt(2 / float((w**2).sum())), rel=1e-12)


@pytest.mark.parametrize(("code", "restricted"), [("REML", True), ("ML", False), ("DL", False)])
def test_likelihood_and_criteria_by_matrix_algebra(code: str, restricted: bool) -> None:
    """Multivariate normal density, or the density of k - p contrasts (Harville 1977, log|X'X|)."""
    y, v, x = drawn(1)
    k, p = x.shape
    found = tp.regress(y, v, x, tau2=code)
    w = 1 / (v + found.tau2)
    n = k - p if restricted else k
    value = n * math.log(2 * math.pi) - float(np.log(w).sum()) + float(y @ projection(w, x) @ y)
    if restricted:
        value += float(np.linalg.slogdet(x.T @ (w[:, np.newaxis] * x))[1])
        value -= float(np.linalg.slogdet(x.T @ x)[1])
    assert found.loglik == pytest.approx(-value / 2, rel=1e-10)
    q = p + 1
    assert found.aic == pytest.approx(value + 2 * q, rel=1e-10)
    assert found.bic == pytest.approx(value + q * math.log(n), rel=1e-10)
    assert found.aicc == pytest.approx(found.aic + 2 * q * (q + 1) / (n - q - 1), rel=1e-10)


def test_residual_heterogeneity_by_hand() -> None:
    """I2 and H2 from tau2 and the typical variance (k - p)/tr(P); under EE from QE."""
    found = fit()
    typical = 10 / float(np.trace(projection(1 / bcg.V, ABLAT_YEAR)))
    assert found.i2 == pytest.approx(100 * found.tau2 / (found.tau2 + typical), rel=1e-9)
    assert found.h2 == pytest.approx(1 + found.tau2 / typical, rel=1e-9)
    assert found.i2_ci_ub == pytest.approx(
        100 * found.tau2_ci_ub / (found.tau2_ci_ub + typical), rel=1e-9
    )
    common = fit(tau2="EE")
    assert common.i2 == pytest.approx(100 * (common.qe - 10) / common.qe, rel=1e-12)
    assert common.h2 == pytest.approx(common.qe / 10, rel=1e-12)


def test_explained_heterogeneity_by_hand() -> None:
    """R2 = (tau2 without - tau2 with)/tau2 without, never below 0; adjusted R2 under EE."""
    for code in ("REML", "DL", "SJ"):
        before, after = tp.pool(bcg.Y, bcg.V, tau2=code).tau2, fit(tau2=code).tau2
        assert fit(tau2=code).r2 == pytest.approx(100 * (before - after) / before, rel=1e-10)
    common = fit(tau2="EE")
    q = tp.pool(bcg.Y, bcg.V).q
    assert common.r2 == pytest.approx(100 * (1 - (common.qe / 10) / (q / 12)), rel=1e-10)
    # Year explains nothing: more heterogeneity is left than before.
    assert fit(np.column_stack([ONES, bcg.YEAR % 7])).r2 == 0.0
    none = tp.regress(np.full(13, 0.2) + 1e-3 * bcg.Y, bcg.V, ABLAT)
    assert math.isnan(none.r2)
    assert none.reasons["r2"] == "no heterogeneity to explain without covariates"
    # A fit without tau2 explains nothing that could be said; 0 would be a number.
    lost, why = _explained(
        Studies(bcg.Y, bcg.V), math.nan, 1.0, PoolOptions("REML", "z", 0.95, "hts", "QP")
    )
    assert math.isnan(lost)
    assert why == "tau2 could not be estimated"
    through_zero = fit(bcg.LATITUDE[:, np.newaxis])
    assert through_zero.reasons["r2"] == "no intercept to compare with"


def test_variance_inflation_by_hand() -> None:
    """Of two covariates 1/(1 - r^2), r their weighted correlation; the intercept has none."""
    found = fit()
    w = 1 / (bcg.V + found.tau2)
    a, b = (x - (w * x).sum() / w.sum() for x in (bcg.LATITUDE, bcg.YEAR))
    r2 = (w * a * b).sum() ** 2 / ((w * a * a).sum() * (w * b * b).sum())
    assert found.vif[1:] == pytest.approx([1 / (1 - r2)] * 2, rel=1e-9)
    assert math.isnan(found.vif[0])
    # Of any number: the diagonal of the inverse of the coefficients' correlation matrix.
    y, v, x = drawn(3)
    many = tp.regress(y, v, np.column_stack([x, np.arange(len(y)) % 3]))
    part = many.vb[1:, 1:] / np.sqrt(np.outer(np.diag(many.vb)[1:], np.diag(many.vb)[1:]))
    assert many.vif[1:] == pytest.approx(np.diag(np.linalg.inv(part)), rel=1e-9)
    assert fit(ABLAT).vif[1] == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("test", ["z", "hksj"])
@pytest.mark.parametrize(("pi", "lost"), [("k-1", 0), ("k-2", 1), ("z", None)])
def test_predictions_by_hand(pi: str, lost: int | None, test: str) -> None:
    """x'b, its variance x'Vx, and sqrt(tau2 + x'Vx) for a new study with k - p - lost df."""
    found = fit(test=test, pi=pi, level=0.9)
    new = np.array([[1.0, 30.0, 1955.0], [1.0, 20.0, 1975.0]])
    p = found.predict(new)
    z = 1.6448536269514722
    narrow = z if test == "z" else float(stdtrit(10, 0.95))
    wide = z if lost is None else float(stdtrit(10 - lost, 0.95))
    for i, x in enumerate(new):
        variance = float(x @ found.vb @ x)
        assert p.pred[i] == pytest.approx(float(x @ found.beta), rel=1e-12)
        assert p.se[i] == pytest.approx(math.sqrt(variance), rel=1e-10)
        assert p.ci_lb[i] == pytest.approx(p.pred[i] - narrow * math.sqrt(variance), rel=1e-9)
        reach = wide * math.sqrt(found.tau2 + variance)
        assert (p.pi_lb[i], p.pi_ub[i]) == pytest.approx((p.pred[i] - reach, p.pred[i] + reach))
    assert not differing(found.predict(new[0]), found.predict(new[:1]))
    own = found.predict()
    assert own.pred == pytest.approx(found.fitted, rel=1e-12)
    assert own.pred.shape == (13,)
    # A common effect has no distribution to predict from; its confidence interval it has.
    common = fit(tau2="EE", pi=pi).predict(new)
    assert np.isnan([common.pi_lb, common.pi_ub]).all()
    assert np.isfinite([common.ci_lb, common.ci_ub]).all()


# --- relation to pool ----------------------------------------------------------------------------

SHARED = (
    "k", "beta", "se", "zval", "ddf", "pval", "ci_lb", "ci_ub", "tau2", "se_tau2", "tau2_ci_lb",
    "tau2_ci_ub", "i2", "i2_ci_lb", "i2_ci_ub", "h2", "h2_ci_lb", "h2_ci_ub", "loglik", "aic",
    "bic", "aicc", "weights", "maxima", "converged",
)  # fmt: skip


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("code", CODES)
def test_an_intercept_alone_is_pool(code: str, test: str) -> None:
    """Every field both have, to 1e-11; Q is QE; prediction at 1 is the prediction interval."""
    ones = np.ones((13, 1))
    for y, v in ((bcg.Y, bcg.V), (bcg.Y[:4], bcg.V[:4] / [1, 1, 1, 1e12]), drawn(2)[:2]):
        one = tp.pool(y, v, tau2=code, test=test)
        two = tp.regress(y, v, ones[:1].repeat(len(y), axis=0), tau2=code, test=test)
        for name in SHARED:
            value = np.ravel(getattr(two, name))
            expected = np.ravel(getattr(one, name))
            assert value == pytest.approx(expected, rel=1e-11, abs=1e-14, nan_ok=True), name
        assert (two.qe, two.qe_df) == pytest.approx((one.q, one.q_df), rel=1e-11)
        assert two.qe_pval == pytest.approx(one.q_pval, rel=1e-10)
        p = two.predict([1.0])
        assert (p.pi_lb[0], p.pi_ub[0]) == pytest.approx(
            (one.pi_lb, one.pi_ub), rel=1e-11, nan_ok=True
        )
        assert two.names == ("intercept",)
        for name in ("qm", "qm_pval", "r2", "vif"):
            assert two.reasons[name] == "no coefficient beside the intercept"


def test_profile_likelihood_of_an_intercept_alone() -> None:
    """The same interval as in `pool`."""
    for code in ("ML", "REML"):
        one = tp.pool(bcg.Y, bcg.V, tau2=code, tau2_ci="PL")
        two = fit(ONES[:, np.newaxis], tau2=code, tau2_ci="PL")
        assert (two.tau2_ci_lb, two.tau2_ci_ub) == pytest.approx(
            (one.tau2_ci_lb, one.tau2_ci_ub), rel=1e-9
        )


def test_two_groups_under_a_common_effect_are_two_pools() -> None:
    """A mean per group, without heterogeneity: each group pooled alone."""
    x = np.column_stack([bcg.LATITUDE < 30, bcg.LATITUDE >= 30]).astype(np.float64)
    both = fit(x, tau2="EE")
    for j in range(2):
        inside = x[:, j] == 1
        one = tp.pool(bcg.Y[inside], bcg.V[inside], tau2="EE", test="z")
        assert (both.beta[j], both.se[j]) == pytest.approx((one.beta, one.se), rel=1e-12)
    total = sum(tp.pool(bcg.Y[x[:, j] == 1], bcg.V[x[:, j] == 1], tau2="EE").q for j in range(2))
    assert both.qe == pytest.approx(total, rel=1e-12)


# --- the design ----------------------------------------------------------------------------------


def test_names_come_from_the_table_or_are_given() -> None:
    """A DataFrame's columns; `names`; else intercept and x1, x2, ..."""
    table = pd.DataFrame({"mean": ONES, "latitude": bcg.LATITUDE}, index=range(5, 18))
    assert fit(table).names == ("mean", "latitude")  # type: ignore[arg-type]
    assert not differing(fit(table), fit(ABLAT))  # type: ignore[arg-type]
    assert fit(ABLAT, names=["a", "b"]).names == ("a", "b")
    latitude = fit(ABLAT[:, 1:], names=["b"])
    assert latitude.names == ("intercept", "b")
    assert latitude.beta == pytest.approx(fit(ABLAT).beta, rel=1e-12)
    origin = fit(ABLAT[:, 1:], names=["b"], intercept=False)
    assert (origin.names, len(origin.beta)) == (("b",), 1)
    assert fit(table, names=["a", "b"]).names == ("a", "b")  # type: ignore[arg-type]
    assert fit(ABLAT).names == ("intercept", "x1")
    assert fit(bcg.LATITUDE[:, np.newaxis]).names == ("x0",)


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("code", CODES)
def test_another_coding_of_the_same_design(code: str, test: str) -> None:
    """Dummies without an intercept, against the first, against the last: the same model.

    tau2, QE, I2, log-likelihood, R2 and fitted means do not know the coding; contrasts agree.
    """
    means = fit(GROUPS, tau2=code, test=test)
    first = fit(np.column_stack([ONES, GROUPS[:, 1:]]), tau2=code, test=test)
    last = fit(np.column_stack([GROUPS[:, :2], ONES]), tau2=code, test=test)
    for other in (first, last):
        for name in ("tau2", "se_tau2", "qe", "i2", "h2", "loglik", "aicc", "tau2_ci_ub", "r2"):
            value = getattr(other, name)
            assert value == pytest.approx(getattr(means, name), rel=1e-9, nan_ok=True), name
        assert other.fitted == pytest.approx(means.fitted, rel=1e-11)
        assert other.hat == pytest.approx(means.hat, rel=1e-10)
    assert first.qm == pytest.approx(last.qm, rel=1e-9)
    assert (means.qm_df, first.qm_df) == (3, 2)
    assert first.beta[1] == pytest.approx(means.beta[1] - means.beta[0], rel=1e-11)
    assert first.beta[1] - first.beta[2] == pytest.approx(last.beta[1], rel=1e-11)


@pytest.mark.parametrize("code", ["EE", "DL", "REML", "PM"])
def test_units_and_origin_of_a_covariate_do_not_matter(code: str) -> None:
    """Years since 1900 or since birth of Christ, in centuries or days: the same tests."""
    plain = fit(tau2=code)
    for origin, unit in ((1900.0, 1.0), (1965.5, 100.0), (0.0, 1e-6), (1948.0, 1e9)):
        x = np.column_stack([ONES, bcg.LATITUDE, (bcg.YEAR - origin) / unit])
        moved = fit(x, tau2=code)
        for name in ("tau2", "qe", "qm", "loglik", "i2", "r2"):
            assert getattr(moved, name) == pytest.approx(getattr(plain, name), rel=1e-8), name
        assert moved.zval[1:] == pytest.approx(plain.zval[1:], rel=1e-8)
        assert moved.pval[1:] == pytest.approx(plain.pval[1:], rel=1e-8)
        assert moved.beta[2] / unit == pytest.approx(plain.beta[2], rel=1e-8)
        assert moved.vif[1:] == pytest.approx(plain.vif[1:], rel=1e-8)


def test_the_order_of_columns_does_not_matter() -> None:
    """Intercept last: the coefficients change places, nothing else."""
    turn = [1, 2, 0]
    one, two = fit(), fit(ABLAT_YEAR[:, turn])
    assert two.tau2 == pytest.approx(one.tau2, rel=1e-10)
    assert two.beta == pytest.approx(one.beta[turn], rel=1e-9)
    assert two.vb == pytest.approx(one.vb[np.ix_(turn, turn)], rel=1e-8)
    assert two.qm == pytest.approx(one.qm, rel=1e-9)
    assert np.isnan(two.vif[2])


@pytest.mark.parametrize("code", CODES)
def test_turned_signs(code: str) -> None:
    """-yi turns every coefficient, -x its own; nothing else changes, no conclusion either."""
    one, two = fit(tau2=code), tp.regress(-bcg.Y, bcg.V, ABLAT_YEAR, tau2=code, test="z")
    assert two.beta == pytest.approx(-one.beta, rel=1e-12)
    three = fit(ABLAT_YEAR * [1, -1, 1], tau2=code)
    assert three.beta == pytest.approx(one.beta * [1, -1, 1], rel=1e-9)
    for other in (two, three):
        assert other.pval == pytest.approx(one.pval, rel=1e-9)
        for name in ("tau2", "qe", "qm", "loglik", "i2"):
            assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-9), name


@pytest.mark.parametrize("code", ["EE", "REML", "SJ"])
@pytest.mark.parametrize(("offset", "digits"), [(0.0, 1e-10), (1e5, 1e-8), (1e7, 1e-6)])
def test_badly_conditioned_designs_in_rational_arithmetic(
    offset: float, digits: float, code: str
) -> None:
    """Years as they are, and with 1e5 or 1e7 added: almost collinear with the intercept.

    Coefficients, covariance and QE against Gauss elimination in fractions; the digits lost are
    those of the offset, and not their square.
    """
    x = np.column_stack([ONES, bcg.LATITUDE, bcg.YEAR + offset])
    found = fit(x, tau2=code)
    beta, covariance, _ = exact_least_squares(bcg.Y, bcg.V, x, found.tau2)
    assert found.beta == pytest.approx(beta, rel=digits)
    assert found.vb == pytest.approx(covariance, rel=digits)
    assert found.qe == pytest.approx(exact_least_squares(bcg.Y, bcg.V, x, 0.0)[2], rel=1e-10)
    assert found.tau2 == pytest.approx(fit(tau2=code).tau2, rel=digits)


@pytest.mark.parametrize("least", [1e-6, 1e-12, 1e-15])
def test_a_dominant_study_in_rational_arithmetic(least: float) -> None:
    """One variance up to 1e14 times smaller than the others: QE and DL's tau2 keep their digits.

    tau2 = (QE - tr(PV))/tr(P), where PV has trace k - p; tr(P) by leaving the study out in turn.
    """
    v = bcg.V.copy()
    v[7] = least
    found = tp.regress(bcg.Y, v, ABLAT, tau2="DL")
    rss = exact_least_squares(bcg.Y, v, ABLAT, 0.0)[2]
    assert found.qe == pytest.approx(rss, rel=1e-11)
    # w(1 - h) of a study is w/(1 + w x'(X'WX without it)^-1 x): no difference to cancel.
    trace = 0.0
    for i in range(13):
        others = np.arange(13) != i
        without = exact_least_squares(bcg.Y[others], v[others], ABLAT[others], 0.0)[1]
        trace += 1 / (v[i] + float(ABLAT[i] @ without @ ABLAT[i]))
    assert found.tau2 == pytest.approx((rss - 11) / trace, rel=1e-10)


# --- words ---------------------------------------------------------------------------------------


def test_cautions_count_studies_per_covariate() -> None:
    """Ten studies for each covariate, or the fit is a description."""
    assert fit(ONES[:, np.newaxis]).cautions == fit(ABLAT).cautions == ()
    assert fit().cautions == (
        "k = 13 studies for 2 covariates: fewer than ten each, a description and not evidence.",
    )
    few = tp.regress(bcg.Y[:9], bcg.V[:9], ABLAT[:9])
    assert few.cautions[0].startswith("k = 9 studies for 1 covariate: fewer")


def test_several_maxima_of_a_regression_are_said() -> None:
    """Two precise studies on a line and others far from it: the likelihood has two maxima."""
    y = np.array([0.1, 0.5, -0.2, 0.9, 0.3, 0.7])
    v = np.array([1e-15, 1e-15, 0.08, 0.05, 0.2, 0.1])
    x = np.column_stack([np.ones(6), [1, 2, 3, 4, 5, 7]])
    found = tp.regress(y, v, x, tau2="ML")
    assert found.maxima == 2
    assert found.cautions[-1].startswith("The likelihood of tau2 has 2 separate maxima")


def test_reasons_under_z_and_under_a_common_effect() -> None:
    """No degrees of freedom, no interval of tau2: each with its reason."""
    assert fit().reasons == {
        "ddf": "z test: normal distribution",
        "qm_ddf": "chi-squared test",
    }
    common = fit(tau2="EE", test="t").reasons
    assert set(common) == {
        "se_tau2", "tau2_ci_lb", "tau2_ci_ub", "i2_ci_lb", "i2_ci_ub", "h2_ci_lb", "h2_ci_ub",
    }  # fmt: skip
    assert set(common.values()) == {"common-effect model"}
