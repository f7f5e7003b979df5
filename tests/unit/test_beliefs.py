"""The table of priors: one posterior per prior, an empirical one only where it fits."""

from __future__ import annotations

import math
import time

import numpy as np
import pandas as pd
import pytest
from cases import case

from trialpool.bayes import EMPIRICAL, normal_normal
from trialpool.review.protocol.settings import Bayes, Defaults
from trialpool.review.schema.trust import PRIORS
from trialpool.review.trust.beliefs import OUTCOMES, beliefs, empirical, refused

Y, V = [-0.55, -1.10, -0.20], [0.12, 0.15, 0.15]
ACTIVE, PLACEBO = ["active_placebo"] * 3, ["placebo"] * 3


def table(
    measure: str = "SMD",
    comparators: list[str] | None = None,
    *,
    k: int = 3,
    outcome: str = "ptsd_symptoms PTSD symptoms",
    important: float | None = 0.5,
    scale: float = 0.5,
) -> pd.DataFrame:
    studies = pd.DataFrame(
        {
            "trial_id": [f"T{i}" for i in range(k)],
            "yi": Y[:k],
            "vi": V[:k],
            "comparator_class": (comparators or ACTIVE)[:k],
        }
    )
    defaults = Defaults(bayes=Bayes(tau_scale=scale))
    asked = case(measure, important=important, title=outcome, defaults=defaults)
    return beliefs(asked, studies)


def test_each_row_is_the_posterior_of_its_prior() -> None:
    """Half-normal 0.25, 0.5, 1 and Rhodes' prior against another drug, as `normal_normal`."""
    found = table()
    assert tuple(found.columns) == PRIORS.names
    assert list(found["prior"]) == [
        "tau half-normal(0.25)", "tau half-normal(0.5)", "tau half-normal(1)",
        "tau^2 log-t5(-3.27, 2.14)",
    ]  # fmt: skip
    assert list(found["protocol"]) == ["no", "yes", "no", "no"]
    one = normal_normal(Y, V, tau_scale=0.25, mid=0.5)
    row = found.iloc[0]
    assert (row["mu"], row["mu_low"], row["mu_high"]) == (one.mu, one.mu_lb, one.mu_ub)
    assert (row["tau"], row["new_low"], row["new_high"]) == (one.tau, one.new_lb, one.new_ub)
    assert (row["p_benefit"], row["p_important"]) == (one.p_benefit, one.p_mid)
    assert row["p_new_benefit"] == one.p_new_benefit
    assert "Roever" in row["reference"]
    assert found["note"].iloc[3] == (
        "control is another drug in 3 of 3 trials; mental-health outcome"
    )


def test_the_protocols_own_scale_is_among_them() -> None:
    """0.3 stands between 0.25 and 0.5 and is marked."""
    found = table(scale=0.3)
    assert list(found["prior"])[1] == "tau half-normal(0.3)"
    assert list(found["protocol"])[:4] == ["no", "yes", "no", "no"]


def test_ratios_are_shown_as_ratios_and_tau_is_not() -> None:
    """The mean and a new trial back-transformed, tau of the logs."""
    found = table("OR", PLACEBO, outcome="dropout_adverse_event", important=math.log(1.25))
    one = normal_normal(Y, V, tau_scale=0.5, mid=math.log(1.25))
    row = found.iloc[1]
    assert (row["mu"], row["new_high"]) == pytest.approx((math.exp(one.mu), math.exp(one.new_ub)))
    assert (row["tau"], row["p_important"]) == (one.tau, one.p_mid)
    assert found["prior"].iloc[3] == "tau^2 log-normal(-2.99, 1.74)"
    assert found["note"].iloc[3] == (
        "control is placebo or no drug in 3 of 3 trials; outcome: drop outs"
    )


def test_a_prior_of_another_scale_is_refused() -> None:
    """Risk ratios have no empirical prior; every prior chosen is of the measure it is used for."""
    row = table("RR", PLACEBO).iloc[3]
    assert row["prior"] == "empirical"
    assert math.isnan(row["mu"])
    assert row["note"] == (
        "the empirical priors at hand are for log odds ratios; tau of log risk ratios is on "
        "another scale"
    )
    rhodes = EMPIRICAL["rhodes_mental_health_drug"]
    assert refused(rhodes, "OR").startswith("the empirical priors at hand are for SMDs")
    for measure, many in {"ROM": "log ratios of means", "IRR": "log incidence rate ratios"}.items():
        assert f"; tau of {many} is on another scale" in refused(rhodes, measure)
    assert refused(rhodes, "SMD") == ""
    for measure in ("SMD", "OR"):
        for _, words in OUTCOMES:
            name = empirical(measure, pd.Series(PLACEBO), words[0]).name
            assert not name or not refused(EMPIRICAL[name], measure)


@pytest.mark.parametrize(
    ("measure", "comparators", "outcome", "name"),
    [
        ("SMD", ["placebo", "same_ect", "active_placebo"], "anxiety",
         "rhodes_mental_health_placebo"),
        ("SMD", ["placebo", "active_placebo"], "anxiety", "rhodes_mental_health_placebo"),
        ("SMD", ["placebo", "active_placebo", "active_placebo"], "anxiety",
         "rhodes_mental_health_drug"),
        ("SMD", ["ect", "ect", "placebo"], "anxiety", ""),
        ("SMD", PLACEBO, "blood pressure", ""),
        ("SMD", PLACEBO, "adverse events", ""),
        ("OR", PLACEBO, "response", "turner_mental_health_placebo"),
        ("OR", PLACEBO, "any_adverse_event", "turner_adverse_events_placebo"),
        ("OR", PLACEBO, "dropout_adverse_event", "turner_drop_outs_placebo"),
        ("OR", PLACEBO, "headache", ""),
        ("OR", ACTIVE, "response", ""),
        ("SMD", [None, None], "anxiety", ""),
    ],
)  # fmt: skip
def test_which_empirical_prior(
    measure: str, comparators: list[str], outcome: str, name: str
) -> None:
    """By the measure, the kind of control of most trials, and the outcome; else a reason."""
    found = empirical(measure, pd.Series(comparators), outcome)
    assert found.name == name
    assert found.note
    assert found.note.startswith("no empirical prior") == (name == "")


def test_what_cannot_be_given_is_a_row_with_its_reason() -> None:
    """One trial; the units of a scale; risks."""
    units = "no prior of tau in points: no reference SD of the instrument is known"
    risks = (
        "no prior of tau fits differences of risks or rates: those used here are in standard "
        "deviations or logs of ratios"
    )
    for found, note in (
        (table(k=1), "k = 1: needs at least 2 trials"),
        (table("MD"), units),
        (table("RD"), risks),
    ):
        (row,) = found.to_dict("records")
        assert row["note"] == note
        assert np.isnan(row["mu"])


def test_no_threshold_leaves_its_probability_blank() -> None:
    """An analysis without a smallest difference that matters."""
    found = table(important=None)
    assert found["p_important"].isna().all()
    assert found["p_benefit"].notna().all()


def test_a_wider_prior_gives_a_wider_interval() -> None:
    """Half-normal 0.25 to 1, for two trials too."""
    for k in (2, 3):
        rows = table(k=k).iloc[:3]
        assert (rows["mu_high"] - rows["mu_low"]).is_monotonic_increasing
        assert rows["tau"].is_monotonic_increasing


def test_four_priors_are_quick() -> None:
    """Three trials: 50 ms per prior at most; 10 ms on the machine it was written on."""
    times = []
    for _ in range(5):
        start = time.process_time()
        table()
        times.append(time.process_time() - start)
    assert min(times) < 0.2
