"""The certainty of the evidence: each rule of proposal at its limits, decisions, their checks."""

from __future__ import annotations

import csv
from math import exp, isnan, log, sqrt
from typing import Any

import pandas as pd
import pytest
from cases import case
from filled import analysis_result
from small import ROOT, SmallReview

from trialpool.analysis_result import AnalysisResult
from trialpool.review.accounts.rob_me import Written
from trialpool.review.certainty.body import BodyOfEvidence, Proposal
from trialpool.review.certainty.domains import propose
from trialpool.review.certainty.information_size import information_size, pooled_sd
from trialpool.review.certainty.rating import certainty
from trialpool.review.protocol.protocol import Review, read_protocol
from trialpool.review.protocol.specs import Analysis
from trialpool.review.report import certainty_tables
from trialpool.review.schema import files
from trialpool.review.schema.raw import CERTAINTY
from trialpool.terms import (
    DOMAINS,
    IMPRECISION,
    INCONSISTENCY,
    INDIRECTNESS,
    MISSING_RESULTS,
    OVERALL,
    RISK_OF_BIAS,
)

NAN = float("nan")
TRIALS = pd.DataFrame({"trial_id": ["A", "B"], "diagnosis": ["ptsd", "mdd"]})
ARMS = pd.DataFrame(
    {"trial_id": ["A", "B"], "arm_id": ["x", "x"], "drug": ["ketamine", "esketamine"]}
)
NO_MISSING = pd.DataFrame(
    columns=["trial_id", "status", "n_experimental", "n_control", "n_total"], dtype=object
)
# The trials' own words for high, some concerns and low risk of bias, at these weights.
FACTORS = {"factors": [{"name": "risk_of_bias", "levels": ["all trials", "without high risk"]}]}


def result(low: float = -0.9, high: float = -0.6, **changes: Any) -> AnalysisResult:
    """Two trials of 500 people, which together show an important benefit."""
    display = {"estimate": (low + high) / 2, "ci_low": low, "ci_high": high}
    about = {
        "condition": "blue", "analysis": "mood", "k": 2, "n": 500, "important": 0.5,
        "better": "lower", "scale": "identity", "display": display,
        "posterior": {"tau": 0.0, "level": 0.95},
    }  # fmt: skip
    return analysis_result(**(about | changes))


def studies(**columns: Any) -> pd.DataFrame:
    about = {
        "trial_id": ["A", "B"], "experimental_arms": ["x", "x"], "weight": [50.0, 50.0],
        "comparator_class": ["placebo", "placebo"], "time_days": [7.0, 7.0], "n": [250.0, 250.0],
        "yi": [-0.75, -0.75], "vi": [0.01, 0.01],
        "event_control": [NAN, NAN], "totaln_control": [NAN, NAN],
    }  # fmt: skip
    return pd.DataFrame(about | columns)


def weights(high: float = 0.0, some: float = 0.0, low: float = 0.0) -> pd.DataFrame:
    shares = {"high": high, "some_concerns": some, "low": low}
    rows = [("risk of bias", level, share) for level, share in shares.items() if share]
    return pd.DataFrame([*rows, ("design", "parallel", 100.0)], columns=["by", "level", "weight"])


def body(about: AnalysisResult | None = None, **tables: Any) -> BodyOfEvidence:
    parts = {
        "studies": studies(), "missing": NO_MISSING, "weights": weights(low=100),
        "multiverse": pd.DataFrame(), "trials": TRIALS, "arms": ARMS, "target": None,
    }  # fmt: skip
    return BodyOfEvidence(result=about or result(), **(parts | tables))


def proposal(domain: str, about: AnalysisResult | None = None, **tables: Any) -> Proposal:
    return propose(body(about, **tables))[domain]


# -- risk of bias ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("high", "some", "change"),
    [
        (0, 0, 0), (24.9, 0, 0), (25, 0, -1), (74.9, 0, -1), (75, 0, -2), (100, 0, -2),
        (0, 74.9, 0), (0, 75, -1), (0, 100, -1), (20, 54.9, 0), (20, 55, -1),
    ],
)  # fmt: skip
def test_risk_of_bias_goes_by_weight(high: float, some: float, change: int) -> None:
    shares = weights(high, some, 100 - high - some)
    assert proposal(RISK_OF_BIAS, weights=shares).change == change


def test_a_trial_that_nobody_judged_is_not_at_low_risk() -> None:
    """No information and no judgement at all count with some concerns."""
    for level in ("no_information", "not judged", "not_assessed"):
        shares = pd.DataFrame({"by": ["risk of bias"], "level": [level], "weight": [100.0]})
        assert proposal(RISK_OF_BIAS, weights=shares).change == -1


def test_a_single_trial_carries_all_the_weight() -> None:
    alone = pd.DataFrame({"by": ["risk of bias"], "level": ["high"], "weight": [NAN]})
    assert proposal(RISK_OF_BIAS, weights=alone).change == -2


@pytest.mark.parametrize(
    ("without", "some", "change"),
    [
        ((-0.9, -0.51), 0, 0),  # the same zone: only the rest is judged, and is at low risk
        ((-0.9, -0.5), 0, -1),  # it reaches the next zone
        ((NAN, NAN), 0, -1),
        ((-0.9, -0.51), 52.4, 0),  # 74.9 % of the rest
        ((-0.9, -0.51), 52.6, -1),  # 75.1 % of the rest
    ],
)
def test_trials_at_high_risk_that_change_no_zone_are_not_counted(
    without: tuple[float, float], some: float, change: int
) -> None:
    rows = pd.DataFrame(
        {"risk_of_bias": ["all trials", "without high risk"],
         "ci_low": [-0.9, without[0]], "ci_high": [-0.6, without[1]]}
    )  # fmt: skip
    shares = weights(30, some, 70 - some)
    about = result(multiverse=FACTORS)
    assert proposal(RISK_OF_BIAS, about, multiverse=rows, weights=shares).change == change


# -- inconsistency -----------------------------------------------------------------------------


def five(low: float, high: float, pi_low: float, pi_high: float, **more: Any) -> AnalysisResult:
    shown = {"estimate": (low + high) / 2, "ci_low": low, "ci_high": high}
    return result(k=5, display=shown | {"pi_low": pi_low, "pi_high": pi_high}, **more)


@pytest.mark.parametrize(
    ("limits", "change"),
    [
        ((-0.9, -0.6, -1.0, -0.51), 0),  # important benefit, as the interval
        ((-0.9, -0.6, -1.0, -0.5), -1),  # a limit on the mark reaches the next zone
        ((-0.9, -0.6, -1.9, 0.49), -1),
        ((-0.9, -0.6, -1.9, 0.5), -2),  # important benefit and important harm
        ((-0.3, 0.3, -0.49, 0.49), 0),
        ((-0.3, 0.3, -0.5, 0.49), -1),
        ((-0.3, 0.3, -0.5, 0.5), -2),
        ((-0.6, 0.6, -3.0, 3.0), 0),  # the interval holds both itself; imprecision says so
    ],
)
def test_inconsistency_goes_by_the_zones_of_the_predicted_range(
    limits: tuple[float, float, float, float], change: int
) -> None:
    assert proposal(INCONSISTENCY, five(*limits)).change == change


def test_without_an_important_difference_the_sides_of_no_effect_count() -> None:
    assert proposal(INCONSISTENCY, five(-0.9, -0.6, -1, -1e-9, important=None)).change == 0
    assert proposal(INCONSISTENCY, five(-0.9, -0.6, -9, 1e-9, important=None)).change == -1


def test_one_trial_cannot_differ_from_others() -> None:
    one = proposal(INCONSISTENCY, result(k=1))
    assert (one.change, one.reason) == (0, "one trial: whether trials differ cannot be told")


@pytest.mark.parametrize(("tau", "change"), [(0.086, 0), (0.088, -1)])
def test_of_few_trials_the_range_is_at_the_posterior_median_of_tau(tau: float, change: int) -> None:
    """Two effects of -0.75, variance 0.01: -0.75 +- 1.96 sqrt(tau2 + (0.01 + tau2) / 2)."""
    upper = -0.75 + 1.959964 * sqrt(tau**2 + (0.01 + tau**2) / 2)
    assert (upper >= -0.5) == (change == -1)
    about = result(posterior={"tau": tau, "level": 0.95})
    said = proposal(INCONSISTENCY, about)
    assert said.change == change
    assert f"{upper:.2f}".replace("-", "−") in said.reason


def test_the_fifth_trial_brings_the_prediction_interval() -> None:
    """With four, a wide one is not looked at; with five it is; without one, the posterior is."""
    wide = {"estimate": -0.75, "ci_low": -0.9, "ci_high": -0.6, "pi_low": -5.0, "pi_high": 5.0}
    assert proposal(INCONSISTENCY, result(k=4, display=wide)).change == 0
    assert proposal(INCONSISTENCY, result(k=5, display=wide)).change == -2
    assert proposal(INCONSISTENCY, five(-0.9, -0.6, NAN, NAN)).change == 0
    unknown = proposal(INCONSISTENCY, five(-0.9, -0.6, NAN, NAN, posterior=None))
    assert unknown.change is None
    assert unknown.reason.startswith("not judged: ")


def test_a_ratio_is_predicted_on_the_log_scale() -> None:
    """Two log ratios of log 3, variance 0.02, tau 0: 3 exp(+-1.96 * 0.1) lies above 1.25."""
    shown = {"estimate": 3.0, "ci_low": 2.4, "ci_high": 3.7}
    about = result(measure="RR", scale="log", important=log(1.25), display=shown)
    rows = studies(yi=[log(3)] * 2, vi=[0.02] * 2)
    said = proposal(INCONSISTENCY, about, studies=rows)
    assert said.change == 0
    assert f"{3 * exp(-0.196):.2f} to {3 * exp(0.196):.2f}" in said.reason


# -- indirectness ------------------------------------------------------------------------------

PTSD: dict[str, Any] = {"include": {"diagnosis": ["ptsd"]}, "exclude": {}, "drug": [],
                        "comparators": [], "time_days": None}  # fmt: skip


def outside(share: float, **target: Any) -> int | None:
    """B, of another diagnosis and drug, has this share of the weight."""
    rows = studies(weight=[100 - share, share])
    return proposal(INDIRECTNESS, studies=rows, target=PTSD | target).change


@pytest.mark.parametrize(
    ("share", "alone", "and_drug"),
    [(0, 0, 0), (24.9, 0, 0), (25, -1, -1), (74.9, -1, -1), (75, -1, -2), (99.9, -1, -2),
     (100, -2, -2)],
)  # fmt: skip
def test_indirectness_goes_by_weight_and_parts(share: float, alone: int, and_drug: int) -> None:
    """Most from outside is worse in two parts than in one; another population is enough."""
    assert outside(share) == alone
    assert outside(share, drug=["ketamine"]) == and_drug


def test_each_part_of_a_target() -> None:
    anyone = PTSD | {"include": {}}
    for part in ({"drug": ["ketamine"]}, {"comparators": ["active_placebo"]},
                 {"time_days": [0.0, 6.9]}, {"exclude": {"diagnosis": ["mdd"]}}):  # fmt: skip
        assert proposal(INDIRECTNESS, target=anyone | part).change == -1
    inside = {"drug": ["ketamine", "esketamine"], "comparators": ["placebo"], "time_days": [7, 7]}
    assert proposal(INDIRECTNESS, target=anyone | inside).change == 0


def test_what_a_trial_does_not_state_is_outside() -> None:
    rows = studies(time_days=[NAN, 7.0])
    assert proposal(INDIRECTNESS, studies=rows, target=PTSD | {"include": {}, "time_days": [1, 9]}
                    ).change == -1  # fmt: skip


def test_an_arm_of_two_drugs_is_outside_with_either() -> None:
    arms = pd.DataFrame(
        {"trial_id": ["A", "A", "B"], "arm_id": ["x", "y", "x"],
         "drug": ["ketamine", "esketamine", "ketamine"]}
    )  # fmt: skip
    rows = studies(experimental_arms=["x+y", "x"])
    target = PTSD | {"include": {}, "drug": ["ketamine"]}
    assert proposal(INDIRECTNESS, studies=rows, arms=arms, target=target).change == -1


def test_without_a_target_nothing_is_judged() -> None:
    said = proposal(INDIRECTNESS)
    assert said.change is None
    assert said.reason == "not judged: no target is declared in the protocol"


def test_the_target_of_an_analysis_stands_in_the_place_of_the_conditions(
    small: SmallReview,
) -> None:
    """Key by key; neither is among what a fit depends on."""
    plain = small.review.model_dump(mode="json")
    asked = {**plain, "conditions": {**plain["conditions"]}}
    blue = asked["conditions"]["blue"] = {**plain["conditions"]["blue"]}
    blue["target"] = {"include": {"setting": ["psychiatric"]}, "drug": ["x"]}
    blue["analyses"] = {**blue["analyses"]}
    first = next(iter(blue["analyses"]))
    blue["analyses"][first] = {**blue["analyses"][first], "target": {"drug": ["y"]}}
    review = Review.model_validate(asked)
    targets = review.targets("blue")
    assert all(target is not None for target in targets.values())
    assert {name: target["drug"] for name, target in targets.items() if target} == {
        name: ["y"] if name == first else ["x"] for name in targets
    }
    included = [target["include"] for target in targets.values() if target]
    assert included == [{"setting": ["psychiatric"]}] * len(targets)
    assert set(small.review.targets("blue").values()) == {None}
    names = list(targets)
    assert review.for_analyses("blue", names) == small.review.for_analyses("blue", names)
    spec = {"title": "M", "outcome": "mood", "measure": "SMD", "target": {"drug": ["y"]}}
    assert "target" not in case(Analysis.model_validate(spec)).heading().specification


# -- imprecision -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "change"),
    [
        (-0.9, -0.51, 0), (-0.9, -0.5, -1), (-0.9, -1e-9, -1), (-0.9, 0.0, -2), (-0.9, 0.49, -2),
        (-0.9, 0.5, -3), (-0.49, -0.01, 0), (-0.49, 0.49, -1), (-0.49, 0.5, -2), (0.51, 0.9, 0),
    ],
)  # fmt: skip
def test_imprecision_counts_the_thresholds_that_the_interval_crosses(
    low: float, high: float, change: int
) -> None:
    assert proposal(IMPRECISION, result(low, high)).change == change


@pytest.mark.parametrize(("n", "change"), [(399, -1), (400, 0)])
def test_an_interval_that_crosses_nothing_needs_enough_people(n: int, change: int) -> None:
    assert proposal(IMPRECISION, result(n=n)).change == change


def test_without_a_known_size_of_information_it_is_not_met() -> None:
    """No threshold but no effect is left, and nobody knows how many people would be enough."""
    said = proposal(IMPRECISION, result(important=None))
    assert said.change == -1
    assert "no smallest important difference is declared" in said.reason


@pytest.mark.parametrize(
    ("measure", "high", "change"),
    [("RR", 5.99, 0), ("RR", 6.0, 0), ("RR", 6.01, -2), ("OR", 5.0, 0), ("OR", 5.01, -2)],
)
def test_a_ratio_with_limits_far_apart_is_imprecise(measure: str, high: float, change: int) -> None:
    """From 2 to three times 2, or two and a half times; enough people, no threshold crossed."""
    shown = {"estimate": 3.0, "ci_low": 2.0, "ci_high": high}
    about = result(measure=measure, scale="log", important=log(1.25), display=shown, n=10_000)
    rows = studies(event_control=[100.0, 100.0], totaln_control=[250.0, 250.0])
    assert proposal(IMPRECISION, about, studies=rows).change == change


def counts(measure: str, event: float, important: float) -> float:
    rows = studies(event_control=[event, NAN], totaln_control=[100.0, NAN])
    return information_size(result(measure=measure, important=important), rows).people


def test_the_information_size_of_counts_is_that_of_two_proportions() -> None:
    """20 % against 16 %: 2 (1.96 + 0.84)^2 (0.16 + 0.1344) / 0.04^2, each arm rounded up."""
    assert counts("RR", 20, log(1.25)) == 2 * 1445
    # Odds of 0.25 lowered to 0.2: 16.67 %; RD by 0.04 as the ratio.
    assert counts("RD", 20, 0.04) == 2 * 1445
    p = 0.2 / 1.2
    each = 7.848879 * (0.16 + p * (1 - p)) / (0.2 - p) ** 2
    assert 0 <= counts("OR", 20, log(1.25)) / 2 - each < 1
    assert counts("PETO", 20, log(1.25)) == counts("OR", 20, log(1.25))


@pytest.mark.parametrize(
    ("measure", "event", "important"),
    [("OR", 0, 0.2), ("RR", 0, 0.2), ("OR", 100, 0.2), ("RR", 100, 0.2), ("RD", 3, 0.04),
     ("RD", 4, 0.04), ("AS", 20, 0.1), ("ROM", 20, 0.1)],
)  # fmt: skip
def test_where_no_information_size_can_be_told(measure: str, event: int, important: float) -> None:
    """Nobody or everybody has the event, the risk cannot be lowered so far, or there is no rule."""
    assert isnan(counts(measure, event, important))


def test_the_information_size_of_scores_is_scaled_to_the_important_difference() -> None:
    assert information_size(result(important=0.5), studies()).people == 400
    assert information_size(result(important=0.25), studies()).people == 1600
    # Points: 5 of a scale with SD 10 are half a standard deviation.
    rows = studies(sd_experimental=[10.0, NAN], sd_control=[10.0, NAN],
                   n_experimental=[20.0, 9.0], n_control=[30.0, 9.0])  # fmt: skip
    assert information_size(result(measure="MD", important=5.0), rows).people == 400
    assert pooled_sd(rows.assign(sd_control=[NAN, NAN])) == 10


# -- missing results ---------------------------------------------------------------------------


def gone(n: float, status: str = "published_without_numbers") -> pd.DataFrame:
    row = {"trial_id": "C", "status": status, "n_experimental": NAN, "n_control": NAN, "n_total": n}
    return pd.DataFrame([row])


@pytest.mark.parametrize(
    ("n", "change"), [(55, 0), (56, -1), (NAN, 0)]
)  # 55 of 555 are 9.9 %, 56 of 556 are 10.1 %
def test_missing_results_go_by_people(n: float, change: int) -> None:
    assert proposal(MISSING_RESULTS, missing=gone(n)).change == change


def test_a_tenth_of_the_people_is_enough() -> None:
    assert proposal(MISSING_RESULTS, result(n=90), missing=gone(10)).change == -1


def test_a_trial_that_still_runs_is_not_missing() -> None:
    assert proposal(MISSING_RESULTS, missing=gone(500, "ongoing")).change == 0


@pytest.mark.parametrize(("high", "change"), [(-0.51, 0), (-0.5, -1)])
def test_missing_results_that_could_change_the_zone(high: float, change: int) -> None:
    added = {"estimate": -0.7, "ci_low": -0.9, "ci_high": high, "k": 3}
    assert proposal(MISSING_RESULTS, result(what_if=added)).change == change


@pytest.mark.parametrize(("tests", "change"), [([], 0), (["Egger's test"], -1)])
def test_asymmetry_counts(tests: list[str], change: int) -> None:
    facts = {"small_studies": {"tests": 2, "asymmetric": tests}}
    assert proposal(MISSING_RESULTS, result(k=10, trust=facts)).change == change


# -- what cannot be told -----------------------------------------------------------------------


def test_without_a_trial_nothing_is_proposed() -> None:
    proposals = propose(body(result(k=0)))
    assert tuple(proposals) == DOMAINS
    assert {each.change for each in proposals.values()} == {None}


def test_without_a_comparison_two_domains_cannot_be_told() -> None:
    about = result(measure="PLO", scale="logit", important=None)
    changes = {domain: each.change for domain, each in propose(body(about)).items()}
    assert changes[INCONSISTENCY] is changes[IMPRECISION] is None
    assert changes[RISK_OF_BIAS] == changes[MISSING_RESULTS] == 0


# -- levels and decisions ----------------------------------------------------------------------


def rated(about: AnalysisResult | None = None, *decisions: dict[str, Any]) -> pd.DataFrame:
    tables = [studies(), pd.DataFrame(), NO_MISSING, weights(low=100), pd.DataFrame()]
    written = Written(about or result(), *tables)
    return certainty([written], TRIALS, ARMS, {"mood": None}, decisions)


def row(table: pd.DataFrame, domain: str) -> dict[str, Any]:
    (one,) = table[table["domain"] == domain].to_dict("records")
    return {str(name): value for name, value in one.items()}


def decision(domain: str, change: int, **more: Any) -> dict[str, Any]:
    numbers = row(rated(), domain)["numbers"]
    return {"analysis": "mood", "domain": domain, "decision": change, "reason": "seen",
            "by": "A", "date": "2026-11", "numbers": numbers} | more  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "level"),
    [(-0.9, -0.51, "high"), (-0.9, -0.5, "moderate"), (-0.9, 0.0, "low"), (-0.9, 0.5, "very low")],
)
def test_each_change_lowers_the_level_by_one(low: float, high: float, level: str) -> None:
    overall = row(rated(result(low, high)), "overall")
    assert (overall["level"], overall["basis"]) == (level, "proposed")
    assert "not judged: indirectness" in overall["reason"]


def test_a_level_is_never_below_very_low() -> None:
    lowered = [decision(domain, -3) for domain in DOMAINS]
    overall = row(rated(None, *lowered), "overall")
    assert (overall["change"], overall["level"]) == (-15, "very low")


def test_a_decision_stands_in_the_place_of_the_proposal() -> None:
    table = rated(None, decision(IMPRECISION, -1))
    line = row(table, IMPRECISION)
    assert (line["change"], line["proposed"], line["basis"]) == (-1, 0, "decided")
    assert (line["decision_reason"], line["decided_by"]) == ("seen", "A")
    assert row(table, "overall")["level"] == "moderate"
    assert row(table, "overall")["basis"] == "proposed"  # four domains are undecided


def test_only_all_five_decisions_settle_the_level() -> None:
    told = [decision(domain, 0) for domain in DOMAINS]
    overall = row(rated(None, *told), "overall")
    assert (overall["level"], overall["basis"]) == ("high", "decided")


@pytest.mark.parametrize(
    ("change", "stands"), [(0, -1), (-1, -1), (-2, -2)]
)  # the numbers have changed, and the rule proposes -1 now
def test_a_decision_on_other_numbers_is_stale_and_the_lower_stands(
    change: int, stands: int
) -> None:
    table = rated(result(-0.9, -0.5), decision(IMPRECISION, change))
    line = row(table, IMPRECISION)
    assert (line["change"], line["basis"]) == (stands, "stale")
    assert row(table, "overall")["basis"] == "stale"


def test_numbers_typed_with_other_signs_and_gaps_are_the_same() -> None:
    numbers = row(rated(), IMPRECISION)["numbers"]
    assert "-0.75 (-0.90 to -0.60)" in numbers
    retyped = f" {numbers.replace('-', '−').replace('; ', ';  ')} "
    assert row(rated(None, decision(IMPRECISION, 0, numbers=retyped)), IMPRECISION)["basis"] == (
        "decided"
    )


def test_a_decision_on_other_numbers_of_its_domain_alone_is_stale() -> None:
    """A new interval does not touch what was decided on risk of bias."""
    told = [decision(RISK_OF_BIAS, 0), decision(IMPRECISION, 0)]
    table = rated(result(-0.95, -0.6), *told)
    assert row(table, RISK_OF_BIAS)["basis"] == "decided"
    assert row(table, IMPRECISION)["basis"] == "stale"


def test_without_a_trial_there_is_no_level() -> None:
    overall = row(rated(result(k=0)), "overall")
    assert pd.isna(overall["level"])
    assert "no trial" in overall["reason"]


# -- on the page -------------------------------------------------------------------------------


def test_a_page_shows_proposal_and_decision_with_their_reasons() -> None:
    table = rated(None, decision(IMPRECISION, -1, reason="most of them dropped out"))
    made = certainty_tables.certainty(table, "mood")
    lines = [[" | ".join(cell.lines) for cell in row] for row in made.rows]
    assert [line[0] for line in lines] == [
        "Risk of bias", "Inconsistency", "Indirectness", "Imprecision", "Missing results",
        "All together",
    ]  # fmt: skip
    assert (lines[2][1], made.rows[2][1].note) == ("–", "not judged")
    assert lines[3][1] == "−1"
    assert lines[3][2].startswith("Most of them dropped out. | By rule 0: The interval, ")
    assert lines[3][3] == "Decided | A 2026-11"
    assert lines[5][1] == "Moderate | −1"
    assert lines[0][3] == "Proposed"
    assert certainty_tables.certainty(table, "other").rows == ()


# -- the table of decisions --------------------------------------------------------------------

UNKNOWN = "the protocol has no such analysis of this condition"
RIGHT = {"analysis": "mood", "domain": IMPRECISION, "decision": "-1", "reason": "few people",
         "by": "A", "date": "2026-11-30", "numbers": "n = 90"}  # fmt: skip


def decide(small: SmallReview, *rows: dict[str, str]) -> list[str]:
    """What the checks say of these decisions."""
    path = small.folder / "data/raw/blue/certainty.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, CERTAINTY.names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return small.problems()


def test_decisions_that_are_in_order_are_no_problem(small: SmallReview) -> None:
    """0 and -3 are the limits; one analysis may be decided in several domains."""
    assert decide(small) == []
    assert decide(small, RIGHT, RIGHT | {"domain": RISK_OF_BIAS, "decision": "0"},
                  RIGHT | {"domain": INDIRECTNESS, "decision": "-3"}) == []  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"analysis": "mod"}, f"analysis = mod: {UNKNOWN}. Write mood."),
        ({"analysis": "zzz"}, f"analysis = zzz: {UNKNOWN}. Its analyses are mood, "),
        ({"domain": "imprecise"}, "domain = imprecise: "),
        ({"decision": "1"}, "decision = 1: "),
        ({"decision": "-4"}, "decision = -4: "),
        ({"decision": "-1.5"}, "decision = -1.5: "),
        ({"decision": ""}, "decision: "),
        ({"reason": " "}, "reason: "),
        ({"by": ""}, "by: "),
        ({"numbers": ""}, "numbers: "),
        ({"date": "30.11.2026"}, "date = 30.11.2026: "),
        ({"domain": RISK_OF_BIAS, "decision": "0"}, "analysis = mood: the same as row 2. "),
    ],
)  # fmt: skip
def test_each_slip_is_one_error_at_its_cell(
    small: SmallReview, change: dict[str, str], said: str
) -> None:
    (problem,) = decide(small, RIGHT | {"domain": RISK_OF_BIAS}, RIGHT | change)
    assert problem.startswith(f"data/raw/blue/certainty.csv row 3, {said}")


# -- the shipped review ------------------------------------------------------------------------


def test_each_analysis_of_the_review_has_five_proposals_and_a_level() -> None:
    """And the summary repeats the level; a proposal says why, in one line with its numbers."""
    summary = files.read(ROOT / "results/summary.csv").set_index(["condition", "analysis"])
    for condition, names in read_protocol(ROOT / "config/review.yaml").names().items():
        table = files.read(ROOT / "results" / condition / "certainty.csv")
        assert list(table["analysis"]) == [name for name in names for _ in range(6)]
        assert list(table["domain"]) == [*DOMAINS, OVERALL] * len(names)
        assert table["reason"].notna().all()
        assert table.loc[table["domain"] != OVERALL, "numbers"].notna().all()
        for line in table[table["domain"] == OVERALL].to_dict("records"):
            shown = summary.loc[condition, line["analysis"]]
            assert (shown["certainty"], shown["certainty_basis"]) == (line["level"], line["basis"])
