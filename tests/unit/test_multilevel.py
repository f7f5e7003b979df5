"""Multilevel and multivariate models against dense matrices, other routes and their invariances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import trialpool as tp
from trialpool.multilevel.deletion import cooks_distance
from trialpool.multilevel.likelihood import Likelihood
from trialpool.multilevel.model import MultilevelFit, fit
from trialpool.multilevel.prediction import i_squared, predict, ranef
from trialpool.multilevel.problem import MultilevelProblem
from trialpool.multilevel.profile import profile_ci
from trialpool.multilevel.structures import STRUCTURES
from trialpool.multilevel.terms import Nested, Structured
from trialpool.results import Array, TrialpoolError

CHI2_95 = 3.841458820694124  # 95 % quantile of chi-squared with one degree of freedom


class Example:
    """Trials that each report some of three outcomes, with correlated sampling errors."""

    def __init__(self, seed: int = 1, n: int = 12, spread: float = 0.4) -> None:
        rng = np.random.default_rng(seed)
        has = [sorted(rng.permutation(3)[: 2 + i % 2]) for i in range(n)]
        self.trial = np.repeat(np.arange(n), [len(x) for x in has])
        self.outcome = np.concatenate(has)
        k = len(self.trial)
        v = rng.uniform(0.02, 0.2, k)
        same = self.trial[:, None] == self.trial
        self.V = np.where(same, 0.5 * np.sqrt(np.outer(v, v)), 0.0)
        np.fill_diagonal(self.V, v)
        effect = rng.normal(0, spread, n)[self.trial] + rng.normal(0, spread, k)
        self.y = 0.3 + effect + rng.multivariate_normal(np.zeros(k), self.V)
        self.X = np.column_stack([np.ones(k), rng.normal(2000, 5, k)])
        self.data = {
            "trial": self.trial,
            "outcome": np.array(["a", "b", "c"])[self.outcome],
            "time": np.array([0.0, 1.5, 4.0])[self.outcome],
            "row": np.arange(k),
            "lab": self.trial % 5,
        }

    def fit(self, *random: Any, rows: Any = None, **options: Any) -> MultilevelFit:
        """Of all rows, or of some in another order."""
        at = np.arange(len(self.y)) if rows is None else rows
        data = {name: column[at] for name, column in self.data.items()}
        V = self.V[np.ix_(at, at)]
        return fit(self.y[at], V, self.X[at], random=random, data=data, **options)


def term_of(struct: str) -> Structured:
    """The structured term of the example."""
    return Structured("time" if struct == "CAR" else "outcome", within="trial", struct=struct)


def dense_covariance(example: Example, struct: str, variances: Array, rho: Array) -> Array:
    """V plus the random effects, from the definitions of the structures."""
    steps = np.array([0.0, 1.5, 4.0]) if struct == "CAR" else np.arange(3.0)
    R = np.eye(3)
    for a, b, pair in ((0, 1, 0), (0, 2, 1), (1, 2, 2)):
        if struct in ("CS", "HCS"):
            R[a, b] = R[b, a] = rho[0]
        elif struct == "UN":
            R[a, b] = R[b, a] = rho[pair]
        elif struct in ("AR", "HAR", "CAR"):
            R[a, b] = R[b, a] = rho[0] ** (steps[b] - steps[a])
    sd = np.sqrt(np.broadcast_to(variances, 3))
    T = R * np.outer(sd, sd)
    same = example.trial[:, None] == example.trial
    return np.asarray(example.V + same * T[np.ix_(example.outcome, example.outcome)])


def dense_likelihood(y: Array, X: Array, M: Array, *, restricted: bool) -> float:
    """Textbook formula, with the term 1/2 log|X'X| of metafor."""
    W = np.linalg.inv(M)
    beta = np.linalg.solve(X.T @ W @ X, X.T @ W @ y)
    e = y - X @ beta
    k, p = X.shape
    out = -np.linalg.slogdet(M)[1] - e @ W @ e - k * np.log(2 * np.pi)
    if restricted:
        out += p * np.log(2 * np.pi) - np.linalg.slogdet(X.T @ W @ X)[1]
        out += np.linalg.slogdet(X.T @ X)[1]
    return float(out / 2)


def moved(model: Likelihood, theta: Array, i: int, by: float) -> Any:
    """A neighbouring point of the likelihood."""
    new = theta.copy()
    new[i] += by
    return model.at(new)


@pytest.mark.parametrize("method", ["ML", "REML"])
@pytest.mark.parametrize("struct", STRUCTURES)
def test_likelihood_and_coefficients_are_those_of_dense_matrices(struct: str, method: str) -> None:
    """At the estimates, to 1e-10: log likelihood, coefficients, covariance, residuals, weights."""
    example = Example()
    found = example.fit(term_of(struct), method=method)
    M = dense_covariance(example, struct, np.array(found.tau2), np.array(found.rho))
    dense = dense_likelihood(example.y, example.X, M, restricted=method == "REML")
    assert found.loglik == pytest.approx(dense, rel=1e-10)
    W = np.linalg.inv(M)
    vb = np.linalg.inv(example.X.T @ W @ example.X)
    assert found.vb == pytest.approx(vb, rel=1e-7)  # the design holds calendar years
    assert found.beta == pytest.approx(vb @ example.X.T @ W @ example.y, rel=1e-7)
    assert found.residuals == pytest.approx(example.y - example.X @ found.beta)
    assert sorted(np.concatenate(found.blocks)) == list(range(found.k))
    for rows, weight in zip(found.blocks, found.weights, strict=True):
        assert weight == pytest.approx(W[np.ix_(rows, rows)], rel=1e-9)


@pytest.mark.parametrize("method", ["ML", "REML"])
@pytest.mark.parametrize("struct", STRUCTURES)
def test_gradient_and_hessian_are_derivatives(struct: str, method: str) -> None:
    """Exact derivatives against central differences, away from any maximum."""
    example = Example()
    random = (term_of(struct), Nested("lab"))
    found = example.fit(*random, method=method)
    model = found.problem.likelihood
    theta = np.where(model.is_deviation, 1.0, 0.4) + 0.1 * np.arange(len(model.fixed))
    point = model.at(theta)
    assert point is not None
    gradient, hessian, _ = point.derivatives
    h = 1e-5
    for i in range(len(theta)):
        up, down = moved(model, theta, i, h), moved(model, theta, i, -h)
        assert gradient[i] == pytest.approx((up.value - down.value) / (2 * h), rel=1e-6, abs=1e-8)
        slope = (up.derivatives[0] - down.derivatives[0]) / (2 * h)
        assert hessian[i] == pytest.approx(slope, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("struct", STRUCTURES)
def test_no_other_search_finds_a_higher_likelihood(struct: str) -> None:
    """Nelder-Mead on dense matrices, from the estimate and from elsewhere."""
    from scipy.optimize import minimize

    example = Example(seed=4)
    found = example.fit(term_of(struct))
    a, b = len(found.tau2), len(found.rho)
    low = found.problem.parts[0].structure.rho_bounds[0] if b else 0.0

    def minus(x: Array) -> float:
        variances, rho = np.exp(x[:a]), low + (1 - low) / (1 + np.exp(-x[a:]))
        M = dense_covariance(example, struct, variances, rho)
        if np.linalg.eigvalsh(M)[0] <= 0 or _is_no_correlation(struct, rho):
            return 1e10
        return -dense_likelihood(example.y, example.X, M, restricted=True)

    for start in (np.full(a + b, -1.0), np.full(a + b, 0.5)):
        other = minimize(minus, start, method="Nelder-Mead", options={"maxiter": 600})
        assert found.loglik >= -other.fun - 1e-9


def _is_no_correlation(struct: str, rho: Array) -> bool:
    if struct != "UN":
        return False
    R = np.eye(3)
    R[np.triu_indices(3, 1)] = rho
    return bool(np.linalg.eigvalsh(R + R.T - np.eye(3))[0] < 0)


@pytest.mark.parametrize("method", ["ML", "REML"])
def test_one_effect_per_trial_is_the_ordinary_model(method: str) -> None:
    """Random intercepts of rows: all numbers of `pool` and `regress`."""
    rng = np.random.default_rng(3)
    v = rng.uniform(0.02, 0.2, 15)
    y = rng.normal(0.3, np.sqrt(0.1 + v))
    data = {"trial": np.arange(15)}
    ours = fit(y, v, random=[Nested("trial")], data=data, method=method)
    pooled = tp.pool(y, v, tau2=method, test="t")
    for name in ("beta", "se", "zval", "pval", "ci_lb", "ci_ub", "ddf"):
        assert getattr(ours, name)[0] == pytest.approx(getattr(pooled, name), rel=1e-9)
    assert ours.sigma2[0] == pytest.approx(pooled.tau2, rel=1e-9)
    assert ours.qe == pytest.approx(pooled.q, rel=1e-12)
    assert ours.loglik == pytest.approx(pooled.loglik, rel=1e-12)
    assert (ours.aic, ours.bic, ours.aicc) == pytest.approx((pooled.aic, pooled.bic, pooled.aicc))
    assert i_squared(ours).total == pytest.approx(pooled.i2, rel=1e-9)
    X = np.column_stack([np.ones(15), v])
    line, other = fit(y, v, X, random=[Nested("trial")], data=data), tp.regress(y, v, X, test="t")
    assert (line.qm, line.qm_pval) == pytest.approx((other.qm, other.qm_pval), rel=1e-7)
    assert line.beta == pytest.approx(other.beta, rel=1e-8)


def test_structures_that_are_the_same_model_agree() -> None:
    """UN and HCS, AR and CS for two levels; CAR with unit steps is AR; CS is two intercepts."""
    example = Example(seed=2)
    two = np.flatnonzero(example.outcome < 2)
    for a, b in (("UN", "HCS"), ("UN", "HAR"), ("AR", "CS")):
        one, other = (example.fit(term_of(x), rows=two) for x in (a, b))
        assert one.loglik == pytest.approx(other.loglik, abs=1e-9)
        assert one.tau2 == pytest.approx(other.tau2, rel=1e-5)
    example.data["time"] = example.outcome.astype(float)
    ar, car = example.fit(term_of("AR")), example.fit(term_of("CAR"))
    assert ar.tau2 == pytest.approx(car.tau2)
    assert ar.rho == pytest.approx(car.rho)
    cs, nested = example.fit(term_of("CS")), example.fit(Nested("trial", "row"))
    assert sum(nested.sigma2) == pytest.approx(cs.tau2[0], rel=1e-6)
    assert nested.sigma2[0] / sum(nested.sigma2) == pytest.approx(cs.rho[0], rel=1e-6)
    rows = example.fit(Nested("row"))
    assert example.fit(term_of("ID")).tau2 == pytest.approx(rows.sigma2)


@pytest.mark.parametrize("random", [(Nested("trial", "row"),), (term_of("UN"),), (term_of("HAR"),)])
def test_order_unit_and_origin_do_not_matter(random: Any) -> None:
    """Rows in another order; effects times 1000; effects plus the intercept's column."""
    example = Example(seed=6)
    plain = example.fit(*random)
    order = np.random.default_rng(0).permutation(plain.k)
    shuffled = example.fit(*random, rows=order)
    assert list(shuffled.components.values()) == pytest.approx(list(plain.components.values()))
    assert shuffled.beta == pytest.approx(plain.beta, rel=1e-6)
    example.y, example.V = example.y * 1000 + 5000, example.V * 1e6
    scaled = example.fit(*random)
    assert scaled.tau2 == pytest.approx(np.array(plain.tau2) * 1e6, rel=1e-6)
    assert scaled.sigma2 == pytest.approx(np.array(plain.sigma2) * 1e6, rel=1e-6)
    assert scaled.rho == pytest.approx(plain.rho, rel=1e-6)
    assert scaled.zval[1] == pytest.approx(plain.zval[1], rel=1e-6)
    assert scaled.loglik == pytest.approx(plain.loglik - (plain.k - 2) * np.log(1000))


def test_crossed_factors_share_one_block() -> None:
    """Trials crossed with laboratories: the dense likelihood, and blocks by what is shared."""
    example = Example(seed=8)
    found = example.fit(Nested("trial"), Nested("lab"))
    same = [example.data[name][:, None] == example.data[name] for name in ("trial", "lab")]
    M = example.V + sum(s2 * z for s2, z in zip(found.sigma2, same, strict=True))
    dense = dense_likelihood(example.y, example.X, M, restricted=True)
    assert found.loglik == pytest.approx(dense, rel=1e-10)
    assert found.n_levels == {"trial": 12, "lab": 5}
    assert sorted(len(rows) for rows in found.blocks) == sorted(np.bincount(example.data["lab"]))


def test_the_forms_of_a_covariance_are_one() -> None:
    """A matrix, its blocks in the order of the rows; variances and their diagonal matrix."""
    example = Example(seed=9)
    blocks = [example.V[np.ix_(at, at)] for at in _rows_by(example.trial)]
    random, data = [Nested("trial")], example.data
    one = fit(example.y, example.V, random=random, data=data)
    other = fit(example.y, blocks, random=random, data=data)
    assert one.beta[0] == other.beta[0]
    v = np.diag(example.V)
    one = fit(example.y, v, random=random, data=data)
    assert one.sigma2 == fit(example.y, np.diag(v), random=random, data=data).sigma2


def _rows_by(labels: Any) -> list[Any]:
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def test_tables_are_read_like_columns() -> None:
    """A pandas table as data, with blanks as pandas has them; names from the columns of X."""
    example = Example(seed=10)
    table = pd.DataFrame(example.data)
    X = pd.DataFrame(example.X, columns=["mean", "year"])
    one = fit(pd.Series(example.y), example.V, X, random=[term_of("CS")], data=table)
    assert one.components == example.fit(term_of("CS")).components
    assert one.names == ("mean", "year")
    table["outcome"] = table["outcome"].where(table["row"] != 5)
    with pytest.raises(TrialpoolError, match="'outcome', row 5 is blank"):
        fit(example.y, example.V, X, random=[term_of("CS")], data=table)


def test_many_blocks_of_different_sizes() -> None:
    """Sizes 1 to 40 are worked on in several stacks: the same dense likelihood."""
    rng = np.random.default_rng(5)
    sizes = np.array([1] * 30 + [3] * 20 + [40])
    trial = np.repeat(np.arange(len(sizes)), sizes)
    v = rng.uniform(0.1, 1, len(trial))
    y = rng.normal(0, 0.7, len(sizes))[trial] + rng.normal(0, np.sqrt(v))
    found = fit(y, v, random=[Nested("trial")], data={"trial": trial})
    assert len(found.problem.likelihood.batches) > 1
    M = np.diag(v) + found.sigma2[0] * (trial[:, None] == trial)
    dense = dense_likelihood(y, np.ones((len(y), 1)), M, restricted=True)
    assert found.loglik == pytest.approx(dense, rel=1e-10)


def test_no_spread_is_exactly_zero_and_said() -> None:
    """Effects more alike than their errors allow: the common-effect model, with a caution."""
    y, v = np.array([0.1, 0.11, 0.12, 0.1, 0.13, 0.09]), np.full(6, 0.2)
    data = {"trial": np.array([1, 1, 2, 2, 3, 3]), "row": np.arange(6)}
    found = fit(y, v, random=[Nested("trial", "row")], data=data, test="z")
    assert found.sigma2 == (0.0, 0.0)
    assert found.converged
    assert found.se[0] == pytest.approx(np.sqrt(0.2 / 6))
    assert sum("estimated as 0" in caution for caution in found.cautions) == 2
    assert any("rest on 3 levels" in caution for caution in found.cautions)
    assert "z test" in found.reasons["ddf"]
    effects = ranef(found)["trial"]
    assert list(effects.ranef) == [0.0, 0.0, 0.0]
    assert list(effects.se) == [0.0, 0.0, 0.0]


def test_correlation_at_its_end() -> None:
    """Two outcomes without errors of their own move as one: rho = 1, and it is said."""
    rng = np.random.default_rng(11)
    u = rng.normal(0, 1, 12)
    y = np.column_stack([u, 2 * u]).ravel() + rng.normal(0, 0.01, 24)
    data = {"trial": np.repeat(np.arange(12), 2), "outcome": np.tile(["a", "b"], 12)}
    random = [Structured("outcome", within="trial", struct="UN")]
    found = fit(y, np.full(24, 0.05), random=random, data=data)
    assert found.rho == (1.0,)
    assert any("upper end" in caution for caution in found.cautions)
    interval = profile_ci(found, "rho outcome | trial: a, b")
    assert (interval.estimate, interval.ci_ub) == (1.0, 1.0)
    assert 0.8 < interval.ci_lb < 1


def test_a_level_without_spread_has_no_correlation() -> None:
    """HCS needs one level that varies; of UN each pair has a correlation only if both do."""
    rng = np.random.default_rng(12)
    u = rng.normal(0, 1, 14)
    y = np.column_stack([u, np.zeros(14)]).ravel()
    data = {"trial": np.repeat(np.arange(14), 2), "outcome": np.tile(["a", "b"], 14)}
    random = [Structured("outcome", within="trial", struct="UN")]
    V = [np.array([[0.05, 0.0], [0.0, 0.05]])] * 14
    found = fit(y, V, np.eye(2)[np.tile([0, 1], 14)], random=random, data=data)
    assert found.tau2[1] == 0
    assert found.tau2[0] > 0.3
    assert np.isnan(found.rho[0])
    assert found.reasons["rho"] == "an effect that does not vary"


@pytest.mark.parametrize(
    ("random", "words"),
    [
        ([Nested("trial"), Nested("lab_again", "trial")], "sigma2 trial; sigma2 lab_again/trial"),
        ([Nested("row"), Nested("copy")], "a level of its own for each"),
        ([Nested("one")], "one has one level only"),
        ([Structured("outcome", "row", "CS")], "each level of row has one row"),
        ([Structured("apart", "trial", "UN")], "c and d are never observed together"),
        ([Structured("rare", "trial", "DIAG")], "z is observed 1 time"),
        ([Nested("gone")], "no column 'gone'"),
        ([Nested()], "names no column"),
        (["trial"], r"use Nested\(...\) or Structured"),
        ([Structured("outcome", "trial", "XX")], "allowed are ID"),
        ([Structured("outcome", "trial", "CAR")], "CAR needs times"),
        ([Structured("outcome", "trial", "UN", rho=0.5)], "no single rho"),
        ([Structured("outcome", "trial", "CS", rho=-0.9)], "must lie in -0.5 to 1"),
        ([Nested("blank")], "row 3 is blank"),
        ([Nested("short")], r"shape \(2,\)"),
    ],
)
def test_what_cannot_be_estimated_is_named(random: Any, words: str) -> None:
    """Confounded, single and unobserved levels; columns and options that are wrong."""
    example = Example(seed=13)
    k = len(example.y)
    apart = example.data["outcome"].astype("<U2")
    apart[(example.trial % 2 == 0) & (apart == "c")] = "d"
    rare = np.where(np.arange(k) == 4, "z", "a")
    blank = example.data["outcome"].astype(object)
    blank[3] = None
    data = example.data | {
        "lab_again": example.trial // 4,
        "copy": -np.arange(k),
        "one": np.zeros(k),
        "apart": apart,
        "rare": rare,
        "blank": blank,
        "short": np.zeros(2),
    }
    X = np.column_stack([np.ones(k), rare == "z"]).astype(float)
    with pytest.raises(TrialpoolError, match=words):
        fit(example.y, example.V, X, random=random, data=data)


@pytest.mark.parametrize(
    ("V", "words"),
    [
        ([0.1, 0.1, -0.1], "row 2 = -0.1: a sampling variance must be > 0"),
        ([0.1, 0.1, np.nan], "row 2 = nan"),
        ([0.1, 0.1], "V has shape"),
        ([[0.1, 0.2, 0], [0.2, 0.1, 0], [0, 0, 0.1]], "an eigenvalue"),
        ([[0.1, 0.0, 0], [0.05, 0.1, 0], [0, 0, 0.1]], "rows 0 and 1: V must be symmetric"),
        ([np.eye(2)], "the blocks of V have 2 rows, yi has 3"),
        ([np.eye(2), np.ones((1, 2))], "not square"),
        ([[0.1, np.inf, 0], [np.inf, 0.1, 0], [0, 0, 0.1]], "must be a finite number"),
        ([[0.0, 0.0, 0], [0.0, 0.1, 0], [0, 0, 0.1]], "row 0 = 0.0: a sampling variance"),
    ],
)
def test_a_sampling_covariance_that_is_none(V: Any, words: str) -> None:
    """Each with the rows and the rule."""
    with pytest.raises(TrialpoolError, match=words):
        fit([0.1, 0.2, 0.3], V, random=[])


def test_effects_and_designs_that_do_not_do() -> None:
    """Blank effects, a single one, collinear moderators."""
    with pytest.raises(TrialpoolError, match="row 1 = nan"):
        fit([0.1, np.nan], [0.1, 0.1])
    with pytest.raises(TrialpoolError, match="k = 1"):
        fit([0.1], [0.1])
    with pytest.raises(TrialpoolError, match="one column"):
        fit([[0.1, 0.2]], [0.1, 0.1])
    with pytest.raises(TrialpoolError, match="X is collinear: b"):
        fit([0.1, 0.2, 0.4], [0.1, 0.1, 0.1], np.ones((3, 2)), names=["a", "b"])
    with pytest.raises(TrialpoolError, match="method"):
        fit([0.1, 0.2], [0.1, 0.1], method="DL")


def test_singular_covariance_needs_random_effects() -> None:
    """Errors correlated by exactly 1: no Q and no I2, but a fit where effects spread."""
    example = Example(seed=14, spread=0.8)
    v = np.diag(example.V)
    same = example.trial[:, None] == example.trial
    V = np.where(same, np.sqrt(np.outer(v, v)), 0.0)
    found = fit(example.y, V, random=[Nested("trial", "row")], data=example.data)
    assert np.isnan(found.qe)
    assert "singular" in found.reasons["qe"]
    assert np.isnan(i_squared(found).total)
    M = V + found.sigma2[0] * same + found.sigma2[1] * np.eye(found.k)
    dense = dense_likelihood(example.y, np.ones((found.k, 1)), M, restricted=True)
    assert found.loglik == pytest.approx(dense, rel=1e-8)
    with pytest.raises(TrialpoolError, match="V is singular"):
        fit(example.y, V)


@pytest.mark.parametrize("struct", ["CS", "HCS", "CAR"])
def test_profile_bounds_are_where_the_likelihood_has_dropped(struct: str) -> None:
    """Inside the range the drop is half the chi-squared quantile; the estimate lies between."""
    found = Example(seed=21, n=25).fit(term_of(struct))
    for number, name in enumerate(found.components):
        interval = profile_ci(found, name)
        assert interval.ci_lb <= interval.estimate <= interval.ci_ub
        for bound in (interval.ci_lb, interval.ci_ub):
            drop = found.loglik - _highest_with(found, number, bound)
            inside = 1e-6 < bound < 1 - 1e-6 or bound < -1e-6
            if inside:
                assert drop == pytest.approx(CHI2_95 / 2, abs=2e-3), name
            else:
                assert drop <= CHI2_95 / 2 + 1e-6


def _highest_with(found: MultilevelFit, number: int, value: float) -> float:
    """The profile by another route: Nelder-Mead over the other components, dense matrices."""
    from scipy.optimize import minimize

    example = Example(seed=21, n=25)
    natural = np.array(list(found.components.values()))
    others = [i for i in range(len(natural)) if i != number]
    a = len(found.tau2)
    struct = found.problem.parts[0].structure

    def minus(x: Array) -> float:
        at = natural.copy()
        at[others], at[number] = x, value
        if (at[:a] < 0).any() or (at[a:] > 1).any() or (at[a:] < struct.rho_bounds[0]).any():
            return 1e10
        M = dense_covariance(example, struct.code, at[:a], at[a:])
        return -dense_likelihood(example.y, example.X, M, restricted=True)

    best = minimize(
        minus, natural[others], method="Nelder-Mead",
        options={"maxiter": 4000, "fatol": 1e-7, "xatol": 1e-7, "adaptive": True},
    )  # fmt: skip
    return -float(best.fun)


def test_profile_of_a_correlation_does_not_depend_on_the_order_of_levels() -> None:
    """UN: only correlations with the first level are parameters, the others are turned to it."""
    example = Example(seed=21, n=25)
    found = example.fit(term_of("UN"))
    other_way = {"a": "3", "b": "2", "c": "1"}
    example.data["outcome"] = np.array([other_way[x] for x in example.data["outcome"]])
    turned = example.fit(term_of("UN"))
    for pair, same in (("a, b", "2, 3"), ("a, c", "1, 3"), ("b, c", "1, 2")):
        one = profile_ci(found, f"rho outcome | trial: {pair}")
        other = profile_ci(turned, f"rho outcome | trial: {same}")
        assert one.estimate == pytest.approx(other.estimate, abs=1e-5)
        assert one.ci_lb == pytest.approx(other.ci_lb, abs=1e-5)
        assert one.ci_ub == pytest.approx(other.ci_ub, abs=1e-5)
        assert one.ci_lb < one.estimate <= one.ci_ub


def test_profile_of_no_component() -> None:
    """A name that is not there, and a correlation that was given."""
    example = Example(seed=15)
    found = example.fit(Structured("outcome", "trial", "CS", rho=0.5))
    assert found.rho[0] == pytest.approx(0.5)
    with pytest.raises(TrialpoolError, match=r"the model has tau2 outcome \| trial"):
        profile_ci(found, "sigma2")
    with pytest.raises(TrialpoolError, match="fixed, not estimated"):
        profile_ci(found, "rho outcome | trial")
    assert profile_ci(found, "tau2 outcome | trial").ci_ub > found.tau2[0]


def test_random_effects_are_the_textbook_predictions() -> None:
    """G Z' M^-1 (y - X beta) and its error, with dense matrices."""
    example = Example(seed=16)
    found = example.fit(term_of("UN"))
    effects = ranef(found)["outcome | trial"]
    T = found.problem.parts[0].structure.covariance(found.point.theta) * found.problem.unit**2
    Z = np.zeros((found.k, 36))
    Z[np.arange(found.k), example.trial * 3 + example.outcome] = 1
    G = np.kron(np.eye(12), T)
    W = np.linalg.inv(example.V + Z @ G @ Z.T)
    P = W - W @ example.X @ found.vb @ example.X.T @ W
    u, error = G @ Z.T @ W @ found.residuals, np.diag(G - G @ Z.T @ P @ Z @ G)
    seen = np.flatnonzero(Z.any(axis=0))
    assert effects.ranef == pytest.approx(u[seen], rel=1e-6, abs=1e-9)
    assert effects.se == pytest.approx(np.sqrt(error[seen]), rel=1e-6)
    assert effects.groups[:2] == ("0", "0")
    assert set(effects.levels) == {"a", "b", "c"}
    assert (effects.pi_lb < effects.ranef).all()


def test_predictions_take_the_variance_of_the_level() -> None:
    """A new trial's effect on one outcome; without the level it is asked for."""
    example = Example(seed=17)
    found = example.fit(term_of("DIAG"), test="z")
    row = [1.0, 2000.0]
    for level, tau2 in zip("abc", found.tau2, strict=True):
        p = predict(found, row, at={"outcome": level})
        reach = 1.959963984540054 * np.sqrt(tau2 + p.se**2)
        assert p.pi_ub == pytest.approx(p.pred + reach)
    with pytest.raises(TrialpoolError, match="name one of a, b, c"):
        predict(found, row)
    with pytest.raises(TrialpoolError, match="X: give values of the 2 columns"):
        predict(found)
    with pytest.raises(TrialpoolError, match="X must have 2 columns"):
        predict(found, [1.0])
    assert "variances differ" in i_squared(found).reason
    assert np.isnan(predict(example.fit(), row).pi_lb[0])


def test_contained_degrees_of_freedom() -> None:
    """Columns constant within trials have the trials' degrees of freedom, others the rows'."""
    example = Example(seed=18)
    between = example.trial % 2
    example.X = np.column_stack([np.ones(len(example.y)), between, example.outcome]).astype(float)
    found = example.fit(Nested("trial", "row"), dfs="contain")
    assert list(found.ddf) == [12 - 2, 12 - 2, found.k - 3]
    assert found.qm_ddf == 10
    assert np.isnan(example.fit(Nested("trial"), test="z", dfs="contain").ddf).all()


def test_cooks_distance_is_a_refit() -> None:
    """Without a trial, fitted from the rows that are left."""
    example = Example(seed=19)
    found = example.fit(Nested("trial", "row"))
    without = cooks_distance(found, example.trial)
    rest = np.flatnonzero(example.trial != 4)
    moved_by = found.beta - example.fit(Nested("trial", "row"), rows=rest).beta
    expected = moved_by @ np.linalg.solve(found.vb, moved_by)
    assert without.cook_d[4] == pytest.approx(expected, rel=1e-6)
    two = cooks_distance(found, np.where(example.trial == 0, "first", "others"))
    assert np.isnan(two.cook_d[1])
    assert list(two.reasons) == ["others"]


def test_a_problem_knows_its_blocks() -> None:
    """Rows are together if they share a trial or a covariance, through others if need be."""
    example = Example(seed=20)
    found = example.fit(Nested("lab"))
    problem: MultilevelProblem = found.problem
    for rows in found.blocks:
        assert len(np.unique(problem.block[rows])) == 1
        assert len(np.unique(example.data["lab"][rows])) == 1
