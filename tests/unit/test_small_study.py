"""Small-study effects: by hand, by symmetry, and where there is nothing to tell."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri, stdtrit
from scipy.stats import kendalltau

from trialpool.diagnostics.asymmetry import egger, rank_test
from trialpool.diagnostics.fail_safe import KINDS, WARNING, fail_safe_n, with_null_results
from trialpool.diagnostics.kendall import kendall
from trialpool.diagnostics.limits import limit_meta, pet_peese
from trialpool.diagnostics.trim_and_fill import _ranks, trim_and_fill
from trialpool.pooling.model import pool
from trialpool.results import TrialpoolError

# Four studies on a line through their standard errors: y = 0.1 + 2 sei, so the limit is 0.1.
SEI = np.array([0.1, 0.2, 0.3, 0.4])
LINE, V = 0.1 + 2 * SEI, SEI**2
# The same, off the line.
Y = LINE + np.array([0.02, -0.05, 0.04, 0.0])
# A funnel that is its own mirror image about 0.3.
EVEN = 0.3 + np.array([0.0, -0.1, 0.1, -0.3, 0.3, -0.5, 0.5])
EVEN_V = np.array([0.01, 0.02, 0.02, 0.05, 0.05, 0.1, 0.1])

ALL: dict[str, Callable[..., Any]] = {
    "egger": egger,
    "egger lm": lambda y, v: egger(y, v, model="lm", predictor="vi"),
    "rank_test": rank_test,
    "trim_and_fill": trim_and_fill,
    "pet_peese": pet_peese,
    "limit_meta": limit_meta,
    **{kind: (lambda y, v, kind=kind: fail_safe_n(y, v, kind=kind)) for kind in KINDS},
}


def test_classical_egger_is_the_weighted_least_squares_of_a_textbook() -> None:
    """Slope, intercept and t from the normal equations, written out."""
    w, x = 1 / V, SEI
    mx, my = (w @ x) / w.sum(), (w @ Y) / w.sum()
    slope = (w @ ((x - mx) * (Y - my))) / (w @ (x - mx) ** 2)
    rest = Y - my - slope * (x - mx)
    phi = (w @ rest**2) / 2
    se = math.sqrt(phi / (w @ (x - mx) ** 2))
    ours = egger(Y, V, model="lm")
    assert ours.slope == pytest.approx(slope, rel=1e-12)
    assert ours.est == pytest.approx(my - slope * mx, rel=1e-12)
    assert ours.zval == pytest.approx(slope / se, rel=1e-12)
    assert ours.dfs == 2
    assert ours.dispersion == pytest.approx(phi)
    # t on 2 degrees of freedom has a distribution function in closed form.
    t = abs(slope / se)
    assert ours.pval == pytest.approx(1 - t / math.sqrt(2 + t * t), rel=1e-10)
    half = (ours.ci_ub - ours.ci_lb) / 2
    assert half == pytest.approx(4.302652729911275 * ours.se_est, rel=1e-9)


def test_effects_on_a_line_have_its_intercept_as_limit() -> None:
    """With no scatter every extrapolation in the standard error ends at the same point."""
    assert egger(LINE, V).est == pytest.approx(0.1)
    assert egger(LINE, V).slope == pytest.approx(2)
    assert pet_peese(LINE, V).pet.est == pytest.approx(0.1)
    assert limit_meta(LINE, V, tau2=0.0).beta == pytest.approx(0.1)
    assert egger(0.1 + 3 * V, V, predictor="vi").est == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("predictor", "x"),
    [
        ("ninv", 1 / np.array([90.0, 40.0, 20.0, 10.0])),
        ("sqrtninv", 1 / np.sqrt([90.0, 40.0, 20.0, 10.0])),
    ],
)
def test_sample_sizes_as_predictor(predictor: str, x: np.ndarray) -> None:
    """A line in 1/n, or in its root, is found again."""
    ours = egger(0.2 + 5 * x, V, predictor=predictor, ni=[90, 40, 20, 10])
    assert ours.est == pytest.approx(0.2)
    assert ours.slope == pytest.approx(5)


def test_the_sample_size_itself_has_no_limit() -> None:
    """At n = 0 there is no infinitely large study."""
    ours = egger(Y, V, predictor="ni", ni=[90, 40, 20, 10])
    assert math.isnan(ours.est)
    assert "infinitely large" in ours.reasons["est"]
    assert math.isfinite(ours.zval)


def test_rank_test_by_counting_pairs() -> None:
    """Four studies, all six pairs in order: tau is 1, and p is 2 of the 24 orders."""
    ours = rank_test(LINE, V)
    assert ours.exact
    assert ours.tau == pytest.approx(1)
    assert ours.pval == pytest.approx(2 / 24)


def test_kendall_counts_every_order() -> None:
    """Over all 120 orders of five, p is the share of orders whose score is as far from 0."""
    line = np.arange(5)
    orders = [np.array(order) for order in permutations(range(5))]
    scores = [sum(np.sign(b - a) for a, b in combinations(order, 2)) for order in orders]
    for order, score in zip(orders, scores, strict=True):
        ours = kendall(line, order, exact=True)
        assert ours.tau == pytest.approx(score / 10)
        assert ours.pval == pytest.approx(np.mean([abs(other) >= abs(score) for other in scores]))


def test_kendall_with_ties_has_the_variance_of_all_orders() -> None:
    """Of rankings with ties the score varies over all orders as its normal distribution says."""
    x, y = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 2])
    scores = [np.sign(np.subtract.outer(x, x)) * np.sign(np.subtract.outer(o, o))
              for o in map(np.array, permutations(y))]  # fmt: skip
    variance = np.mean([(score.sum() / 2) ** 2 for score in scores])
    score = (np.sign(np.subtract.outer(x, x)) * np.sign(np.subtract.outer(y, y))).sum() / 2
    ours = kendall(x, y, exact=False)
    assert ours.pval == pytest.approx(math.erfc(score / math.sqrt(variance) / math.sqrt(2)))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kendall_is_that_of_scipy(seed: int) -> None:
    """The same correlation and p value, of rankings with and without ties."""
    rng = np.random.default_rng(seed)
    apart, tied = rng.permutation(60), rng.integers(0, 9, 60)
    for x, y, exact in (
        (np.arange(60), apart, True),
        (np.arange(60), apart, False),
        (tied, apart // 4, False),
    ):
        ours = kendall(x, y, exact=exact)
        theirs = kendalltau(x, y, method="exact" if exact else "asymptotic")
        assert (ours.tau, ours.pval) == pytest.approx(tuple(theirs), rel=1e-13)


def test_rank_test_with_ties_is_not_exact() -> None:
    """Two studies of one variance: five ordered pairs, tau-b = 5/sqrt(6 * 5)."""
    v = np.array([0.01, 0.04, 0.04, 0.16])
    ours = rank_test([-1.0, 0.0, 0.1, 2.0], v)
    assert ours.tau == pytest.approx(5 / math.sqrt(30))
    assert not ours.exact
    # The same variance by another sum.
    sums = np.array([0.01, 0.3, 0.1 + 0.2, 0.5])
    assert sums[1] != sums[2]
    assert rank_test([-1.0, 0.0, 0.1, 2.0], sums).tau == ours.tau


def test_many_studies_have_the_normal_p_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting ends at 500 studies, where the normal distribution is as good."""
    rng = np.random.default_rng(3)
    v = rng.uniform(0.1, 1, 501)
    y = rng.normal(0, np.sqrt(v))
    normal = rank_test(y, v)
    monkeypatch.setattr("trialpool.diagnostics.asymmetry._COUNTED", 501)
    counted = rank_test(y, v)
    assert (normal.exact, counted.exact) == (False, True)
    assert normal.pval == pytest.approx(counted.pval, abs=1e-3)


def test_one_study_with_all_the_weight_has_no_rank() -> None:
    """Its difference to the mean is lost to rounding: no number instead of a wrong one."""
    ours = rank_test([0.1, 0.5, 0.2, 0.9], [1e-20, 1.0, 2.0, 3.0])
    assert math.isnan(ours.pval)
    assert "all the weight" in ours.reasons["pval"]


def test_trim_and_fill_by_hand() -> None:
    """Equal weights; effects 0, 1, 2, 9 about their mean 3 have signed ranks -3, -2, -1, 4.

    S = 4, so L0 = (4 * 4 - 20)/7 < 0 and Q0 = 3.5 - sqrt(16.25) < 0, while the run of one
    positive rank gives R0 = 0.
    """
    y, v = [0.0, 1.0, 2.0, 9.0], [1.0] * 4
    for estimator in ("L0", "R0", "Q0"):
        ours = trim_and_fill(y, v, side="left", estimator=estimator, tau2="EE")
        assert ours.pooled is not None
        assert ours.k0 == 0
        assert ours.pooled.beta == pytest.approx(3)
    r0 = trim_and_fill(y, v, side="left", estimator="R0", tau2="EE")
    assert r0.pval == 0.5
    assert r0.se_k0 == pytest.approx(math.sqrt(2))


def test_trimming_about_the_common_effect() -> None:
    """The mirror is the common effect of the studies left; the pooled effect stays as asked for."""
    y = np.array([0.0, -0.2, 0.2, 0.5, 0.9, 1.0, 1.1])
    v = np.array([0.001, 0.1, 0.1, 0.3, 0.3, 0.3, 0.3])
    for trimming, centre in (("EE", "EE"), (None, "SJ")):
        ours = trim_and_fill(y, v, side="left", tau2="SJ", trimming=trimming)
        assert ours.pooled is not None
        assert (ours.k0, ours.pooled.method) == (3, "SJ")
        about = pool(y[:4], v[:4], tau2=centre).beta
        assert ours.yi_filled == pytest.approx(2 * about - y[4:])


def test_trimmed_studies_come_back_as_mirror_images() -> None:
    """Eleven effects about 0 of sum 0, and 5, 6, 7, 8 without a counterpart; equal weights.

    About the mean, 26/15, the four lie farthest: a run of 4, so R0 = 3. Without three of them the
    mean is 5/12, the run still 4: settled, and 5/12 is the mean of the filled funnel too.
    """
    y = np.array([*np.arange(-5, 6) / 10, 5, 6, 7, 8])
    ours = trim_and_fill(y, np.ones(15), estimator="R0", side="left", tau2="EE", test="z")
    assert ours.pooled is not None
    assert ours.k0 == 3
    assert list(ours.mirrored) == [12, 13, 14]
    assert ours.yi_filled == pytest.approx([5 / 6 - 6, 5 / 6 - 7, 5 / 6 - 8])
    assert ours.pooled.k == 18
    assert ours.pooled.beta == pytest.approx(5 / 12)
    assert ours.pval == 1 / 16


@pytest.mark.parametrize("by", [0.0, 0.1, 0.7, -0.4])
def test_ties_in_size_are_ties_wherever_the_centre_is(by: float) -> None:
    """Pairs at the same distance of their mean differ in the last bit, which must not rank them."""
    y = by + np.array([0.3, -0.3, -0.2, 0.2, -0.1, 0.1, 0.0])
    # 0 has rank 1; of those above it 0.1 has 3, 0.2 has 5, 0.3 has 6, and -0.3 the highest.
    assert _ranks(y - by) == (3 + 5 + 6, 0)


def test_a_symmetric_funnel_shows_no_asymmetry() -> None:
    """No slope, no rank correlation, no missing study; every limit is the centre."""
    for model in ("rma", "lm"):
        ours = egger(EVEN, EVEN_V, model=model)
        assert ours.slope == pytest.approx(0, abs=1e-10)
        assert ours.pval == pytest.approx(1)
        assert ours.est == pytest.approx(0.3)
    # Each pair shares a variance, and each study's mirror image undoes its rank.
    assert rank_test(EVEN, EVEN_V).tau == pytest.approx(0, abs=1e-12)
    for estimator in ("L0", "R0", "Q0"):
        for side in ("left", "right"):
            filled = trim_and_fill(EVEN, EVEN_V, side=side, estimator=estimator)
            assert filled.k0 == 0
    assert limit_meta(EVEN, EVEN_V).beta == pytest.approx(0.3)
    assert pet_peese(EVEN, EVEN_V).est == pytest.approx(0.3)


def test_limit_meta_splits_q() -> None:
    """Q is that of the pooled effect, its rest that of the regression on the standard error."""
    ours = limit_meta(Y, V)
    assert ours.q == pytest.approx(pool(Y, V).q)
    assert ours.q_small + ours.q_resid == pytest.approx(ours.q)
    assert ours.beta == pytest.approx(ours.slope + math.sqrt(ours.tau2) * ours.bias)
    assert 0 <= ours.g2 <= 100


def test_limit_meta_takes_a_given_tau2() -> None:
    """The estimator's value, given as a number, gives the estimator's result."""
    named = limit_meta(EVEN + SEI.sum() * EVEN_V, EVEN_V, tau2="DL")
    given = limit_meta(EVEN + SEI.sum() * EVEN_V, EVEN_V, tau2=named.tau2)
    assert (given.beta, given.se, given.method) == (named.beta, named.se, "given")


def test_a_general_fail_safe_number_is_the_least_that_will_do() -> None:
    """One null result fewer leaves the result standing; without heterogeneity it is Rosenberg's."""
    rng = np.random.default_rng(7)
    for k in (3, 5, 9, 30, 30):
        v = rng.uniform(0.01, 0.2, k)
        y = 0.9 + rng.normal(0, np.sqrt(v + 0.05))
        tau2 = pool(y, v).tau2
        found = fail_safe_n(y, v, kind="General")
        before = with_null_results(y, v, tau2, int(found.fsnum) - 1)
        assert before[1] < 0.05 <= found.pval_after
        aimed = fail_safe_n(y, v, kind="General", target=0.1)
        assert with_null_results(y, v, tau2, int(aimed.fsnum) - 1)[0] > 0.1 >= aimed.est_after
        common = fail_safe_n(y, v, kind="General", tau2="EE")
        assert common.fsnum == fail_safe_n(y, v, kind="Rosenberg").fsnum


def test_pet_decides_one_sided_at_ten_percent() -> None:
    """PEESE follows from a two-sided p below 0.2, but only on the side of the common effect."""
    y = np.array([0.15, 0.3, 0.2, 0.55, 0.62, 0.6])
    v = np.array([0.02, 0.03, 0.04, 0.06, 0.08, 0.1]) * 0.75
    for shift, low, high, chosen in ((0.49, 0.1, 0.2, "PEESE"), (0.42, 0.2, 0.4, "PET")):
        ours = pet_peese(y + shift, v)
        assert low < ours.pet.pval_est < high
        assert ours.chosen == chosen
    other_side = pet_peese(y, v)
    assert other_side.pet.est < 0 < pool(y, v, tau2="EE").beta
    assert other_side.pet.pval_est < 0.2
    assert other_side.chosen == "PET"


@pytest.mark.parametrize(("one_sided", "chosen"), [(0.0999, "PEESE"), (0.1001, "PET")])
def test_pet_gives_way_to_peese_below_ten_percent(one_sided: float, chosen: str) -> None:
    """A shift of all effects moves PET's estimate as much and its standard error not at all."""
    before = pet_peese(Y, V).pet
    shift = -float(stdtrit(len(Y) - 2, one_sided)) * before.se_est - before.est
    ours = pet_peese(Y + shift, V)
    assert ours.pet.pval_est / 2 == pytest.approx(one_sided, rel=1e-9)
    assert ours.chosen == chosen


def test_the_conditional_rule() -> None:
    """PEESE where PET finds an effect at infinite size, PET where it does not."""
    found, none = pet_peese(Y, V, alpha=0.9999), pet_peese(Y, V, alpha=1e-9)
    assert (found.chosen, found.est) == ("PEESE", found.peese.est)
    assert (none.chosen, none.est, none.ci_lb) == ("PET", none.pet.est, none.pet.ci_lb)


def test_fail_safe_numbers_by_hand() -> None:
    """Four studies with z = 2 each: Stouffer's z is 4, Rosenthal's N = (8/1.645)^2 - 4 = 19.65.

    The common-effect z is 4 as well: Rosenberg's N = 4 (16/1.96^2 - 1) = 12.66. A mean of 0.2 is
    halved by as many null results as there are studies, brought to 0.05 by three times as many.
    With 3, 4 null results tau2 is 0.04 * 4/7 * 3/6 = 0.04 * 4/8 * 4/7 and z = 2.07, 1.93.
    """
    y, v = [0.2] * 4, [0.01] * 4
    found = {kind: fail_safe_n(y, v, kind=kind) for kind in KINDS}
    assert {kind: x.fsnum for kind, x in found.items()} == {
        "Rosenthal": 20,
        "Orwin": 4,
        "Rosenberg": 13,
        "General": 4,
    }
    assert found["General"].est_after == pytest.approx(0.1)
    assert ndtri(found["General"].pval_after / 2) == pytest.approx(-0.1 * math.sqrt(8 / 0.15 * 7))
    assert fail_safe_n(y, v, kind="General", target=0.05).fsnum == 12
    assert fail_safe_n(y, v, kind="General", target=-0.05).fsnum == 0
    assert found["Rosenberg"].pval == pytest.approx(2 * found["Rosenthal"].pval)
    assert fail_safe_n(y, v, kind="Orwin", target=0.05).fsnum == 12
    assert fail_safe_n(y, v, kind="Orwin", target=-0.05).fsnum == 0
    assert fail_safe_n([0.1, -0.1, 0.05], [1.0] * 3).fsnum == 0
    assert all(x.warning == WARNING for x in found.values())


@pytest.mark.parametrize("name", ALL)
def test_turning_the_scale_round_changes_signs_only(name: str) -> None:
    """The p values, standard errors and counts of -y are those of y; estimates change sign."""
    rng = np.random.default_rng(5)
    v = rng.uniform(0.01, 0.3, 14)
    y = 0.2 + 0.9 * np.sqrt(v) + rng.normal(0, np.sqrt(v + 0.02))
    here, there = ALL[name](y, v), ALL[name](-y, v)
    same = ("k0", "se_k0", "pval", "se", "se_est", "tau2", "fsnum", "g2", "dispersion", "chosen")
    turned = ("est", "beta", "slope", "tau", "zval", "target", "bias", "yi_filled")
    for sign, names in ((1, same), (-1, turned)):
        for field in names:
            if hasattr(here, field):
                a, b = getattr(here, field), getattr(there, field)
                if isinstance(a, str):
                    assert a == b
                else:
                    assert np.asarray(b) == pytest.approx(
                        sign * np.asarray(a), rel=1e-8, abs=1e-10, nan_ok=True
                    )
    if name == "trim_and_fill":
        assert {here.side, there.side} == {"left", "right"}


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("name", ALL)
def test_below_three_studies_there_is_a_reason_and_no_number(name: str, k: int) -> None:
    """Every NaN has its reason, and nothing is infinite."""
    ours = ALL[name](Y[:k], V[:k])
    assert "k < 3" in ours.reasons.values()
    assert_explained(ours)
    main = {"rank_test": "tau", "trim_and_fill": "k0", "pet_peese": "est", "limit_meta": "beta"}
    assert math.isnan(getattr(ours, main.get(name, "fsnum" if name in KINDS else "pval")))


@pytest.mark.parametrize("name", ALL)
def test_every_nan_has_a_reason(name: str) -> None:
    """With scatter, without heterogeneity, without effects, and with one variance for all."""
    for y, v in ((Y, V), (LINE, V), (np.zeros(4), V), (Y, np.full(4, 0.04)), (EVEN, EVEN_V)):
        assert_explained(ALL[name](y, v))


def assert_explained(result: Any) -> None:
    """Each NaN or None has a reason; no number is infinite; nested results too."""
    for entry in fields(result):
        value = getattr(result, entry.name)
        if is_dataclass(value) and hasattr(value, "predictor"):
            assert_explained(value)
        elif value is None or (isinstance(value, float) and math.isnan(value)):
            assert entry.name in result.reasons, entry.name
        elif isinstance(value, float):
            assert math.isfinite(value), entry.name


def test_one_variance_for_all_gives_no_side() -> None:
    """Studies of one size say nothing of small studies; a named side can still be trimmed."""
    ours = trim_and_fill(Y, np.full(4, 0.04))
    assert ours.pooled is None
    assert "name the side" in ours.reasons["k0"]
    assert trim_and_fill(Y, np.full(4, 0.04), side="left").pooled is not None


@pytest.mark.parametrize("name", ["egger", "rank_test", "trim_and_fill", "pet_peese", "limit_meta"])
def test_no_verdict_below_ten_studies(name: str) -> None:
    """Nine studies carry the caution, ten do not."""
    rng = np.random.default_rng(1)
    y, v = rng.normal(size=10), rng.uniform(0.1, 1, 10)
    assert "no verdict" in ALL[name](y[:9], v[:9]).caution
    assert ALL[name](y, v).caution == ""


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: egger(Y, V, model="ols"), "allowed are rma, lm"),
        (lambda: egger(Y, V, predictor="ni"), "needs the sample sizes"),
        (lambda: egger(Y, V, predictor="ni", ni=[1, 2]), "as long as yi"),
        (lambda: egger(Y, V, predictor="ni", ni=[1, 0, 2, 3]), r"ni\[1\] = 0.0"),
        (lambda: trim_and_fill(Y, V, side="up"), "allowed are left, right"),
        (lambda: trim_and_fill(Y, V, trimming="FE"), "trimming = 'FE'"),
        (lambda: fail_safe_n(Y, V, kind="General", tau2=-1.0), "0 or more"),
        (lambda: trim_and_fill(Y, V, estimator="S0"), "allowed are L0, R0, Q0"),
        (lambda: fail_safe_n(Y, V, kind="Fisher"), "allowed are Rosenthal"),
        (lambda: fail_safe_n(Y, V, alpha=1), "between 0 and 1"),
        (lambda: fail_safe_n(Y, V, kind="Orwin", target=0.0), "other than 0"),
        (lambda: pet_peese(Y, V, alpha=0), "between 0 and 1"),
        (lambda: limit_meta(Y, V, tau2=-1.0), "0 or more"),
        (lambda: limit_meta(Y, V, tau2="XX"), "allowed are"),
        (lambda: rank_test(Y, -V), r"vi\[0\]"),
    ],
)
def test_wrong_input_is_told(call: Callable[[], Any], told: str) -> None:
    """An unknown choice or an impossible number is an error that says what would do."""
    with pytest.raises(TrialpoolError, match=told):
        call()
