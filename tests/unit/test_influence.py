"""Deletion diagnostics: by hand, by metafor, and where there is little to delete."""

from __future__ import annotations

import numpy as np
import pytest
from bcg import LATITUDE, V, Y
from numpy.typing import NDArray

import trialpool as tp
from trialpool.diagnostics.deletion import (
    ESSENTIAL,
    FEW_LEFT,
    NOT_CONVERGED,
    NOTHING_LEFT,
    ONE_LEFT,
)
from trialpool.diagnostics.influence import (
    Influence,
    baujat,
    by_convention,
    gosh,
    influence,
)
from trialpool.pooling.subsets import all_subsets
from trialpool.pooling.tau2 import ESTIMATORS, Estimator
from trialpool.results import Array, TrialpoolError

# influence(rma(yi, vi)) on the log risk ratios of the BCG trials, metafor 5.1-12, stopping rule
# tightened.
BCG = {
    "rstudent": [
        -0.21814249,
        -1.2917902,
        -0.75471977,
        -1.4512007,
        0.84771058,
        -0.11799949,
        -1.3037271,
        1.4500805,
        0.40761317,
        -1.1277388,
        0.66907918,
        1.289841,
        1.1879029,
    ],
    "dffits": [
        -0.040707548,
        -0.34358771,
        -0.1603615,
        -0.52005099,
        0.27074522,
        -0.019006348,
        -0.3361575,
        0.47746001,
        0.14154847,
        -0.3486947,
        0.23150451,
        0.25261989,
        0.3548609,
    ],
    "cook_d": [
        0.0017165413,
        0.1132497,
        0.025980331,
        0.22948164,
        0.076231445,
        0.00041349627,
        0.10874162,
        0.19917759,
        0.021998431,
        0.11701784,
        0.058078156,
        0.063433416,
        0.1228129,
    ],
    "cov_r": [
        1.116449,
        1.0101923,
        1.0669958,
        0.96512649,
        1.1380234,
        1.2407164,
        1.0077114,
        1.0010701,
        1.1967622,
        1.0505273,
        1.1859791,
        1.0258569,
        1.0650407,
    ],
    "tau2_del": [
        0.3361567,
        0.29258308,
        0.32073793,
        0.26275815,
        0.32780326,
        0.35955407,
        0.29302587,
        0.27318293,
        0.34945201,
        0.2987245,
        0.34048829,
        0.30816221,
        0.30373337,
    ],
}
FIELDS = (
    "resid",
    "resid_se",
    "rstandard",
    "resid_del",
    "resid_del_se",
    "rstudent",
    "dffits",
    "cook_d",
    "cov_r",
    "tau2_del",
    "qe_del",
    "hat",
    "weight",
    "dfbetas",
)
NEED_TAU2 = {"resid_del_se", "rstudent", "dffits", "cov_r", "tau2_del", "dfbetas"}


def columns(found: Influence) -> dict[str, Array]:
    return {name: getattr(found, name) for name in FIELDS}


def missing(found: Influence) -> set[str]:
    return {name for name, values in columns(found).items() if np.isnan(values).any()}


@pytest.mark.parametrize("name", BCG)
def test_metafor_on_the_bcg_trials(name: str) -> None:
    assert getattr(influence(Y, V), name) == pytest.approx(BCG[name], rel=1e-7)


@pytest.mark.parametrize("tau2", ["EE", "DL", "REML", "PM"])
@pytest.mark.parametrize("test", ["z", "t", "knha", "hksj"])
def test_each_number_by_removing_the_study_by_hand(tau2: str, test: str) -> None:
    found, full = influence(Y, V, tau2=tau2, test=test), tp.pool(Y, V, tau2=tau2, test=test)
    for i in range(len(Y)):
        left = np.delete(np.arange(len(Y)), i)
        rest = tp.pool(Y[left], V[left], tau2=tau2, test=test)
        moved, t = full.beta - rest.beta, rest.tau2
        # What the test makes of the variance, from the fit without the test.
        factor = (rest.se / tp.pool(Y[left], V[left], tau2=tau2, test="z").se) ** 2
        se = np.sqrt(factor / (1 / (V + t)).sum())
        expected = {
            "resid": Y[i] - full.beta,
            "rstudent": (Y[i] - rest.beta) / np.sqrt(V[i] + t + rest.se**2),
            "dffits": moved / np.sqrt(factor * full.weights[i] * (V[i] + t)),
            "cook_d": (moved / full.se) ** 2,
            "cov_r": (rest.se / full.se) ** 2,
            "tau2_del": t,
            "qe_del": rest.q,
            "hat": full.weights[i],
            "weight": 100 * full.weights[i],
            "dfbetas": moved / se,
        }
        ours = {name: getattr(found, name)[i] for name in expected}
        assert ours == pytest.approx(expected, rel=1e-8, abs=1e-12)


def test_internal_residuals_have_the_variance_of_a_linear_model() -> None:
    """Their covariance is (I - H) M (I - H)', with M the covariance of the effects."""
    found, full = influence(Y, V), tp.pool(Y, V, test="z")
    leave = np.eye(len(Y)) - np.ones((len(Y), 1)) * full.weights
    covariance = leave @ np.diag(V + full.tau2) @ leave.T
    assert found.resid_se == pytest.approx(np.sqrt(np.diag(covariance)))
    assert found.rstandard == pytest.approx((Y - full.beta) / np.sqrt(np.diag(covariance)))


def test_the_refits_are_there_with_their_level() -> None:
    found = influence(Y, V, test="hksj", level=0.9)
    assert found.without is not None
    alone = tp.pool(Y[1:], V[1:], test="hksj", level=0.9)
    assert found.without.row(0).ci_lb == pytest.approx(alone.ci_lb)


def test_an_outlier_is_found_and_no_other() -> None:
    y = np.array([0.1, 0.12, 0.08, 0.11, 0.09, 0.1, 0.13, 0.07, 2.5])
    found = influence(y, np.full(9, 0.01))
    assert found.influential.tolist() == [False] * 8 + [True]
    assert abs(found.rstudent[8]) > 10
    assert found.tau2_del[8] == 0
    assert found.reasons == {}


def test_a_dominating_study_is_influential_by_its_weight_alone() -> None:
    found = influence(np.full(9, 0.2), [1e-4, *[0.1] * 8], tau2="EE")
    assert found.influential.tolist() == [True] + [False] * 8
    assert found.cook_d == pytest.approx(np.zeros(9), abs=1e-12)


@pytest.mark.parametrize("tau2", ["EE", "REML"])
def test_rows_in_any_order(tau2: str) -> None:
    order = np.random.default_rng(7).permutation(len(Y))
    straight, mixed = influence(Y, V, tau2=tau2), influence(Y[order], V[order], tau2=tau2)
    for name, values in columns(straight).items():
        assert columns(mixed)[name] == pytest.approx(values[order], rel=1e-8, abs=1e-12)
    assert mixed.influential.tolist() == straight.influential[order].tolist()


def test_one_study_leaves_nothing() -> None:
    found = influence([0.3], [0.1])
    assert missing(found) == set(FIELDS) - {"resid", "resid_se", "hat", "weight"}
    assert missing(found) == set(found.reasons)
    assert {why for name, why in found.reasons.items() if name != "rstandard"} == {NOTHING_LEFT}
    assert found.weight.tolist() == [100]
    assert found.without is None
    assert not found.influential.any()


def test_two_studies_leave_one_without_tau2() -> None:
    found = influence([0.1, 0.5], [0.1, 0.2])
    assert missing(found) == NEED_TAU2
    assert found.reasons == dict.fromkeys(NEED_TAU2, ONE_LEFT)
    assert found.resid_del == pytest.approx([-0.4, 0.4])
    assert found.qe_del.tolist() == [0, 0]


def test_two_studies_of_a_common_effect_need_no_tau2() -> None:
    found = influence([0.1, 0.5], [0.1, 0.2], tau2="EE")
    assert missing(found) == set()
    assert found.reasons == {}
    assert found.rstudent == pytest.approx(np.array([-0.4, 0.4]) / np.sqrt(0.3))
    assert found.cov_r == pytest.approx([3, 1.5])


def test_three_studies_have_every_number() -> None:
    found = influence([0.1, 0.5, 0.2], [0.1, 0.2, 0.1])
    assert missing(found) == set()
    assert found.reasons == {}


def test_what_has_no_standard_error_is_missing_with_its_reason() -> None:
    """Without the last study all effects are equal, so that its Knapp-Hartung variance is 0."""
    found = influence([0.2, 0.2, 0.2, 0.9], np.full(4, 0.1), test="knha", tau2="EE")
    assert missing(found) == set(found.reasons) == {"dffits", "dfbetas"}
    assert not np.isinf(found.dffits).any()
    assert np.isnan(found.dfbetas).tolist() == [False, False, False, True]


def test_a_fit_that_did_not_converge_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    never = Estimator(name="never", estimate=lambda s: s.zero + np.nan)
    monkeypatch.setitem(ESTIMATORS, "NEVER", never)
    found = influence(Y, V, tau2="NEVER")
    assert missing(found) == set(found.reasons) == set(FIELDS) - {"qe_del"}
    assert set(found.reasons.values()) == {NOT_CONVERGED}
    assert not found.influential.any()


def test_bad_values_are_named() -> None:
    with pytest.raises(TrialpoolError, match=r"vi\[1\]"):
        influence([0.1, 0.2, 0.3], [0.1, -0.2, 0.3])
    with pytest.raises(TrialpoolError, match="level"):
        influence(Y, V, DESIGN, level=95)
    with pytest.raises(TrialpoolError, match="tau2 = 'XX'"):
        influence([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], tau2="XX")


# --- meta-regression -----------------------------------------------------------------------------

DESIGN = np.column_stack([np.ones(13), LATITUDE])


@pytest.mark.parametrize("tau2", ["EE", "DL", "REML"])
@pytest.mark.parametrize("test", ["z", "knha", "hksj"])
def test_each_number_of_a_regression_by_removing_the_study_by_hand(tau2: str, test: str) -> None:
    found = influence(Y, V, DESIGN, tau2=tau2, test=test)
    full = tp.regress(Y, V, DESIGN, tau2=tau2, test=test)
    for i in range(len(Y)):
        left, x = np.delete(np.arange(len(Y)), i), DESIGN[i]
        rest = tp.regress(Y[left], V[left], DESIGN[left], tau2=tau2, test=test)
        plain = tp.regress(Y[left], V[left], DESIGN[left], tau2=tau2, test="z")
        moved, t, factor = full.beta - rest.beta, rest.tau2, rest.vb[0, 0] / plain.vb[0, 0]
        everywhere = np.linalg.inv((DESIGN.T / (V + t)) @ DESIGN)
        expected = {
            "rstudent": (Y[i] - x @ rest.beta) / np.sqrt(V[i] + t + x @ rest.vb @ x),
            "dffits": x @ moved / np.sqrt(factor * full.hat[i] * (V[i] + t)),
            "cook_d": moved @ np.linalg.inv(full.vb) @ moved,
            "cov_r": np.linalg.det(rest.vb) / np.linalg.det(full.vb),
            "tau2_del": t,
            "qe_del": rest.qe,
        }
        ours = {name: getattr(found, name)[i] for name in expected}
        assert ours == pytest.approx(expected, rel=1e-7, abs=1e-12)
        steps = np.sqrt(factor * everywhere.diagonal())
        assert found.dfbetas[i] == pytest.approx(moved / steps, rel=1e-7)


@pytest.mark.parametrize("tau2", ["EE", "REML"])
@pytest.mark.parametrize("test", ["z", "hksj"])
def test_a_regression_on_the_intercept_alone_is_the_pooled_effect(tau2: str, test: str) -> None:
    plain = columns(influence(Y, V, tau2=tau2, test=test))
    regression = columns(influence(Y, V, np.ones((13, 1)), tau2=tau2, test=test))
    for name, values in plain.items():
        assert regression[name].ravel() == pytest.approx(values, rel=1e-7, abs=1e-11)


def test_a_study_that_alone_carries_a_coefficient_cannot_be_left_out() -> None:
    design = np.column_stack([np.ones(13), np.eye(13)[4]])
    found = influence(Y, V, design)
    assert np.flatnonzero(np.isnan(found.dffits)).tolist() == [4]
    assert np.isnan(found.dfbetas[4]).all()
    assert found.reasons["dffits"] == found.reasons["tau2_del"] == ESSENTIAL
    assert found.hat[4] == pytest.approx(1)
    assert np.flatnonzero(np.isnan(found.rstandard)).tolist() == [4]
    assert found.resid_se[4] == 0
    assert found.influential[4]


def test_a_regression_without_degrees_of_freedom_to_lose() -> None:
    found = influence(Y[:3], V[:3], DESIGN[:3])
    assert {found.reasons[name] for name in NEED_TAU2} == {FEW_LEFT}
    assert missing(found) == set(found.reasons)
    assert np.isfinite(found.hat).all()


# --- Baujat --------------------------------------------------------------------------------------


def test_baujat_adds_up_to_q() -> None:
    x, _ = baujat(Y, V)
    assert x.sum() == pytest.approx(tp.pool(Y, V, tau2="EE").q)


@pytest.mark.parametrize("tau2", ["EE", "REML"])
def test_baujat_by_removing_the_study_by_hand(tau2: str) -> None:
    full, (_, y) = tp.pool(Y, V, tau2=tau2, test="z"), baujat(Y, V, tau2=tau2)
    for i in range(len(Y)):
        rest = tp.pool(np.delete(Y, i), np.delete(V, i), tau2=tau2, test="z")
        assert y[i] == pytest.approx(((full.beta - rest.beta) / rest.se) ** 2, rel=1e-8)


def test_baujat_of_one_and_two_studies() -> None:
    assert np.isnan(baujat([0.3], [0.1]).y).all()
    assert baujat([0.3], [0.1]).x.tolist() == [0]
    assert np.isnan(baujat([0.1, 0.5], [0.1, 0.2], tau2="DL").y).all()
    assert baujat([0.1, 0.5], [0.1, 0.2]).y == pytest.approx(
        [(0.4 * 2 / 3) ** 2 / 0.2, (0.4 / 3) ** 2 / 0.1]
    )


# --- GOSH ----------------------------------------------------------------------------------------


def test_gosh_of_all_subsets() -> None:
    found = gosh(Y[:5], V[:5])
    assert not found.sampled
    assert (found.mask == all_subsets(5)).all()
    for i in (6, 20, 30):
        used = found.mask[i]
        alone = tp.pool(Y[:5][used], V[:5][used])
        ours = (found.beta[i], found.tau2[i], found.i2[i], found.k[i])
        assert ours == pytest.approx((alone.beta, alone.tau2, alone.i2, alone.k))
    assert (np.isnan(found.i2) == (found.k == 1)).all()
    assert found.reasons == {"tau2": "k < 2", "i2": "k < 2"}


def test_gosh_in_pieces_is_gosh_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = gosh(Y[:7], V[:7], tau2="DL")
    monkeypatch.setattr("trialpool.diagnostics.influence._PIECE", 10)
    assert gosh(Y[:7], V[:7], tau2="DL").beta == pytest.approx(whole.beta)


def subset_numbers(mask: NDArray[np.bool_]) -> set[bytes]:
    return {row.tobytes() for row in mask}


def test_gosh_samples_beyond_the_limit_by_its_seed() -> None:
    found = gosh(Y, V, tau2="DL", limit=500, seed=3)
    assert found.sampled
    assert found.seed == 3
    assert found.mask.any(axis=1).all()
    assert len(subset_numbers(found.mask)) == 500
    again, other = (gosh(Y, V, tau2="DL", limit=500, seed=seed) for seed in (3, 4))
    assert (again.mask == found.mask).all()
    assert (again.beta == found.beta).all()
    assert subset_numbers(other.mask) != subset_numbers(found.mask)
    # Half of all studies on average, as among all subsets: 6.5, here within 5 standard errors.
    assert found.k.mean() == pytest.approx(6.5, abs=5 * np.sqrt(13 / 4 / 500))


@pytest.mark.parametrize("k", [40, 62, 70])
def test_gosh_of_many_studies(k: int) -> None:
    rng = np.random.default_rng(k)
    found = gosh(rng.normal(size=k), np.full(k, 0.1), tau2="DL", limit=200)
    assert found.mask.shape == (200, k)
    assert len(subset_numbers(found.mask)) == 200
    # Every study is in about half of the subsets.
    assert np.abs(found.mask.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(200)


@pytest.mark.parametrize("limit", [0, 2**20 + 1])
def test_gosh_refuses_a_limit_it_cannot_hold(limit: int) -> None:
    with pytest.raises(TrialpoolError, match="limit"):
        gosh(Y, V, limit=limit)


# Of 12 studies and 1 or 2 coefficients: 3 sqrt(p/(k - p)), the median of chi-squared, 3 p/k, 1.
MARKS = {
    "dffits": (3 * np.sqrt(1 / 11), 3 * np.sqrt(2 / 10)),
    "cook_d": (0.454936423119573, 2 * np.log(2)),
    "hat": (0.25, 0.5),
    "dfbetas": (1.0, 1.0),
}


@pytest.mark.parametrize("name", MARKS)
@pytest.mark.parametrize("p", [1, 2])
def test_a_mark_is_passed_beyond_it_only(name: str, p: int) -> None:
    """Just inside nothing is marked, just outside it is; the other measures lie far inside."""
    mark = MARKS[name][p - 1]
    measures = {key: np.zeros(4) for key in ("dffits", "cook_d", "hat")}
    measures["dfbetas"] = np.zeros((4, p))
    values = mark * np.array([1 - 1e-9, 1 + 1e-9, 0.0, 0.0])
    values[2:] = [0.0, np.nan]
    if name == "dfbetas":
        measures[name][:, p - 1] = -values
    else:
        measures[name] = values
    assert by_convention(measures, 12, p).tolist() == [False, True, False, False]
