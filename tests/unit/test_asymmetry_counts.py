"""Asymmetry of odds ratios and standardised mean differences: by hand and by symmetry."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from trialpool.diagnostics.asymmetry_counts import COUNT_TESTS, count_test, smd_test
from trialpool.results import TrialpoolError

A = np.array([4.0, 6, 3, 62, 33])
N1 = np.array([123.0, 306, 231, 13598, 5069])
C = np.array([11.0, 29, 11, 248, 47])
N2 = np.array([139.0, 303, 220, 12867, 5808])


def straight(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of weighted least squares, from centred sums."""
    mx, my = (w @ x) / w.sum(), (w @ y) / w.sum()
    slope = float(w @ ((x - mx) * (y - my)) / (w @ (x - mx) ** 2))
    return float(my - slope * mx), slope


def test_harbord_is_egger_of_score_and_variance() -> None:
    """Score and variance of the hypergeometric distribution, as Harbord 2006 has them."""
    n, m = N1 + N2, A + C
    score = A - m * N1 / n
    v = N1 * N2 * m * (n - m) / (n * n * (n - 1))
    est, slope = straight(1 / np.sqrt(v), score / v, v)
    ours = count_test(A, N1, C, N2)
    assert (ours.est, ours.slope) == pytest.approx((est, slope), rel=1e-10)
    assert (ours.k, ours.dfs, ours.predictor, ours.model) == (5, 3, "Harbord", "lm")
    assert "no verdict" in ours.caution


def test_peters_deeks_and_macaskill_are_lines_in_the_size() -> None:
    """Each with its own size and weight, on the log odds ratio."""
    n, m = N1 + N2, A + C
    y = np.log(A * (N2 - C) / (C * (N1 - A)))
    precision = 1 / (1 / A + 1 / C + 1 / (N1 - A) + 1 / (N2 - C))
    size = 4 * N1 * N2 / n
    by_hand = {
        "Peters": straight(1 / n, y, m * (n - m) / n),
        "Deeks": straight(1 / np.sqrt(size), y, size),
        "Macaskill": straight(n, y, precision),
    }
    for kind, (est, slope) in by_hand.items():
        ours = count_test(A, N1, C, N2, kind=kind)
        assert ours.slope == pytest.approx(slope, rel=1e-10)
        if kind == "Macaskill":
            assert math.isnan(ours.est)
            assert "infinitely large" in ours.reasons["est"]
        else:
            assert ours.est == pytest.approx(est, rel=1e-10)


@pytest.mark.parametrize("kind", COUNT_TESTS)
def test_exchanging_arms_or_events_turns_the_slope_round(kind: str) -> None:
    """The p value does not depend on what is called treated or event."""
    here = count_test(A, N1, C, N2, kind=kind)
    for other in (
        count_test(C, N2, A, N1, kind=kind),
        count_test(N1 - A, N1, N2 - C, N2, kind=kind),
    ):
        assert other.slope == pytest.approx(-here.slope, rel=1e-9)
        assert other.pval == pytest.approx(here.pval, rel=1e-9)


@pytest.mark.parametrize("kind", COUNT_TESTS)
def test_a_trial_without_events_is_left_out_and_told(kind: str) -> None:
    """Nobody or everybody having the event says nothing of an odds ratio."""
    here = count_test(A, N1, C, N2, kind=kind)
    with_silent = [np.append(x, more) for x, more in zip(
        (A, N1, C, N2), ([0.0, 20], [30.0, 20], [0.0, 25], [30.0, 25]), strict=True
    )]  # fmt: skip
    ours = count_test(*with_silent, kind=kind)
    assert (ours.k, ours.pval) == (5, here.pval)
    assert "2 of 7 trials left out" in ours.caution
    assert "left out" not in here.caution


@pytest.mark.parametrize("kind", COUNT_TESTS)
def test_two_trials_have_no_test(kind: str) -> None:
    """Two points make any line."""
    ours = count_test(A[:2], N1[:2], C[:2], N2[:2], kind=kind)
    assert math.isnan(ours.pval)
    assert ours.reasons["pval"] == "k < 3"


def test_smd_has_the_size_as_predictor() -> None:
    """A line in sqrt(1/n1 + 1/n2) is found again whatever the variances."""
    n1, n2 = np.array([10.0, 20, 40, 80]), np.array([12.0, 18, 44, 75])
    x = np.sqrt(1 / n1 + 1 / n2)
    ours = smd_test(0.1 + 2 * x, [0.3, 0.2, 0.1, 0.05], n1, n2)
    assert (ours.est, ours.slope) == pytest.approx((0.1, 2))
    assert ours.predictor == "Pustejovsky"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: count_test(A, N1, C, N2, kind="Begg"), "allowed are Harbord"),
        (lambda: count_test(A, N1, C[:2], N2), "ci must be as long as ai"),
        (lambda: count_test(A + 0.5, N1, C, N2), r"ai\[0\] = 4.5: a count must be a whole"),
        (lambda: count_test(N1 + 1, N1, C, N2), r"ai\[0\] = 124: events"),
        (lambda: count_test(A, N1, C, 0 * N2), r"n2i\[0\] = 0: patients"),
        (lambda: smd_test([1, 2], [1, 1], [1, 0], [1, 1]), r"n1i\[1\] = 0"),
        (lambda: smd_test([1, 2], [1, 1], [1], [1, 1]), "n1i must be as long as yi"),
    ],
)
def test_wrong_counts_are_told(call: Callable[[], Any], told: str) -> None:
    """The first place that is wrong, by name."""
    with pytest.raises(TrialpoolError, match=told):
        call()
