"""What pooling does with data that nobody should have: the table of cases.

Each case goes through `pool`, through `pool_many` (as a row beside good rows, and masked out) and
through `regress`. Either a TrialpoolError names the value, or every number that is missing is NaN
with its reason; nothing is infinite, no warning escapes, and all functions say the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import cache
from math import isnan
from typing import Any

import numpy as np
import pytest
from fields import differing, infinite, missing
from formulas import exact_moments, exact_q, exact_score
from numpy.typing import NDArray

import trialpool as tp
from trialpool.pooling.blup import blup
from trialpool.pooling.henmi_copas import henmi_copas
from trialpool.pooling.permutation import permutation_test
from trialpool.pooling.regression import Regression
from trialpool.pooling.tau2 import estimators_of
from trialpool.results import Pooled, TrialpoolError

NAN, INF = float("nan"), float("inf")
CODES = estimators_of("effects")
TESTS = ("z", "knha", "hksj")  # "t" has the standard error of "z"
Column = NDArray[np.float64]

Y = np.array([0.1, 0.5, -0.2, 0.9])
V = np.array([0.04, 0.1, 0.08, 0.05])
ONES = np.ones((4, 1))

FINITE = "must be a finite number; leave the study out before pooling and record why"
POSITIVE = "a sampling variance must be > 0"
FAR = "must lie between -1e+18 and 1e+18; choose another unit"
WIDE = "a sampling variance must lie between 1e-36 and 1e+36; choose another unit"
EMPTY = "is empty (k = 0): there is no study to pool"


@pytest.fixture(autouse=True)
def _no_warning_escapes() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def refusal(function: Callable[..., Any], *data: Any, **chosen: Any) -> str:
    """The message of the error that a function must raise."""
    with pytest.raises(TrialpoolError) as caught:
        function(*data, **chosen)
    assert isinstance(caught.value, ValueError)
    return str(caught.value)


# --- values that cannot be pooled ----------------------------------------------------------------

VALUES = [
    ("yi", 1, NAN, "nan", FINITE),
    ("yi", 0, INF, "inf", FINITE),
    ("yi", 3, -INF, "-inf", FINITE),
    ("yi", 2, None, "nan", FINITE),
    ("vi", 1, NAN, "nan", FINITE),
    ("vi", 3, INF, "inf", FINITE),
    ("vi", 2, 0.0, "0.0", POSITIVE),
    ("vi", 2, -0.0, "-0.0", POSITIVE),
    ("vi", 0, -0.1, "-0.1", POSITIVE),
    ("vi", 0, -INF, "-inf", FINITE),
    # Here tau2 squared leaves the range of a float; the search for its maximum never ended.
    ("yi", 1, 1e200, "1e+200", FAR),
    ("yi", 1, -2e18, "-2e+18", FAR),
    ("vi", 1, 5e-324, "5e-324", WIDE),
    ("vi", 3, 1e308, "1e+308", WIDE),
]


def rows(*columns: Any) -> Any:
    """Sets of studies, one below the other, whatever they hold."""
    return list(columns)


def spoilt(column: str, index: int, value: Any) -> tuple[list[Any], list[Any]]:
    """The good studies with one value replaced."""
    y: list[Any] = Y.tolist()
    v: list[Any] = V.tolist()
    (y if column == "yi" else v)[index] = value
    return y, v


@pytest.mark.parametrize(("column", "index", "value", "shown", "rule"), VALUES)
def test_a_value_that_cannot_be_pooled_is_named(
    column: str, index: int, value: Any, shown: str, rule: str
) -> None:
    """Column, index, value and rule: the same words in every function; pool_many adds the row."""
    y, v = spoilt(column, index, value)
    said = f"{column}[{index}] = {shown}: {rule}"
    assert refusal(tp.regress, y, v, ONES) == said
    for function in (tp.pool, blup, henmi_copas, permutation_test):
        assert refusal(function, y, v) == said
    for code in ("EE", "DL", "REML"):
        assert refusal(tp.pool_many, [Y, y, Y], [V, v, V], tau2=code) == (
            f"{column}[1, {index}] = {shown}: {rule}"
        )


@pytest.mark.parametrize(("column", "index", "value", "shown", "rule"), VALUES)
def test_what_a_mask_leaves_out_may_hold_anything(
    column: str, index: int, value: Any, shown: str, rule: str
) -> None:
    """Masked out, the value is as if it were not there; where one set uses it, that is named."""
    y, v = spoilt(column, index, value)
    mask = np.ones((3, 4), dtype=bool)
    mask[1, index] = False
    left = tp.pool(np.delete(Y, index), np.delete(V, index), test="z")
    many = tp.pool_many(rows(Y, y, Y), rows(V, v, V), mask)
    assert not differing(many.row(1), left)
    assert not differing(many.row(2), tp.pool(Y, V, test="z"))
    # The columns (k,) are shared by all sets: left out everywhere, then used by the last set.
    mask[:, index] = False
    assert not differing(tp.pool_many(y, v, mask).row(2), left)
    mask[2, index] = True
    said = f"{column}[2, {index}] = {shown}: {rule}"
    assert refusal(tp.pool_many, y, v, mask) == said


def test_of_several_bad_values_the_first_is_named() -> None:
    """Effects before variances, missing before impossible; one error, not a list."""
    y, v = [0.1, NAN, NAN], [0.1, 0.0, NAN]
    assert refusal(tp.pool, y, v).startswith("yi[1] = nan")
    assert refusal(tp.pool, [0.1, 0.2, 0.3], v).startswith("vi[2] = nan")
    assert refusal(tp.pool_many, [y, y], [v, v]).startswith("yi[0, 1] = nan")


# --- tables that cannot be pooled ----------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_no_study_at_all(code: str) -> None:
    """K = 0: the same sentence whether the column, the table or a row of the mask is empty."""
    nothing = np.empty((2, 0))
    assert refusal(tp.pool, [], [], tau2=code) == f"yi {EMPTY}"
    assert refusal(tp.regress, [], [], np.empty((0, 1)), tau2=code) == f"yi {EMPTY}"
    assert refusal(tp.pool_many, nothing, nothing, tau2=code) == f"yi {EMPTY}"
    mask = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]], dtype=bool)
    assert refusal(tp.pool_many, Y, V, mask, tau2=code) == f"mask[1] {EMPTY}"
    assert "there is no set of studies" in refusal(
        tp.pool_many, np.empty((0, 3)), np.empty((0, 3)), tau2=code
    )


@pytest.mark.parametrize(
    ("yi", "vi", "message"),
    [
        ([0.1, 0.2], [0.1], "two columns of one length, got shapes (2,) and (1,)"),
        ([[0.1]], [[0.2]], "got shapes (1, 1) and (1, 1)"),
        (0.1, 0.2, "got shapes () and ()"),
        (["a", "b"], [0.1, 0.2], "yi must hold numbers only: could not convert string to float"),
        ([0.1, 0.2], ["0.1", "n/a"], "vi must hold numbers only: could not convert string"),
        ([0.1, "0,2"], [0.1, 0.2], "yi must hold numbers only"),
        ([[0.1], [0.2, 0.3]], [0.1, 0.2], "yi must hold numbers only"),
        ([0.1, 10**400], [0.1, 0.2], "yi must hold numbers only: int too large"),
        ([0.1, {}], [0.1, 0.2], "yi must hold numbers only"),
    ],
)
def test_columns_of_another_shape_or_kind(yi: Any, vi: Any, message: str) -> None:
    """Different lengths, tables, single numbers, text, ragged lists."""
    assert message in refusal(tp.regress, yi, vi, ONES)
    for function in (tp.pool, blup, henmi_copas, permutation_test):
        assert message in refusal(function, yi, vi)


@pytest.mark.parametrize(
    ("yi", "vi", "mask", "message"),
    [
        (Y, V, None, "must be (sets, studies) or (studies,), got yi (4,), vi (4,)"),
        (0.1, 0.2, None, "got yi (), vi ()"),
        ([Y, Y], V[:3], None, "got yi (2, 4), vi (3,)"),
        ([Y, Y], [V, V, V], None, "got yi (2, 4), vi (3, 4)"),
        ([[Y]], [[V]], None, "got yi (1, 1, 4), vi (1, 1, 4)"),
        # A column of one number per set is not taken for a number per study.
        (np.ones((2, 1)), [V, V], None, "got yi (2, 1), vi (2, 4)"),
        ([Y, Y], [V, V], np.ones((2, 3), dtype=bool), "mask (2, 3)"),
        ([Y, Y], [V, V], np.ones((3, 4), dtype=bool), "mask (3, 4)"),
        ([Y, Y], [V, V], np.ones((2, 1), dtype=bool), "mask (2, 1)"),
        ([Y, Y], [V, V], np.ones((2, 4)), "mask must hold True (used) and False only, got float64"),
        ([Y, Y], [V, V], np.ones((2, 4), dtype=int), "False only, got int64"),
        ([Y, Y], [V, V], [["yes"] * 4] * 2, "mask must hold True (used) and False only, got <U3"),
        ([Y, Y], [V, V], [[True, None, True, True]] * 2, "False only, got object"),
        ([Y, Y], [V, V], [[True], [True, False]], "mask must have rows of one length"),
        ([Y, ["a"] * 4], [V, V], None, "yi must hold numbers only"),
        ([Y, Y[:3]], [V, V], None, "yi must hold numbers only"),
    ],
)
def test_tables_of_sets_of_another_shape_or_kind(yi: Any, vi: Any, mask: Any, message: str) -> None:
    """Shapes are printed as they came; nothing is stretched that was not meant to be."""
    assert message in refusal(tp.pool_many, yi, vi, mask)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau2": "reml"}, f"tau2 = 'reml': allowed are {', '.join(estimators_of('effects'))}"),
        ({"tau2": None}, "tau2 = None: allowed are EE"),
        ({"test": "adhoc"}, "test = 'adhoc': allowed are z, t, knha, hksj"),
        ({"pi": "k-3"}, "pi = 'k-3': allowed are k-1, k-2, z"),
        ({"tau2_ci": "qp"}, "tau2_ci = 'qp': allowed are QP, PL"),
        ({"tau2": "DL", "tau2_ci": "PL"}, "tau2 = 'DL' does not; take 'QP'"),
        ({"tau2": "EE", "tau2_ci": "PL"}, "tau2 = 'EE' does not; take 'QP'"),
        ({"level": 95}, "level = 95: must lie between 0 and 1, such as 0.95"),
        ({"level": 0}, "level = 0: must"),
        ({"level": 1.0}, "level = 1.0: must"),
        ({"level": NAN}, "level = nan: must"),
        ({"level": "0.95"}, "level = '0.95': must"),
        ({"level": None}, "level = None: must"),
    ],
)
def test_options_that_do_not_exist_or_do_not_fit(options: dict[str, Any], message: str) -> None:
    """The same message from all three functions."""
    assert message in refusal(tp.pool, Y, V, **options)
    assert message in refusal(tp.pool_many, [Y], [V], **options)
    assert message in refusal(tp.regress, Y, V, ONES, **options)


# --- data that can be pooled, with difficulty ----------------------------------------------------

STRANGE: dict[str, tuple[list[float], list[float]]] = {
    "k = 1": ([0.3], [0.04]),
    "k = 2": ([0.3, 0.9], [0.04, 0.1]),
    "k = 2, equal": ([0.3, 0.3], [0.04, 0.1]),
    "all equal": ([0.3] * 5, [0.04, 0.1, 0.08, 0.05, 0.2]),
    "all equal, equal variances": ([0.3] * 4, [0.1] * 4),
    "all zero": ([0.0] * 4, [0.04, 0.1, 0.08, 0.05]),
    "two of three equal": ([0.3, 0.3, 0.4], [0.1] * 3),
    "one huge weight, 1e12": ([0.1, 0.5, 1.2, -0.3], [1e-13, 0.1, 0.2, 0.15]),
    "one huge weight, 1e15": ([0.1, 0.5, 1.2, -0.3], [1e-16, 0.1, 0.2, 0.15]),
    "one huge weight, alike": ([0.3, 0.31, 0.29, 0.3], [1e-15, 1.0, 1.0, 2.0]),
    "two huge weights, 1e15": ([0.1, 0.1000001, 1.2, -0.3], [1e-15, 2e-15, 1.0, 0.7]),
    "one tiny weight, 1e15": ([0.1, 0.5, 1.2, -0.3], [0.1, 0.2, 0.15, 1e14]),
    "effects of 1e8": ([1e7, 5e7, -2e7, 9e7], [4e14, 1e15, 8e14, 5e14]),
    "effects of 1e-8": ([1e-9, 5e-9, -2e-9, 9e-9], [4e-18, 1e-17, 8e-18, 5e-18]),
    "effects near 1e8": ([1e8 + 0.125, 1e8 + 0.5, 1e8 - 0.25, 1e8 + 1], [0.04, 0.1, 0.08, 0.05]),
    "huge outlier": ([0.1, 0.5, -0.2, 1e8], [0.04, 0.1, 0.08, 0.05]),
    "huge precise outlier": ([0.1, 0.5, -0.2, 1e6], [0.04, 0.1, 0.08, 1e-10]),
    "the last that is allowed": ([1e18, -3e17, 0.0], [1e-36, 1.0, 1e36]),
}
EXACT = [name for name in STRANGE if name not in ("k = 1", "the last that is allowed")]
CASES = [pytest.param(*map(np.array, data), id=name) for name, data in STRANGE.items()]


def options() -> Iterator[dict[str, str]]:
    """Every estimator with each standard error and interval of tau2 that it has."""
    for code in CODES:
        for test in TESTS:
            yield {"tau2": code, "test": test}
        if code in ("ML", "REML"):
            yield {"tau2": code, "tau2_ci": "PL", "pi": "k-2"}


@cache
def good(**chosen: str) -> Pooled:
    """The good row of the tables below."""
    return tp.pool(Y, V, **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize(("yi", "vi"), CASES)
def test_what_is_missing_has_its_reason_and_nothing_is_infinite(yi: Column, vi: Column) -> None:
    """In `pool`, and the same to the last digits as a row of `pool_many`, reasons included."""
    k = len(yi)
    # The case beside good rows, at columns that change from row to row, junk where nothing is.
    width = max(k, 4) + 2
    y, v = np.full((4, width), NAN), np.full((4, width), -1.0)
    mask = np.zeros((4, width), dtype=bool)
    for row, start in enumerate((2, 1, 0, 2)):
        own = (Y, V) if row in (0, 3) else (yi, vi)
        place = slice(start, start + len(own[0]))
        y[row, place], v[row, place], mask[row, place] = own[0], own[1], True
    for chosen in options():
        fit = tp.pool(yi, vi, **chosen)  # type: ignore[arg-type]
        assert missing(fit) == set(fit.reasons), chosen
        assert not infinite(fit), chosen
        assert fit.converged, chosen
        many = tp.pool_many(y, v, mask, **{"test": "hksj", **chosen})  # type: ignore[arg-type]
        for row in (1, 2):
            one = many.row(row)
            assert not differing(one, fit, floor=0.0), chosen
            assert (one.reasons, one.cautions) == (fit.reasons, fit.cautions), chosen
        assert not differing(many.row(3), good(**chosen)), chosen


@pytest.mark.parametrize("name", EXACT)
def test_strange_data_give_the_exact_numbers(name: str) -> None:
    """Against rational arithmetic: Q, the mean and the closed forms; the others by their equation.

    The score changes its sign, and the generalised Q crosses k - 1, within 1e-10 of the estimate.
    """
    y, v = map(np.array, STRANGE[name])
    truth = exact_moments(y, v)
    fit = tp.pool(y, v, tau2="EE")
    # Differences of effects near 1e8 are exact, their mean is rounded once.
    assert fit.beta == pytest.approx(truth["beta"], rel=1e-14)
    assert fit.q == pytest.approx(truth["q"], rel=1e-12)
    for code in ("DL", "HE", "HS", "SJ"):
        tau2 = tp.pool(y, v, tau2=code).tau2
        assert tau2 == pytest.approx(truth[code], rel=1e-10, abs=1e-15 * v.min()), code
    step = 1e-10
    tau2 = tp.pool(y, v, tau2="PM").tau2
    if tau2 > 0:
        assert exact_q(y, v, tau2 * (1 + step)) < len(y) - 1 < exact_q(y, v, tau2 * (1 - step))
    else:
        assert exact_q(y, v, 0.0) <= len(y) - 1
    for code, restricted in (("REML", True), ("ML", False)):
        tau2 = tp.pool(y, v, tau2=code).tau2
        above = exact_score(y, v, tau2 * (1 + step), restricted=restricted)
        below = exact_score(y, v, tau2 * (1 - step), restricted=restricted)
        assert above < 0, code
        assert tau2 == 0 or below > 0, code


def test_one_study_and_two() -> None:
    """K = 1: itself under z, no heterogeneity; k = 2: no prediction interval; both with reasons."""
    one, two = tp.pool([0.3], [0.04], test="z"), tp.pool([0.3, 0.9], [0.04, 0.1], test="z")
    assert (one.beta, one.se, isnan(one.ddf)) == (0.3, 0.2, True)
    assert one.reasons["tau2_ci_lb"] == one.reasons["i2"] == one.reasons["loglik"] == "k < 2"
    assert one.reasons["pi_lb"] == two.reasons["pi_ub"] == "k < 3"
    assert set(two.reasons) == {"pi_lb", "pi_ub", "ddf"}
    assert "needs more studies than coefficients" in refusal(tp.regress, [0.3], [0.04], [[1.0]])
    for other in (blup, henmi_copas, permutation_test):
        assert "k = 1" in refusal(other, [0.3], [0.04])


def test_equal_effects_under_knapp_hartung() -> None:
    """No spread: the unmodified SE is 0 and the test undefined; hksj falls back on z."""
    y, v = STRANGE["all equal"]
    fit = tp.pool(y, v, test="knha")
    assert (fit.se, fit.ci_lb, fit.ci_ub) == (0.0, 0.3, 0.3)
    assert fit.reasons["zval"] == fit.reasons["pval"] == "standard error is 0"
    assert tp.pool(y, v, test="hksj").se == tp.pool(y, v, test="z").se > 0
    flat = tp.regress(np.zeros(5), v, np.column_stack([np.ones(5), np.arange(5)]), test="knha")
    assert flat.reasons["zval"] == flat.reasons["qm_pval"] == "standard error is 0"


def test_one_huge_weight_leaves_the_others_their_say() -> None:
    """The precise study alone decides the common effect, and none of the heterogeneity.

    With v[0] -> 0 and the mean at y[0]: Q = sum of (y - y0)^2/v over the others, and DL's tau2
    (Q - 3)/(2 sum of their weights); each number to the digits that 1e-15 leaves.
    """
    y, v = map(np.array, STRANGE["one huge weight, 1e15"])
    rest = 1 / v[1:]
    q = float((rest * (y[1:] - y[0]) ** 2).sum())
    for fit in (tp.pool(y, v, tau2="DL"), tp.regress(y, v, ONES, tau2="DL")):
        assert fit.tau2 == pytest.approx((q - 3) / (2 * rest.sum()), rel=1e-12)
        # Distances from y0 have variance v + 2 tau2 and, sharing y0, covariance tau2; for normal
        # ones the variance of Q is twice the sum of the squares of sqrt(w_i w_j) cov_ij.
        t = fit.tau2 * rest
        twice = ((1 + 2 * t) ** 2).sum() + t.sum() ** 2 - (t**2).sum()
        assert fit.se_tau2 == pytest.approx((2 * twice) ** 0.5 / (2 * rest.sum()), rel=1e-12)
    assert tp.pool(y, v, tau2="EE").beta == pytest.approx(0.1, abs=1e-12)


# --- meta-regression -----------------------------------------------------------------------------

X = np.column_stack([np.ones(6), [1.0, 2.0, 3.0, 4.0, 5.0, 7.0]])
Y6 = np.array([0.1, 0.5, -0.2, 0.9, 0.3, 0.7])
V6 = np.array([0.04, 0.1, 0.08, 0.05, 0.2, 0.1])


def changed(row: int, column: int, value: float) -> Column:
    """The design with one cell replaced."""
    x = X.copy()
    x[row, column] = value
    return x


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (changed(4, 1, NAN), "X[4, 1] = nan: must be a finite number; leave the study out"),
        (changed(2, 1, INF), "X[2, 1] = inf: must be a finite number"),
        (X[:5], "X must have one row per study, shape (6, p), got (5, 2)"),
        (X[:, 1], "X must have one row per study, shape (6, p), got (6,)"),
        (X.T, "shape (6, p), got (2, 6)"),
        (np.empty((6, 0)), "shape (6, p), got (6, 0)"),
        ([["a", "b"]] * 6, "X must hold numbers only"),
        (np.column_stack([X, X[:, 1]]), "X is collinear: x2 can be computed from the other"),
        (np.column_stack([X, 3 - 2 * X[:, 1]]), "X is collinear: x2 can be computed"),
        (np.column_stack([X, np.ones(6)]), "X is collinear: intercept can be computed"),
        (np.column_stack([X, np.zeros(6)]), "X is collinear: x2 can be computed"),
        # Dummies for every group beside an intercept.
        (np.column_stack([np.ones(6), [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]), "collinear: x2"),
        # In the unit of the column nothing is left of it, however small or large that unit is.
        (np.column_stack([X, 1e-12 * X[:, 1]]), "X is collinear: x2 can be computed"),
        (np.column_stack([X, 1e12 * X[:, 1]]), "X is collinear: x2 can be computed"),
        (np.eye(6), "X has 6 columns for k = 6 studies: a meta-regression needs more studies"),
        (np.ones((6, 7)), "X has 7 columns for k = 6 studies"),
        (X * [1, 1e200], "X: the largest number of x1 is 7e+200, which must lie between 1e-18"),
        (X * [1, 1e-200], "which must lie between 1e-18 and 1e+18; choose another unit"),
    ],
)
def test_designs_that_cannot_be_fitted(x: Any, message: str) -> None:
    """Cell, shape or column is named; the permutation test says the same."""
    assert message in refusal(tp.regress, Y6, V6, x)
    assert message in refusal(permutation_test, Y6, V6, x)


def test_names_that_do_not_fit_the_design() -> None:
    """As many names as columns; predictions need as many columns as the fit."""
    assert "names: 1 for 2 columns of X" in refusal(tp.regress, Y6, V6, X, names=["a"])
    fit = tp.regress(Y6, V6, X)
    assert "X must have 2 columns (intercept, x1)" in refusal(fit.predict, [[1, 2, 3]])
    assert "X must hold finite numbers only" in refusal(fit.predict, [[1, NAN]])
    assert "X must hold numbers only" in refusal(fit.predict, [["1", "n/a"]])


def test_other_functions_refuse_what_they_cannot_do() -> None:
    """No random effects without tau2, no test of one arrangement."""
    assert "in a common-effect model every true effect is the mean" in refusal(
        blup, Y, V, tau2="EE"
    )
    assert "iterations = 1: must be 2 or more" in refusal(permutation_test, Y, V, iterations=1)
    for other in (blup, henmi_copas):
        assert "level = 0: must lie between" in refusal(other, Y, V, level=0)


DESIGNS = {
    "as it should be": (Y6, V6, X),
    "all equal": (np.full(6, 0.3), V6, X),
    "all zero": (np.zeros(6), V6, X),
    "on a line": (2 + 3 * X[:, 1], V6, X),
    "no intercept": (Y6, V6, X[:, 1:]),
    "only an intercept": (Y6, V6, X[:, :1]),
    "one huge weight, 1e12": (Y6, np.r_[1e-13, V6[1:]], X),
    "one huge weight, 1e15": (Y6, np.r_[V6[:5], 1e-16], X),
    "two huge weights, 1e15": (Y6, np.r_[1e-16, 2e-16, V6[2:]], X),
    "three huge weights, 1e15": (Y6, np.r_[1e-16, 2e-16, 1e-16, V6[3:]], X),
    "one study far off in X": (Y6, V6, changed(5, 1, 1e9)),
    "a dummy for one study": (Y6, V6, np.column_stack([X, [0, 0, 0, 0, 0, 1]])),
    "p = k - 1": (Y6, V6, np.column_stack([np.ones(6), np.eye(6)[:, :4]])),
    "two groups": (Y6, V6, np.kron(np.eye(2), np.ones((3, 1)))),
    "effects of 1e8": (1e8 * Y6, 1e16 * V6, X),
    "effects of 1e-8": (1e-8 * Y6, 1e-16 * V6, X),
    "huge outlier": (np.r_[Y6[:5], 1e8], V6, X),
    "far units": (Y6, V6, X * [1, 1e17]),
}


def reasons_of(fit: Regression) -> set[str]:
    """Fields with a reason, or that are NaN by definition: VIF of the intercept, no beta."""
    return set(fit.reasons) | {"vif"}


@pytest.mark.parametrize(
    ("yi", "vi", "x"), [pytest.param(*data, id=name) for name, data in DESIGNS.items()]
)
def test_regressions_have_a_reason_for_what_is_missing(yi: Column, vi: Column, x: Column) -> None:
    """NaN with a reason, nothing infinite, no warning, for every estimator and test."""
    for chosen in options():
        fit = tp.regress(yi, vi, x, **chosen)  # type: ignore[arg-type]
        assert missing(fit) - {"design"} <= reasons_of(fit), chosen
        assert set(fit.reasons) <= missing(fit) | {"tau2"}, chosen
        assert not infinite(fit), chosen
        assert fit.converged, chosen
        assert not infinite(fit.predict()), chosen
