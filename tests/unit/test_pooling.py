"""Pooling of a few studies by hand, published values, every error and every NaN reason."""

from __future__ import annotations

import math
from typing import Any

import bcg
import numpy as np
import pytest
from formulas import log_likelihood, tau2_of
from scipy.special import stdtrit

import trialpool as tp
from trialpool.pooling.inputs import as_studies
from trialpool.pooling.studies import Studies
from trialpool.pooling.tau2 import ESTIMATORS, estimators_of, register
from trialpool.results import Pooled, TrialpoolError

Y = np.array([0.1, 0.5, -0.2, 0.9])
V = np.array([0.04, 0.1, 0.08, 0.05])


def _bcg(**options: Any) -> Pooled:
    return tp.pool(bcg.Y, bcg.V, **options)


def test_bcg_as_published() -> None:
    """Viechtbauer 2010, J Stat Softw 36(3): REML, log risk ratio, z test."""
    fit = _bcg(test="z")
    assert round(fit.beta, 4) == -0.7145
    assert round(fit.se, 4) == 0.1798
    assert round(fit.tau2, 4) == 0.3132
    assert round(fit.se_tau2, 4) == 0.1664
    assert round(fit.zval, 4) == -3.9744
    assert (round(fit.ci_lb, 4), round(fit.ci_ub, 4)) == (-1.0669, -0.3622)
    assert round(fit.i2, 2) == 92.22
    assert round(fit.h2, 2) == 12.86
    assert (round(fit.q, 4), fit.q_df) == (152.2330, 12)
    # the same paper: Q-profile interval of tau2
    assert (round(fit.tau2_ci_lb, 4), round(fit.tau2_ci_ub, 4)) == (0.1197, 1.1115)


def test_bcg_dersimonian_laird() -> None:
    """The same data by DerSimonian-Laird: tau2 = 0.3088 (metafor 5.1-12, to the digits shown)."""
    assert round(_bcg(tau2="DL").tau2, 4) == 0.3088


def test_common_effect_by_hand() -> None:
    """Inverse-variance mean, variance 1/sum(w), and Q."""
    fit = tp.pool(Y, V, tau2="EE", test="z")
    w = 1 / V
    mean = (w * Y).sum() / w.sum()
    assert fit.beta == pytest.approx(mean, rel=1e-14)
    assert fit.se == pytest.approx(w.sum() ** -0.5, rel=1e-14)
    assert fit.q == pytest.approx((w * (Y - mean) ** 2).sum(), rel=1e-13)
    assert fit.weights == pytest.approx(w / w.sum())
    assert fit.i2 == fit.i2_q == pytest.approx(100 * (fit.q - 3) / fit.q)
    assert fit.h2 == pytest.approx(fit.q / 3)
    assert math.isnan(fit.pi_lb)
    assert fit.reasons["pi_lb"] == fit.reasons["tau2_ci_lb"] == "common-effect model"


def test_two_equal_variances_have_closed_forms() -> None:
    """K = 2, equal v: every unbiased estimator is max(0, (y1 - y2)^2/2 - v); ML (y1-y2)^2/4 - v."""
    y, v = [0.0, 1.0], [0.1, 0.1]
    for code in ("DL", "HE", "REML", "PM", "EB"):
        assert tp.pool(y, v, tau2=code).tau2 == pytest.approx(0.4, rel=1e-12), code
    assert tp.pool(y, v, tau2="ML").tau2 == pytest.approx(0.15, rel=1e-12)
    assert tp.pool(y, v, tau2="HS").tau2 == pytest.approx(0.15, rel=1e-12)
    crude = 0.25
    assert tp.pool(y, v, tau2="SJ").tau2 == pytest.approx(crude * (0.5 / 0.35), rel=1e-12)


def test_knapp_hartung_by_hand_and_its_floor() -> None:
    """SE^2 = q/sum(w), q = sum w (y - mu)^2/(k - 1); hksj takes max(1, q); t with k - 1 df."""
    fit = tp.pool(Y, V, tau2="DL", test="knha")
    w = 1 / (V + fit.tau2)
    q = (w * (Y - fit.beta) ** 2).sum() / 3
    assert fit.se == pytest.approx(math.sqrt(q / w.sum()), rel=1e-12)
    assert fit.ci_ub == pytest.approx(fit.beta + float(stdtrit(3, 0.975)) * fit.se, rel=1e-12)
    alike = np.array([0.3, 0.31, 0.29, 0.3])
    narrow, floored = tp.pool(alike, V, test="knha"), tp.pool(alike, V, test="hksj")
    plain = tp.pool(alike, V, test="z")
    assert narrow.se < plain.se
    assert floored.se == plain.se
    assert floored.ci_ub - floored.ci_lb > plain.ci_ub - plain.ci_lb
    assert tp.pool(alike, V, test="t").se == plain.se


@pytest.mark.parametrize(("pi", "df"), [("k-1", 3), ("k-2", 2)])
@pytest.mark.parametrize("test", ["z", "t", "knha", "hksj"])
def test_prediction_interval_by_hand(pi: str, df: int, test: str) -> None:
    """Mu +- t_df sqrt(tau2 + SE^2), by the named df whatever the test."""
    fit = tp.pool(Y, V, test=test, pi=pi, level=0.9)
    half = float(stdtrit(df, 0.95)) * math.sqrt(fit.tau2 + fit.se**2)
    assert (fit.pi_lb, fit.pi_ub) == pytest.approx((fit.beta - half, fit.beta + half), rel=1e-12)
    assert fit.pi_method == pi


def test_global_maximum_of_a_likelihood_with_two_peaks() -> None:
    """Three precise studies that agree and two vague ones far off: REML has two maxima here."""
    y = np.array([0.0, 0.02, -0.02, 3.0, -2.5])
    v = np.array([1e-4, 1e-4, 1e-4, 1.0, 1.0])
    t = np.concatenate([[0.0], np.geomspace(1e-8, 1e3, 6001)])
    for code, restricted in (("REML", True), ("ML", False)):
        ll = np.array([log_likelihood(y, v, x, restricted=restricted) for x in t])
        best = tau2_of(code, y, v)
        assert log_likelihood(y, v, best, restricted=restricted) >= ll.max() - 1e-12


def test_one_dominant_study_keeps_its_digits() -> None:
    """Variances 12 orders apart: the estimates of tau2 stay those of exact arithmetic."""
    y, v = np.array([0.1, 0.5, 1.2]), np.array([1e-12, 0.1, 0.1])
    t = tau2_of("PM", y, v)
    w = 1 / (v + t)
    mu = (w * y).sum() / w.sum()
    assert (w * (y - mu) ** 2).sum() == pytest.approx(2, rel=1e-12)
    # In the limit mu = 0.1, so Q = (0.16 + 1.21)/0.1, and trace P = 2 (sum of w_i w_j)/sum(w),
    # of which the pairs with study 1 leave 2 (10 + 10).
    assert tau2_of("DL", y, v) == pytest.approx((13.7 - 2) / 40, rel=1e-9)


def test_one_study_is_shown_and_not_pooled() -> None:
    """K = 1: the study with its z interval, everything else NaN with a reason."""
    fit = tp.pool([0.3], [0.04])
    assert (fit.k, fit.beta, fit.se, fit.test) == (1, 0.3, 0.2, "z")
    assert fit.ci_ub == pytest.approx(0.3 + 1.959963984540054 * 0.2)
    assert fit.reasons["tau2"] == "k < 2"
    assert fit.reasons["pi_lb"] == "k < 3"
    assert "k = 1" in fit.cautions[0]


def test_two_studies_have_no_prediction_interval() -> None:
    """K = 2: reason "k < 3", and a caution."""
    fit = tp.pool([0.3, 0.5], [0.04, 0.03])
    assert math.isnan(fit.pi_ub)
    assert fit.reasons["pi_ub"] == "k < 3"
    assert fit.pi_method == ""
    assert "k = 2" in fit.cautions[0]


def test_equal_effects_leave_knapp_hartung_without_error() -> None:
    """Q = 0 under knha: the SE is 0, so the test is NaN with a reason, never infinite."""
    fit = tp.pool([0.2, 0.2, 0.2], [0.1, 0.2, 0.3], test="knha")
    assert fit.se == 0
    assert math.isnan(fit.zval)
    assert fit.reasons["pval"] == "standard error is 0"


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("test", ["z", "hksj"])
@pytest.mark.parametrize("code", sorted(estimators_of("effects")))
def test_missing_is_nan_with_a_reason_and_nothing_is_infinite(k: int, test: str, code: str) -> None:
    """Every NaN field has its reason, and every reason a NaN field."""
    fit = tp.pool(Y[:k], V[:k], tau2=code, test=test)
    numbers = {n: x for n, x in fit.as_dict().items() if isinstance(x, float)}
    assert {n for n, x in numbers.items() if math.isnan(x)} == set(fit.reasons)
    assert not any(math.isinf(x) for x in numbers.values())
    assert fit.tau2_ci_lb <= fit.tau2_ci_ub or math.isnan(fit.tau2_ci_lb)


@pytest.mark.parametrize(
    ("yi", "vi", "message"),
    [
        ([], [], "yi is empty (k = 0)"),
        ([0.1, 0.2], [0.1], "got shapes (2,) and (1,)"),
        ([[0.1]], [[0.2]], "two columns of one length"),
        ([0.1, float("nan")], [0.1, 0.1], "yi[1] = nan: must be a finite number"),
        ([0.1, 0.2], [0.1, float("inf")], "vi[1] = inf: must be a finite number"),
        ([0.1, 0.2, 0.3], [0.1, 0.2, 0.0], "vi[2] = 0.0: a sampling variance must be > 0"),
        ([0.1, 0.2], [-0.1, 0.2], "vi[0] = -0.1"),
        (["a"], [0.1], "must hold numbers only"),
    ],
)
def test_bad_studies_are_named(yi: Any, vi: Any, message: str) -> None:
    """The error names the column and the index."""
    for call in (tp.pool, as_studies):
        with pytest.raises(TrialpoolError) as caught:
            call(yi, vi)
        assert message in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau2": "reml"}, f"tau2 = 'reml': allowed are {', '.join(estimators_of('effects'))}"),
        ({"test": "adhoc"}, "test = 'adhoc': allowed are z, t, knha, hksj"),
        ({"pi": "k-3"}, "pi = 'k-3': allowed are k-1, k-2, z"),
        ({"level": 95}, "level = 95: must lie between 0 and 1"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], message: str) -> None:
    """The error names the option, its value and what is allowed."""
    with pytest.raises(TrialpoolError) as caught:
        tp.pool(Y, V, **options)
    assert message in str(caught.value)


def test_an_estimator_is_added_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registered function is known to `pool` by its code; without a formula its SE is NaN."""
    monkeypatch.setitem(ESTIMATORS, "ONE", ESTIMATORS["EE"])  # taken out again afterwards

    @register("ONE")
    def one(s: Studies) -> Any:
        return s.zero + 1.0

    fit = tp.pool(Y, V, tau2="ONE")
    assert fit.method == "ONE"
    assert fit.reasons["se_tau2"] == "no formula"


def test_q_profile_of_very_alike_studies_is_zero() -> None:
    """Studies more alike than chance allows: the interval of tau2 shrinks to [0, 0]."""
    fit = tp.pool([0.1, 0.1001, 0.1], np.ones(3))
    assert (fit.tau2_ci_lb, fit.tau2_ci_ub) == (0.0, 0.0)
    assert (fit.i2_ci_ub, fit.h2_ci_ub) == (0.0, 1.0)


def test_se_of_tau2_shrinks_as_studies_are_repeated() -> None:
    """16 copies of each study quarter the asymptotic SE of the ML estimate."""
    one = tp.pool(Y, V, tau2="ML")
    many = tp.pool(np.tile(Y, 16), np.tile(V, 16), tau2="ML")
    assert many.se_tau2 == pytest.approx(one.se_tau2 / 4, rel=1e-12)


# --- counts ----------------------------------------------------------------------------------

TABLE: dict[str, Any] = {"ai": [4, 1], "n1i": [10, 20], "ci": [2, 3], "n2i": [10, 30]}


def test_mantel_haenszel_by_hand() -> None:
    """OR: (4*8/20 + 1*27/50)/(6*2/20 + 19*3/50); RR and RD from the same two tables."""
    odds = tp.pool_counts(**TABLE)
    assert odds.beta == pytest.approx(math.log((32 / 20 + 27 / 50) / (12 / 20 + 57 / 50)))
    risk = tp.pool_counts(**TABLE, measure="RR")
    assert risk.beta == pytest.approx(math.log((40 / 20 + 30 / 50) / (20 / 20 + 60 / 50)))
    diff = tp.pool_counts(**TABLE, measure="RD")
    assert diff.beta == pytest.approx((20 / 20 + (30 - 60) / 50) / (100 / 20 + 600 / 50))


def test_one_table_gives_its_own_odds_ratio() -> None:
    """K = 1: Mantel-Haenszel is the odds ratio, its variance Woolf's."""
    fit = tp.pool_counts([4], [10], [2], [10])
    assert fit.beta == pytest.approx(math.log(32 / 12))
    assert fit.se**2 == pytest.approx(1 / 4 + 1 / 6 + 1 / 2 + 1 / 8)
    assert fit.reasons["i2_q"] == "k < 2"


def test_peto_by_hand() -> None:
    """(O - E)/V with the hypergeometric variance (Yusuf et al. 1985)."""
    fit = tp.pool_counts(**TABLE, method="Peto")
    excess = (4 - 6 * 10 / 20) + (1 - 4 * 20 / 50)
    v = 6 * 14 * 100 / (400 * 19) + 4 * 46 * 600 / (2500 * 49)
    assert fit.beta == pytest.approx(excess / v)
    assert fit.se == pytest.approx(v**-0.5)
    assert fit.method == "Peto"


@pytest.mark.parametrize("method", ["MH", "Peto"])
def test_studies_without_events_change_no_ratio(method: str) -> None:
    """Double-zero studies contribute nothing to the OR, and are not counted in k."""
    base = tp.pool_counts(**TABLE, method=method)
    more: dict[str, Any] = {"ai": [*TABLE["ai"], 0], "n1i": [*TABLE["n1i"], 50]}
    more |= {"ci": [*TABLE["ci"], 0], "n2i": [*TABLE["n2i"], 70]}
    fit = tp.pool_counts(**more, method=method)
    assert (fit.k, fit.q_df) == (2, 1)
    assert (fit.beta, fit.se, fit.q) == pytest.approx((base.beta, base.se, base.q))
    assert fit.weights[2] == 0
    # For the RD they are information, and counted.
    assert tp.pool_counts(**more, measure="RD").k == 3


def test_mantel_haenszel_needs_no_correction_for_a_zero_cell() -> None:
    """One arm without events in one study: estimated from the sums, nothing added."""
    fit = tp.pool_counts([0, 4], [10, 10], [3, 2], [10, 10])
    assert fit.beta == pytest.approx(math.log((0 + 32 / 20) / (30 / 20 + 12 / 20)))


@pytest.mark.parametrize(
    ("ai", "ci", "reason"),
    [
        ([0, 0], [0, 0], "no events in either arm of any study"),
        ([0, 0], [3, 2], "no events in arm 1 of any study"),
        ([3, 2], [0, 0], "no events in arm 2 of any study"),
        ([10, 10], [5, 5], "events in every participant of arm 1 in all studies"),
        ([5, 5], [10, 10], "events in every participant of arm 2 in all studies"),
    ],
)
def test_ratios_that_do_not_exist_are_nan_with_the_reason(
    ai: list[int], ci: list[int], reason: str
) -> None:
    """Every NaN field has its reason, and nothing is infinite."""
    fit = tp.pool_counts(ai, [10, 10], ci, [10, 10])
    assert fit.reasons["beta"] == fit.reasons["q"] == reason
    numbers = {n: x for n, x in fit.as_dict().items() if isinstance(x, float)}
    assert {n for n, x in numbers.items() if math.isnan(x)} == set(fit.reasons)
    assert not any(math.isinf(x) for x in numbers.values())


@pytest.mark.parametrize("options", [{}, {"measure": "RR"}, {"measure": "RD"}, {"method": "Peto"}])
def test_counts_missing_is_nan_with_a_reason(options: dict[str, Any]) -> None:
    """Random-effects fields are NaN with "common-effect model"; weights sum to 1."""
    fit = tp.pool_counts(**TABLE, **options)
    numbers = {n: x for n, x in fit.as_dict().items() if isinstance(x, float)}
    assert {n for n, x in numbers.items() if math.isnan(x)} == set(fit.reasons)
    assert fit.reasons["tau2"] == fit.reasons["i2"] == "common-effect model"
    assert fit.weights.sum() == pytest.approx(1)
    assert fit.test == "z"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ai": [11, 1]}, "ai[0] = 11: more events than participants in n1i"),
        ({"ci": [2, 31]}, "ci[1] = 31: more events than participants in n2i"),
        ({"ai": [-1, 1]}, "ai[0] = -1: a count cannot be negative"),
        ({"n2i": [10, float("nan")]}, "n2i[1] = nan: must be a finite number"),
        ({"ai": [0, 1], "n1i": [0, 20]}, "n1i[0] = 0: an arm needs participants"),
        ({"ai": [1]}, "columns of one length"),
        ({"measure": "HR"}, "known are MH OR, MH RR, MH RD, MH-DL OR, MH-DL RR, MH-DL RD, Peto OR"),
        ({"measure": "RR", "method": "Peto"}, "known are MH OR"),
        ({"level": 0}, "level = 0"),
        ({"ai": [], "n1i": [], "ci": [], "n2i": []}, "ai is empty (k = 0)"),
    ],
)
def test_bad_counts_are_named(change: dict[str, Any], message: str) -> None:
    """Column, index, value and rule in one line."""
    with pytest.raises(TrialpoolError) as caught:
        tp.pool_counts(**{**TABLE, **change})
    assert message in str(caught.value)
