"""The course of an effect over days: which points enter, the curve, and when there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from time_course_cases import Dense, analysis, asked, course, dense, effects

from trialpool.pooling.regression import regress
from trialpool.question_answer import FittedCourse
from trialpool.results import TrialpoolError
from trialpool.review.protocol.time_dose_spec import TimeCourse
from trialpool.review.questions.time_course import sampling, time_course

DAYS = (1.0, 7.0, 14.0, 30.0)


def test_all_days_of_the_preferred_instrument_enter() -> None:
    """Days outside the window too; another instrument, comparator, measure or variant does not."""
    rows = [("A", 1.0, -0.5), ("A", 30.0, -0.2)]
    table = pd.concat(
        [
            effects(rows),
            effects([("A", 7.0, 9.0)], instrument="PCL-5", effect_id="other scale"),
            effects([("A", 7.0, 9.0)], measure="MD", effect_id="other measure"),
            effects([("A", 7.0, 9.0)], variant="split", effect_id="variant"),
            effects([("A", 7.0, 9.0)], comparator_class="waiting_list", effect_id="comparator"),
            effects([("A", 0.0, 9.0)], effect_id="baseline"),
            effects([("A", 3.0, 9.0)], flags="n_grows; equal_to_baseline", effect_id="repeated"),
        ]
    )
    out, facts = time_course(asked(analysis(), table), TimeCourse(), dense)
    points = out["time_points"]
    assert points["day"].tolist() == [1.0, 30.0]
    assert points["estimate"].tolist() == [-0.5, -0.2]
    assert points["ci_low"].iloc[0] == pytest.approx(-0.5 - 1.959964 * 0.1**0.5)
    assert set(points["in_model"]) == {"no"}
    assert (facts.k, facts.points, facts.last_day) == (1, 2, 30.0)


def test_one_effect_a_day() -> None:
    """Of two on one day the better source; a split control's parts become one effect."""
    rows = [("A", 1.0, -0.5), ("A", 7.0, -0.2)]
    worse = effects([("A", 1.0, 5.0)], confidence="secondary", effect_id="worse")
    half = effects([("A", 7.0, -0.6)])
    out, _ = time_course(
        asked(analysis(), pd.concat([effects(rows), worse, half])), TimeCourse(), dense
    )
    assert out["time_points"]["estimate"].tolist() == pytest.approx([-0.5, -0.4])


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "no trial has an effect on a known day"),
        (course(3, DAYS), "3 trials on 4 different days, 3 with several days"),
        (course(6, (7.0,)), "6 trials on 1 day, none with several days"),
        ([*course(1, DAYS), ("B", 7.0, 0.1), ("C", 7.0, 0.2), ("D", 1.0, 0.3)],
         "4 trials on 4 different days, 1 with several days"),
    ],
)  # fmt: skip
def test_few_trials_or_days_are_only_described(
    rows: list[tuple[str, float, float]], reason: str
) -> None:
    """No model, no days of largest effect; the reason counts what there is."""
    out, facts = time_course(asked(analysis(), effects(rows)), TimeCourse(), dense)
    assert not facts.estimable
    assert not isinstance(facts, FittedCourse)
    assert reason in facts.reason
    assert (facts.largest_day, facts.first_day) == (None, None)
    assert len(out["time_curve"]) == len(out["time_sensitivity"]) == 0
    assert len(out["time_points"]) == len(rows)


def test_a_model_that_cannot_be_fitted_is_told() -> None:
    """The model's own reason; the points stay."""

    def refuses(*_: Any) -> Dense:
        raise TrialpoolError("the data hold no information on rho")

    rows = course(5, DAYS)
    out, facts = time_course(asked(analysis(), effects(rows)), TimeCourse(), refuses)
    assert facts.reason == "not estimable: the data hold no information on rho"
    assert set(out["time_points"]["in_model"]) == {"no"}
    assert len(out["time_curve"]) == 0


def test_the_line_is_that_of_the_model() -> None:
    """Mean and interval at each day from the dense likelihood's coefficients."""
    rows = course(5, DAYS)
    out, facts = time_course(asked(analysis(), effects(rows)), TimeCourse(), dense)
    day = np.array([r[1] for r in rows])
    y, trial = np.array([r[2] for r in rows]), np.array([r[0] for r in rows], dtype=object)
    x = np.column_stack([np.ones(20), np.log(day)])
    blocks = [sampling(np.full(4, 0.1), np.array(DAYS), 0.98)] * 5
    fit = dense(y, blocks, x, {"trial": trial, "day": day})
    curve = out["time_curve"]
    assert (curve["day"].iloc[0], curve["day"].iloc[-1]) == pytest.approx((1.0, 30.0))
    assert curve["estimate"].iloc[0] == pytest.approx(fit.beta[0])
    assert curve["estimate"].iloc[-1] == pytest.approx(fit.beta @ [1.0, np.log(30)])
    half = 2.100922 * fit.vb[0, 0] ** 0.5  # t quantile on 18 degrees of freedom
    assert curve["ci_high"].iloc[0] == pytest.approx(fit.beta[0] + half)
    assert isinstance(facts, FittedCourse)
    assert facts.words.startswith("line in log days")
    assert (facts.largest_day, facts.first_day, facts.last_day) == (1.0, 1.0, 30.0)
    assert facts.largest.estimate == pytest.approx(fit.beta[0])


def test_without_correlation_or_heterogeneity_it_is_a_meta_regression() -> None:
    """The brute-force fit itself: common-effect regression where tau2 is 0."""
    day = np.tile(DAYS, 4)
    x = np.column_stack([np.ones(16), np.log(day)])
    y = x @ [-1.0, 0.2] + np.tile([0.02, -0.02], 8)
    trial = np.repeat(np.array(list("ABCD"), dtype=object), 4)
    fit = dense(y, [np.diag(np.full(4, 0.1))] * 4, x, {"trial": trial, "day": day})
    plain = regress(y, np.full(16, 0.1), x, tau2="EE", test="z")
    assert fit.beta == pytest.approx(plain.beta, abs=1e-6)
    assert np.sqrt(np.diag(fit.vb)) == pytest.approx(plain.se, rel=1e-4)


def test_correlations_are_swept() -> None:
    """A row per correlation and observed day; those of the protocol's own equal the curve."""
    rows = course(5, DAYS)
    spec = TimeCourse(correlation=0.9, correlation_grid=(0.5, 0.99))
    out, facts = time_course(asked(analysis(), effects(rows)), spec, dense)
    swept = out["time_sensitivity"]
    assert sorted(set(swept["correlation"])) == [0.5, 0.9, 0.99]
    assert swept.groupby("correlation")["day"].apply(list).tolist() == [list(DAYS)] * 3
    first = swept[(swept["correlation"] == 0.9) & (swept["day"] == 1.0)].iloc[0]
    assert first["estimate"] == pytest.approx(out["time_curve"]["estimate"].iloc[0])
    assert facts.correlation == 0.9


def test_many_days_allow_a_bend() -> None:
    """A restricted cubic spline; the earliest day is not always the largest effect."""
    days = (0.1, 1.0, 3.0, 7.0, 14.0, 30.0, 90.0)
    rows = [(t, d, -1.0 + 0.25 * np.log(d / 3.0) ** 2 / 3) for t, d, _ in course(7, days)]
    _, facts = time_course(asked(analysis(), effects(rows)), TimeCourse(), dense)
    assert isinstance(facts, FittedCourse)
    assert facts.words.startswith("restricted cubic spline")
    assert facts.largest_day == 3.0


def test_higher_may_be_better_and_ratios_are_shown_as_ratios() -> None:
    """The largest effect is on the side of benefit; no difference is 1."""
    rows = course(5, DAYS)
    given = {"measure": "RR", "outcome": "response", "instruments": ()}
    table = effects(rows, **{k: given[k] for k in ("measure", "outcome")})
    case = asked(analysis(**given), table, better="higher")
    out, facts = time_course(case, TimeCourse(), dense)
    assert (out["time_curve"]["estimate"] > 0).all()
    assert facts.largest_day == 30.0
    assert facts.first_day == 1.0


def test_sampling_covariance_falls_with_time() -> None:
    """The declared correlation one day apart, its square two days apart."""
    v = sampling([0.1, 0.2, 0.4], np.array([1.0, 2.0, 3.0]), 0.9)
    assert np.diag(v) == pytest.approx([0.1, 0.2, 0.4])
    assert v[0, 1] == pytest.approx(0.9 * (0.1 * 0.2) ** 0.5)
    assert v[0, 2] == pytest.approx(0.81 * 0.2)
    assert (sampling([1.0, 1.0], np.array([1.0, 9.0]), 0.0) == np.eye(2)).all()
