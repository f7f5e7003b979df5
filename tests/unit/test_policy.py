"""What k trials allow: each band of docs' table, and its edges."""

from __future__ import annotations

import pytest

from trialpool.pooling.policy import (
    TABLE,
    Policy,
    policy,
    random_effects_tau2,
    tau2_without_counts,
)
from trialpool.results import TrialpoolError

LATER = ("asymmetry tests", "selection models", "meta-regression")
MIDDLE = ("leave-one-out", "subgroups", "funnel plot")


UNITS = "the units of a scale"


def plain(k: int, *, counts: bool = False, no_bayes: str = "") -> Policy:
    """Without counts, and where a Bayesian analysis can be made."""
    return policy(k, method="MH" if counts else "IV", no_bayes=no_bayes)


@pytest.mark.parametrize(
    ("k", "pools", "bayesian", "interval", "withheld"),
    [
        (0, False, False, "withheld", {"pooling", "prediction interval", *MIDDLE, *LATER}),
        (1, False, False, "withheld", {"pooling", "prediction interval", *MIDDLE, *LATER}),
        (2, True, True, "shown", {*MIDDLE, *LATER}),
        (4, True, True, "shown", {*MIDDLE, *LATER}),
        (5, True, False, "headline", set(LATER)),
        (9, True, False, "headline", set(LATER)),
        (10, True, False, "headline", set()),
        (500, True, False, "headline", set()),
    ],
)
def test_bands(k: int, pools: bool, bayesian: bool, interval: str, withheld: set[str]) -> None:
    """The table of few studies: 1 show, 2-4 a Bayesian interval, 5-9, 10 and more."""
    allowed = plain(k)
    assert allowed.pool is pools
    assert allowed.bayesian is bayesian
    assert not allowed.common_effect_only
    assert allowed.prediction_interval == interval
    assert set(allowed.withheld) == withheld


@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize(
    ("k", "common", "interval"),
    [
        (1, False, "withheld"),
        (2, True, "withheld"),
        (3, False, "withheld"),
        (4, False, "withheld"),
        (5, False, "headline"),
    ],
)
def test_without_a_prior_the_protocol_leads(
    k: int, common: bool, interval: str, counts: bool
) -> None:
    """Two share one effect, three and four have the protocol's model without prediction."""
    allowed = plain(k, counts=counts, no_bayes=UNITS)
    assert not allowed.bayesian
    assert allowed.common_effect_only is common
    assert allowed.prediction_interval == ("withheld" if counts else interval)
    assert ("prediction interval" in allowed.withheld) is (counts or k < 5)


@pytest.mark.parametrize(("k", "bayesian"), [(1, False), (2, True), (4, True), (5, False)])
def test_counts_too_are_led_by_the_posterior(k: int, bayesian: bool) -> None:
    """It has a new trial where Mantel-Haenszel, of one effect, has none."""
    allowed = plain(k, counts=True)
    assert allowed.bayesian is bayesian
    assert not allowed.common_effect_only
    assert allowed.prediction_interval == ("shown" if bayesian else "withheld")
    reason = allowed.withheld.get("prediction interval")
    assert reason == (None if bayesian else "Mantel-Haenszel is a common-effect model")


def test_every_reason_prints_k_and_the_number_needed() -> None:
    """Never silence: k and the rule that suppressed what."""
    allowed = plain(2)
    assert plain(1).withheld["prediction interval"] == "k = 1: needs at least 2 trials"
    without = plain(2, no_bayes=UNITS)
    assert without.withheld["prediction interval"] == "k = 2: needs at least 5 trials"
    assert allowed.withheld["subgroups"] == "k = 2: needs at least 5 trials"
    assert allowed.withheld["meta-regression"] == "k = 2: needs at least 10 trials"
    assert allowed.rule.startswith("k = 2, ")


def test_counts_are_pooled_by_mantel_haenszel() -> None:
    """For rare events it is the protocol's method, which leads or stands beside the posterior."""
    for k in (2, 3, 5, 10):
        for why in ("", UNITS):
            assert "Mantel-Haenszel" in plain(k, counts=True, no_bayes=why).rule
            assert "Mantel-Haenszel" not in plain(k, no_bayes=why).rule


@pytest.mark.parametrize("k", [1, 2, 4, 5, 12])
def test_without_a_prior_no_bayesian_analysis_is_promised(k: int) -> None:
    """From two trials on, what pools them otherwise, the reason stands with what is withheld."""
    without = plain(k, no_bayes=UNITS)
    assert "Bayesian" not in without.rule
    assert without.withheld.get("Bayesian analysis") == (UNITS if k > 1 else None)
    assert "Bayesian analysis" not in plain(k).withheld
    assert ("Bayesian" in plain(k).rule) == plain(k).bayesian == (k in (2, 4))


@pytest.mark.parametrize("no_bayes", ["", UNITS])
def test_more_trials_never_withhold_more(no_bayes: str) -> None:
    """What k trials allow, k + 1 allow as well, but a Bayesian analysis there never was."""
    for k in range(12):
        more, fewer = (set(plain(n, no_bayes=no_bayes).withheld) for n in (k + 1, k))
        assert more - {"Bayesian analysis"} <= fewer


def test_the_table_is_in_order_and_opens_each_thing_once() -> None:
    """One table: rows by rising k, no thing twice."""
    assert [row.at_least for row in TABLE] == sorted({row.at_least for row in TABLE})
    opened = [name for row in TABLE for name in row.opens]
    assert len(opened) == len(set(opened))


@pytest.mark.parametrize("k", [-1, 2.5])
def test_a_number_of_trials_is_a_whole_number(k: float) -> None:
    """Half a trial is a programming error."""
    with pytest.raises(TrialpoolError, match="whole number"):
        policy(k, no_bayes="")  # type: ignore[arg-type]


def test_mantel_haenszel_without_its_counts() -> None:
    """Refits of effects are of the common effect; where tau2 is asked for, REML stands in."""
    assert tau2_without_counts("MH", "PM") == "EE"
    assert random_effects_tau2("MH", "PM") == "REML"
    for code in ("EE", "PM", "REML"):
        assert tau2_without_counts("IV", code) == random_effects_tau2("IV", code) == code
