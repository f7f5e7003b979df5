"""What k trials allow: each band of docs' table, and its edges."""

from __future__ import annotations

import pytest

from trialpool.pooling.policy import (
    TABLE,
    policy,
    random_effects_tau2,
    tau2_without_counts,
)
from trialpool.results import TrialpoolError

LATER = ("asymmetry tests", "selection models", "meta-regression")
MIDDLE = ("leave-one-out", "subgroups", "funnel plot")


@pytest.mark.parametrize(
    ("k", "pools", "common", "interval", "withheld"),
    [
        (0, False, False, "withheld", {"pooling", "prediction interval", *MIDDLE, *LATER}),
        (1, False, False, "withheld", {"pooling", "prediction interval", *MIDDLE, *LATER}),
        (2, True, True, "withheld", {"prediction interval", "random effects", *MIDDLE, *LATER}),
        (3, True, False, "shown", {*MIDDLE, *LATER}),
        (4, True, False, "shown", {*MIDDLE, *LATER}),
        (5, True, False, "headline", set(LATER)),
        (9, True, False, "headline", set(LATER)),
        (10, True, False, "headline", set()),
        (500, True, False, "headline", set()),
    ],
)
def test_bands(k: int, pools: bool, common: bool, interval: str, withheld: set[str]) -> None:
    """The table of few studies: 1 show, 2 common effect, 3-4, 5-9, 10 and more."""
    allowed = policy(k, counts=False)
    assert allowed.pool is pools
    assert allowed.common_effect_only is common
    assert allowed.prediction_interval == interval
    assert set(allowed.withheld) - {"random effects"} == withheld - {"random effects"}
    assert ("random effects" in allowed.withheld) is (k < 3)


def test_every_reason_prints_k_and_the_number_needed() -> None:
    """Never silence: k and the rule that suppressed what."""
    allowed = policy(2, counts=False)
    assert allowed.withheld["prediction interval"] == "k = 2: needs at least 3 trials"
    assert allowed.withheld["subgroups"] == "k = 2: needs at least 5 trials"
    assert allowed.withheld["meta-regression"] == "k = 2: needs at least 10 trials"
    assert allowed.rule.startswith("k = 2, ")


def test_counts_are_pooled_by_mantel_haenszel() -> None:
    """For rare events Mantel-Haenszel is the primary method, inverse variance the sensitivity."""
    for k in (2, 3, 5, 10):
        assert "Mantel-Haenszel" in policy(k, counts=True).rule
        assert "Mantel-Haenszel" not in policy(k, counts=False).rule


@pytest.mark.parametrize(("k", "told"), [(1, False), (2, True), (4, True), (12, True)])
def test_without_a_prior_no_bayesian_analysis_is_promised(k: int, told: bool) -> None:
    """From two trials on, what pools them otherwise, the reason stands with what is withheld."""
    without = policy(k, counts=False, no_bayes="the units of a scale")
    assert "Bayesian" not in without.rule
    assert (without.withheld.get("Bayesian analysis") == "the units of a scale") == told
    assert "Bayesian analysis" not in policy(k, counts=False).withheld
    assert ("Bayesian" in policy(k, counts=False).rule) == (k in (2, 4))


def test_more_trials_never_withhold_more() -> None:
    """What k trials allow, k + 1 allow as well."""
    for k in range(12):
        assert set(policy(k + 1, counts=False).withheld) <= set(policy(k, counts=False).withheld)


def test_the_table_is_in_order_and_opens_each_thing_once() -> None:
    """One table: rows by rising k, no thing twice."""
    assert [row.at_least for row in TABLE] == sorted({row.at_least for row in TABLE})
    opened = [name for row in TABLE for name in row.opens]
    assert len(opened) == len(set(opened))


@pytest.mark.parametrize("k", [-1, 2.5])
def test_a_number_of_trials_is_a_whole_number(k: float) -> None:
    """Half a trial is a programming error."""
    with pytest.raises(TrialpoolError, match="whole number"):
        policy(k, counts=False)  # type: ignore[arg-type]


def test_mantel_haenszel_without_its_counts() -> None:
    """Refits of effects are of the common effect; where tau2 is asked for, REML stands in."""
    assert tau2_without_counts("MH", "PM") == "EE"
    assert random_effects_tau2("MH", "PM") == "REML"
    for code in ("EE", "PM", "REML"):
        assert tau2_without_counts("IV", code) == random_effects_tau2("IV", code) == code
