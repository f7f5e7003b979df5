"""The same numbers by a second route: statsmodels, where it is valid, and plain matrix algebra."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from statsmodels.regression.linear_model import WLS
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.meta_analysis import combine_effects, effectsize_smd

import trialpool as tp

Studies = tuple[NDArray[np.float64], NDArray[np.float64]]


@pytest.fixture(params=range(8))
def studies(request: pytest.FixtureRequest) -> Studies:
    """Heterogeneous studies: statsmodels does not truncate tau2, so it serves tau2 > 0 only."""
    rng = np.random.default_rng(request.param)
    k = int(rng.integers(3, 15))
    v = rng.uniform(0.02, 0.2, k)
    return rng.normal(0.3, np.sqrt(v + 0.6)), v


def test_common_effect_and_q(studies: Studies) -> None:
    """combine_effects: fixed-effect mean, SE and Q."""
    y, v = studies
    other = combine_effects(y, v, method_re="dl")
    ours = tp.pool(y, v, tau2="EE", test="z")
    assert ours.beta == pytest.approx(other.mean_effect_fe, rel=1e-12)
    assert ours.se == pytest.approx(other.sd_eff_w_fe, rel=1e-12)
    assert ours.q == pytest.approx(other.q, rel=1e-11)


@pytest.mark.parametrize(("code", "method", "rtol"), [("DL", "dl", 1e-11), ("PM", "pm", 1e-5)])
def test_random_effects(studies: Studies, code: str, method: str, rtol: float) -> None:
    """combine_effects: tau2, mean and SE; its Paule-Mandel iteration stops at about 1e-6."""
    y, v = studies
    other = combine_effects(y, v, method_re=method)
    ours = tp.pool(y, v, tau2=code, test="z")
    assert ours.tau2 == pytest.approx(other.tau2, rel=rtol)
    assert ours.beta == pytest.approx(other.mean_effect_re, rel=rtol)
    assert ours.se == pytest.approx(other.sd_eff_w_re, rel=rtol)


def test_knapp_hartung_is_weighted_least_squares(studies: Studies) -> None:
    """WLS with weights 1/(vi + tau2) estimates its own scale: that is Knapp and Hartung's q."""
    y, v = studies
    ours = tp.pool(y, v, tau2="REML", test="knha")
    other = WLS(y, np.ones(len(y)), weights=1 / (v + ours.tau2)).fit()
    assert ours.beta == pytest.approx(other.params[0], rel=1e-11)
    assert ours.se == pytest.approx(other.bse[0], rel=1e-11)
    assert ours.pval == pytest.approx(other.pvalues[0], rel=1e-9)
    assert (ours.ci_lb, ours.ci_ub) == pytest.approx(tuple(other.conf_int()[0]), rel=1e-9)


@pytest.mark.parametrize("code", ["EE", "DL", "REML", "PM", "SJ"])
def test_meta_regression_is_weighted_least_squares(studies: Studies, code: str) -> None:
    """WLS with weights 1/(vi + tau2): coefficients, Knapp-Hartung tests and intervals, F test.

    With its scale taken out: the covariance under z; and QE.
    """
    y, v = studies
    k = len(y)
    rng = np.random.default_rng(k)
    x = np.column_stack([np.ones(k), rng.normal(0, 1, k)])
    ours = tp.regress(y, v, x, tau2=code, test="knha")
    other = WLS(y, x, weights=1 / (v + ours.tau2)).fit()
    assert ours.beta == pytest.approx(other.params, rel=1e-10)
    assert ours.se == pytest.approx(other.bse, rel=1e-9)
    assert ours.zval == pytest.approx(other.tvalues, rel=1e-9)
    assert ours.pval == pytest.approx(other.pvalues, rel=1e-8)
    assert np.column_stack([ours.ci_lb, ours.ci_ub]) == pytest.approx(other.conf_int(), rel=1e-8)
    assert (ours.qm, ours.qm_pval) == pytest.approx((other.fvalue, other.f_pvalue), rel=1e-8)
    new = np.column_stack([np.ones(3), [-1.0, 0.0, 2.0]])
    frame = other.get_prediction(new).summary_frame(alpha=0.05)
    p = ours.predict(new)
    assert p.pred == pytest.approx(frame["mean"].to_numpy(), rel=1e-10)
    assert p.ci_ub == pytest.approx(frame["mean_ci_upper"].to_numpy(), rel=1e-8)
    plain = tp.regress(y, v, x, tau2=code, test="z")
    assert plain.vb == pytest.approx(other.normalized_cov_params, rel=1e-9)
    assert plain.qe == pytest.approx(WLS(y, x, weights=1 / v).fit().ssr, rel=1e-9)


def test_likelihood_score_and_se_by_matrix_algebra(studies: Studies) -> None:
    """P = W - WX(X'WX)^-1 X'W written out: REML score y'PPy - tr P = 0, SE sqrt(2/tr PP)."""
    y, v = studies
    ours = tp.pool(y, v, tau2="REML")
    w, x = np.diag(1 / (v + ours.tau2)), np.ones((len(y), 1))
    p = w - w @ x @ np.linalg.inv(x.T @ w @ x) @ x.T @ w
    assert y @ p @ p @ y == pytest.approx(np.trace(p), rel=1e-9)
    assert ours.se_tau2 == pytest.approx(np.sqrt(2 / np.trace(p @ p)), rel=1e-9)
    s = np.diag(v + ours.tau2)
    log_det = np.linalg.slogdet(s)[1] + np.linalg.slogdet(x.T @ w @ x)[1]
    loglik = -(log_det - np.log(len(y)) + y @ p @ y + (len(y) - 1) * np.log(2 * np.pi)) / 2
    assert ours.loglik == pytest.approx(loglik, rel=1e-11)


def test_se_of_moment_estimators_by_matrix_algebra(studies: Studies) -> None:
    """Var(y'Py) = 2 tr(P S P S) for fixed P: the asymptotic SE of DL and HE, written out."""
    y, v = studies
    k = len(y)
    for code, w in (("DL", np.diag(1 / v)), ("HE", np.eye(k))):
        ours = tp.pool(y, v, tau2=code)
        x, s = np.ones((k, 1)), np.diag(v + ours.tau2)
        p = w - w @ x @ np.linalg.inv(x.T @ w @ x) @ x.T @ w
        assert ours.se_tau2 == pytest.approx(
            np.sqrt(2 * np.trace(p @ s @ p @ s)) / np.trace(p), rel=1e-10
        )


@pytest.mark.parametrize("seed", range(6))
def test_mantel_haenszel_or(seed: int) -> None:
    """StratifiedTable: pooled OR and its Robins-Breslow-Greenland SE."""
    rng = np.random.default_rng(seed)
    k = 7
    n1, n2 = rng.integers(20, 200, k), rng.integers(20, 200, k)
    a, c = rng.binomial(n1, 0.2), rng.binomial(n2, 0.3)
    other = StratifiedTable(
        [np.array([[a[i], n1[i] - a[i]], [c[i], n2[i] - c[i]]]) for i in range(k)]
    )
    ours = tp.pool_counts(a, n1, c, n2)
    assert ours.beta == pytest.approx(other.logodds_pooled, rel=1e-12)
    assert ours.se == pytest.approx(other.logodds_pooled_se, rel=1e-12)


def test_revman_variance_is_that_of_statsmodels() -> None:
    """effectsize_smd: approximate J and the N - 3.94 variance."""
    data = {"m1i": 10.0, "sd1i": 4.0, "n1i": 12, "m2i": 13.0, "sd2i": 5.0, "n2i": 10}
    ours = tp.effect_size("SMD", **data, variance="RevMan")
    yi, vi = effectsize_smd(10.0, 4.0, 12, 13.0, 5.0, 10)
    assert (ours.yi[0], ours.vi[0]) == pytest.approx((yi, vi), rel=1e-12)
