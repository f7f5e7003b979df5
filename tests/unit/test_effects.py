"""Effect sizes, by hand and from worked examples; every reason for a missing value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import trialpool as tp
from trialpool.effects import MEASURES
from trialpool.effects.generic import (
    d_to_g,
    log_ratio,
    sd_from_ci,
    sd_from_se,
    se_from_ci,
    se_from_f,
    se_from_p,
    se_from_t,
)
from trialpool.effects.multiarm import combine_arms, combine_counts
from trialpool.effects.paired import recover_r, sd_difference
from trialpool.effects.small_sample import small_sample_factor
from trialpool.results import TrialpoolError

ARMS = {"m1i": 10.0, "sd1i": 4.0, "n1i": 12, "m2i": 13.0, "sd2i": 5.0, "n2i": 10}
# Cochrane Handbook 6.4, section 23.2.7: the worked crossover example.
CROSSOVER = {"m1i": 7.0, "sd1i": 2.38, "m2i": 6.5, "sd2i": 2.21, "ni": 10, "ri": 0.68}


def test_md_by_hand() -> None:
    """Difference 10 - 13; variance 16/12 + 25/10, no pooling."""
    es = tp.effect_size("MD", **ARMS)
    assert es.yi == pytest.approx([-3.0])
    assert es.vi == pytest.approx([16 / 12 + 25 / 10], rel=1e-15)
    assert es.sei == pytest.approx(np.sqrt(es.vi))


def _d_and_j() -> tuple[float, float]:
    sp = math.sqrt((11 * 16 + 9 * 25) / 20)
    return -3 / sp, math.gamma(10) / (math.sqrt(10) * math.gamma(9.5))


def test_smd_by_hand_exact_correction_large_sample_variance() -> None:
    """G = J d with the gamma-function J, vi = 1/n1 + 1/n2 + g^2/(2N) (Hedges & Olkin 1985)."""
    d, j = _d_and_j()
    es = tp.effect_size("SMD", **ARMS)
    assert es.yi == pytest.approx([j * d], rel=1e-13)
    assert es.vi == pytest.approx([1 / 12 + 1 / 10 + (j * d) ** 2 / 44], rel=1e-13)
    assert "exact" in es.formula
    assert "LS" in es.formula


@pytest.mark.parametrize(
    ("variance", "shape"),
    [
        ("RevMan", lambda d, g: g**2 / (2 * (22 - 3.94))),
        ("Metapsy", lambda d, g: d**2 / 44),
    ],
)
def test_smd_named_variances_bring_their_own_correction(variance: str, shape: Any) -> None:
    """RevMan and Metapsy use J = 1 - 3/(4 df - 1); Metapsy's variance has d, not g."""
    d, _ = _d_and_j()
    g = (1 - 3 / (4 * 20 - 1)) * d
    es = tp.effect_size("SMD", **ARMS, variance=variance)
    assert es.yi == pytest.approx([g], rel=1e-14)
    assert es.vi == pytest.approx([1 / 12 + 1 / 10 + shape(d, g)], rel=1e-14)


def test_smd_correction_can_be_chosen() -> None:
    """A named correction wins over the one that comes with the variance; "none" gives d."""
    d, j = _d_and_j()
    assert tp.effect_size("SMD", **ARMS, correction="none").yi == pytest.approx([d])
    exact = tp.effect_size("SMD", **ARMS, variance="RevMan", correction="exact")
    assert exact.yi == pytest.approx([j * d])


def test_small_sample_factor_limits() -> None:
    """At df = 2 it is Gamma(1)/Gamma(1/2) = 1/sqrt(pi); for large df 1 - 3/(4 df)."""
    assert small_sample_factor(2.0) == pytest.approx(1 / math.sqrt(math.pi), rel=1e-14)
    assert small_sample_factor(1e9) == pytest.approx(1 - 0.75e-9, rel=1e-15)
    assert np.isnan(small_sample_factor([1.0, 0.5, np.nan])).all()
    # Where the series takes over from log-gamma the factor goes on without a step.
    at_join = small_sample_factor([100 - 1e-9, 100.0])
    assert at_join[0] == pytest.approx(at_join[1], rel=1e-12)
    # The approximation is close from df = 10 on.
    df = np.arange(10.0, 500)
    gap = small_sample_factor(df) - small_sample_factor(df, "approx")
    assert np.abs(gap).max() < 7e-4
    with pytest.raises(TrialpoolError, match="correction = 'J': allowed are exact, approx, none"):
        small_sample_factor(5, "J")


def test_ratios_and_risk_difference_by_hand() -> None:
    """4/10 against 2/10."""
    table = {"ai": [4], "n1i": [10], "ci": [2], "n2i": [10]}
    odds = tp.effect_size("OR", **table)
    assert odds.yi == pytest.approx([math.log((4 * 8) / (6 * 2))])
    assert odds.vi == pytest.approx([1 / 4 + 1 / 6 + 1 / 2 + 1 / 8])
    risk = tp.effect_size("RR", **table)
    assert risk.yi == pytest.approx([math.log(2)])
    assert risk.vi == pytest.approx([1 / 4 - 1 / 10 + 1 / 2 - 1 / 10])
    diff = tp.effect_size("RD", **table)
    assert diff.yi == pytest.approx([0.2])
    assert diff.vi == pytest.approx([0.4 * 0.6 / 10 + 0.2 * 0.8 / 10])


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_cells_may_be_given_in_place_of_totals(measure: str) -> None:
    """Ai + bi is n1i, ci + di is n2i."""
    by_cell = tp.effect_size(measure, ai=[4], bi=[6], ci=[2], di=[8])
    by_total = tp.effect_size(measure, ai=[4], n1i=[10], ci=[2], n2i=[10])
    assert (by_cell.yi[0], by_cell.vi[0]) == (by_total.yi[0], by_total.vi[0])


def test_half_is_added_only_to_studies_with_a_zero_cell() -> None:
    """0/10 against 3/10 becomes 0.5/11 against 3.5/11; the study beside it stays as it is."""
    es = tp.effect_size("OR", ai=[0, 4], n1i=[10, 10], ci=[3, 2], n2i=[10, 10])
    alone = tp.effect_size("OR", ai=[4], n1i=[10], ci=[2], n2i=[10])
    assert es.yi[0] == pytest.approx(math.log((0.5 * 7.5) / (10.5 * 3.5)))
    assert es.yi[1] == alone.yi[0]


def test_studies_without_contrast_are_dropped_from_ratios_with_the_reason() -> None:
    """No events in both arms say nothing on a ratio; only events are equal risks, but no odds."""
    tables = {"ai": [0, 8], "n1i": [10, 8], "ci": [0, 9], "n2i": [12, 9]}
    odds = tp.effect_size("OR", **tables)
    assert np.isnan(odds.yi).all()
    assert np.isnan(odds.vi).all()
    assert odds.reason == ("no events in either arm", "events in all participants of both arms")
    risks = tp.effect_size("RR", **tables)
    assert np.isnan(risks.yi[0])
    assert risks.yi[1] == 0
    assert risks.reason == ("no events in either arm", "")


def test_studies_without_events_are_kept_for_risk_differences() -> None:
    """Two risks of 0 differ by 0; 0.5 added gives a variance: 0.5 10.5/11^3 + 0.5 12.5/13^3."""
    es = tp.effect_size("RD", ai=[0], n1i=[10], ci=[0], n2i=[12])
    assert es.yi == [0.0]
    assert es.vi == pytest.approx([0.5 * 10.5 / 11**3 + 0.5 * 12.5 / 13**3])
    assert es.reason == ("",)


def test_cochrane_crossover_example() -> None:
    """SE(MD) .583, SMD .218, SE .256 (Cochrane Handbook, section 23.2.7)."""
    md = tp.effect_size("MC", **CROSSOVER)
    assert round(float(md.sei[0]), 3) == 0.583
    smd = tp.effect_size("SMCRP", **CROSSOVER, variance="Cochrane")
    assert round(float(smd.yi[0]), 3) == 0.218
    assert round(float(smd.sei[0]), 3) == 0.256


def test_smcrp_by_hand() -> None:
    """Df = 2 (n - 1)/(1 + r^2) (Cousineau 2020); variance 2 (1 - r)/n + g^2 (1 + r^2)/(4 n)."""
    es = tp.effect_size("SMCRP", **CROSSOVER)
    r = 0.68
    d = 0.5 / math.sqrt((2.38**2 + 2.21**2) / 2)
    m = 2 * 9 / (1 + r**2)
    j = math.gamma(m / 2) / (math.sqrt(m / 2) * math.gamma((m - 1) / 2))
    assert es.yi == pytest.approx([j * d], rel=1e-13)
    assert es.vi == pytest.approx([2 * (1 - r) / 10 + (j * d) ** 2 * (1 + r**2) / 40], rel=1e-13)


def test_correlation_is_recovered_from_the_sd_of_differences() -> None:
    """sd_difference and recover_r undo each other; contradicting SDs give NaN."""
    sd = sd_difference(2.38, 2.21, [0.3, 0.68, 1.0])
    assert recover_r(2.38, 2.21, sd) == pytest.approx([0.3, 0.68, 1.0])
    assert np.isnan(recover_r(2.0, 2.0, 5.0))  # more than sd1 + sd2
    assert np.isnan(sd_difference(2.0, 2.0, 1.2))


NAN_CASES = [
    ("MD", {**ARMS, "sd1i": np.nan}, "sd1i is missing"),
    ("MD", {**ARMS, "sd2i": -1}, "sd2i < 0"),
    ("MD", {**ARMS, "sd1i": -1}, "sd1i < 0"),
    ("MD", {**ARMS, "n1i": 0}, "n1i < 1"),
    ("MD", {**ARMS, "n2i": 0}, "n2i < 1"),
    ("MD", {**ARMS, "sd1i": 0, "sd2i": 0}, "sampling variance is 0 or undefined"),
    ("SMD", {**ARMS, "m2i": np.nan}, "m2i is missing"),
    ("SMD", {**ARMS, "sd1i": -2}, "sd1i < 0"),
    ("SMD", {**ARMS, "sd2i": -2}, "sd2i < 0"),
    ("SMD", {**ARMS, "n1i": 0}, "n1i < 1"),
    ("SMD", {**ARMS, "n2i": 0}, "n2i < 1"),
    ("SMD", {**ARMS, "n1i": 1, "n2i": 2}, "n1i + n2i < 4"),
    ("SMD", {**ARMS, "sd1i": 0, "sd2i": 0}, "pooled SD is 0"),
    ("OR", {"ai": np.nan, "n1i": 10, "ci": 1, "n2i": 10}, "ai is missing"),
    ("OR", {"ai": -1, "n1i": 10, "ci": 1, "n2i": 10}, "ai < 0"),
    ("OR", {"ai": 1, "n1i": 10, "ci": -1, "n2i": 10}, "ci < 0"),
    ("RR", {"ai": 11, "n1i": 10, "ci": 1, "n2i": 10}, "ai > n1i"),
    ("RR", {"ai": 1, "n1i": 10, "ci": 11, "n2i": 10}, "ci > n2i"),
    ("RD", {"ai": 0, "n1i": 0, "ci": 1, "n2i": 10}, "n1i is 0"),
    ("RD", {"ai": 0, "n1i": 5, "ci": 0, "n2i": 0}, "n2i is 0"),
    ("MC", {**CROSSOVER, "ri": 1.5}, "ri outside -1 to 1"),
    ("MC", {**CROSSOVER, "sd1i": -1}, "sd1i < 0"),
    ("MC", {**CROSSOVER, "sd2i": -1}, "sd2i < 0"),
    ("MC", {**CROSSOVER, "ni": 0}, "ni < 1"),
    ("SMCRP", {**CROSSOVER, "ri": np.nan}, "ri is missing"),
    ("SMCRP", {**CROSSOVER, "sd1i": 0, "sd2i": 0}, "both SDs are 0"),
    ("SMCRP", {**CROSSOVER, "ni": 1}, "too few pairs: df <= 1"),
    ("GEN", {"yi": 0.1, "sei": 0}, "sei <= 0"),
]


@pytest.mark.parametrize(("measure", "data", "reason"), NAN_CASES)
def test_what_cannot_be_computed_is_nan_with_its_reason(
    measure: str, data: dict[str, float], reason: str
) -> None:
    """Never an exception, never a number made up; a sound study beside it is untouched."""
    sound = {
        "MD": ARMS,
        "SMD": ARMS,
        "MC": CROSSOVER,
        "SMCRP": CROSSOVER,
        "GEN": {"yi": 1.0, "sei": 1.0},
    }.get(measure, {"ai": 4, "n1i": 10, "ci": 2, "n2i": 10})
    es = tp.effect_size(measure, **{key: [data[key], sound[key]] for key in data})
    assert es.reason == (reason, "")
    assert np.isnan(es.vi[0])
    assert np.isfinite([es.yi[1], es.vi[1]]).all()


@pytest.mark.parametrize("measure", ["MD", "MC"])
def test_a_difference_without_sd_is_kept_without_variance(measure: str) -> None:
    """The difference of two means needs no SD: it can stand in a table, but not be pooled."""
    data = {**(ARMS if measure == "MD" else CROSSOVER), "sd1i": np.nan}
    es = tp.effect_size(measure, **data)
    assert es.yi[0] == data["m1i"] - data["m2i"]
    assert np.isnan(es.vi[0])


@pytest.mark.parametrize(
    ("measure", "given", "message"),
    [
        ("NNT", {}, "unknown measure 'NNT': known are ABT, AHW, ARAW, AS, COR, "),
        ("MD", {"m1i": [1.0], "n1i": [2]}, "missing sd1i, m2i, sd2i, n2i"),
        ("MD", {**ARMS, "sd1i": None}, "missing sd1i"),
        ("OR", {"ai": [1], "ci": [1], "bi": [2]}, "missing n2i"),
        ("MD", {**ARMS, "ai": [1]}, "MD does not take ai"),
        (
            "MD",
            {**{key: [value] for key, value in ARMS.items()}, "m1i": [1.0, 2.0]},
            "columns must have one length, got m1i 2, sd1i 1",
        ),
        ("OR", {"ai": [1, 2], "bi": [1], "ci": [1], "di": [1]}, "got ai 2, bi 1"),
        ("MD", {**ARMS, "m1i": [[1.0]]}, "m1i must be one column"),
        ("MD", {**ARMS, "m1i": ["ten"]}, "m1i must hold numbers only"),
        ("SMD", {**ARMS, "variance": "X"}, "variance = 'X': allowed are LS, UB, RevMan, Metapsy"),
        ("SMD", {**ARMS, "correction": "J"}, "correction = 'J': allowed are exact, approx, none"),
        ("OR", {"ai": [1], "n1i": [2], "ci": [1], "n2i": [2], "add": -1}, "add = -1"),
    ],
)
def test_wrong_calls_name_what_is_wrong(measure: str, given: dict[str, Any], message: str) -> None:
    """One sentence that names the measure, column or option."""
    with pytest.raises(TrialpoolError) as caught:
        tp.effect_size(measure, **given)
    assert message in str(caught.value)


def test_every_measure_declares_its_columns_beside_its_formula() -> None:
    """The declaration is what the dispatcher checks: it must be the formula's own arguments."""
    for spec in MEASURES.values():
        names = spec.formula.__code__.co_varnames[: spec.formula.__code__.co_argcount]
        assert names == spec.needs


def test_combined_arms_equal_the_raw_data_put_together() -> None:
    """Mean and SD of three groups taken as one, from the people themselves."""
    rng = np.random.default_rng(4)
    groups = [rng.normal(1e6 + i, 1 + i, size=4 + i) for i in range(3)]
    everyone = np.concatenate(groups)
    arm = combine_arms(
        [len(g) for g in groups], [g.mean() for g in groups], [g.std(ddof=1) for g in groups]
    )
    assert arm.n == len(everyone)
    assert arm.mean == pytest.approx(everyone.mean(), rel=1e-15)
    assert arm.sd == pytest.approx(everyone.std(ddof=1), rel=1e-9)


def test_two_arms_as_in_the_cochrane_formula() -> None:
    """sd^2 = ((n1-1)sd1^2 + (n2-1)sd2^2 + n1 n2/n (m1-m2)^2)/(n-1) (Handbook table 6.5.a)."""
    arm = combine_arms([[12, 10]], [[10, 13]], [[4, 5]])
    assert arm.sd[0] == pytest.approx(math.sqrt((11 * 16 + 9 * 25 + 120 / 22 * 9) / 21))
    assert np.isnan(combine_arms([12, 10], [10, np.nan], [4, 5])).all()


def test_combined_counts() -> None:
    """Counts add up; a missing or impossible arm blanks the sum."""
    assert [float(x) for x in combine_counts([3, 4], [10, 11])] == [7, 21]
    assert np.isnan(combine_counts([[3.0, np.nan], [12.0, 1.0]], [[10, 10], [10, 10]]).event).all()
    for call in (lambda: combine_counts([1], [1, 2]), lambda: combine_arms([1], [1, 2], [1])):
        with pytest.raises(TrialpoolError, match="must have one shape"):
            call()


def test_cochrane_standard_errors_from_reported_numbers() -> None:
    """Handbook 6.5.2.3: MD 3.8, p = .008, 47 df: t 2.78, SE 1.37; MD interval, 95 %: width/3.92."""
    assert round(float(se_from_p(3.8, 0.008, 47)), 2) == 1.37
    assert se_from_ci(-1.96, 1.96) == pytest.approx(1, rel=1e-4)
    # t quantile for 12 df is 2.179 (any table of t)
    assert se_from_ci(-2.179, 2.179, df=12) == pytest.approx(1, rel=1e-3)
    assert se_from_t(-3.0, 1.5) == pytest.approx(2.0)
    assert se_from_f(-3.0, 2.25) == pytest.approx(2.0)
    assert sd_from_se(0.5, 16) == pytest.approx(2.0)
    # Handbook 6.5.2.2: n = 25, 95 % CI 30 to 34.2: 5 (34.2 - 30)/4.128 = 5.09
    assert round(float(sd_from_ci(30, 34.2, 25)), 2) == 5.09


def test_reported_numbers_that_contradict_themselves_are_nan() -> None:
    """No SE from a zero t, a reversed interval, p outside (0, 1), a ratio below 0."""
    assert np.isnan(se_from_ci([1.0, 0.0], [0.0, np.nan])).all()
    assert np.isnan(se_from_t([1.0, 0.0], [0.0, 2.0])).all()
    assert np.isnan(se_from_p(1.0, [0.0, 1.0, -0.1, np.nan])).all()
    assert np.isnan(se_from_f(1.0, -2.0))
    assert np.isnan(sd_from_ci(0, 1, 1))
    assert np.isnan(log_ratio(-1.0, 0.5, 2.0)[0])
    with pytest.raises(TrialpoolError, match="level = 95"):
        se_from_ci(0, 1, level=95)


def test_reported_ratio_and_d() -> None:
    """A ratio goes to the log with its interval; d and its SE shrink by the same J."""
    yi, se = log_ratio(2.0, 1.0, 4.0)
    assert (yi, se) == pytest.approx((math.log(2), math.log(4) / (2 * 1.959963985)))
    g, g_se = d_to_g(0.5, 0.2, 20)
    assert g / 0.5 == pytest.approx(g_se / 0.2) == pytest.approx(small_sample_factor(20.0))
