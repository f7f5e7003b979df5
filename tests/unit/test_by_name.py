"""Quantities of the field by the name of their formula: the interval of I2, numbers needed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from trialpool.effects.needed_to_treat import nnt_furukawa, nnt_kraemer_kupfer
from trialpool.pooling.i2_interval import i2_interval
from trialpool.results import TrialpoolError


def test_the_interval_of_i2_of_two_published_tables() -> None:
    """Aspirin (Fleiss 1993): Q 9.95, k 7; R meta prints 39.7 % (0.0 % to 74.6 %).

    BCG (Colditz 1994, odds ratios): Q 163.1649, k 13; 92.6 % (89.2 % to 95.0 %).
    """
    found = i2_interval(9.946055983220074, 7)
    assert [round(x, 1) for x in found] == [39.7, 0.0, 74.6]
    found = i2_interval(163.1649, 13)
    assert [round(x, 1) for x in found] == [92.6, 89.2, 95.0]


def test_the_two_standard_errors_meet_at_their_own_sides() -> None:
    """Where Q exceeds k the first holds, at k the other; both have H on the log scale."""
    k, z = 10, float(norm.ppf(0.975))
    below = math.sqrt((1 - 1 / (3 * 8**2)) / 16)
    at = i2_interval(10.0, k)
    assert at.ci_ub == pytest.approx(100 * (1 - 9 / 10 * math.exp(-2 * z * below)), rel=1e-12)
    q = 10.0 + 1e-9
    above = 0.5 * (math.log(q) - math.log(9)) / (math.sqrt(2 * q) - math.sqrt(17))
    assert i2_interval(q, k).ci_ub == pytest.approx(
        100 * (1 - 9 / q * math.exp(-2 * z * above)), rel=1e-9
    )


@pytest.mark.parametrize(("q", "k"), [(3.0, 2), (0.0, 5)])
def test_without_two_degrees_of_freedom_or_any_q_there_is_no_interval(q: float, k: int) -> None:
    found = i2_interval(q, k)
    assert math.isfinite(found.i2)
    assert math.isnan(found.ci_lb)


def test_h_is_at_least_one() -> None:
    """Less than nothing to expect by chance leaves the limits where no excess at all has them."""
    assert i2_interval(1.0, 6)[1:] == i2_interval(5.0, 6)[1:]


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(TrialpoolError, match="Q is not negative"):
        i2_interval(-1.0, 5)
    with pytest.raises(TrialpoolError, match="must lie between 0 and 1"):
        nnt_furukawa(0.5, 1.0)


def test_numbers_needed_against_their_definitions() -> None:
    """Furukawa: responders above a cut-off; Kraemer-Kupfer: who of two does better, by integral."""
    smd, rate = 0.5, 0.2
    cut = norm.isf(rate)
    assert 1 / nnt_furukawa(smd, rate) == pytest.approx(norm.sf(cut - smd) - rate, rel=1e-12)
    better = quad(lambda x: norm.pdf(x, smd) * norm.cdf(x), -np.inf, np.inf)[0]
    assert 1 / nnt_kraemer_kupfer(smd) == pytest.approx(better - (1 - better), rel=1e-9)
    assert round(nnt_kraemer_kupfer(0.5), 1) == 3.6
    assert round(nnt_furukawa(0.5, 0.2), 1) == 6.0


def test_no_difference_needs_everybody_and_harm_is_negative() -> None:
    assert nnt_kraemer_kupfer(0.0) == math.inf
    assert nnt_furukawa(0.0, 0.3) == math.inf
    assert nnt_kraemer_kupfer(-0.5) == -nnt_kraemer_kupfer(0.5)
