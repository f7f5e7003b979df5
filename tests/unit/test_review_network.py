"""Networks of a review: which arms are which node, what enters, and when there is no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from small import SmallReview

from trialpool.effects import effect_size
from trialpool.network.model import Network, network
from trialpool.question_answer import FittedNetwork, NetworkFacts
from trialpool.results import TrialpoolError
from trialpool.review.protocol.network_spec import NetworkQuestion, Node
from trialpool.review.questions.network_data import Gathered, _fits, gather
from trialpool.review.questions.network_tables import NAMES, network_tables
from trialpool.tables import records

NODES: dict[str, Any] = {
    "drug": {"drug": ["drug"]},
    "other": {"drug": ["other"]},
    "saline": {"drug": ["saline"]},
}
# In Elm's new arm, 24 people have a mean of 17 and an SD of 9.
ELM = {"drug": (19.0, 9.5, 25), "other": (17.0, 9.0, 24), "saline": (21.0, 8.5, 26)}


@pytest.fixture
def review(tmp_path: Path) -> SmallReview:
    """The small review, whose trial Elm has a third arm with another drug."""
    small = SmallReview(tmp_path)
    for table, arm_column, changed in (
        ("arms", "arm_id", {"arm_id": "second", "arm": "second", "drug": "other"}),
        ("results", "arm_id", {"arm_id": "second", "mean": "17", "sd": "9", "n": "24"}),
    ):
        rows = small.rows(table)
        at = {name: i for i, name in enumerate(rows[0])}
        for row in [r for r in rows if r[0] == "Elm" and r[at[arm_column]] == "experimental"]:
            if table == "results" and (row[at["time_days"]] != "7" or row[at["mean"]] != "19.0"):
                continue
            new = list(row)
            for column, value in changed.items():
                new[at[column]] = value
            rows.append(new)
        small.write(table, rows)
    return small


def spec(**changes: Any) -> NetworkQuestion:
    given = {
        "title": "Mood", "outcome": "mood", "measure": "SMD", "nodes": NODES,
        "reference": "saline", "time_days": (5, 9), "prefer_time": 7,
    }  # fmt: skip
    return NetworkQuestion.model_validate({**given, **changes})


def gathered(small: SmallReview, asked: NetworkQuestion) -> Gathered:
    return gather(small.tables(), small.records(), asked, small.review)


def tables_of(small: SmallReview, **changes: Any) -> tuple[dict[str, pd.DataFrame], NetworkFacts]:
    asked = spec(**changes)
    return network_tables(gathered(small, asked), asked, better="lower")


def fitted(contrasts: pd.DataFrame) -> Network:
    """The network of some contrasts, as the protocol asks for it."""
    return network(
        contrasts["study"].tolist(),
        contrasts["treatment_1"].tolist(),
        contrasts["treatment_2"].tolist(),
        contrasts["yi"].tolist(),
        np.sqrt(contrasts["vi"].to_numpy(float)),
        tau2="REML",
        reference="saline",
    )


def test_a_trial_of_three_nodes_gives_all_its_pairs(review: SmallReview) -> None:
    """Elm's three contrasts close; the others are the effects that analyses take."""
    inputs = gathered(review, spec())
    elm = {
        (row["treatment_1"], row["treatment_2"]): row
        for row in records(inputs.contrasts)
        if row["trial_id"] == "Elm"
    }
    assert set(elm) == {("drug", "other"), ("drug", "saline"), ("other", "saline")}
    total = elm["drug", "other"]["yi"] + elm["other", "saline"]["yi"]
    assert total == pytest.approx(elm["drug", "saline"]["yi"], rel=1e-12)
    n = np.array([value[2] for value in ELM.values()])
    sd = np.array([value[1] for value in ELM.values()])
    pooled = np.sqrt(((n - 1) * sd**2).sum() / (n - 1).sum())
    df = (n - 1).sum()
    assert elm["drug", "saline"]["yi"] == pytest.approx(
        -2 / pooled * (1 - 3 / (4 * df - 1)), rel=1e-4
    )
    assert {row["n_1"] for row in elm.values()} == {25.0, 24.0}
    ash = inputs.contrasts[inputs.contrasts["trial_id"] == "Ash"].iloc[0]
    size = effect_size("SMD", m1i=18, sd1i=8, n1i=20, m2i=24, sd2i=9, n2i=19)
    assert ash["yi"] == pytest.approx(size.yi[0], rel=1e-5)
    assert ash["basis"] == "arms"
    assert set(inputs.contrasts["trial_id"]) == {"Ash", "Birch", "Cedar", "Elm"}
    # Every column has its value in every row, of two arms and of three.
    blank = inputs.contrasts.isna().any()
    assert blank[blank].index.tolist() == []
    assert (ash["n_1"], ash["n_2"], ash["instrument"]) == (20, 19, "SCALE")


def test_the_network_in_tables(review: SmallReview) -> None:
    """Every table is there, and the numbers in them are those of the fit."""
    tables, facts = tables_of(review)
    assert facts.reason == ""
    assert tuple(tables) == NAMES
    fit = fitted(tables["contrasts"])
    assert fit.treatments == ("drug", "other", "saline")
    effects = tables["effects"]
    row = effects[(effects["model"] == "random") & (effects["treatment"] == "other")].iloc[0]
    assert row["estimate"] == fit.random.effect[1, 2]
    assert row["k"] == 1
    nodes = tables["nodes"].set_index("treatment")
    assert nodes.loc["other", "people"] == 24
    assert nodes.loc["saline", "trials"] == 4
    assert isinstance(facts, FittedNetwork)
    assert (facts.k, facts.n, facts.m) == (4, 3, 6)
    assert (facts.tau2, facts.tau2_ci_ub) == (fit.tau2, fit.tau2_ci_ub)
    assert (facts.q_between, facts.q_within_df) == (
        fit.inconsistency.between.stat,
        fit.inconsistency.within.df,
    )
    assert facts.favours_left == "favours the treatment"
    league = tables["league"].set_index("treatment")
    best = league.columns[0]
    estimate = f"{fit.random.effect[fit.place(best), 2]:.2f} ("
    assert str(league.loc["saline", best]).startswith(estimate)


def test_why_a_trial_is_left_out(review: SmallReview) -> None:
    """An arm of no node, a filter, a window: each trial has its reason."""
    nodes = {**NODES, "drug": {"drug": ["drug"], "dose_min": 0.5}}
    review.set("arms", 2, "dose_mg_kg", "0.5")
    inputs = gathered(review, spec(nodes=nodes, exclude={"design": ["crossover"]}))
    reasons = dict(zip(inputs.left_out["trial_id"], inputs.left_out["reason"], strict=True))
    assert reasons["Birch"] == "no node takes drug, dose not known"
    assert reasons["Cedar"] == "no node takes drug, dose not known"
    assert set(inputs.contrasts["trial_id"]) == {"Ash", "Elm"}
    # Elm's arm without a dose has no node; the two others are compared by themselves.
    elm = inputs.contrasts[inputs.contrasts["trial_id"] == "Elm"].iloc[0]
    assert (elm["treatment_1"], elm["treatment_2"]) == ("other", "saline")
    arms = inputs.arms.set_index(["trial_id", "arm_id"])
    assert arms.loc[("Ash", "experimental"), "node"] == "drug"
    assert arms.loc[("Birch", "experimental"), "node"] == ""


def test_not_estimable(review: SmallReview) -> None:
    """Too few nodes, or no comparison with two trials: the reason, and what went in."""
    tables, two = tables_of(review, nodes={k: NODES[k] for k in ("drug", "saline")})
    assert two.reason == "2 of the 2 nodes have results (drug, saline): 3 are needed"
    assert not isinstance(two, FittedNetwork)
    assert len(tables["contrasts"]) == 4
    assert tables["effects"].empty
    _, none = tables_of(review, outcome="mood", time_days=(300, 400))
    assert none.reason.startswith("0 of the 3 nodes have results: ")
    only = spec(exclude={"design": ["crossover"]})
    got = gathered(review, only)
    single = got.contrasts[got.contrasts["trial_id"] == "Elm"]
    lone = Gathered(contrasts=single, left_out=got.left_out, arms=got.arms)
    _, facts = network_tables(lone, only, better="lower")
    assert "no comparison has two trials" in facts.reason


def test_parts_that_no_trial_links(review: SmallReview) -> None:
    asked = spec(nodes={**NODES, "x": {"drug": ["x"]}, "y": {"drug": ["y"]}})
    inputs = gathered(review, asked)
    table = inputs.contrasts[inputs.contrasts["trial_id"].isin(["Ash", "Birch", "Elm"])].copy()
    table.loc[table["trial_id"] == "Ash", ["treatment_1", "treatment_2"]] = ["x", "y"]
    apart = Gathered(contrasts=table, left_out=inputs.left_out, arms=inputs.arms)
    _, facts = network_tables(apart, asked, better="lower")
    assert (
        facts.reason
        == "the network is in 2 parts that no trial links: {drug, other, saline} and {x, y}"
    )


def test_an_arm_of_two_nodes_is_an_error(review: SmallReview) -> None:
    asked = spec(nodes={**NODES, "again": {"drug": ["drug"]}})
    with pytest.raises(TrialpoolError) as error:
        gathered(review, asked)
    assert "arms.csv row 2, Ash experimental: fits 2 nodes (drug, again)" in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reference": "none"}, "reference = none: is not a node; use one of drug, other, saline"),
        ({"time_days": (9, 5)}, "the window's start is after its end"),
        ({"nodes": {"drug": {"drug": []}, "saline": {"drug": ["saline"]}}}, "at least 1 item"),
        (
            {"nodes": {**NODES, "drug": {"drug": ["a"], "dose_min": 2, "dose_max": 1}}},
            "dose_min = 2 is above dose_max = 1",
        ),
        ({"node": {}}, "Extra inputs are not permitted"),
    ],
)
def test_a_spec_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        spec(**changes)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("rules", "arm", "fits"),
    [
        ({}, {}, True),
        ({"drug": ["other"]}, {}, False),
        ({"concomitant": ["ect", "none"]}, {}, True),
        ({"concomitant": ["ect"]}, {}, False),
        # Limits hold on both sides, and of an arm without a dose none does.
        ({"dose_min": 0.5, "dose_max": 0.5}, {"dose_mg_kg": 0.5}, True),
        ({"dose_min": 0.5}, {"dose_mg_kg": 0.49}, False),
        ({"dose_max": 0.5}, {"dose_mg_kg": 0.51}, False),
        ({"dose_min": 0.5}, {"dose_mg": 40.0}, False),
        ({"dose_max": 0.5}, {}, False),
        ({"dose_mg_min": 40.0, "dose_mg_max": 40.0}, {"dose_mg": 40.0}, True),
        ({"dose_mg_min": 40.0}, {"dose_mg": 39.0}, False),
        ({"dose_mg_max": 40.0}, {"dose_mg": 41.0}, False),
    ],
)
def test_an_arm_fits_a_node_whose_rules_all_hold(
    rules: dict[str, Any], arm: dict[str, Any], fits: bool
) -> None:
    row = {"drug": "drug", "dose_mg_kg": None, "dose_mg": None} | arm
    node = Node.model_validate({"drug": ["drug"]} | rules)
    assert _fits(row, {"concomitant": "none"}, node) == fits


def _nodes(*trials: int) -> pd.DataFrame:
    """Pairs of 'a' and each other node, so many trials of each; 'a' has them all."""
    rows = []
    for place, count in enumerate(trials):
        for i in range(count):
            row: dict[str, Any] = {"trial_id": f"t{place}{i}"}
            row |= {"study": f"T{place}{i}", "treatment_1": "a"}
            row |= {"treatment_2": "bcd"[place], "n_1": 30.0, "n_2": 30.0}
            rows.append({**row, "yi": -0.1 * place - 0.05 * i, "vi": 0.07})
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("trials", "ranked"), [((3, 3), True), ((3, 2), False)])
def test_treatments_are_ranked_from_three_trials_each(
    trials: tuple[int, int], ranked: bool
) -> None:
    """A P-score of 0.999 stood on one trial of nine people."""
    nodes = {name: {"drug": [name]} for name in "bca"}
    gathered = Gathered(contrasts=_nodes(*trials), left_out=pd.DataFrame(), arms=pd.DataFrame())
    tables, facts = network_tables(gathered, spec(nodes=nodes, reference="a"), better="lower")
    assert isinstance(facts, FittedNetwork)
    assert bool(len(tables["p_scores"])) == ranked
    said = "" if ranked else "a ranking needs 3 trials of each treatment; fewer have c (2)"
    assert facts.unranked == said
    # Without a ranking the order is the protocol's own; a is the best.
    assert list(tables["league"]["treatment"]) == list("abc" if ranked else "bca")
