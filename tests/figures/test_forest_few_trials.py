"""The forest plot of two to four trials, led by a posterior, and of five, which is not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_checks import corners, labelled, outside, overlaps
from filled import given
from forest_cases import Case, case, scores
from matplotlib.patches import Polygon

from trialpool.bayes import normal_normal
from trialpool.figures.forest import ForestTable, draw, rows
from trialpool.pooling.model import pool
from trialpool.review.fitting.fit import leading
from trialpool.review.protocol.settings import Model

SCALE = 0.5
LIMITS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")


def of(k: int, model: Model | None = None, **changes: Any) -> Case:
    """An analysis of k trials by the model that leads with them."""
    lines = scores(k)
    effects = pd.DataFrame(lines)[["trial_id", "estimate", "ci_high"]]
    effects = effects.assign(yi=effects["estimate"], vi=variances(lines))
    rule = leading(model or Model(), "SMD", tau_scale=SCALE, effects="one", reference_sds={})
    led = rule.fit(effects, "SMD")
    shown = {
        "display": {name: getattr(led, name) for name in LIMITS},
        "pooled": given(led.pooled).as_dict(), "posterior": led.posterior,
        "policy": led.policy, "model": led.words, "reasons": {},
    }  # fmt: skip
    return case(lines, **(shown | changes))


def variances(lines: list[dict[str, Any]]) -> list[float]:
    return [((line["ci_high"] - line["estimate"]) / 1.96) ** 2 for line in lines]


def table_of(one: Case) -> ForestTable:
    return rows(one.studies, one.result, one.missing, one.risk_of_bias)


def label(table: ForestTable) -> str:
    (text,) = table.body.loc[table.body["kind"] == "pooled", "label"]
    return str(text)


@pytest.mark.parametrize(("k", "bayesian"), [(2, True), (3, True), (4, True), (5, False)])
def test_the_summary_stands_at_the_limits_of_the_model_that_leads(k: int, bayesian: bool) -> None:
    """Of the posterior up to four trials; of the protocol's model, Hartung-Knapp, from five on."""
    lines = scores(k)
    yi, vi = [line["estimate"] for line in lines], variances(lines)
    posterior, pooled = normal_normal(yi, vi, tau_scale=SCALE), pool(yi, vi)
    limits = (
        [posterior.mu_lb, posterior.mu, posterior.mu_ub]
        if bayesian
        else [pooled.ci_lb, pooled.beta, pooled.ci_ub]
    )
    assert abs(posterior.mu_ub - pooled.ci_ub) > 0.01
    fig = draw(table_of(of(k)))
    (diamond,) = labelled(fig, "diamond", Polygon)
    at = [x for x, _ in corners(diamond)]
    assert [min(at), float(np.median(at)), max(at)] == pytest.approx(limits, abs=1e-6)
    assert overlaps(fig) == []
    assert outside(fig) == []


def test_the_summary_of_three_trials_is_called_a_credible_interval() -> None:
    """The column is headed by the intervals of the trials, the summary's own name is in its row."""
    one = of(3)
    table = table_of(one)
    assert label(table).startswith("Pooled, 95 % CrI (k = 3, n = ")
    assert "SMD (95 % CI)" in [column.heading for column in table.columns]
    prediction = table.body[table.body["kind"] == "prediction"]
    new = given(one.result.posterior)
    assert prediction[["ci_low", "ci_high"]].to_numpy()[0] == pytest.approx(
        [new.new_lb, new.new_ub]
    )


def test_the_summary_of_five_trials_is_called_as_before() -> None:
    one = of(5)
    table = table_of(one)
    assert label(table).startswith("Pooled effect (k = 5, n = ")
    assert "CrI" not in table.heterogeneity
    assert not any("Weights" in note for _, note in table.footnotes)


def test_the_heterogeneity_beside_a_posterior_is_its_own() -> None:
    """Its tau; what it has not is of the protocol's model, which is named, as for the weights."""
    one = of(3)
    line = table_of(one).heterogeneity
    posterior, pooled = given(one.result.posterior), given(one.result.pooled)
    assert line.startswith(f"Heterogeneity: τ = {posterior.tau:.2f} (95 % CrI ")
    assert f"I² = {pooled.i2:.0f} % (REML); Q = {pooled.q:.1f}, df = 2, p = " in line
    assert "τ²" not in line
    assert line.endswith("Model: Bayesian random effects, half-normal(0.5) prior of τ.")
    weights = "Weights: of the protocol’s own model (REML), not of the Bayesian one."
    assert ("", weights) in table_of(one).footnotes


def test_a_protocol_of_a_common_effect_is_named_in_words() -> None:
    table = table_of(of(3, Model(tau2="EE", test="z")))
    assert "% (common effect); Q" in table.heterogeneity
    assert any("model (common effect)" in note for _, note in table.footnotes)


def test_a_posterior_without_a_result_says_why() -> None:
    """The protocol's model beside it may have one, which does not stand in for it."""
    one = of(3, display=dict.fromkeys(LIMITS), posterior=None, reasons={"beta": "no event"})
    assert not math.isnan(given(one.result.pooled).beta)
    table = table_of(one)
    assert "pooled" not in set(table.body["kind"])
    assert table.heterogeneity == "3 trials: shown, not pooled: no event."
    assert not any("Weights" in note for _, note in table.footnotes)
