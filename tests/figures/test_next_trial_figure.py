"""The extended funnel: its table and what is drawn."""

from __future__ import annotations

from dataclasses import replace
from math import log
from pathlib import Path

import cases
import numpy as np
import pandas as pd
import pytest
from figure_checks import bytes_of, outside, overlaps, shown
from filled import filled
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

import trialpool as tp
from trialpool.analysis_result import ResultScale
from trialpool.bayes import normal_normal
from trialpool.figures.chart import Withheld
from trialpool.figures.next_trial import NextTrialTable, draw, rows
from trialpool.review.trust.next_trial import next_trial
from trialpool.trust_facts import NextTrialFacts, ShownEstimate, Unanswered

CASES = {"k = 1": (1, "SMD"), "k = 2": (2, "RR"), "k = 3": (3, "SMD"), "k = 6": (6, "OR"),
         "k = 60": (60, "MD")}  # fmt: skip


def case(
    k: int, measure: str, shift: float = -0.5
) -> tuple[pd.DataFrame, NextTrialFacts, ShownEstimate, ResultScale]:
    rng = np.random.default_rng(k)
    studies = pd.DataFrame(
        {"trial_id": [f"T{i}" for i in range(k)], "yi": rng.normal(shift, 0.2, k),
         "vi": rng.uniform(0.03, 0.2, k), "event_control": 12.0, "totaln_control": 40.0,
         "sd_experimental": np.nan, "sd_control": np.nan, "n_experimental": 40.0,
         "n_control": 40.0}
    )  # fmt: skip
    _, facts = next_trial(cases.case(measure, important=0.3), studies)
    assert isinstance(facts, NextTrialFacts)
    log_scale = measure in ("OR", "RR")
    pooled = tp.pool(studies["yi"], studies["vi"]).beta
    now = filled(ShownEstimate, estimate=float(np.exp(pooled)) if log_scale else pooled)
    scale = filled(
        ResultScale, title="Symptoms", measure=measure, better="lower",
        scale="log" if log_scale else "identity",
        favours_left="favours ketamine", favours_right="favours control",
    )  # fmt: skip
    return studies, facts, now, scale


def prepared(name: str) -> NextTrialTable:
    table = rows(*case(*CASES[name]))
    assert isinstance(table, NextTrialTable)
    return table


def posterior_limits(yi: ArrayLike, vi: ArrayLike) -> tuple[float, float]:
    """Those of the mean under the protocol's prior of an SMD."""
    one = normal_normal(yi, vi, tau_scale=0.5)
    return one.mu_lb, one.mu_ub


def key(fig: Figure) -> list[str]:
    legend = fig.axes[0].get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("name", CASES)
def test_nothing_overlaps_or_is_cut(name: str) -> None:
    fig = draw(prepared(name))
    assert overlaps(fig) == []
    assert outside(fig) == []


@pytest.mark.parametrize(("k", "bayesian"), [(3, True), (4, True), (5, False)])
def test_each_place_is_a_fit_with_that_trial(k: int, bayesian: bool) -> None:
    """By the model that leads without it: what turns should be the trial, not the model."""
    studies, facts, now, scale = case(k, "SMD")
    table = rows(studies, facts, now, scale)
    assert isinstance(table, NextTrialTable)
    assert table.low.shape == table.high.shape == (len(table.errors), len(table.effects))
    i, j = 30, 50
    with_it = [*studies["yi"], table.effects[j]], [*studies["vi"], table.errors[i] ** 2]
    if bayesian:
        limits = posterior_limits(*with_it)
    else:
        one = tp.pool(*with_it)
        limits = one.ci_lb, one.ci_ub
    assert (table.low[i, j], table.high[i, j]) == pytest.approx(limits, abs=1e-6)
    assert ("Bayesian random effects" in table.subtitle) == bayesian


@pytest.mark.parametrize(("k", "measure", "edges"), [(1, "MD", 2), (3, "SMD", 1)])
def test_the_edge_of_the_shade_is_where_the_interval_ends_at_zero(
    k: int, measure: str, edges: int
) -> None:
    """The lines drawn pass through trials with which a limit is 0.

    Of a common effect, where there can be no posterior, and of a posterior.
    """
    table = rows(*case(k, measure))
    assert isinstance(table, NextTrialTable)
    (ax,) = draw(table).axes
    drawn = [c for c in ax.collections if isinstance(c, QuadContourSet) and not c.filled]
    assert len(drawn) == edges
    y, se = (list(values) for values in zip(*table.trials, strict=True))
    for collection in drawn:
        for x, s in np.asarray(collection.get_paths()[0].vertices)[::20]:
            all_of_them = [*y, x], np.square([*se, s])
            if measure == "MD":
                one = tp.pool(*all_of_them, tau2="EE", test="z")
                limits = one.ci_lb, one.ci_ub
            else:
                limits = posterior_limits(*all_of_them)
            assert min(map(abs, limits)) < 0.01


def test_trials_and_people_stand_where_they_should() -> None:
    table = prepared("k = 3")
    ax = draw(table).axes[0]
    (dots,) = [line for line in ax.lines if line.get_label() == "trials"]
    places = zip(np.asarray(dots.get_xdata()), np.asarray(dots.get_ydata()), strict=True)
    assert [(float(x), float(y)) for x, y in places] == list(table.trials)
    for se, n in table.people:
        assert se == pytest.approx(2 / np.sqrt(n))


def test_the_key_names_only_what_is_drawn() -> None:
    both = key(draw(shown(rows(*case(1, "MD")))))
    assert [t for t in both if t.startswith("excludes")] == [
        "excludes no difference: benefit",
        "excludes no difference: harm",
    ]
    certain = key(draw(prepared("k = 60")))
    assert "excludes no difference: harm" not in certain
    assert certain[-1] == "pooled estimate now"


def test_benefit_may_lie_on_the_right() -> None:
    studies, facts, now, scale = case(1, "MD")
    table = rows(studies, facts, now, replace(scale, better="higher"))
    names = [t for t in key(draw(shown(table))) if t.startswith("excludes")]
    assert names[0] == "excludes no difference: harm"


def test_without_a_standard_deviation_there_are_no_people() -> None:
    table = prepared("k = 60")
    assert table.people == ()
    assert "People" not in table.subtitle


def test_ratios_are_drawn_as_logs() -> None:
    studies, facts, now, scale = case(*CASES["k = 6"])
    table = rows(studies, facts, now, scale)
    assert isinstance(table, NextTrialTable)
    assert table.estimate == pytest.approx(log(now.estimate))
    assert table.important == pytest.approx(0.3)
    assert "with a risk of 30 % in the control arm" in table.subtitle


def test_a_reason_is_shown_instead() -> None:
    _, _, now, scale = case(1, "SMD")
    table = rows(pd.DataFrame(), Unanswered(reason="no trial is in the analysis"), now, scale)
    assert isinstance(table, Withheld)
    assert table.reason == "no trial is in the analysis"


def test_bytes_repeat_and_stay_small(tmp_path: Path) -> None:
    one, two = (bytes_of(draw(prepared("k = 60")), tmp_path) for _ in range(2))
    assert one == two
    assert len(one["svg"]) < 150_000
