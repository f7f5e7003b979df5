"""Counts by a second route: statsmodels where it has the part, and integrals by scipy's quad."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.integrate import dblquad, quad
from scipy.stats import nchypergeom_fisher
from statsmodels.discrete.conditional_models import ConditionalLogit
from statsmodels.stats.contingency_tables import StratifiedTable

import trialpool as tp
from trialpool.pooling.counts import glmm, models
from trialpool.pooling.counts.families import hypergeometric
from trialpool.pooling.counts.marginal import exact
from trialpool.results import PooledCounts

Tables = dict[str, Any]
SPARSE: Tables = {
    "ai": np.array([0, 5, 2, 7, 1]),
    "n1i": np.array([30, 40, 25, 60, 20]),
    "ci": np.array([4, 6, 2, 20, 0]),
    "n2i": np.array([31, 38, 26, 55, 22]),
}
RATES: Tables = {
    "x1i": np.array([0, 5, 2, 17]),
    "t1i": np.array([134.0, 160, 120, 400]),
    "x2i": np.array([6, 8, 14, 15]),
    "t2i": np.array([199.0, 146, 110, 250]),
}


def _tables(seed: int, k: int = 7) -> Tables:
    rng = np.random.default_rng(seed)
    n1, n2 = rng.integers(20, 200, k), rng.integers(20, 200, k)
    return {"ai": rng.binomial(n1, 0.2), "n1i": n1, "ci": rng.binomial(n2, 0.3), "n2i": n2}


@pytest.mark.parametrize("seed", range(6))
def test_tests_on_tables_are_those_of_statsmodels(seed: int) -> None:
    """StratifiedTable: CMH with and without correction, Breslow-Day and Tarone."""
    data = _tables(seed)
    a, n1, c, n2 = data.values()
    other = StratifiedTable(
        [np.array([[a[i], n1[i] - a[i]], [c[i], n2[i] - c[i]]]) for i in range(len(a))]
    )
    ours = tp.pool_counts(**data).tests
    for name, result in (
        ("cmh", other.test_null_odds(correction=True)),
        ("cmh_uncorrected", other.test_null_odds(correction=False)),
        ("breslow_day", other.test_equal_odds(adjust=False)),
        ("tarone", other.test_equal_odds(adjust=True)),
    ):
        assert ours[name].stat == pytest.approx(result.statistic, rel=1e-10), name
        assert ours[name].pval == pytest.approx(result.pvalue, rel=1e-9), name


def test_free_levels_without_heterogeneity_are_a_logistic_regression() -> None:
    """GLM with a level for each study: estimate, SE and log likelihood, also for Poisson."""
    a, n1, c, n2 = SPARSE.values()
    k = len(a)
    levels = np.vstack([np.eye(k)] * 2)
    arm = np.repeat([1.0, 0.0], k)
    counts = np.column_stack([np.r_[a, c], np.r_[n1 - a, n2 - c]])
    other = sm.GLM(counts, np.column_stack([arm, levels]), family=sm.families.Binomial()).fit(
        tol=1e-14
    )
    ours = tp.pool_counts(**SPARSE, method="GLMM", tau2="EE")
    assert ours.beta == pytest.approx(other.params[0], rel=1e-9)
    assert ours.se == pytest.approx(other.bse[0], rel=1e-8)
    assert ours.loglik == pytest.approx(other.llf, abs=1e-9)
    x1, t1, x2, t2 = RATES.values()
    k = len(x1)
    design = np.column_stack([np.repeat([1.0, 0.0], k), np.vstack([np.eye(k)] * 2)])
    family = sm.families.Poisson()
    rate = sm.GLM(np.r_[x1, x2], design, family=family, exposure=np.r_[t1, t2]).fit(tol=1e-14)
    ours = tp.pool_rates(**RATES, method="GLMM", tau2="EE")
    assert ours.beta == pytest.approx(rate.params[0], rel=1e-9)
    assert ours.se == pytest.approx(rate.bse[0], rel=1e-8)
    assert ours.loglik == pytest.approx(rate.llf, abs=1e-9)
    assert ours.deviance == pytest.approx(rate.deviance, rel=1e-9)


def test_conditional_model_without_heterogeneity_is_conditional_logistic_regression() -> None:
    """ConditionalLogit on one row per person, grouped by study."""
    y, x, group = [], [], []
    for i, (a, n1, c, n2) in enumerate(zip(*SPARSE.values(), strict=True)):
        y += [1] * a + [0] * (n1 - a) + [1] * c + [0] * (n2 - c)
        x += [1.0] * n1 + [0.0] * n2
        group += [i] * (n1 + n2)
    other = ConditionalLogit(np.array(y), np.array(x)[:, None], groups=np.array(group)).fit(
        disp=False
    )
    ours = tp.pool_counts(**SPARSE, method="GLMM", model="CM.EL", tau2="EE")
    assert ours.beta == pytest.approx(float(other.params[0]), rel=1e-5)
    assert ours.se == pytest.approx(float(other.bse[0]), rel=1e-4)


def test_noncentral_hypergeometric_moments() -> None:
    """scipy.stats: mean and variance at several odds ratios."""
    n1, n2, events = np.array([30.0, 40]), np.array([31.0, 38]), np.array([4.0, 45])
    family = hypergeometric(n1, n2, events)
    for ratio in (0.1, 1.0, 7.0):
        _, mean, var = family(np.full((2, 1), math.log(ratio)))
        for i in range(2):
            other = nchypergeom_fisher(n1[i] + n2[i], n1[i], events[i], ratio)
            assert mean[i, 0] == pytest.approx(other.mean(), rel=1e-9)
            assert var[i, 0] == pytest.approx(other.var(), rel=1e-8)


def _integral(f: Callable[[float], float], beta: float, tau: float) -> float:
    """Log of the mean of f over a normal variable."""

    def density(z: float) -> float:
        return f(beta + tau * z) * math.exp(-z * z / 2)

    return -math.log(2 * math.pi) / 2 + math.log(
        quad(density, -12, 12, epsabs=0, epsrel=1e-11, limit=500)[0]
    )


def _binomial(x: int, n: int, eta: float) -> float:
    p = 1 / (1 + math.exp(-eta))
    return float(math.comb(n, x) * p**x * (1 - p) ** (n - x))


def _poisson(x: int, mean: float) -> float:
    return float(mean**x * math.exp(-mean) / math.factorial(x))


def _profile(fit: PooledCounts, at: Callable[[float, float], float]) -> None:
    """The log likelihood is the integral, and no nearby effect or tau does better."""
    tau = math.sqrt(fit.tau2)
    top = at(fit.beta, tau)
    assert fit.loglik == pytest.approx(top, abs=1e-9)
    # A maximum a millionth of an SE away would show as 6e-10 here.
    step = 3e-4 * fit.se
    assert at(fit.beta + step, tau) - at(fit.beta - step, tau) == pytest.approx(0, abs=6e-10)
    assert at(fit.beta, tau + step) - at(fit.beta, tau - step) == pytest.approx(0, abs=6e-10)
    hessian = np.empty((2, 2))
    h = 0.02 * fit.se
    for i, j in ((0, 0), (0, 1), (1, 1)):
        di, dj = (np.eye(2)[n] * h for n in (i, j))
        corners = [
            sign * at(fit.beta + d[0], tau + d[1])
            for sign, d in ((1, di + dj), (-1, di - dj), (-1, dj - di), (1, -di - dj))
        ]
        hessian[i, j] = hessian[j, i] = sum(corners) / (4 * h**2)
    covariance = np.linalg.inv(-hessian)
    assert fit.se == pytest.approx(math.sqrt(covariance[0, 0]), rel=1e-3)
    assert fit.se_tau2 == pytest.approx(2 * tau * math.sqrt(covariance[1, 1]), rel=1e-3)


def test_exact_conditional_likelihood_by_quad() -> None:
    """Fisher's noncentral hypergeometric of scipy.stats, integrated by scipy's quad."""

    def study(a: int, n1: int, c: int, n2: int) -> Callable[[float], float]:
        return lambda x: float(nchypergeom_fisher.pmf(a, n1 + n2, n1, a + c, math.exp(x)))

    def at(beta: float, tau: float) -> float:
        rows = zip(*SPARSE.values(), strict=True)
        return sum(_integral(study(*row), beta, tau) for row in rows)

    fit = tp.pool_counts(**SPARSE, method="GLMM", model="CM.EL")
    assert fit.tau2 > 0.01
    tau = math.sqrt(fit.tau2)
    assert fit.loglik == pytest.approx(at(fit.beta, tau), abs=1e-8)
    step = 0.01
    for beta, t in ((step, 0), (-step, 0), (0, step), (0, -step)):
        assert at(fit.beta + beta, tau + t) < fit.loglik


def test_conditional_poisson_likelihood_by_quad() -> None:
    """Binomial shares of the events, integrated by scipy's quad."""

    def study(x1: int, t1: float, x2: int, t2: float) -> Callable[[float], float]:
        return lambda x: _binomial(x1, x1 + x2, x + math.log(t1 / t2))

    def at(beta: float, tau: float) -> float:
        rows = zip(*(x.tolist() for x in RATES.values()), strict=True)
        return sum(_integral(study(*row), beta, tau) for row in rows)

    _profile(tp.pool_rates(**RATES, method="GLMM", model="CM.EL"), at)


@pytest.mark.parametrize("size", ["ni", "ti"])
def test_one_arm_likelihood_by_quad(size: str) -> None:
    """Binomial and Poisson counts with normal log odds or log rates."""
    x, n = SPARSE["ci"].tolist(), SPARSE["n2i"].tolist()

    def study(xi: int, s: int) -> Callable[[float], float]:
        if size == "ni":
            return lambda eta: _binomial(xi, s, eta)
        return lambda eta: _poisson(xi, s * math.exp(eta))

    def at(beta: float, tau: float) -> float:
        return sum(_integral(study(xi, s), beta, tau) for xi, s in zip(x, n, strict=True))

    given: dict[str, Any] = {size: n}
    _profile(tp.pool_one_arm(x, **given), at)


def test_random_levels_by_dblquad() -> None:
    """Two normal effects per study: the log likelihood at the maximum by scipy's dblquad."""
    few = {name: x[1:4] for name, x in SPARSE.items()}
    fit = tp.pool_counts(**few, method="GLMM", model="UM.RS")
    total, level = 0.0, _level(few, fit)
    for a, n1, c, n2 in zip(*few.values(), strict=True):

        def f(z: float, s: float, a: int = a, n1: int = n1, c: int = c, n2: int = n2) -> float:
            half = (fit.beta + math.sqrt(fit.tau2) * z) / 2
            middle = level + math.sqrt(fit.sigma2) * s
            p1, p2 = 1 / (1 + math.exp(-middle - half)), 1 / (1 + math.exp(-middle + half))
            log_f = a * math.log(p1) + (n1 - a) * math.log1p(-p1)
            log_f += c * math.log(p2) + (n2 - c) * math.log1p(-p2) - (z * z + s * s) / 2
            return math.exp(log_f) / (2 * math.pi)

        ways = math.log(math.comb(n1, a)) + math.log(math.comb(n2, c))
        total += ways + math.log(dblquad(f, -9, 9, -9, 9, epsabs=0, epsrel=1e-9)[0])
    assert fit.loglik == pytest.approx(total, abs=1e-7)


def _level(data: Tables, fit: PooledCounts) -> float:
    """Mean level of UM.RS, which the result does not report: from the model itself."""
    a, n1, c, n2 = (x.astype(float) for x in data.values())
    problem = models.tables(a, n1, c, n2, "UM.RS")
    top = glmm._random(problem, glmm._common(problem, exact), exact)
    assert top.value == pytest.approx(fit.loglik, abs=1e-10)
    parameters = top.phi[0]
    return float(parameters[models.LEVEL] if len(parameters) == 4 else parameters[1])
