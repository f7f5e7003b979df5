"""Several arms against one control: splitting it, the covariance it causes, one estimate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import trialpool as tp
from trialpool.effects.multiarm import (
    combine_counts,
    one_estimate,
    shared_control_covariance,
    shared_control_covariance_counts,
    shared_control_covariance_md,
    split_arm,
    split_counts,
)
from trialpool.results import TrialpoolError


@given(n=st.integers(1, 500), parts=st.integers(1, 6), sd=st.floats(0.1, 50))
def test_split_controls_carry_the_information_of_one(n: int, parts: int, sd: float) -> None:
    """The precisions of the parts add up to that of the whole arm."""
    share = float(split_arm(n, parts))
    assert parts / (sd**2 / share) == pytest.approx(n / sd**2)


def test_split_counts_combine_to_the_whole() -> None:
    """9 of 20 in three parts of 3 and 6.67; together 9 of 20 again."""
    part = split_counts(9, 20, 3)
    assert part.event == pytest.approx(3)
    whole = combine_counts([part.event] * 3, [part.totaln] * 3)
    assert (float(whole.event), float(whole.totaln)) == pytest.approx((9, 20))


def test_what_cannot_be_split() -> None:
    """No people, more events than people; fewer than one part is an error."""
    assert np.isnan(split_arm([0, math.nan], 2)).all()
    assert np.isnan(split_counts([21, -1], 20, 2)).all()
    for call in (lambda: split_arm(20, 0), lambda: split_counts(9, 20, 0)):
        with pytest.raises(TrialpoolError, match="parts = 0"):
            call()


def test_diagonals_are_the_variances_of_the_measures() -> None:
    """Each covariance matrix has on its diagonal what `effect_size` gives."""
    n1, g = np.array([12, 15]), np.array([0.4, -0.9])
    v = shared_control_covariance(g, n1, 10)
    assert np.diag(v) == pytest.approx(1 / n1 + 1 / 10 + g**2 / (2 * (n1 + 10)))
    assert v[0, 1] == v[1, 0] == pytest.approx(1 / 10 + 0.4 * -0.9 / (2 * 37))
    own = shared_control_covariance(g, n1, 10, "GO")
    assert np.diag(own) == pytest.approx(1 / n1 + 1 / 10 + g**2 / (2 * 37))
    sd = np.array([4.0, 6.0])
    md = tp.effect_size("MD", m1i=[1, 2], sd1i=sd, n1i=n1, m2i=0, sd2i=5.0, n2i=10)
    v = shared_control_covariance_md(sd, n1, 5.0, 10)
    assert np.diag(v) == pytest.approx(md.vi)
    assert v[0, 1] == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("measure", "shared"),
    [("OR", 1 / 3 + 1 / 7), ("RR", 1 / 3 - 1 / 10), ("RD", 0.3 * 0.7 / 10)],
)
def test_covariance_of_counts_by_hand(measure: str, shared: float) -> None:
    """The control, 3 of 10, is what two comparisons share."""
    counts: dict[str, Any] = {"ai": [4, 8], "n1i": [12, 15], "ci": 3, "n2i": 10}
    v = shared_control_covariance_counts(measure, [4, 8], [12, 15], 3, 10)
    assert np.diag(v) == pytest.approx(tp.effect_size(measure, **counts).vi)
    assert v[0, 1] == v[1, 0] == pytest.approx(shared)


def test_half_a_person_added_to_every_cell() -> None:
    """No event in the control: with 0.5 as in the effects, without it no matrix."""
    assert np.isnan(shared_control_covariance_counts("OR", [4, 8], [12, 15], 0, 10)).all()
    v = shared_control_covariance_counts("OR", [4, 8], [12, 15], 0, 10, add=0.5)
    assert v[0, 1] == pytest.approx(1 / 0.5 + 1 / 10.5)
    es = tp.effect_size("OR", ai=[4, 8], n1i=[12, 15], ci=[0, 0], n2i=[10, 10])
    assert np.diag(v) == pytest.approx(es.vi)


SIZES = st.lists(st.integers(2, 300), min_size=2, max_size=5)


@given(n=SIZES, nc=st.integers(2, 300), seed=st.integers(0, 999))
def test_covariances_are_positive_definite(n: list[int], nc: int, seed: int) -> None:
    """Whatever the arms, with either diagonal and for every measure."""
    rng = np.random.default_rng(seed)
    g, sd = rng.normal(0, 2, len(n)), rng.uniform(0.5, 20, len(n))
    events = np.minimum(rng.integers(1, 300, len(n)), np.array(n) - 1)
    matrices = [
        shared_control_covariance(g, n, nc),
        shared_control_covariance(g, n, nc, "GO"),
        shared_control_covariance_md(sd, n, float(sd[0]), nc),
        *(
            shared_control_covariance_counts(measure, events, n, nc // 2, nc)
            for measure in ("OR", "RR", "RD")
        ),
    ]
    for v in matrices:
        assert np.array_equal(v, v.T)
        assert np.linalg.eigvalsh(v).min() > 0


def test_impossible_arms_leave_no_matrix() -> None:
    """One missing or impossible value blanks the whole trial."""
    assert np.isnan(shared_control_covariance([0.1, math.nan], [10, 10], 10)).all()
    assert np.isnan(shared_control_covariance([0.1, 0.2], [10, 0], 10)).all()
    assert np.isnan(shared_control_covariance([0.1, 0.2], [10, 10], 0)).all()
    assert np.isnan(shared_control_covariance_md([4, 0], [10, 10], 5, 10)).all()
    assert np.isnan(shared_control_covariance_md([4, 4], [10, 10], math.nan, 10)).all()
    assert np.isnan(shared_control_covariance_counts("RD", [1, 12], [10, 10], 5, 10)).all()
    # Everybody in one arm had the event: log RR has a variance of 0 there, which cannot weigh.
    assert np.isnan(shared_control_covariance_counts("RR", [1, 10], [10, 10], 5, 10)).all()
    with pytest.raises(TrialpoolError, match="diagonal = 'UB': allowed are LS, GO"):
        shared_control_covariance([0.1], [10], 10, "UB")
    with pytest.raises(TrialpoolError, match="measure = 'IRR': allowed are OR, RR, RD"):
        shared_control_covariance_counts("IRR", [1], [10], 5, 10)


def test_one_estimate_of_independent_ones_is_their_weighted_mean() -> None:
    """V diagonal: inverse-variance weights."""
    assert one_estimate([1.0, 4.0], np.diag([1.0, 2.0])) == pytest.approx((2.0, 2 / 3))
    assert one_estimate([1.0], [[0.3]]) == pytest.approx((1.0, 0.3))


@given(tau2=st.floats(0, 5), seed=st.integers(0, 999))
def test_collapse_is_exact_with_a_random_effect_per_trial(tau2: float, seed: int) -> None:
    """V + tau2 J has the same estimate, and tau2 more variance."""
    rng = np.random.default_rng(seed)
    g = rng.normal(0, 1, 3)
    v = shared_control_covariance(g, rng.integers(5, 80, 3), 30)
    y, vi = one_estimate(g, v)
    assert one_estimate(g, v + tau2) == pytest.approx((y, vi + tau2))


def test_an_arm_of_negative_variance_is_refused() -> None:
    """1 < 1.2, though the matrix is a covariance; equal is an arm of no variance, and taken."""
    with pytest.raises(TrialpoolError, match=r"the variance of arm 0 itself would be -0\.2"):
        one_estimate([1.0, 2.0], [[1.0, 1.2], [1.2, 2.0]])
    assert one_estimate([1.0, 2.0], [[1.0, 1.0], [1.0, 2.0]]) == pytest.approx((1.0, 1.0))


def test_one_estimate_of_nothing_usable() -> None:
    """A missing value, a matrix that is no covariance; wrong shapes are errors."""
    assert np.isnan(one_estimate([1.0, math.nan], np.eye(2))).all()
    assert np.isnan(one_estimate([1.0, 2.0], [[1.0, math.nan], [math.nan, 1.0]])).all()
    assert np.isnan(one_estimate([1.0, 2.0], [[1.0, 2.0], [2.0, 1.0]])).all()
    with pytest.raises(TrialpoolError, match=r"got \(2,\) and \(3, 3\)"):
        one_estimate([1.0, 2.0], np.eye(3))
