"""What holds for every meta-regression, whatever the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from fields import differing
from formulas import projection
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import gammaincinv

import trialpool as tp
from trialpool.pooling.regression import Regression
from trialpool.pooling.tau2 import estimators_of

Table = NDArray[np.float64]
CODES = sorted(estimators_of("effects"))
KINDS = ["DL", "REML", "PM"]  # one of each: closed form, likelihood, root

quick = settings(max_examples=10, deadline=None, derandomize=True)
Fitted = tuple[Table, Table, Table]


@st.composite
def designs(draw: st.DrawFn) -> Fitted:
    """5 to 12 studies and an intercept with one or two covariates, a few values each."""
    k, p = draw(st.integers(5, 12)), draw(st.integers(2, 3))
    cells = draw(st.lists(st.integers(-6, 6), min_size=k * (p - 1), max_size=k * (p - 1)))
    x = np.column_stack([np.ones(k), np.array(cells, dtype=np.float64).reshape(k, p - 1)])
    assume(np.linalg.matrix_rank(x) == p)
    y = draw(st.lists(st.integers(-3000, 3000), min_size=k, max_size=k))
    v = draw(st.lists(st.floats(-3, 1), min_size=k, max_size=k))
    return np.array(y) / 1000, 10.0 ** np.array(v), x


PER_STUDY = {"fitted", "hat", "weights", "design"}


def _alike(one: Regression, two: Regression, skip: set[str], rel: float = 1e-7) -> None:
    found = differing(one, two, rel=rel, floor=1e-9)
    assert not {name: pair for name, pair in found.items() if name not in skip}


@pytest.mark.parametrize("code", KINDS)
@quick
@given(data=designs(), seed=st.integers(0, 1000))
def test_order_of_studies_is_irrelevant_to_a_regression(code: str, data: Fitted, seed: int) -> None:
    """Shuffled rows: the same model; what belongs to a study is shuffled with it."""
    y, v, x = data
    order = np.random.default_rng(seed).permutation(len(y))
    one = tp.regress(y, v, x, tau2=code)
    two = tp.regress(y[order], v[order], x[order], tau2=code)
    _alike(one, two, PER_STUDY)
    for name in PER_STUDY:
        assert getattr(two, name) == pytest.approx(getattr(one, name)[order], rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("code", CODES)
@quick
@given(data=designs(), move=st.tuples(*[st.integers(-16, 16)] * 3))
def test_what_a_design_explains_moves_only_its_coefficients(
    code: str, data: Fitted, move: tuple[int, int, int]
) -> None:
    """For y + Xc the coefficients move by c and nothing else; a constant moves the intercept."""
    y, v, x = data
    c = np.array(move[: x.shape[1]], dtype=np.float64)
    one = tp.regress(y, v, x, tau2=code, test="z")
    # SJ starts from the spread about the mean, and R2 compares with no covariates: both move.
    shifts = [np.array([move[0], 0, 0][: len(c)], dtype=np.float64)]
    shifts += [c] if code != "SJ" else []
    for shift in shifts:
        two = tp.regress(y + x @ shift, v, x, tau2=code, test="z")
        assert two.beta == pytest.approx(one.beta + shift, rel=1e-7, abs=1e-7)
        for name in ("se", "tau2", "se_tau2", "tau2_ci_ub", "qe", "i2", "hat", "loglik"):
            value = getattr(one, name)
            found = getattr(two, name)
            assert found == pytest.approx(value, rel=1e-7, abs=1e-9, nan_ok=True), name
    assert tp.regress(y + move[0], v, x, tau2=code).qm == pytest.approx(
        tp.regress(y, v, x, tau2=code).qm, rel=1e-7, abs=1e-7, nan_ok=True
    )


@pytest.mark.parametrize("code", KINDS)
@quick
@given(data=designs(), a=st.sampled_from([-1e8, 1e-8, 1e-3, 1e8]))
def test_the_unit_of_measurement_is_irrelevant_to_a_regression(
    code: str, data: Fitted, a: float
) -> None:
    """For (a yi, a^2 vi) coefficients scale by a, tau2 by a^2; tests, QM, QE and I2 stay."""
    y, v, x = data
    one, two = tp.regress(y, v, x, tau2=code), tp.regress(a * y, a * a * v, x, tau2=code)
    tiny = 1e-10 * float(v.mean())
    assert two.beta / a == pytest.approx(one.beta, rel=1e-7, abs=1e-9)
    assert two.vb / a**2 == pytest.approx(one.vb, rel=1e-7, abs=1e-12)
    assert two.tau2 / a**2 == pytest.approx(one.tau2, rel=1e-9, abs=tiny)
    assert two.tau2_ci_ub / a**2 == pytest.approx(one.tau2_ci_ub, rel=1e-8, nan_ok=True)
    for name in ("qm", "qe", "i2", "h2", "r2", "hat"):
        value = getattr(one, name)
        assert getattr(two, name) == pytest.approx(value, rel=1e-7, abs=1e-7, nan_ok=True), name


@pytest.mark.parametrize("code", KINDS)
@quick
@given(data=designs(), c=st.tuples(*[st.integers(-8, 8)] * 3))
def test_effects_on_the_line_have_no_residual_heterogeneity(
    code: str, data: Fitted, c: tuple[int, int, int]
) -> None:
    """Y = Xc to rounding: tau2 = 0, coefficients c, QE that of rounding errors."""
    _, v, x = data
    truth = np.array(c[: x.shape[1]], dtype=np.float64)
    fit = tp.regress(x @ truth, v, x, tau2=code)
    assert fit.tau2 <= 1e-24
    assert fit.beta == pytest.approx(truth, abs=1e-9)
    assert fit.qe < 1e-20


@pytest.mark.parametrize("code", ["EE", "ML"])
@quick
@given(data=designs(), copies=st.integers(2, 4))
def test_copies_of_the_evidence_in_a_regression(code: str, data: Fitted, copies: int) -> None:
    """M copies of each study: coefficients and tau2 stay, their covariance is divided by m."""
    y, v, x = data
    one = tp.regress(y, v, x, tau2=code, test="z")
    many = tp.regress(
        np.tile(y, copies), np.tile(v, copies), np.tile(x, (copies, 1)), tau2=code, test="z"
    )
    assert many.tau2 == pytest.approx(one.tau2, rel=1e-7, abs=1e-10)
    assert many.beta == pytest.approx(one.beta, rel=1e-6, abs=1e-8)
    assert many.vb * copies == pytest.approx(one.vb, rel=1e-6, abs=1e-12)
    assert many.qe == pytest.approx(copies * one.qe, rel=1e-9, abs=1e-12)


@settings(quick, max_examples=30)
@given(data=designs(), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_estimates_of_a_regression_solve_their_own_equations(data: Fitted, level: float) -> None:
    """REML: y'PPy = tr P; ML: y'PPy = tr W; PM: y'Py = k - p; Q-profile: quantiles of y'Py."""
    y, v, x = data
    df = len(y) - x.shape[1]

    def at(tau2: float) -> tuple[float, float, float, float]:
        w = 1 / (v + tau2)
        p = projection(w, x)
        return float(y @ p @ y), float(y @ p @ p @ y), float(np.trace(p)), float(w.sum())

    for code, place in (("REML", 2), ("ML", 3)):
        tau2 = tp.regress(y, v, x, tau2=code).tau2
        fit, expected = at(tau2)[1], at(tau2)[place]
        assert fit == pytest.approx(expected, rel=1e-6) if tau2 > 0 else fit <= expected * 1.000001
    found = tp.regress(y, v, x, tau2="PM", level=level)
    q = at(found.tau2)[0]
    assert q == pytest.approx(df, rel=1e-7) if found.tau2 > 0 else q <= df * 1.0000001
    bounds = ((found.tau2_ci_lb, (1 + level) / 2), (found.tau2_ci_ub, (1 - level) / 2))
    for bound, tail in bounds:
        target = 2 * float(gammaincinv(df / 2, tail))
        q = at(bound)[0]
        assert q == pytest.approx(target, rel=1e-6) if bound > 0 else q <= target * 1.000001


@pytest.mark.parametrize("code", KINDS)
@quick
@given(data=designs())
def test_turned_signs_change_no_conclusion_of_a_regression(code: str, data: Fitted) -> None:
    """-yi: coefficients turn, tests and heterogeneity stay; turned covariates likewise."""
    y, v, x = data
    one, two = tp.regress(y, v, x, tau2=code), tp.regress(-y, v, x, tau2=code)
    turned = -np.ones(x.shape[1])
    turned[0] = 1.0
    three = tp.regress(y, v, x * turned, tau2=code)
    assert two.beta == pytest.approx(-one.beta, rel=1e-9, abs=1e-12)
    assert three.beta == pytest.approx(one.beta * turned, rel=1e-9, abs=1e-12)
    for other in (two, three):
        assert other.pval == pytest.approx(one.pval, rel=1e-8, nan_ok=True)
        for name in ("tau2", "qe", "qm", "i2", "r2"):
            value = getattr(one, name)
            assert getattr(other, name) == pytest.approx(value, rel=1e-8, abs=1e-9, nan_ok=True)
