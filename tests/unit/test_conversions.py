"""Changes, correlations, reported differences and percentages: by hand, and every refusal."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtr

import trialpool as tp
from trialpool.effects.changes import change_from_scores, change_sd, r_from_p, r_from_t
from trialpool.effects.generic import sd_from_difference, smd_from_md
from trialpool.effects.paired import recover_r
from trialpool.effects.percentages import events_from_percent, possible_totals
from trialpool.effects.small_sample import small_sample_factor
from trialpool.results import TrialpoolError

ARMS = {"m1i": 10.0, "sd1i": 4.0, "n1i": 12, "m2i": 13.0, "sd2i": 4.0, "n2i": 10}


def test_change_by_hand() -> None:
    """16 + 25 - 2 0.5 4 5 = 21; end minus start."""
    change = change_from_scores([20.0], [4.0], [12.0], [5.0], [0.5])
    assert change.mean == pytest.approx([-8.0])
    assert change.sd == pytest.approx([math.sqrt(21)])
    assert np.isnan(change_sd([4.0, -1.0], 5.0, [1.2, 0.5])).all()


@given(sd0=st.floats(0.1, 50), ratio=st.floats(0.2, 5), r=st.floats(-0.99, 0.99))
def test_the_correlation_comes_back_from_the_sd_of_the_change(
    sd0: float, ratio: float, r: float
) -> None:
    """recover_r undoes change_sd."""
    sd1 = ratio * sd0
    assert recover_r(sd0, sd1, change_sd(sd0, sd1, r)) == pytest.approx(r, abs=1e-9)


@given(r=st.floats(-0.95, 0.95), n=st.integers(3, 200), difference=st.floats(0.1, 5))
def test_the_correlation_comes_back_from_the_paired_test(
    r: float, n: int, difference: float
) -> None:
    """From t, and from the p of that t with n - 1 degrees of freedom, whatever the sign."""
    t = difference / (float(change_sd(4.0, 5.0, r)) / math.sqrt(n))
    assert r_from_t(-difference, t, 4.0, 5.0, n) == pytest.approx(r, abs=1e-9)
    p = 2 * float(stdtr(n - 1, -t))
    if p > 1e-12:
        assert r_from_p(difference, p, 4.0, 5.0, n) == pytest.approx(r, abs=1e-4)


def test_paired_tests_that_say_nothing_or_contradict() -> None:
    """No difference, no t, p outside (0, 1), one person; and SDs that no r can reconcile."""
    assert np.isnan(r_from_t([0.0, 2.0, math.nan], [1.0, 0.0, 1.0], 4.0, 5.0, 10)).all()
    assert np.isnan(r_from_p(2.0, [0.0, 1.0, 0.03], 4.0, 5.0, [10, 10, 1])).all()
    # A t of 0.1 at n = 10 means an SD of 63; two SDs of 4 and 5 allow at most 9.
    assert np.isnan(r_from_t(2.0, 0.1, 4.0, 5.0, 10))


def test_sd_from_difference_undoes_the_variance_of_a_difference() -> None:
    """The SE of an MD with one SD for both arms gives that SD back."""
    md = tp.effect_size("MD", **ARMS)
    assert sd_from_difference(md.sei, 12, 10) == pytest.approx([4.0])
    assert np.isnan(sd_from_difference([0.0, 1.0, 1.0], [12, 0, math.nan], 10)).all()


def test_smd_from_a_reported_difference_is_the_smd_of_the_arms() -> None:
    """Unadjusted: what `effect_size` gives for the arms themselves."""
    for correction in ("exact", "approx", "none"):
        smd = tp.effect_size("SMD", **ARMS, correction=correction)
        g, vi, formula = smd_from_md(-3.0, math.nan, 4.0, 12, 10, correction)
        assert g == pytest.approx(smd.yi[0])
        assert vi == pytest.approx(smd.vi[0])
        assert formula == f"SMD from MD, LS variance, {correction} correction"


def test_smd_from_an_adjusted_difference_by_hand() -> None:
    """(J se/sd)^2 + g^2/(2 N); a smaller SE means a smaller variance."""
    j = float(small_sample_factor(20))
    g, vi, formula = smd_from_md(-3.0, 1.2, 4.0, 12, 10, adjusted=True)
    assert g == pytest.approx(-0.75 * j)
    assert vi == pytest.approx((0.3 * j) ** 2 + (0.75 * j) ** 2 / 44)
    assert formula == "SMD from adjusted MD, variance from its SE, exact correction"
    # With the SE that no adjustment gives, only J^2 on the first term tells the two apart.
    se = 4 * math.sqrt(1 / 12 + 1 / 10)
    plain = smd_from_md(-3.0, se, 4.0, 12, 10, "none")
    assert smd_from_md(-3.0, se, 4.0, 12, 10, "none", adjusted=True)[1] == pytest.approx(plain[1])


@pytest.mark.parametrize(
    ("se", "sd", "n1"), [(1.0, 0.0, 12), (1.0, -4.0, 12), (1.0, 4.0, 0), (0.0, 4.0, 12)]
)
def test_smd_from_impossible_numbers_has_no_variance(se: float, sd: float, n1: int) -> None:
    """NaN, never a number."""
    assert np.isnan(smd_from_md(-3.0, se, sd, n1, 10, adjusted=True)[1])
    with pytest.raises(TrialpoolError, match="correction"):
        smd_from_md(-3.0, se, sd, n1, 10, "J")


def test_one_count_fits_a_percentage() -> None:
    """25 of 79 is 31.6 % and 32 %; none and all are counts too."""
    found = events_from_percent([31.6, 32, 0, 100], [79, 79, 12, 12], [1, 0, 1, 1])
    assert found.count == pytest.approx([25, 25, 0, 12])
    assert found.reason == ("",) * 4


@given(n=st.integers(1, 100), share=st.floats(0, 1))
def test_counts_of_a_hundred_people_come_back_from_whole_percentages(n: int, share: float) -> None:
    """Up to 99 people, two counts differ by more than a percent; the count comes back."""
    e = round(share * n)
    found = events_from_percent(round(100 * e / n), n, 0)
    assert found.count[0] == e


@pytest.mark.parametrize(
    ("percent", "totaln", "decimals", "reason"),
    [
        (31.6, 25, 1, "31.6 % of 25 is no whole number of people: 7 is 28.00 % and 8 is 32.00 %"),
        (32, 7, 0, "32 % of 7 is no whole number of people: 2 is 28.6 % and 3 is 42.9 %"),
        (20, 500, 0, "20 % of 500 is any of 5 counts, 98 to 102"),
        (0, 500, 0, "0 % of 500 is any of 3 counts, 0 to 2"),
        (math.nan, 25, 1, "percentage, total or number of decimals is missing"),
        (101, 25, 0, "percent = 101 is outside 0 to 100"),
        (20, 0, 0, "totaln = 0 is not a whole number >= 1"),
        (20, 20.5, 0, "totaln = 20.5 is not a whole number >= 1"),
        (20, 25, -1, "decimals = -1 is not a whole number >= 0"),
        (31.6, 79, 0, "percent = 31.6 has more than 0 decimals"),
    ],
)
def test_percentages_without_one_count(
    percent: float, totaln: float, decimals: float, reason: str
) -> None:
    """NaN and the reason, with the counts that come near."""
    found = events_from_percent(percent, totaln, decimals)
    assert np.isnan(found.count).all()
    assert found.reason == (reason,)


def test_half_way_percentages_count_as_either() -> None:
    """1 of 8 is 12.5 %: printed as 12 by some, as 13 by others."""
    assert events_from_percent([12, 13], 8, 0).count == pytest.approx([1, 1])


def test_totals_behind_a_percentage() -> None:
    """25 people are 31.6 % of 79 only; 1 person is 33 % of 3 only; nobody is 0 % of any."""
    assert possible_totals(25, 31.6, 1, 200) == (79,)
    assert possible_totals(1, 33, 0, 50) == (3,)
    assert possible_totals(0, 0, 0, 3) == (1, 2, 3)
    assert possible_totals(25, 31.6, 1, 60) == ()


@given(n=st.integers(1, 200), share=st.floats(0, 1), decimals=st.integers(0, 2))
def test_the_true_total_is_among_the_possible(n: int, share: float, decimals: int) -> None:
    """Whatever was rounded."""
    e = round(share * n)
    assert n in possible_totals(e, round(100 * e / n, decimals), decimals, 250)
