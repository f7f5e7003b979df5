"""Cluster-robust variance: identities that hold whatever the data.

The reference numbers of other software are compared in tests/golden/conformity/robust.py.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import trialpool as tp
from trialpool.multilevel.robust import Robust, robust, robust_of, robust_pooled, weighted_robust
from trialpool.multilevel.sandwich import KINDS
from trialpool.results import Array, TrialpoolError

# Three clusters of one block, one of two blocks, rows not in order of their clusters.
CLUSTER = np.array(["a", "b", "a", "c", "d", "b", "d", "d", "e", "c", "e"])
BLOCKS = [
    np.array(rows) for rows in ([0, 2], [1, 5], [3, 9], [4, 6], [7], [8, 10])
]  # fmt: skip
K = len(CLUSTER)


def setting(seed: int = 0, p: int = 2) -> tuple[Array, Array, list[Array]]:
    """A design, effects and a working covariance per block."""
    random = np.random.default_rng(seed)
    x = np.column_stack([np.ones(K), random.normal(size=(K, p - 1))])
    covariances = []
    for rows in BLOCKS:
        root = random.normal(size=(len(rows), len(rows) + 1))
        covariances.append(root @ root.T + 0.1 * np.eye(len(rows)))
    return x, random.normal(size=K), covariances


def dense(blocks: list[Array]) -> Array:
    """The matrix of these blocks."""
    out = np.zeros((K, K))
    for rows, block in zip(BLOCKS, blocks, strict=True):
        out[np.ix_(rows, rows)] = block
    return out


def fitted(x: Array, y: Array, covariances: list[Array], **options: Any) -> Robust:
    """Weighted least squares, then robust inference."""
    w = np.linalg.inv(dense(covariances))
    beta = np.linalg.solve(x.T @ w @ x, x.T @ w @ y)
    weights = [np.linalg.inv(block) for block in covariances]
    return robust(x, y - x @ beta, BLOCKS, weights, CLUSTER, beta=beta, **options)


def test_cr0_and_its_multiples_by_hand() -> None:
    """M (sum of X'W e e'W X) M, times the factors as published."""
    x, y, covariances = setting()
    w = np.linalg.inv(dense(covariances))
    bread = np.linalg.inv(x.T @ w @ x)
    e = y - x @ (bread @ x.T @ w @ y)
    meat = np.zeros((2, 2))
    for label in "abcde":
        score = x.T @ w @ np.where(label == CLUSTER, e, 0.0)
        meat += np.outer(score, score)
    factors = {"CR0": 1, "CR1": 5 / 4, "CR1p": 5 / 3, "CR1S": 5 * (K - 1) / (4 * (K - 2))}
    for kind, factor in factors.items():
        ours = fitted(x, y, covariances, kind=kind)
        np.testing.assert_allclose(ours.vb, factor * bread @ meat @ bread, rtol=1e-12)
        assert (ours.ddf == 3).all()
        assert (ours.m, ours.k, ours.p) == (5, K, 2)


def residual_directions(x: Array, covariances: list[Array]) -> Array:
    """Columns whose squares add up to the covariance of the residuals."""
    m = dense(covariances)
    w = np.linalg.inv(m)
    hat = x @ np.linalg.inv(x.T @ w @ x) @ x.T @ w
    return np.asarray((np.eye(K) - hat) @ np.linalg.cholesky(m))


def variance_at(e: Array, x: Array, covariances: list[Array], kind: str) -> Array:
    """The robust covariance at given residuals."""
    weights = [np.linalg.inv(block) for block in covariances]
    found = robust(x, e, BLOCKS, weights, CLUSTER, beta=np.zeros(x.shape[1]), kind=kind)
    return found.vb


def test_cr2_is_unbiased_under_the_working_model() -> None:
    """Its expectation over all residuals is the model's own covariance, to the last digits."""
    x, _, covariances = setting(1)
    directions = residual_directions(x, covariances).T
    expected = sum(variance_at(u, x, covariances, "CR2") for u in directions)
    w = np.linalg.inv(dense(covariances))
    np.testing.assert_allclose(expected, np.linalg.inv(x.T @ w @ x), rtol=1e-10)
    np.testing.assert_allclose(fitted(*setting(1)).seen, 1.0, rtol=1e-10)


@pytest.mark.parametrize("kind", ["CR0", "CR2", "CR3"])
def test_degrees_of_freedom_match_the_moments_of_the_variance(kind: str) -> None:
    """2 E^2 / Var of the quadratic form, found from its values alone."""
    x, y, covariances = setting(2)
    u = residual_directions(x, covariances).T
    form = np.zeros((K, K, 2))
    single = [np.diag(variance_at(e, x, covariances, kind)) for e in u]
    for i, j in combinations_with_replacement(range(K), 2):
        both = np.diag(variance_at(u[i] + u[j], x, covariances, kind))
        form[i, j] = form[j, i] = (both - single[i] - single[j]) / 2
    trace = np.einsum("iic->c", form)
    ours = fitted(x, y, covariances, kind=kind, ddf="satterthwaite")
    np.testing.assert_allclose(ours.ddf, trace**2 / (form**2).sum(axis=(0, 1)), rtol=1e-9)


def test_cr3_is_the_jackknife_over_clusters() -> None:
    """Sum of squares of what leaving out each cluster moves, weights kept."""
    x, y, covariances = setting(3)
    w = np.linalg.inv(dense(covariances))
    whole = np.linalg.solve(x.T @ w @ x, x.T @ w @ y)
    moved = np.zeros((2, 2))
    for label in "abcde":
        kept = np.flatnonzero(np.not_equal(CLUSTER, label))
        z, part = x[kept], w[np.ix_(kept, kept)]
        shift = np.linalg.solve(z.T @ part @ z, z.T @ part @ y[kept]) - whole
        moved += np.outer(shift, shift)
    np.testing.assert_allclose(fitted(x, y, covariances, kind="CR3").vb, moved, rtol=1e-10)


def test_balanced_clusters_give_the_t_test_of_their_means() -> None:
    """Same size, same covariance: m - 1 degrees of freedom, the standard error of m means."""
    y = np.random.default_rng(4).normal(size=12)
    rows = list(np.arange(12).reshape(4, 3))
    block: Array = np.asarray(np.linalg.inv(0.3 * np.eye(3) + 0.2), dtype=np.float64)
    e, cluster = y - y.mean(), np.repeat([1, 2, 3, 4], 3)
    ours = robust(np.ones((12, 1)), e, rows, [block] * 4, cluster, beta=[y.mean()])
    means = y.reshape(4, 3).mean(axis=1)
    assert ours.ddf[0] == pytest.approx(3, rel=1e-12)
    assert ours.se[0] == pytest.approx(means.std(ddof=1) / 2, rel=1e-12)
    assert ours.qm == pytest.approx(ours.zval[0] ** 2, rel=1e-12)


def test_one_effect_per_cluster_is_hc2() -> None:
    """Each squared residual over 1 minus its hat value."""
    yi, vi = [0.1, 0.4, -0.2, 0.7, 0.3], [0.05, 0.2, 0.1, 0.02, 0.4]
    ours = robust_pooled(yi, vi, range(5), tau2="EE")
    w = 1 / np.array(vi)
    h, e = w / w.sum(), np.array(yi) - ours.beta[0]
    assert ours.beta[0] == pytest.approx(tp.pool(yi, vi, tau2="EE").beta, rel=1e-12)
    assert ours.vb[0, 0] == pytest.approx((h**2 * e**2 / (1 - h)).sum(), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_order_and_grouping_into_blocks_do_not_matter(kind: str) -> None:
    """Effects shuffled; and a diagonal block instead of single effects."""
    x, y, _ = setting(5)
    w = np.random.default_rng(6).uniform(0.5, 5, K)
    beta = np.linalg.solve(x.T @ (w[:, None] * x), x.T @ (w * y))
    e = y - x @ beta
    single = weighted_robust(x, e, w, CLUSTER, beta=beta, kind=kind)
    order = np.random.default_rng(7).permutation(K)
    shuffled = weighted_robust(x[order], e[order], w[order], CLUSTER[order], beta=beta, kind=kind)
    diagonal = [np.diag(w[rows]) for rows in BLOCKS]
    blocked = robust(x, e, BLOCKS, diagonal, CLUSTER, beta=beta, kind=kind)
    for other in (shuffled, blocked):
        np.testing.assert_allclose(other.vb, single.vb, rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(other.ddf, single.ddf, rtol=1e-10)
        assert other.qm_pval == pytest.approx(single.qm_pval, rel=1e-9)


def test_a_single_contrast_is_a_squared_t() -> None:
    """HTZ of one contrast has its Satterthwaite degrees of freedom; F and chi2 by hand."""
    found = fitted(*setting(8))
    test = found.wald([0, 1])
    assert (test.stat, test.ddf) == pytest.approx((found.zval[1] ** 2, found.ddf[1]), rel=1e-12)
    assert test.pval == pytest.approx(found.pval[1], rel=1e-10)
    whole = found.beta @ np.linalg.solve(found.vb, found.beta)
    f, chi2 = (found.wald(np.eye(2), test=name) for name in ("F", "chi2"))
    assert (f.stat, f.df, f.ddf) == pytest.approx((whole / 2, 2, 3), rel=1e-10)
    assert (chi2.stat, chi2.df) == pytest.approx((whole, 2), rel=1e-10)
    assert np.isnan(chi2.ddf)


def test_joint_test_does_not_depend_on_how_its_contrasts_are_written() -> None:
    """The same hypothesis in other words: the same statistic, degrees of freedom and p."""
    random = np.random.default_rng(9)
    k, cluster = 40, np.repeat(range(10), 4)
    x = np.column_stack([np.ones(k), random.normal(size=(k, 2))])
    found = robust_pooled(random.normal(size=k), random.uniform(0.1, 1, k), cluster, x)
    a, b = found.wald([[0, 1, 0], [0, 0, 1]]), found.wald([[0, 2, 1], [0, 1, -3]])
    assert a[:4] == pytest.approx(b[:4], rel=1e-9)
    assert (found.qm, found.qm_ddf) == pytest.approx((a.stat, a.ddf), rel=1e-9)


def test_a_coefficient_that_one_cluster_decides_has_no_robust_error() -> None:
    """Its residuals are 0: NaN with the reason, not a standard error of 0."""
    cluster = [1, 1, 2, 2, 3, 3, 4, 4]
    last = np.repeat([0.0, 0.0, 0.0, 1.0], 2)
    x = np.column_stack([1 - last, last])
    found = robust_pooled([0.1, 0.3, 0.2, 0.6, 0.4, 0.1, 0.9, 0.8], [0.1] * 8, cluster, x)
    assert np.isnan([found.se[1], found.ddf[1], found.pval[1], found.ci_lb[1], found.qm]).all()
    assert np.isfinite([found.se[0], found.ddf[0], found.pval[0], found.ci_ub[0]]).all()
    assert found.reasons.keys() == {"x1", "qm"}
    assert all("one cluster alone decides" in reason for reason in found.reasons.values())


def test_what_one_cluster_decides_in_part_is_told() -> None:
    """A contrast that only one cluster has both sides of: the caution gives the share seen."""
    kind = np.array([0, 1, 1, 1, 1, 1, 1, 1, 1, 1], dtype=float)
    cluster = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    random = np.random.default_rng(10)
    rows = list(np.arange(10).reshape(5, 2))
    block: Array = np.asarray(np.linalg.inv(0.1 * np.eye(2) + 0.2), dtype=np.float64)
    x = np.column_stack([np.ones(10), kind])
    y = random.normal(size=10)
    w = np.kron(np.eye(5), block)
    beta = np.linalg.solve(x.T @ w @ x, x.T @ w @ y)
    found = robust(x, y - x @ beta, rows, [block] * 5, cluster, beta=beta)
    assert found.seen[0] < 0.99
    assert any("One cluster alone decides a part of intercept" in text for text in found.cautions)


def test_few_degrees_of_freedom_are_told() -> None:
    """Below 4 the approximation is not to be trusted."""
    found = robust_pooled([0.1, 0.5, 0.2], [0.1, 0.2, 0.1], ["a", "b", "c"])
    assert found.ddf[0] < 4
    assert "Fewer than 4 degrees of freedom for intercept" in found.cautions[0]


def test_equal_effects_have_no_test() -> None:
    """A standard error of 0 is not a significant result."""
    found = robust_pooled([0.5] * 4, [0.1] * 4, range(4), tau2="EE")
    assert found.se[0] == 0
    assert np.isnan([found.zval[0], found.pval[0], found.qm]).all()
    assert found.reasons == {
        "intercept": "standard error is 0", "qm": "intercept: standard error is 0"
    }  # fmt: skip


def test_a_fitted_model_and_a_regression_can_be_given() -> None:
    """Fields X, residuals, blocks, weights, beta; `regress` with its tau2."""
    x, y, _ = setting(11)
    vi = np.random.default_rng(12).uniform(0.1, 1, K)
    names = ["mean", "dose"]
    ours = robust_pooled(y, vi, CLUSTER, x, names=names, tau2="DL")
    fit = tp.regress(y, vi, x, tau2="DL", test="z", names=names)
    w = 1 / (vi + fit.tau2)
    model = SimpleNamespace(
        X=x, residuals=y - fit.fitted, beta=fit.beta, names=fit.names,
        blocks=[np.array([i]) for i in range(K)], weights=[np.array([[v]]) for v in w],
    )  # fmt: skip
    same = robust_of(model, CLUSTER)
    np.testing.assert_array_equal(ours.beta, fit.beta)
    np.testing.assert_allclose(same.vb, ours.vb, rtol=1e-12)
    assert same.names == ours.names == ("mean", "dose")


def options(**changes: Any) -> dict[str, Any]:
    """A call that works, with changes."""
    x, y, covariances = setting()
    weights = [np.linalg.inv(block) for block in covariances]
    good = {"X": x, "residuals": y, "blocks": BLOCKS, "weights": weights, "cluster": CLUSTER}
    return good | {"beta": np.zeros(2)} | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cluster": ["a"] * K}, "1 cluster for 2 coefficients: a robust variance needs more"),
        ({"cluster": list("abacdddddee")}, "effects 1 and 5 depend on each other"),
        ({"cluster": ["a"] * (K - 1)}, f"cluster has {K - 1} rows for {K} effects"),
        ({"cluster": [*CLUSTER[:-1], None]}, f"cluster\\[{K - 1}\\] is blank"),
        ({"blocks": BLOCKS[:-1]}, "each block needs a square matrix"),
        ({"blocks": [*BLOCKS[:-1], np.array([8, 8])]}, "hold each of the 11 effects once"),
        ({"beta": [0.0]}, "beta must have shape"),
        ({"kind": "HC2"}, "allowed are CR0, CR1, CR1p"),
        ({"ddf": "k-1"}, "allowed are satterthwaite, m-p"),
        ({"level": 95}, "must lie between 0 and 1"),
        ({"weights": [-np.eye(len(rows)) for rows in BLOCKS]}, "not a positive definite"),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_refused(changes: dict[str, Any], message: str) -> None:
    """One sentence with the place and what to do."""
    with pytest.raises(TrialpoolError, match=message):
        robust(**options(**changes))


def test_contrasts_are_checked() -> None:
    """Another width; one that follows from the other; another test."""
    found = fitted(*setting())
    for contrasts in ([1, 0, 0], [[1, 0], [2, 0]], [[0, 0]]):
        with pytest.raises(TrialpoolError, match="contrasts must be"):
            found.wald(contrasts)
    with pytest.raises(TrialpoolError, match="allowed are HTZ, F, chi2"):
        found.wald([1, 0], test="LR")
