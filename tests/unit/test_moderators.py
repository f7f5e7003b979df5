"""Subgroups and covariates: numbers by hand and by the BCG trials, and what k does not allow."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations
from typing import Any

import bcg
import numpy as np
import pandas as pd
import pytest
from cases import tables
from filled import given
from scipy.stats import chi2
from scipy.stats import f as fisher

import trialpool as tp
from trialpool.bayes import normal_normal
from trialpool.pooling.permutation import permutation_test
from trialpool.review.case import Case
from trialpool.review.protocol.protocol import Review, resolve
from trialpool.review.protocol.settings import Model
from trialpool.review.trust.moderators import Moderators, moderators
from trialpool.terms import (
    BY_COUNTS,
    BY_F,
    BY_PERMUTATION,
    BY_Q,
    BY_Z,
    LEVEL,
    LINE,
    SLOPE,
    TEST,
    TRIAL,
    UNKNOWN,
    WITHHELD,
)
from trialpool.trust_facts import CovariateFacts, SubgroupFacts

BIAS = pd.DataFrame({"trial_id": [], "domain": [], "judgement": []})
ARMS = pd.DataFrame({"trial_id": [], "arm_id": [], "dose_mg_kg": []})
DESIGN = {"title": "design", "kind": "group", "column": "design"}
AGE = {"title": "age", "kind": "covariate", "column": "mean_age", "unit": "years", "per": 10}


BY_MH = BY_COUNTS.format(by="Mantel-Haenszel")


def review(declared: dict[str, Any], measure: str = "SMD") -> Review:
    kind = "continuous" if measure == "SMD" else "binary"
    return resolve({
        "title": "Made up", "question": "Does it help?", "version": "1", "data_until": "never",
        "experimental": "drug", "notice": "No advice.", "built_from": ["nothing"],
        "defaults": {"moderators": declared},
        "outcomes": {"mood": {"title": "mood", "kind": kind, "better": "lower"}},
        "conditions": {"blue": {"title": "Blue", "question": "Why?", "analyses": {
            "mood": {"title": "Mood", "outcome": "mood", "measure": measure}}}},
    })  # fmt: skip


def rows(y: Any, v: Any, **columns: Any) -> pd.DataFrame:
    """Effects of trials T0, T1, ... with 20 people each; counts of no one."""
    ids = [f"T{i}" for i in range(len(y))]
    blank = dict.fromkeys(
        ("event_experimental", "totaln_experimental", "event_control", "totaln_control"), np.nan
    )
    held = {
        "trial_id": ids, "study": ids, "n": 20.0, "yi": np.asarray(y, float),
        "vi": np.asarray(v, float), "comparator_class": "placebo", "experimental_arms": "a",
    }  # fmt: skip
    return pd.DataFrame(held | blank | columns)


def ask(
    studies: pd.DataFrame,
    trials: dict[str, Any],
    declared: dict[str, Any],
    model: Model | None = None,
    *,
    measure: str = "SMD",
    arms: pd.DataFrame = ARMS,
    bias: pd.DataFrame = BIAS,
) -> Moderators:
    ids = studies["trial_id"].drop_duplicates()
    held = tables(trials=pd.DataFrame({"trial_id": ids, **trials}), arms=arms, risk_of_bias=bias)
    made = Case.of(review(declared, measure), "blue", "mood", held)
    return moderators(replace(made, model=model or Model()), studies)


def of_kind(found: Moderators, kind: str, table: str = "subgroups") -> pd.DataFrame:
    held = found.tables[table]
    return held[held["kind"] == kind].reset_index(drop=True)


def of_test(found: Moderators, method: str) -> pd.Series:
    held = of_kind(found, TEST)
    return held[held["method"] == method].iloc[0]


BCG = rows(bcg.Y, bcg.V)
BY_ALLOCATION = {"allocation": {
    "title": "allocation", "kind": "group", "column": "population",
    "levels": {"alternate": ["alternate"], "random": ["random"], "system": ["systematic"]},
}}  # fmt: skip


def grouped(found: Moderators) -> SubgroupFacts:
    """What is said of the first moderator."""
    fact = found.facts[0]
    assert isinstance(fact, SubgroupFacts)
    return fact


@pytest.mark.parametrize(
    ("tau2", "qm", "left"),
    [("REML", 1.767511401931709, 0.36150366432401804), ("DL", 1.434912451922354, 0.5595687501)],
)
def test_levels_of_the_bcg_trials_by_allocation(tau2: str, qm: float, left: float) -> None:
    """QM and tau2 of metafor 5.1-12 (`rma(yi, vi, mods = ~ factor(alloc))`, log RR).

    The factor of Knapp and Hartung is under 1 for REML, so hksj keeps QM / 2 there.
    """
    found = ask(BCG, {"population": bcg.ALLOCATION}, BY_ALLOCATION, Model(tau2=tau2))
    shown = of_test(found, BY_F)
    fit = tp.regress(
        bcg.Y, bcg.V, np.column_stack([np.ones(13), *(a == bcg.ALLOCATION for a in
                                                      ("random", "systematic"))]),
        tau2=tau2, test="z",
    )  # fmt: skip
    assert fit.qm == pytest.approx(qm, rel=1e-6)
    assert shown["tau2"] == pytest.approx(left, rel=1e-6)
    assert shown["statistic"] <= qm / 2 * (1 + 1e-6)
    assert (shown["df"], shown["ddf"], shown["shown"]) == (2, 10, "yes")
    assert shown["p_value"] == pytest.approx(fisher.sf(shown["statistic"], 2, 10), rel=1e-9)
    if tau2 == "REML":
        assert shown["statistic"] == pytest.approx(qm / 2, rel=1e-6)
        assert shown["r2"] == 0


def test_q_between_under_a_common_effect_is_that_of_the_reference() -> None:
    """19.8654 with 2 df (metafor 5.1-12, method = "EE"), by both routes; and Q = within + it."""
    model = Model(tau2="EE", test="z")
    found = ask(BCG, {"population": bcg.ALLOCATION}, BY_ALLOCATION, model)
    for method in (BY_Z, BY_Q):
        assert of_test(found, method)["statistic"] == pytest.approx(19.86536981966557, rel=1e-10)
        assert of_test(found, method)["p_value"] == pytest.approx(4.8561238362814666e-05, rel=1e-9)
    within = sum(tp.pool(bcg.Y[at], bcg.V[at], tau2="EE", test="z").q
                 for at in (name == bcg.ALLOCATION for name in set(bcg.ALLOCATION)))  # fmt: skip
    whole = tp.pool(bcg.Y, bcg.V, tau2="EE", test="z").q
    assert whole - within == pytest.approx(19.86536981966557, rel=1e-10)


def test_q_between_with_a_tau2_of_each_level_by_hand() -> None:
    """Means of the levels by their own REML tau2, weighted by the variances of those means.

    It is the protocol's, also of a level whose few trials are led by a posterior.
    """
    found = ask(BCG, {"population": bcg.ALLOCATION}, BY_ALLOCATION)
    b, w = [], []
    for level in ("alternate", "random", "systematic"):
        at = np.isin(bcg.ALLOCATION, [level])
        own = tp.pool(bcg.Y[at], bcg.V[at], tau2="REML", test="z")
        b.append(own.beta)
        w.append(own.se**-2)
    mean = np.dot(w, b) / np.sum(w)
    q = float(np.dot(w, (np.array(b) - mean) ** 2))
    assert of_test(found, BY_Q)["statistic"] == pytest.approx(q, rel=1e-9)
    assert of_test(found, BY_Q)["p_value"] == pytest.approx(chi2.sf(q, 2), rel=1e-9)


def test_each_level_has_the_result_its_own_number_allows() -> None:
    """One trial is shown, two to four have a posterior, five the protocol's model; n adds up."""
    y = [-0.5, -0.2, 0.1, 0.4, 0.9, 0.3, 0.2, -0.4, 0.1, 0.8, 0.2, 0.5]
    v = [0.1, 0.2, 0.1, 0.3, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.3, 0.2]
    kinds = ["one", *["two"] * 2, *["four"] * 4, *["five"] * 5]
    declared = {"kind": {"title": "kind", "kind": "group", "column": "population"}}
    found = of_kind(ask(rows(y, v), {"population": kinds}, declared), LEVEL).set_index("level")
    assert found.loc["one", "estimate"] == pytest.approx(-0.5)
    assert found.loc["one", "trials"] == "T0"
    for level, at in (("two", slice(1, 3)), ("four", slice(3, 7))):
        led = normal_normal(y[at], v[at], tau_scale=0.5)
        limits = [found.loc[level, name] for name in ("estimate", "ci_low", "ci_high")]
        assert limits == pytest.approx([led.mu, led.mu_lb, led.mu_ub])
        assert found.loc[level, "tau2"] == pytest.approx(tp.pool(y[at], v[at]).tau2)
    own = tp.pool(y[7:], v[7:], tau2="REML", test="hksj")
    assert found.loc["five", "ci_low"] == pytest.approx(own.ci_lb)
    assert found.loc["five", "tau2"] == own.tau2
    assert found["tau2"].isna()["one"]
    assert found["n"].to_dict() == {"one": 20, "two": 40, "four": 80, "five": 100}


def test_the_permutation_p_of_five_trials_is_exact_over_its_ten_deals() -> None:
    """Two against three: 10 different deals, the share of F no smaller than the observed."""
    y, v = np.array([-1.2, -0.9, 0.1, 0.2, -0.3]), np.array([0.1, 0.2, 0.15, 0.1, 0.3])
    mark = np.array([1, 1, 0, 0, 0])
    names = {"design": ["crossover" if m else "parallel" for m in mark]}
    found = ask(rows(y, v), names, {"design": DESIGN})
    row = of_test(found, BY_PERMUTATION)
    every = []
    for order in permutations(range(5)):
        x = np.column_stack([np.ones(5), mark[list(order)]])
        every.append(tp.regress(y, v, x, tau2="DL", test="hksj").qm)
    share = (np.array(every) >= every[0] * (1 - 1e-9)).mean()
    assert row["p_value"] == pytest.approx(share, rel=1e-12)
    assert row["arrangements"] == 10
    assert row["note"].startswith("exact: all 10 arrangements")
    assert "crude" in row["note"]


def test_equal_covariates_are_dealt_out_once() -> None:
    """Different deals stand for equally many permutations, so fewer of them give the same p."""
    x = np.column_stack([np.ones(6), [0, 0, 1, 1, 1, 2]])
    found = permutation_test(bcg.Y[:6], bcg.V[:6], x, tau2="DL", iterations=60)
    assert (found.arrangements, found.exact) == (60, True)
    every = [
        tp.regress(bcg.Y[:6], bcg.V[:6], x[list(order)], tau2="DL", test="z").qm
        for order in permutations(range(6))
    ]
    assert found.qm_pval == pytest.approx((np.array(every) >= every[0] * (1 - 1e-9)).mean())


def test_more_arrangements_than_are_listed_are_sampled_the_same_each_time() -> None:
    found = [ask(BCG, {"mean_age": bcg.LATITUDE}, {"age": AGE}) for _ in range(2)]
    slopes = [of_kind(one, SLOPE, "regressions").iloc[0] for one in found]
    assert slopes[0]["p_permutation"] == slopes[1]["p_permutation"] <= 0.05
    assert slopes[0]["arrangements"] == 1000
    assert slopes[0]["note"].startswith("a random sample of 1,000")


def test_the_slope_of_the_bcg_trials_on_latitude() -> None:
    """-0.0291 per degree with tau2 0.0763 (metafor 5.1-12, REML); ten degrees on the RR scale."""
    found = ask(BCG, {"mean_age": bcg.LATITUDE}, {"age": AGE}, measure="RR")
    slope = of_kind(found, SLOPE, "regressions").iloc[0]
    assert slope["estimate"] == pytest.approx(np.exp(10 * -0.02910172501164918), rel=1e-6)
    assert slope["tau2"] == pytest.approx(0.07634796395525532, rel=1e-5)
    assert slope["r2"] == pytest.approx(75.62662181160485, rel=1e-5)
    assert (slope["k"], slope["ddf"]) == (13, 11)
    dots = of_kind(found, TRIAL, "regressions")
    assert dots["x"].tolist() == bcg.LATITUDE.tolist()
    assert dots["estimate"].to_numpy(float) == pytest.approx(np.exp(bcg.Y))
    assert dots["weight"].sum() == pytest.approx(100)
    line = of_kind(found, LINE, "regressions")
    assert line["x"].iloc[[0, -1]].tolist() == [13, 55]
    first = np.exp(0.251468210007339 - 13 * 0.02910172501164918)
    assert line["estimate"].iloc[0] == pytest.approx(first, rel=1e-6)
    fact = found.facts[0]
    assert isinstance(fact, CovariateFacts)
    assert fact.range == (13, 55)
    assert (fact.per, fact.unit, fact.k) == (10, "years", 13)
    of_one = {key: value for key, value in AGE.items() if key != "per"}
    found = ask(BCG, {"mean_age": bcg.LATITUDE}, {"age": of_one}, measure="RR")
    slope = of_kind(found, SLOPE, "regressions").iloc[0]
    assert slope["estimate"] == pytest.approx(np.exp(-0.02910172501164918), rel=1e-6)


def test_the_slope_of_a_proportion_is_the_change_from_the_middle_of_its_line() -> None:
    """The line is exact, 0.1 logits a year through 0.2 at the mean age of 40: ten years add 0.204.

    The slope itself on the display scale would be a proportion of 0.73, whatever the start.
    """
    age = np.arange(35.0, 46.0)
    y = np.log(0.2 / 0.8) + 0.1 * (age - 40)
    found = ask(rows(y, np.full(11, 0.01)), {"mean_age": age}, {"age": AGE}, measure="PLO")
    slope = of_kind(found, SLOPE, "regressions").iloc[0]
    after = 1 / (1 + 4 * np.exp(-1.0))
    assert slope["estimate"] == pytest.approx(after - 0.2, rel=1e-6)
    assert slope["ci_low"] < slope["estimate"] < slope["ci_high"]


def test_covariates_that_go_together_are_named_with_their_inflation() -> None:
    """Of two covariates both have the same VIF; one that follows from the other has none."""
    n = {"n": {"title": "people", "kind": "covariate", "table": "studies", "column": "n"}}
    studies = rows(bcg.Y, bcg.V, n=2 * bcg.LATITUDE + np.arange(13) % 3)
    found = ask(studies, {"mean_age": bcg.LATITUDE}, {"age": AGE, **n})
    slopes = of_kind(found, SLOPE, "regressions")
    assert slopes["vif"].iloc[0] == pytest.approx(slopes["vif"].iloc[1])
    assert slopes["vif"].iloc[0] > 10
    assert "goes with people (r = 1.00)" in slopes["note"].iloc[0]
    fact = found.facts[1]
    assert isinstance(fact, CovariateFacts)
    assert fact.goes_with == {"age": pytest.approx(1, abs=0.01)}
    # Two levels each, as often together as not: r is 5 / 7 with 6 of 7 alike, 4 / 6 with 5 of 6.
    for same, together in ((6, True), (5, False)):
        x = np.array([0.0, 1.0] * (same + 1))
        y = np.array([0.0, 1.0] * same + [1.0, 0.0])
        r = np.corrcoef(x, y)[0, 1]
        assert (r > 0.7) == together
        both = ask(rows(np.sin(x.cumsum()), np.full(len(x), 0.1), n=10 + y), {"mean_age": x},
                   {"age": AGE, **n})  # fmt: skip
        fact = both.facts[0]
        assert isinstance(fact, CovariateFacts)
        assert fact.goes_with == ({"people": pytest.approx(r)} if together else {})
    copied = ask(rows(bcg.Y, bcg.V, n=bcg.LATITUDE), {"mean_age": bcg.LATITUDE}, {"age": AGE, **n})
    assert "no VIF" in of_kind(copied, SLOPE, "regressions")["note"].iloc[0]


@pytest.mark.parametrize(
    ("k", "group", "covariate"),
    [
        (0, "k = 0: needs at least 5 trials", "k = 0: needs at least 10 trials"),
        (4, "k = 4: needs at least 5 trials", "k = 4: needs at least 10 trials"),
        (5, "", "k = 5: needs at least 10 trials"),
        (9, "", "k = 9: needs at least 10 trials"),
        (10, "", ""),
    ],
)
def test_what_k_does_not_allow_is_a_row_with_its_reason(k: int, group: str, covariate: str) -> None:
    studies = rows(bcg.Y[:k], bcg.V[:k])
    names = ["parallel" if i % 2 else "crossover" for i in range(k)]
    found = ask(
        studies, {"design": names, "mean_age": bcg.YEAR[:k]}, {"design": DESIGN, "age": AGE}
    )
    assert of_kind(found, WITHHELD)["note"].tolist() == ([group] if group else [])
    held = of_kind(found, WITHHELD, "regressions")
    assert held["note"].tolist() == ([covariate] if covariate else [])
    notes = of_kind(found, TEST)["note"]
    assert (
        notes.str.contains("crude").all() if 5 <= k < 10 else not notes.str.contains("crude").any()
    )


def test_trials_all_alike_give_no_contrast() -> None:
    found = ask(BCG, {"design": "parallel", "mean_age": 40.0}, {"design": DESIGN, "age": AGE})
    assert of_kind(found, WITHHELD)["note"].tolist() == ["no contrast: parallel in all 13 trials"]
    held = of_kind(found, WITHHELD, "regressions")
    assert held["note"].tolist() == ["no contrast: 40 years in all 13 trials"]
    assert [fact.reason for fact in found.facts] == [
        "no contrast: parallel in all 13 trials", "no contrast: 40 years in all 13 trials"
    ]  # fmt: skip


def test_trials_without_a_value_are_counted_and_named() -> None:
    """Blank cells, values of no level, arms that differ and trials nobody judged."""
    ages = [*bcg.YEAR[:12], np.nan]
    kinds = ["a", "a", "b", *["c"] * 2, *["b"] * 8]
    some = {"kind": {"title": "kind", "kind": "group", "column": "population",
                     "levels": {"first": ["a"], "second": ["b"]}},
            "age": AGE,
            "dose": {"title": "dose", "kind": "covariate", "table": "arms",
                     "column": "dose_mg_kg"},
            "bias": {"title": "bias", "kind": "group", "table": "risk_of_bias",
                     "column": "overall"}}  # fmt: skip
    arms = pd.DataFrame({
        "trial_id": ["T0", "T0", "T1", "T1"], "arm_id": ["a", "b", "a", "b"],
        "dose_mg_kg": [0.2, 0.5, 0.5, 0.5],
    })  # fmt: skip
    bias = pd.DataFrame({"trial_id": ["T0"], "domain": "overall", "judgement": "some_concerns"})
    studies = rows(bcg.Y, bcg.V, experimental_arms="a+b")
    found = ask(studies, {"population": kinds, "mean_age": ages}, some, arms=arms, bias=bias)
    missing = {fact.name: fact.missing for fact in found.facts}
    assert missing["kind"] == {"T3": "c, in no level", "T4": "c, in no level"}
    assert missing["age"] == {"T12": "not stated"}
    assert missing["dose"]["T0"] == "its arms differ (0.2, 0.5)"
    assert "T1" not in missing["dose"]
    assert missing["bias"] == {f"T{i}": "not assessed" for i in range(1, 13)}
    unknown = of_kind(found, UNKNOWN).set_index("moderator")
    assert unknown.loc["kind", "k"] == 2
    assert unknown.loc["kind", "note"] == "c, in no level: T3, T4"
    assert of_kind(found, SLOPE, "regressions")["k"].tolist() == [12]


def test_a_trial_with_several_rows_counts_once_and_is_not_exchanged() -> None:
    """Nine trials, one of them with two rows: no regression, and no permutation."""
    studies = rows(bcg.Y[:10], bcg.V[:10])
    studies.loc[9, ["trial_id", "study"]] = ["T0", "T0"]
    names = {"design": ["parallel", "crossover"] * 4 + ["parallel"], "mean_age": bcg.YEAR[:9]}
    found = ask(studies, names, {"design": DESIGN, "age": AGE})
    assert of_kind(found, WITHHELD, "regressions")["note"].tolist() == [
        "k = 9: needs at least 10 trials"
    ]
    levels = of_kind(found, LEVEL).set_index("level")
    assert levels["k"].to_dict() == {"parallel": 5, "crossover": 4}
    assert levels.loc["parallel", "trials"] == "T0, T2, T4, T6, T8"
    assert of_test(found, BY_PERMUTATION)["note"].startswith("no permutation")
    assert math.isnan(given(grouped(found).test).p_permutation)


def test_each_trial_its_own_level_has_no_test() -> None:
    declared = {"kind": {"title": "kind", "kind": "group", "column": "population"}}
    found = ask(rows(bcg.Y[:5], bcg.V[:5]), {"population": list("abcde")}, declared)
    assert of_test(found, BY_F)["note"].startswith("as many levels as results: no test")
    assert grouped(found).test is None
    assert len(of_kind(found, LEVEL)) == 5


def test_groups_that_part_the_trials_alike_are_named() -> None:
    """Which of the two the difference comes from cannot be told."""
    kind = {"kind": {"title": "kind", "kind": "group", "column": "population"}}
    names = ["parallel" if i % 2 else "crossover" for i in range(13)]
    swapped = ["north" if i % 2 else "south" for i in range(13)]
    found = ask(BCG, {"design": names, "population": swapped}, {"design": DESIGN, **kind})
    assert [fact.same_as for fact in found.facts if isinstance(fact, SubgroupFacts)] == [
        ("kind",), ("design",)
    ]  # fmt: skip


def test_mantel_haenszel_levels_and_a_level_without_events() -> None:
    """Levels of few trials by a posterior, the test by the Mantel-Haenszel beside it; a level
    without events has neither, and then there is no Q.
    """
    counts = {name: np.asarray(bcg.COUNTS[key][:6], float) for name, key in (
        ("event_experimental", "ai"), ("totaln_experimental", "bi"), ("event_control", "ci"),
        ("totaln_control", "di"))}  # fmt: skip
    names = {"design": ["parallel"] * 4 + ["crossover"] * 2}
    model = Model(method="MH")
    studies = rows(bcg.Y[:6], bcg.V[:6], **counts)
    found = ask(studies, names, {"design": DESIGN}, model, measure="OR")
    levels = of_kind(found, LEVEL)
    assert levels["method"].str.startswith("Bayesian").tolist() == [True, True]
    assert of_test(found, BY_MH)["df"] == 1
    assert of_test(found, BY_F)["ddf"] == 4
    studies.loc[4:, ["event_experimental", "event_control"]] = 0
    empty = ask(studies, names, {"design": DESIGN}, model, measure="OR")
    lost = of_kind(empty, LEVEL).set_index("level").loc["crossover"]
    assert lost["method"] == "Mantel-Haenszel, common effect"  # none of a posterior either
    assert np.isnan([lost["estimate"], lost["ci_low"], lost["ci_high"]]).all()
    assert of_test(empty, BY_MH)["note"].startswith("a level has no estimate")
    assert np.isnan(of_test(empty, BY_MH)["p_value"])


def test_levels_stand_in_the_order_of_the_protocol_or_the_schema() -> None:
    bias = pd.DataFrame({
        "trial_id": [f"T{i}" for i in range(13)], "domain": "overall",
        "judgement": ["high", "low", "some_concerns", *["low"] * 10],
    })  # fmt: skip
    declared = {"bias": {"title": "bias", "kind": "group", "table": "risk_of_bias",
                         "column": "overall"}}  # fmt: skip
    found = ask(BCG, {}, declared, bias=bias)
    assert of_kind(found, LEVEL)["level"].tolist() == ["low", "some concerns", "high"]


def test_the_analysis_replaces_and_adds_moderators() -> None:
    spec = review({"design": DESIGN})
    analysis = spec.conditions["blue"].analyses["mood"]
    own = {"design": DESIGN | {"title": "kind of design"}, "age": AGE}
    added = type(analysis).model_validate(analysis.model_dump() | {"moderators": own})
    assert [m.title for m in spec.moderators_of(added).values()] == ["kind of design", "age"]


def test_without_config_three_moderators_hold_for_any_review() -> None:
    base = review({}).model_dump(mode="json")
    del base["defaults"]["moderators"]
    assert list(resolve(base).defaults.moderators) == ["comparator", "risk_of_bias", "design"]
