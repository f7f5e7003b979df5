"""Moment estimates of heterogeneity behind approximate weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import trialpool as tp
from trialpool.multilevel.robust import weighted_robust
from trialpool.multilevel.robust_weights import correlated_effects, hierarchical_effects
from trialpool.results import Array, TrialpoolError

CLUSTER = np.repeat([1, 2, 3, 4, 5, 6, 7], [3, 1, 4, 2, 1, 5, 2])
K = len(CLUSTER)
SAME = (CLUSTER[:, None] == CLUSTER).astype(float)


def effects(seed: int, between: float, within: float) -> tuple[Array, Array, Array]:
    """Effects with heterogeneity on two levels, their variances and a design."""
    random = np.random.default_rng(seed)
    vi = random.uniform(0.02, 0.2, K)
    yi = random.normal(0, between, 8)[CLUSTER] + random.normal(0, within, K)
    return yi + random.normal(0, np.sqrt(vi)), vi, np.column_stack([np.ones(K), random.random(K)])


def test_one_effect_per_study_is_dersimonian_and_laird() -> None:
    """Without dependence the moment equation is theirs, whatever rho."""
    yi, vi, x = effects(1, 0.5, 0.5)
    for rho in (0, 0.8):
        found = correlated_effects(yi, vi, range(K), rho=rho)
        known = tp.pool(yi, vi, tau2="DL", test="z")
        assert found.tau2 == pytest.approx(known.tau2, rel=1e-12)
        assert found.robust.beta[0] == pytest.approx(known.beta, rel=1e-12)
        assert found.i2 == pytest.approx(known.i2_q, rel=1e-12)
    regressed = correlated_effects(yi, vi, range(K), x)
    assert regressed.tau2 == pytest.approx(tp.regress(yi, vi, x, tau2="DL").tau2, rel=1e-10)


@pytest.mark.parametrize("rho", [0.0, 0.3, 1.0])
def test_tau2_solves_its_moment_equation(rho: float) -> None:
    """Q equals its expectation under mean v, rho within studies, and tau2 between."""
    yi, vi, x = effects(2, 0.8, 0.1)
    found = correlated_effects(yi, vi, CLUSTER, x, rho=rho)
    mean_v = np.array([vi[c == CLUSTER].mean() for c in CLUSTER])
    size = SAME.sum(axis=0)
    w = np.diag(1 / (size * mean_v))
    k = w - w @ x @ np.linalg.inv(x.T @ w @ x) @ x.T @ w
    m = np.diag(mean_v * (1 - rho)) + SAME * (rho * mean_v + found.tau2)
    assert found.tau2 > 0
    assert np.trace(k @ m) == pytest.approx(found.q, rel=1e-10)
    np.testing.assert_allclose(found.weights, 1 / (size * (mean_v + found.tau2)))


def sums_of_squares(yi: Array, vi: Array, x: Array) -> tuple[Array, Array]:
    """The two symmetric maps of the hierarchical model: of Q and of squared sums of studies."""
    w = np.diag(1 / vi)
    rest = np.eye(K) - x @ np.linalg.inv(x.T @ w @ x) @ x.T @ w
    return w @ rest, rest.T @ SAME @ rest


def test_hierarchical_components_solve_both_equations() -> None:
    """tau2 and omega2 above 0: both sums of squares equal their expectations."""
    yi, vi, x = effects(3, 0.9, 0.9)
    found = hierarchical_effects(yi, vi, CLUSTER, x)
    assert min(found.tau2, found.omega2) > 0
    m = np.diag(vi + found.omega2) + found.tau2 * SAME
    for form in sums_of_squares(yi, vi, x):
        assert np.trace(form @ m) == pytest.approx(yi @ form @ yi, rel=1e-9)
    np.testing.assert_allclose(found.weights, 1 / (vi + found.tau2 + found.omega2))


def test_a_negative_component_becomes_0() -> None:
    """Then tau2 follows from Q alone."""
    yi, vi, x = effects(4, 1.5, 0.0)
    found = hierarchical_effects(yi, vi, CLUSTER, x)
    assert found.omega2 == 0
    form, _ = sums_of_squares(yi, vi, x)
    m = np.diag(vi) + found.tau2 * SAME
    assert np.trace(form @ m) == pytest.approx(found.q, rel=1e-10)


def test_homogeneous_effects() -> None:
    """Less spread than chance: tau2 and I2 are 0."""
    found = correlated_effects(np.linspace(0, 0.01, K), np.full(K, 0.1), CLUSTER)
    assert (found.tau2, found.i2) == (0, 0)
    assert np.isnan(found.omega2)


def test_inference_is_that_of_robust() -> None:
    """CR2 with Satterthwaite, or CR1p with m - p."""
    yi, vi, x = effects(5, 0.5, 0.5)
    for small, kind in ((True, "CR2"), (False, "CR1p")):
        found = correlated_effects(yi, vi, CLUSTER, x, small=small, names=["mean", "dose"])
        e = yi - x @ found.robust.beta
        same = weighted_robust(x, e, found.weights, CLUSTER, beta=found.robust.beta, kind=kind)
        np.testing.assert_allclose(found.robust.vb, same.vb)
        np.testing.assert_allclose(found.robust.ddf, same.ddf)
        assert found.robust.names == ("mean", "dose")


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (correlated_effects, {"rho": 1.5}, "rho = 1.5: must lie between 0 and 1"),
        (hierarchical_effects, {"cluster": range(K)}, "no study has two effects"),
        (hierarchical_effects, {"cluster": [1] * K}, "1 cluster for 1 coefficient"),
    ],
)
def test_what_cannot_be_computed_is_refused(
    function: Any, options: dict[str, Any], message: str
) -> None:
    """With the reason."""
    yi, vi, _ = effects(6, 0.5, 0.5)
    with pytest.raises(TrialpoolError, match=message):
        function(**{"yi": yi, "vi": vi, "cluster": CLUSTER} | options)
