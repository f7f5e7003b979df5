"""The next trial: sizes worked by hand, closed forms, and where no size would do."""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bcg import V, Y
from cases import case, together

import trialpool as tp
from trialpool import terms
from trialpool.bayes import normal_normal
from trialpool.bayes.many import PosteriorMany
from trialpool.conclusions import side_of
from trialpool.diagnostics.next_trial import (
    LARGEST,
    smallest_next,
    unit_variance,
    with_one_more,
)
from trialpool.pooling.batch import PooledMany
from trialpool.results import TrialpoolError
from trialpool.review.case import Case
from trialpool.review.protocol.settings import Model
from trialpool.review.schema.trust import NEXT_TRIAL
from trialpool.review.trust import next_trial as review
from trialpool.review.trust.missing_effect import NO_ESTIMATE, NO_TRIAL
from trialpool.review.trust.next_trial import next_trial
from trialpool.trust_facts import NextTrialFacts, Unanswered

Z = 1.959963984540054
COMMON = Model(tau2="EE", test="z")


def excludes(fits: PooledMany | PosteriorMany) -> Any:
    return side_of(fits.ci_lb, fits.ci_ub) != 0


def studies(yi: list[float], vi: list[float], **columns: list[float]) -> pd.DataFrame:
    blank = dict.fromkeys(
        ("event_control", "totaln_control", "sd_experimental", "sd_control", "n_experimental",
         "n_control"), float("nan"),
    )  # fmt: skip
    ids = [f"T{i}" for i in range(len(yi))]
    return pd.DataFrame({"trial_id": ids, "yi": yi, "vi": vi, **blank} | columns)


# -- the variance of the next trial ------------------------------------------------------------


def test_unit_variances_are_those_of_the_effect_sizes() -> None:
    """Over m people per arm they are the variances `effect_size` gives for such a trial."""
    m, p = 200, 0.25
    for measure in ("OR", "RR", "RD"):
        one = tp.effect_size(measure, ai=[30], n1i=[m], ci=[p * m], n2i=[m])
        unit = unit_variance(measure, one.yi, risk=p)
        assert unit / m == pytest.approx(one.vi)
    assert unit_variance("MD", 3.0, sd=5.0) == 50.0
    assert unit_variance("SMD", [0.0, 0.8]) == pytest.approx([2.0, 2.16])
    smd = tp.effect_size("SMD", m1i=[1.0], sd1i=[2.0], n1i=[m], m2i=[0.0], sd2i=[2.0], n2i=[m])
    assert unit_variance("SMD", smd.yi) / m == pytest.approx(smd.vi)


def test_an_impossible_risk_has_no_variance() -> None:
    assert np.isnan(unit_variance("RR", log(3.0), risk=0.4))
    assert np.isnan(unit_variance("RD", [-0.3, 0.8], risk=0.25)).all()
    assert np.isfinite(unit_variance("OR", log(3.0), risk=0.9))
    assert np.isnan(unit_variance("OR", 0.0, risk=0.0))
    assert np.isnan(unit_variance("OR", 0.0))
    with pytest.raises(TrialpoolError, match="measure = 'ROM'"):
        unit_variance("ROM", 0.0)


# -- one more trial ------------------------------------------------------------------------------


def test_each_fit_is_that_of_the_longer_list() -> None:
    many = with_one_more(Y, V, [-0.5, 0.3], [0.1, 0.02])
    for i, (y, v) in enumerate(((-0.5, 0.1), (0.3, 0.02))):
        one = tp.pool([*Y, y], [*V, v])
        assert (many.beta[i], many.ci_lb[i]) == pytest.approx((one.beta, one.ci_lb))


def test_the_boundary_of_a_common_effect_has_a_closed_form() -> None:
    """Langan et al. 2012: with weight w at y the pooled z is (sum wi yi + w y) / sqrt(sum wi + w),
    so the boundary at a given w is y = (-z sqrt(W + w) - sum wi yi) / w.
    """
    yi, vi = np.array([-0.4, 0.1, -0.2]), np.array([0.05, 0.1, 0.08])
    total, weighted = (1 / vi).sum(), (yi / vi).sum()
    for w in (5.0, 40.0, 400.0):
        edge = (-Z * sqrt(total + w) - weighted) / w
        fits = with_one_more(yi, vi, [edge - 1e-6, edge + 1e-6], 1 / w, tau2="EE", test="z")
        assert (fits.ci_ub < 0).tolist() == [True, False]


def test_the_smallest_trial_by_hand() -> None:
    """One trial, -0.5 with v = 0.1: 0.5 sqrt(10 + w) > z needs w > 5.366, and with the variance
    (2 + 0.25 / 4) / m that is m > 11.07: 12 people per arm.
    """
    found = smallest_next([-0.5], [0.1], -0.5, 2.0625, excludes, tau2="EE", test="z")
    assert found.n_total == 24
    assert found.pooled is not None
    assert found.pooled.ci_ub < 0
    smaller = tp.pool([-0.5, -0.5], [0.1, 2.0625 / 11], tau2="EE", test="z")
    assert smaller.ci_ub > 0


def test_no_size_would_where_the_others_keep_their_weight() -> None:
    """Two wide trials at -1 and one at 0: a small one leaves the interval wide, and even an
    endless one does not take it off zero, as it finds none.
    """
    found = smallest_next([-1.0, -1.0], [0.5, 0.5], 0.0, 2.0, excludes)
    assert np.isnan(found.n_total)
    assert found.pooled is None


def test_the_smallest_is_the_first_on_the_way_up() -> None:
    """All sizes one by one give the same, also where larger trials undo it again."""
    yi, vi = [-0.55, -1.1, -0.2], [0.12, 0.15, 0.16]
    for effect in (-1.3, -0.6, -0.45):
        unit = float(unit_variance("SMD", effect))
        arms = np.arange(2, 400)
        hit = np.flatnonzero(excludes(with_one_more(yi, vi, effect, unit / arms)))
        assert smallest_next(yi, vi, effect, unit, excludes).n_total == 2 * arms[hit[0]]


def test_a_unit_must_be_positive() -> None:
    with pytest.raises(TrialpoolError, match=r"unit = 0\.0"):
        smallest_next([0.1], [0.1], 0.0, 0.0, excludes)


# -- the table -----------------------------------------------------------------------------------


def tried(asked: Case, data: pd.DataFrame) -> tuple[pd.DataFrame, NextTrialFacts]:
    table, facts = next_trial(asked, data)
    assert isinstance(facts, NextTrialFacts)
    return table, facts


def test_a_result_across_zero_is_asked_what_would_exclude_it() -> None:
    table, facts = tried(case(together("SMD"), COMMON, important=0.8), studies([-0.5], [0.1]))
    assert tuple(table.columns) == NEXT_TRIAL.names
    assert set(table["target"]) == {terms.EXCLUDES, terms.BEYOND}
    assert list(dict.fromkeys(table["effect"])) == [0.0, -0.25, -0.5, -1.0, -0.8, 0.8]
    row = table[(table["finds"] == "the estimate") & (table["target"] == terms.EXCLUDES)]
    assert row["n_total"].item() == 24
    assert row["reached"].item()
    assert row["ci_high"].item() < 0
    none = table[(table["finds"] == "no difference") & (table["target"] == terms.EXCLUDES)]
    assert not none["reached"].item()
    assert none["note"].item() == review.NO_SIZE
    assert none[["n_total", "estimate", "ci_low", "ci_high"]].isna().to_numpy().all()
    assert facts.conclusion == "includes no difference"
    assert (facts.k, facts.important, facts.unit_variance) == (2, -0.8, 2.0)


def test_a_result_that_excludes_is_asked_what_would_undo_it() -> None:
    table, facts = tried(
        case(together("SMD"), COMMON, important=0.5, better="higher"), studies([-0.9], [0.01])
    )
    # All of the interval lies beyond -0.5 already, so only one question is left.
    assert set(table["target"]) == {terms.INCLUDES}
    assert facts.conclusion == "harm"
    row = table[table["finds"] == "the important difference, other side"]
    n = row["n_total"].item()
    v = (2 + 0.0625) / (n / 2)
    again = tp.pool([-0.9, 0.5], [0.01, v], tau2="EE", test="z")
    assert again.ci_lb <= 0 <= again.ci_ub
    fewer = tp.pool([-0.9, 0.5], [0.01, (2 + 0.0625) / (n / 2 - 1)], tau2="EE", test="z")
    assert fewer.ci_ub < 0


def test_ratios_use_the_control_groups_risk() -> None:
    """Overall risk 30 of 100; twice the log ratio would need a risk above 1."""
    data = studies(
        [log(2.0), log(2.0)], [0.04, 0.04], event_control=[10.0, 20.0], totaln_control=[40.0, 60.0]
    )
    table, facts = tried(case("RR", COMMON, important=log(1.25), better="higher"), data)
    assert facts.assumption.startswith("risk of 30 % in the control arm")
    assert facts.unit_variance == pytest.approx(2 * 0.7 / 0.3)
    assert facts.important == pytest.approx(1.25)
    twice = table[table["finds"] == "twice the estimate"]
    assert twice["effect"].to_numpy() == pytest.approx(4.0)
    assert set(twice["note"]) == {review.IMPOSSIBLE}
    null = table[table["finds"] == "no difference"]
    assert set(null["effect"]) == {1.0}


@pytest.mark.parametrize(("k", "bayesian"), [(1, True), (2, True), (4, True), (5, False)])
def test_a_further_trial_changes_no_method(k: int, bayesian: bool) -> None:
    """The model is that of the trials there are: what changes is the next trial's doing."""
    data = studies([-0.4, -0.5, -0.3, -0.6, -0.2][:k], [0.2] * k)
    table, facts = tried(case("SMD", Model(), important=0.3), data)
    assert facts.k == k + 1
    assert (facts.model.startswith("Bayesian"), facts.tau_scale) == (
        (True, 0.5) if bayesian else (False, None)
    )
    found = table[table["reached"]]
    assert len(found) or k == 1
    for _, each in found.iterrows():
        effect, arm = each["effect"], each["n_total"] / 2
        every, spread = [*data["yi"], effect], [*data["vi"], (2 + effect**2 / 4) / arm]
        if bayesian:
            mean = normal_normal(every, spread, tau_scale=0.5)
            assert each["ci_high"] == pytest.approx(mean.mu_ub, rel=1e-5, abs=1e-5)
        else:
            assert each["ci_high"] == pytest.approx(tp.pool(every, spread).ci_ub, rel=1e-5)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_a_trial_that_agrees_takes_no_conclusion_away(k: int) -> None:
    """Of whatever size it is."""
    table, facts = tried(case("SMD", Model()), studies([-0.9] * k, [0.1] * k))
    assert facts.conclusion == "benefit"
    row = table[(table["finds"] == "the estimate") & (table["target"] == terms.INCLUDES)]
    assert not row["reached"].item()


def test_a_trial_of_four_is_marked_where_it_changes_the_conclusion() -> None:
    """A limit just beyond no difference, which hardly anything takes back across it."""
    limit = normal_normal([-0.5] * 3, [0.04] * 3, tau_scale=0.5).mu_ub
    data = studies([-0.5 - limit - 1e-6] * 3, [0.04] * 3)
    table, _ = tried(case("SMD", Model(), important=0.3), data)
    other = "the important difference, other side"
    row = table[(table["finds"] == other) & (table["target"] == terms.INCLUDES)]
    assert row["n_total"].item() == 4
    assert row["note"].item() == review.ANY_SIZE


def test_a_mean_difference_takes_the_pooled_sd() -> None:
    """SDs 2 and 4 of 11 and 31 people: (10 * 4 + 30 * 16) / 40 = 13."""
    data = studies(
        [-1.0], [0.5], sd_experimental=[2.0], sd_control=[4.0], n_experimental=[11.0],
        n_control=[31.0],
    )  # fmt: skip
    _, facts = tried(case("MD", COMMON), data)
    assert facts.unit_variance == pytest.approx(26.0)
    assert facts.important is None


def test_reasons_where_there_is_no_table() -> None:
    empty, none = next_trial(case("SMD", COMMON, important=0.5), studies([], []))
    assert none == Unanswered(reason=NO_TRIAL)
    assert not len(empty)
    for measure, reason in (("MD", review.NO_SD), ("OR", review.NO_RISK)):
        table, facts = tried(case(measure, COMMON, important=0.5), studies([0.1], [0.1]))
        assert (len(table), facts.reason, facts.tau2) == (0, reason, "EE")


def test_without_an_estimate_there_is_nothing_to_change() -> None:
    data = studies([0.9], [2.0], event_control=[0.0], totaln_control=[20.0])
    two = pd.concat([data, data.assign(trial_id="T1")]).assign(
        event_experimental=1.0, totaln_experimental=20.0
    )
    _, facts = next_trial(case("OR", Model(method="MH"), important=0.2), two)
    assert facts == Unanswered(reason=NO_ESTIMATE)


def test_mantel_haenszel_takes_the_next_trial_by_inverse_variance() -> None:
    data = studies(
        [-0.5, -0.4], [0.2, 0.2], event_control=[18.0, 20.0], totaln_control=[50.0, 60.0]
    ).assign(event_experimental=[10.0, 12.0], totaln_experimental=[50.0, 60.0])
    _, facts = tried(case(together("OR"), Model(method="MH"), important=log(1.25)), data)
    assert (facts.tau2, facts.test, facts.tau_scale) == ("EE", "z", None)
    _, facts = tried(case("OR", Model(method="MH"), important=log(1.25)), data)
    assert facts.tau_scale == 0.5


def test_sizes_are_even_and_within_the_search() -> None:
    table, _ = tried(case("SMD", Model(), important=0.2), studies(list(Y), list(V)))
    sizes = table["n_total"].dropna()
    assert (sizes % 2 == 0).all()
    assert sizes.between(4, LARGEST).all()
