"""The few numbers that verdict and words are made of, from tables worked by hand."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pandas as pd
import pytest
from filled import filled

from trialpool import conclusions
from trialpool.analysis_result import MultiverseResult
from trialpool.review.trust import facts
from trialpool.terms import ESTIMATE, TEST
from trialpool.trust_facts import BeliefRange, OtherChoices, ShownEstimate, SmallStudyFacts
from trialpool.words import Share

NAN = float("nan")
BELOW = ShownEstimate(estimate=-0.6, ci_low=-0.9, ci_high=-0.3)
ACROSS = ShownEstimate(estimate=-0.3, ci_low=-0.7, ci_high=0.1)


def test_influence_names_the_trials_that_turn_it() -> None:
    rows = [
        {"study": "A", "influential": "no", **asdict(BELOW)},
        {"study": "B", "influential": "yes", **asdict(ACROSS)},
        {"study": "C", "influential": "no", "estimate": NAN, "ci_low": NAN, "ci_high": NAN},
    ]
    found = facts.of_influence(pd.DataFrame(rows), BELOW, "SMD")
    assert found is not None
    assert (found.turns, found.influential) == (("B",), ("B",))
    assert found.without["B"] == ACROSS


def test_an_empty_table_is_no_finding() -> None:
    empty = pd.DataFrame(columns=["study", "method", "coverage", "p_benefit"])
    assert facts.of_influence(empty, BELOW, "SMD") is None
    assert facts.of_small_studies(empty, BELOW, "SMD") is None
    assert facts.of_coverage(empty) is None
    assert facts.of_priors(empty, 0.5, None) is None


def test_small_studies_count_what_could_be_had() -> None:
    none = {"estimate": NAN, "ci_low": NAN, "ci_high": NAN, "p_value": NAN}
    rows: list[dict[str, Any]] = [
        {"method": "Egger", "kind": TEST, **none, "p_value": 0.0999},
        {"method": "Begg", "kind": TEST, **none, "p_value": 0.1},
        {"method": "Fail-safe", "kind": TEST, **none},
        {"method": "PET", "kind": ESTIMATE, "p_value": 0.2, **asdict(ACROSS)},
        {"method": "limit", "kind": ESTIMATE, "p_value": 0.2, **asdict(BELOW)},
        {"method": "beta", "kind": ESTIMATE, **none},
    ]
    found = facts.of_small_studies(pd.DataFrame(rows), BELOW, "SMD")
    assert found == SmallStudyFacts(
        tests=2,
        asymmetric=("Egger",),
        estimates=2,
        turns=("PET",),
        lowest=-0.6,
        highest=-0.3,
    )


def test_weights_add_up_what_one_would_rather_not_rest_on() -> None:
    rows = [
        ("risk of bias", "high", 30.0), ("risk of bias", "not assessed", 20.0),
        ("flagged", "yes", 12.5), ("flagged", "no", 87.5),
        ("imputed", "no", 100.0), ("confidence", "abstract", 10.0),
        ("confidence", "secondary", 15.0),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["by", "level", "weight"])
    assert facts.of_weights(table) == {
        "high risk of bias": 30.0, "risk of bias not assessed": 20.0, "flagged": 12.5,
        "imputed": 0.0, "not from the trial's own report": 25.0,
    }  # fmt: skip


def test_a_single_trial_carries_all_the_weight() -> None:
    table = pd.DataFrame([("flagged", "yes", NAN)], columns=["by", "level", "weight"])
    assert facts.of_weights(table)["flagged"] == 100.0


def test_coverage_spans_the_plausible_heterogeneity() -> None:
    shown, normal = (
        "random effects (REML), Hartung-Knapp (hksj)",
        "random effects (REML), normal quantile",
    )
    rows = [
        (shown, "yes", "confidence", 0.0, 0.98), (shown, "yes", "confidence", 0.3, 0.94),
        (shown, "yes", "prediction", 0.3, 0.91), (normal, "no", "confidence", 0.3, 0.85),
        ("common effect, normal quantile", "no", "confidence", 0.3, 0.6),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["method", "shown", "interval", "tau2", "coverage"])
    found = facts.of_coverage(table.assign(replicates=10000, sampling="normal"))
    assert found is not None
    assert found.confidence == (0.94, 0.98)
    assert found.prediction == (0.91, 0.91)
    assert found.normal == (0.85, 0.85)
    assert found.tau2 == (0.0, 0.3)


def test_coverage_of_a_model_that_is_not_simulated_is_none() -> None:
    rows = [("common effect, normal quantile", "no", "confidence", 0.3, 0.6, 10000, "normal")]
    names = ["method", "shown", "interval", "tau2", "coverage", "replicates", "sampling"]
    found = facts.of_coverage(pd.DataFrame(rows, columns=names))
    assert found is not None
    assert found.confidence is None


def test_priors_give_the_range_of_both_sides() -> None:
    table = pd.DataFrame({
        "p_benefit": [0.9, 0.95, NAN], "p_important": [0.5, 0.6, NAN],
        "p_harm_important": [0.02, 0.01, NAN],
    })  # fmt: skip
    found = facts.of_priors(table, 0.5, None)
    assert found is not None
    assert found.priors == 2
    assert found.benefit == BeliefRange(any=(0.9, 0.95), matters=(0.5, 0.6))
    assert found.harm.any == pytest.approx([0.05, 0.1])
    assert found.harm.matters == (0.01, 0.02)


HALVES = {conclusions.BELOW: 0.5, conclusions.ACROSS: 0.5, conclusions.ABOVE: 0.0}


def question(sign: float = 1.0) -> MultiverseResult:
    """Of 12 specifications 8 are distinct, of which 6 have an estimate."""
    factors = [
        {"factor": "Test", "swing": 0.4}, {"factor": "Model", "swing": 0.1},
        {"factor": "Arms", "swing": NAN},
    ]  # fmt: skip
    own = {
        "specifications": 12, "distinct": 8, "lowest": -1.0, "highest": -0.1, "same_sign": sign,
        "with_estimate": 6, "most": "Model", "factors": factors,
    }  # fmt: skip
    return filled(MultiverseResult, questions=[own])


def test_the_multiverse_counts_those_that_conclude_the_same() -> None:
    """An interval across no difference agrees with those across; one below with those below."""
    few = {conclusions.BELOW: 1 / 3, conclusions.ACROSS: 4 / 6, conclusions.ABOVE: 0.0}
    most = {conclusions.BELOW: 4 / 6, conclusions.ACROSS: 1 / 6, conclusions.ABOVE: 1 / 6}
    across = facts.of_multiverse(question(), few, ACROSS, "SMD")
    below = facts.of_multiverse(question(), most, BELOW, "SMD")
    assert across is not None
    assert below is not None
    assert across.same_conclusion == Share(4, 6)
    assert below.same_conclusion == Share(4, 6)
    assert (across.turned_most_by, across.moved_most_by) == ("Test", "Model")


def test_a_protocol_without_a_sign_has_no_share_on_its_side() -> None:
    facts_of = facts.of_multiverse(question(NAN), HALVES, ACROSS, "SMD")
    assert facts_of is not None
    assert facts_of.same_sign is None


def test_no_estimate_is_no_multiverse() -> None:
    asked = question()
    nothing = ShownEstimate(estimate=NAN, ci_low=NAN, ci_high=NAN)
    assert facts.of_multiverse(asked, HALVES, nothing, "SMD") is None
    none = replace(asked, questions=(replace(asked.questions[0], with_estimate=0),))
    assert facts.of_multiverse(none, HALVES, BELOW, "SMD") is None
    assert facts.of_multiverse(asked, HALVES, BELOW, "PLO") is None


def test_all_the_weight_is_a_hundred_percent() -> None:
    """Parts fall short of 100 in floats, and would be told as "over 99 %"."""
    parts = {"abstract": 100 / 3, "secondary": 100 - 100 / 3 - 2e-14}
    assert sum(parts.values()) < 100

    def share(weights: dict[str, float]) -> float:
        rows = [{"by": "confidence", "level": x, "weight": w} for x, w in weights.items()]
        return facts.of_weights(pd.DataFrame(rows))["not from the trial's own report"]

    assert share(parts) == 100
    assert share({**parts, "abstract": parts["abstract"] - 1e-8}) < 100


def test_other_choices_are_those_a_reader_can_tell_from_the_result() -> None:
    """The protocol's own numbers once more are no other choice; nor is a row without interval."""
    rows = [
        ("protocol", "as in the protocol", 4, -0.5, -0.9, -0.1),
        ("model", "the same", 4, -0.5000000001, -0.9, -0.1),
        ("model", "wider", 4, -0.5, -1.1, 0.1),
        ("model", "another k", 3, -0.5, -0.9, -0.1),
        ("model", "no interval", 4, -0.5, NAN, NAN),
        ("data", "touches no effect", 4, -0.5, -1.0, 0.0),
        ("data", "just excludes it", 4, -0.5, -1.0, -0.001),
    ]
    table = pd.DataFrame(rows, columns=["group", "label", "k", "estimate", "ci_low", "ci_high"])
    main = ShownEstimate(estimate=-0.5, ci_low=-0.9, ci_high=-0.1)
    said = facts.of_other_choices(table, main, "SMD")
    assert said == OtherChoices(tried=4, turned=("wider", "touches no effect"))
    nothing = ShownEstimate(estimate=NAN, ci_low=NAN, ci_high=NAN)
    assert facts.of_other_choices(table, nothing, "SMD") == OtherChoices(tried=0, turned=())
    assert facts.of_other_choices(table, main, "PLO") == OtherChoices(tried=0, turned=())
