"""Cells, numbers and shares in words: one place for figures and pages."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trialpool import words as w
from trialpool.words import Share


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (Share(0, 1000), "0 % of 1,000"), (Share(1, 1000), "under 1 % of 1,000"),
        (Share(5, 1000), "under 1 % of 1,000"), (Share(6, 1000), "1 % of 1,000"),
        (Share(1, 2), "50 % of 2"), (Share(994, 1000), "99 % of 1,000"),
        (Share(995, 1000), "over 99 % of 1,000"),
        (Share(996, 1000), "over 99 % of 1,000"), (Share(1000, 1000), "100 % of 1,000"),
    ],
)  # fmt: skip
def test_what_is_not_all_or_nothing_never_reads_so(share: Share, words: str) -> None:
    assert str(share) == words


def test_a_share_keeps_its_denominator() -> None:
    share = Share.nearest(1 / 3, 12)
    assert (share, share.rest) == (Share(4, 12), Share(8, 12))
    assert share.part == pytest.approx(1 / 3)
    assert math.isnan(Share(0, 0).part)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.94, 0.96, "94 to 96 %"), (0.944, 0.941, "94 %"), (0.002, 0.05, "0 to 5 %"),
        (0.996, 0.999, "over 99 %"),
        (0.94, 0.999, "94 to 100 %"), (0.001, 0.004, "under 1 %"), (0.0, 1.0, "0 to 100 %"),
    ],
)  # fmt: skip
def test_a_range_of_shares(low: float, high: float, words: str) -> None:
    assert w.part(low, high) == words


@pytest.mark.parametrize(
    ("words", "capital"),
    [
        ("τ² and I²", "τ² and I²"),
        ("three trials", "Three trials"), ("a trial", "A trial"), ("r = 0.5", "r = 0.5"),
        ("n not known", "n not known"), ("p < 0.05", "p < 0.05"), ("", ""),
        ("I² is 3 %", "I² is 3 %"),
    ],
)  # fmt: skip
def test_a_symbol_keeps_its_own_letter(words: str, capital: str) -> None:
    assert w.capital(words) == capital


@pytest.mark.parametrize(
    ("names", "words"),
    [([], ""), (["A"], "A"), (["A", "B"], "A and B"), (["A", "B", "C"], "A, B and C")],
)
def test_names_in_a_sentence(names: list[str], words: str) -> None:
    assert w.listed(names) == words


@pytest.mark.parametrize(
    ("bound", "null", "as_usual", "shown"),
    [
        (-0.004, 0.0, "0.00", "−0.004"), (0.0049, 0.0, "0.00", "0.005"),
        (0.0004, 0.0, "0.00", "0.0004"), (-0.006, 0.0, "−0.01", "−0.01"),
        (0.0, 0.0, "0.00", "0.00"), (0.04, 0.0, "0.0", "0.04"), (-0.06, 0.0, "−0.1", "−0.1"),
        (0.998, 1.0, "1.00", "0.998"), (1.0004, 1.0, "1.00", "1.0004"), (1.0, 1.0, "1.00", "1.00"),
        (0.994, 1.0, "0.99", "0.99"), (0.002, math.nan, "0.00", "0.00"),
        (0.002, None, "0.00", "0.00"), (math.nan, 0.0, "–", "–"),
    ],
)  # fmt: skip
def test_a_limit_beside_no_difference_tells_its_side(
    bound: float, null: float | None, as_usual: str, shown: str
) -> None:
    """Another decimal, or two, only where the usual ones would say that it is no difference."""
    assert w.limit(bound, null, as_usual) == shown


@pytest.mark.parametrize(
    ("bayesian", "words"),
    [([], "95 % CI"), ([False], "95 % CI"), ([True, True], "95 % CrI"),
     ([True, False], "95 % CI or CrI")],
)  # fmt: skip
def test_intervals_are_called_what_they_are(bayesian: list[bool], words: str) -> None:
    assert w.intervals(bayesian) == words


@pytest.mark.parametrize("missing", [None, math.nan, np.nan, ""])
def test_a_missing_number_is_a_dash_in_every_form(missing: object) -> None:
    forms = (w.whole, w.short, w.ratio, w.significant, w.p_value, w.percent)
    assert {form(missing) for form in forms} == {w.fixed(missing, 2)} == {w.DASH}


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.9540, "95.4 %"), (0.9459, "94.6 %"), (0.95, "95 %"), (0.944, "94 %"), (0.956, "96 %"),
    ],
)  # fmt: skip
def test_a_share_beside_its_limit_tells_the_side(share: float, said: str) -> None:
    assert w.beside(share, 0.95) == said
