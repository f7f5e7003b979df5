"""What an interval says, at each mark just inside and just outside."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from filled import analysis_result

from trialpool.conclusions import ABOVE, ACROSS, BELOW, Marks, concluded, side_of
from trialpool.effects.registry import MEASURES
from trialpool.trust_facts import ShownEstimate

NAN = float("nan")
LOG = math.log(1.25)


def interval(low: float, high: float) -> ShownEstimate:
    return ShownEstimate(estimate=NAN, ci_low=low, ci_high=high)


@pytest.mark.parametrize(
    ("low", "high", "ratio", "side"),
    [
        (-0.9, -1e-9, False, BELOW), (-0.9, 0.0, False, ACROSS), (-0.9, 1e-9, False, ACROSS),
        (1e-9, 0.9, False, ABOVE), (0.0, 0.9, False, ACROSS), (-1e-9, 0.9, False, ACROSS),
        (0.3, 0.999, True, BELOW), (0.3, 1.0, True, ACROSS), (0.3, 1.001, True, ACROSS),
        (1.001, 2.0, True, ABOVE), (1.0, 2.0, True, ACROSS), (0.999, 2.0, True, ACROSS),
        (NAN, 1.0, True, None), (0.5, NAN, False, None),
    ],
)  # fmt: skip
def test_a_limit_at_no_effect_does_not_exclude_it(
    low: float, high: float, ratio: bool, side: int | None
) -> None:
    said = Marks.of(MEASURES["OR" if ratio else "SMD"]).conclude(interval(low, high))
    assert said.side == side
    assert said.excludes_null == (None if side is None else side != ACROSS)
    assert said.zones == frozenset()  # no smallest difference that matters is known


@pytest.mark.parametrize(
    ("low", "high", "zones"),
    [
        (-0.49, 0.49, {ACROSS}), (-0.5, 0.49, {BELOW, ACROSS}), (-0.49, 0.5, {ACROSS, ABOVE}),
        (-0.9, 0.9, {BELOW, ACROSS, ABOVE}), (-0.9, -0.51, {BELOW}), (-0.9, -0.5, {BELOW, ACROSS}),
        (0.51, 0.9, {ABOVE}), (0.5, 0.9, {ACROSS, ABOVE}), (0.1, 0.4, {ACROSS}), (NAN, NAN, set()),
    ],
)  # fmt: skip
def test_the_zones_an_interval_reaches(low: float, high: float, zones: set[int]) -> None:
    said = Marks.of(MEASURES["MD"], 0.5).conclude(interval(low, high))
    assert said.zones == zones
    assert said.excludes_important == (zones == {ACROSS})


@pytest.mark.parametrize(
    ("low", "high", "zones"),
    [
        (0.81, 1.24, {ACROSS}), (0.79, 1.24, {BELOW, ACROSS}), (0.81, 1.26, {ACROSS, ABOVE}),
        (0.5, 0.79, {BELOW}), (1.26, 2.0, {ABOVE}), (0.0, 1.1, {BELOW, ACROSS}),
    ],
)  # fmt: skip
def test_a_ratio_matters_as_far_from_1_in_both_directions(
    low: float, high: float, zones: set[int]
) -> None:
    """1.25 one way is 0.8 the other, not 0.75; a limit of 0 is as low as can be."""
    said = Marks.of(MEASURES["RR"], LOG).conclude(interval(low, high))
    assert said.zones == zones


def test_an_interval_turns_another_only_where_both_are_there() -> None:
    marks = Marks.of(MEASURES["RD"])
    below, across, none = (
        marks.conclude(interval(low, high)) for low, high in ((-2, -1), (-2, 1), (NAN, NAN))
    )
    assert below.turns(across)
    assert not below.turns(below)
    assert not below.turns(none)
    assert not none.turns(below)


def test_a_model_says_its_scale_and_its_difference_that_matters() -> None:
    display = {"ci_low": 0.9, "ci_high": 1.3}
    model = analysis_result(measure="OR", important=LOG, display=display)
    assert concluded(model).zones == {ACROSS, ABOVE}
    assert concluded(model, interval(0.5, 0.7)).side == BELOW
    assert concluded(replace(model, important=None)).zones == frozenset()


def test_many_intervals_at_once_about_any_value() -> None:
    low, high = np.array([-2.0, -1.0, 0.5, NAN]), np.array([-1.1, 0.5, 1.0, NAN])
    assert list(side_of(low, high)) == [BELOW, ACROSS, ABOVE, ACROSS]
    assert list(side_of(low, high, 0.5)) == [BELOW, ACROSS, ACROSS, ACROSS]


def test_where_nothing_is_compared_an_interval_has_no_side() -> None:
    """A proportion of one group has no value of no effect, and none that matters."""
    said = Marks.of(MEASURES["PR"], 0.1).conclude(interval(0.2, 0.4))
    assert (said.side, said.excludes_null, said.zones) == (None, None, frozenset())
