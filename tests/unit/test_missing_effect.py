"""What the missing trials would have to have found: by hand, and where there is no answer."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cases import case, together
from filled import given

import trialpool as tp
from trialpool.bayes import normal_normal
from trialpool.diagnostics import missing as m
from trialpool.pooling.batch import PooledMany
from trialpool.results import TrialpoolError
from trialpool.review.protocol.settings import Model
from trialpool.review.schema.results import MISSING
from trialpool.review.schema.trust import MISSING_EFFECT
from trialpool.review.trust import missing_effect as review
from trialpool.review.trust.missing_effect import MissingEffect, missing_effect
from trialpool.review.trust.what_if import WhatIf
from trialpool.trust_facts import MissingEffectFacts, Unanswered

Z = 1.959963984540054
COMMON = Model(tau2="EE", test="z")
HKSJ = Model()


def studies(yi: list[float], vi: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"trial_id": [f"T{i}" for i in range(len(yi))], "yi": yi, "vi": vi})


def absent(vi: list[float], *, others: int = 0) -> WhatIf:
    """Missing trials of which the first can enter, each of 50 people."""
    lines = [
        {"trial_id": f"M{i}", "study": f"Missing {i}", "what_if": "yes" if i < len(vi) else "no",
         "yi": 0.0, "vi": vi[i] if i < len(vi) else float("nan"), "n_total": 50.0}
        for i in range(len(vi) + others)
    ]  # fmt: skip
    table = MISSING.frame(lines)
    return WhatIf(missing=table, joint=None, added=tuple(table["trial_id"][: len(vi)]))


def run(
    yi: list[float], vi: list[float], extra: list[float], model: Model = COMMON, **settings: Any
) -> MissingEffect:
    """By the protocol's model, or with `bayesian` by the one that leads with few trials."""
    given: dict[str, Any] = {"important": 0.5, "better": "lower", "measure": "SMD"} | settings
    measure, bayesian = given.pop("measure"), given.pop("bayesian", False)
    asked = case(measure if bayesian else together(measure), model, **given)
    return missing_effect(asked, studies(yi, vi), absent(extra))


def answers(result: MissingEffect) -> dict[str, tuple[bool, Any]]:
    return {a.question: (a.at_null, a.assumed) for a in facts_of(result).answers}


def facts_of(result: MissingEffect) -> MissingEffectFacts:
    assert isinstance(result.facts, MissingEffectFacts)
    return result.facts


# -- by hand ---------------------------------------------------------------------------------


def test_a_common_effect_flips_where_the_weighted_mean_says() -> None:
    """Two trials at 0 (v = 0.1) and one missing (v = 0.1): the mean is x / 3, its SE sqrt(v / 3);
    the interval clears zero at x = 3 z sqrt(0.1 / 3), on either side.
    """
    edge = 3 * Z * sqrt(0.1 / 3)
    found = answers(run([0.0, 0.0], [0.1, 0.1], [0.1], COMMON))
    assert found["interval excludes no difference, benefit"] == (False, pytest.approx(-edge))
    assert found["interval excludes no difference, harm"] == (False, pytest.approx(edge))
    # The mean of the analysis is 0, its threshold the positive one: x / 3 = 0.5.
    assert found["estimate reaches the important difference"] == (False, pytest.approx(1.5))


def test_a_result_is_lost_where_the_missing_found_the_opposite() -> None:
    """Effects of -1, -1 (v = 0.04) and one missing (v = 0.04): mean (x - 2) / 3, SE 0.2 / sqrt(3);
    lost from x = 2 - 3 z SE on; the important difference, -0.5, from x = 0.5 on.
    """
    found = answers(run([-1.0, -1.0], [0.04, 0.04], [0.04], COMMON))
    lost = 2 - 3 * Z * 0.2 / sqrt(3)
    assert found["interval no longer excludes no difference"] == (False, pytest.approx(lost))
    key = "estimate no longer reaches the important difference"
    assert found[key] == (False, pytest.approx(0.5))
    assert len(found) == 2


def test_a_result_lost_by_null_trials_tells_what_would_keep_it() -> None:
    """One trial at -0.5 (SE 0.2) and a missing one of the same size: mean (x - 0.5) / 2."""
    found = answers(run([-0.5], [0.04], [0.04], COMMON, important=0.4))
    keep = 0.5 - 2 * Z * 0.2 / sqrt(2)
    assert found["interval no longer excludes no difference"] == (True, 0.0)
    assert found["interval still excludes no difference"] == (False, pytest.approx(keep))
    assert found["estimate no longer reaches the important difference"] == (True, 0.0)
    key = "estimate still reaches the important difference"
    assert found[key] == (False, pytest.approx(-0.3))


def test_no_common_effect_would_do_under_knapp_hartung() -> None:
    """Far trials add heterogeneity: with k = 5 of which m = 1 found x, |t| tends to
    sqrt(m (k - 1) / (k - m)) = 1 for equal variances, below the t quantile of 2.78.
    """
    found = run([-0.3, 0.3, -0.2, 0.2], [0.1] * 4, [0.1], HKSJ)
    assert [a.reached for a in facts_of(found).answers][:2] == [False, False]
    assert facts_of(found).flips == ()
    far = m.with_missing([-0.3, 0.3, -0.2, 0.2], [0.1] * 4, [0.1], [1e6])
    assert isinstance(far, PooledMany)
    assert far.zval[0] == pytest.approx(1.0, rel=1e-4)


def test_an_interval_under_knapp_hartung_excludes_zero_in_a_stretch_only() -> None:
    """Both ends of the stretch are flips; between them and only there the refit excludes zero."""
    yi, vi, extra = [-0.6, -0.8, -0.5], [0.12, 0.13, 0.11], [0.03, 0.05]
    found = m.tipping(yi, vi, extra)
    low, high = (c.at for c in found.sides)
    assert [(c.before, c.after) for c in found.sides] == [(0, -1), (-1, 0)]
    for x, excluded in ((low - 1e-6, 0), (low + 1e-6, 1), (high - 1e-6, 1), (high + 1e-6, 0)):
        one = tp.pool([*yi, x, x], [*vi, *extra])
        assert (one.ci_ub < 0) == bool(excluded)


def test_ratios_are_read_on_the_display_scale() -> None:
    """The same case in logs: the answers are the exponentials, the threshold a ratio."""
    plain = run([-1.0, -1.0], [0.04, 0.04], [0.04], COMMON, measure="SMD", important=log(1.25))
    ratio = run([-1.0, -1.0], [0.04, 0.04], [0.04], COMMON, measure="RR", important=log(1.25))
    for one, other in zip(facts_of(plain).answers, facts_of(ratio).answers, strict=True):
        assert other.assumed == pytest.approx(exp(given(one.assumed)))
    facts = facts_of(ratio)
    assert facts.important == pytest.approx(0.8)
    assert facts.if_null.assumed == 1.0
    assert facts.searched[1] == pytest.approx(1 / facts.searched[0])


# -- what holds in general -------------------------------------------------------------------


def test_the_curve_is_the_pooled_effect_of_each_assumption() -> None:
    """Each row is `pool` with the missing trials there; the marks are among the rows."""
    yi, vi, extra = [-0.6, -0.8, -0.5], [0.12, 0.13, 0.11], [0.03, 0.05]
    result = run(yi, vi, extra, HKSJ)
    assert tuple(result.curve.columns) == MISSING_EFFECT.names
    assert 61 <= len(result.curve) <= 81
    for x, *pooled in result.curve.to_numpy()[::13]:
        one = tp.pool([*yi, x, x], [*vi, *extra])
        assert pooled == pytest.approx([one.beta, one.ci_lb, one.ci_ub])
    marks = [0.0, facts_of(result).estimate, *(a.assumed for a in facts_of(result).answers)]
    assert {m for m in marks if m is not None} <= set(result.curve["assumed"])
    assert result.curve["assumed"].is_monotonic_increasing


@pytest.mark.parametrize(("k", "bayesian"), [(1, True), (2, True), (4, True), (5, False)])
def test_the_model_is_the_one_that_leads_without_the_missing(k: int, bayesian: bool) -> None:
    """What turns is the missing trials' doing: four and one more keep the model of four."""
    yi, vi, extra = [-0.6, -0.8, -0.5, -0.3, -0.7][:k], [0.12, 0.13, 0.11, 0.2, 0.1][:k], [0.03]
    result = run(yi, vi, extra, HKSJ, bayesian=True)
    assert facts_of(result).k == k + 1
    assert ("Bayesian" in facts_of(result).model) is bayesian
    for x, *pooled in result.curve.to_numpy()[::20]:
        every, spread = [*yi, x], [*vi, *extra]
        if bayesian:
            mean = normal_normal(every, spread, tau_scale=0.5)
            truth = [mean.mu, mean.mu_lb, mean.mu_ub]
        else:
            one = tp.pool(every, spread)
            truth = [one.beta, one.ci_lb, one.ci_ub]
        assert pooled == pytest.approx(truth, rel=1e-5)


@pytest.mark.parametrize("bayesian", [False, True])
@pytest.mark.parametrize("model", [COMMON, HKSJ])
def test_flipping_the_sign_flips_the_answers(model: Model, bayesian: bool) -> None:
    yi, vi, extra = [-0.6, -0.8, -0.1], [0.12, 0.13, 0.11], [0.03, 0.05]
    how: Any = {"model": model, "bayesian": bayesian}
    one = answers(run(yi, vi, extra, **how))
    other = answers(run([-y for y in yi], vi, extra, **how, better="higher"))
    assert one.keys() == other.keys()
    for question, (at_null, assumed) in one.items():
        theirs = other[question]
        assert theirs[0] == at_null
        assert theirs[1] == (None if assumed is None else pytest.approx(-assumed))


def test_two_trials_share_one_effect() -> None:
    """One trial and one missing: the protocol's random effects become a common effect."""
    result = run([-0.5], [0.04], [0.04], HKSJ)
    assert facts_of(result).model == "common effect, normal quantile"
    assert facts_of(result).k == 2


def test_mantel_haenszel_is_refitted_by_inverse_variance() -> None:
    """An assumed effect has no counts."""
    data = studies([-0.5, -0.4], [0.04, 0.05]).assign(
        event_experimental=[10.0, 12.0], totaln_experimental=[50.0, 60.0],
        event_control=[18.0, 20.0], totaln_control=[50.0, 60.0],
    )  # fmt: skip
    model = Model(method="MH")
    result = missing_effect(case(together("OR"), model), data, absent([0.1]))
    pooled = tp.pool_counts([10, 12], [50, 60], [18, 20], [50, 60], measure="OR", method="MH")
    assert facts_of(result).estimate == pytest.approx(exp(pooled.beta))
    assert facts_of(result).model == "common effect, normal quantile"
    assert facts_of(result).important is None
    assert not any("important" in a.question for a in facts_of(result).answers)


def test_a_narrow_stretch_between_two_points_of_the_scan_is_found() -> None:
    """The stretch in which the upper limit just clears zero is as narrow as wanted: the scan
    looks again where the limit comes closest.
    """
    yi, vi, extra = np.array([-0.3, -0.3, 0.1]), np.full(3, 0.02), [0.02]
    grid = np.linspace(-2, 2, 20001)
    best = m.with_missing(yi, vi, extra, grid).ci_ub.min()
    # Moving all effects, the missing one's with them, moves the limit as much: its minimum then
    # lies just below zero.
    found = m.tipping(yi - best - 1e-5, vi, extra)
    low, high = (c.at for c in found.sides)
    assert [(c.before, c.after) for c in found.sides] == [(0, -1), (-1, 0)]
    assert high - low < 2 * found.limit / 400


def test_a_limit_at_its_tipping_point_is_0() -> None:
    """It is found to rounding, whose last digits differ between processors and mean nothing."""
    asked = case("SMD", COMMON, important=0.5)
    for by in (0.0, 0.013, 0.037):
        made = missing_effect(asked, studies([-0.9 - by, -0.8], [0.05, 0.06]), absent([0.1]))
        limits = made.curve[["ci_low", "ci_high"]].to_numpy(float)
        assert (limits == 0).any()
        assert (np.abs(limits[limits != 0]) > 1e-9).all()


# -- nothing to say --------------------------------------------------------------------------


def test_reasons_where_nothing_can_be_added() -> None:
    for data, gone, reason in (
        (studies([], []), absent([0.1]), review.NO_TRIAL),
        (studies([0.1], [0.1]), absent([]), review.NONE_MISSING),
        (studies([0.1], [0.1]), absent([], others=2), review.NONE_CAN_ENTER),
    ):
        result = missing_effect(case("SMD", COMMON, important=0.5), data, gone)
        assert result.facts == Unanswered(reason=reason)
        assert list(result.curve.columns) == list(MISSING_EFFECT.names)
        assert not len(result.curve)


def test_without_an_estimate_there_is_nothing_to_flip() -> None:
    """Mantel-Haenszel has no risk ratio where one arm has no events at all."""
    data = studies([0.9, 0.8], [2.0, 2.0]).assign(
        event_experimental=[1.0, 1.0], totaln_experimental=[20.0, 20.0],
        event_control=[0.0, 0.0], totaln_control=[20.0, 20.0],
    )  # fmt: skip
    asked = case("RR", Model(method="MH"), important=0.2)
    result = missing_effect(asked, data, absent([0.1]))
    assert result.facts == Unanswered(reason=review.NO_ESTIMATE)


def test_no_missing_trial_is_an_error_of_the_caller() -> None:
    with pytest.raises(TrialpoolError, match="v_missing is empty"):
        m.with_missing([0.1], [0.1], [], [0.0])
    with pytest.raises(TrialpoolError, match=r"vi\[0\] = -1"):
        m.tipping([0.1], [-1.0], [0.1])


def test_a_limit_bounds_the_search() -> None:
    found = m.tipping([0.0, 0.0], [0.1, 0.1], [0.1], tau2="EE", test="z", limit=0.5)
    assert found.limit == 0.5
    assert found.sides == ()


@pytest.mark.parametrize(("away", "places"), [(1e-16, 61), (0.9e-9, 61), (1.1e-9, 62), (1e-3, 62)])
def test_a_mark_on_the_grid_is_one_place(away: float, places: int) -> None:
    """What differs in its last bits, and so between machines, is not shown twice."""
    # From -0.15 to 1.15 in 61 points; the middle one is 0.5.
    points = review._grid([0.0, 1.0], [0.5 + 1.3 * away])
    middle = [x for x in points if abs(x - 0.5) < 0.002]
    assert len(middle) == places - 60
    # The two ends are no points of the grid.
    assert len(points) == places + 2
