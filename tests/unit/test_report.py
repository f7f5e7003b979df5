"""The sentences and pages of the report: each rule, and that nothing else gets in."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import asdict, replace
from typing import Any

import pandas as pd
import pytest
from filled import analysis_result

from trialpool import phrases
from trialpool.analysis_result import AnalysisResult
from trialpool.pooling.policy import policy
from trialpool.review.extraction.agreement import agreement, disagreements
from trialpool.review.extraction.second import TwoExtractions
from trialpool.review.report import agreement_tables, grid, pages, rendering, sentences
from trialpool.review.report.caveats import AnalysisTables, caveats, tipping
from trialpool.review.report.moderator_tables import side_by_side
from trialpool.review.schema.findings import CLAIMS, OTHER_REVIEWS, SUMMARY_OF_FINDINGS
from trialpool.review.schema.results import CERTAINTY, EVIDENCE, FIGURES, JUDGEMENTS
from trialpool.review.schema.trust import SUBGROUPS
from trialpool.review.trust.verdict import verdict

STUDY: dict[str, Any] = {
    "effect_id": "Ash|a v b|mood|SCALE||day 7|whole|msd|||SMD", "trial_id": "Ash",
    "study": "Ash 2011",
    "year": 2011, "comparison": "ketamine v saline", "comparator_class": "placebo",
    "instrument": "SCALE", "definition": None, "time_days": 7.0, "timepoint": "day 7",
    "design": "parallel", "basis": "arms", "measure": "SMD", "n_experimental": 20.0,
    "n_control": 19.0, "n": 39.0, "mean_experimental": 18.0, "sd_experimental": 8.0,
    "mean_control": 24.0, "sd_control": 9.0, "event_experimental": None,
    "totaln_experimental": None, "event_control": None, "totaln_control": None, "yi": -0.5,
    "vi": 0.1, "estimate": -0.5, "ci_low": -1.12, "ci_high": 0.12, "weight": 33.3,
    "formula": "SMD", "imputed": None, "derived": None, "notes": None, "flags": None,
    "confidence": "primary",
    "records": "results.csv:2;results.csv:3", "locator": None, "source_url": "https://example.org/a",
}  # fmt: skip
MISSING: dict[str, Any] = {
    "trial_id": "Fir", "study": "Fir 2021", "year": 2021, "status": "published_without_numbers",
    "n_experimental": 70.0, "n_control": 68.0, "n_total": None, "reported": "no difference",
    "reason": "no numbers in the paper", "what_if": "yes", "what_if_reason": None, "yi": 0.0,
    "vi": 0.03, "estimate_if_null": -0.26, "ci_low_if_null": -0.63, "ci_high_if_null": 0.1,
    "source_url": "https://example.org/f",
}  # fmt: skip


UNITS = "the units of a scale"


# What an analysis without a single finding about its trust has.
def made(
    k: int, estimate: float, low: float, high: float, *, no_bayes: str = UNITS, **changes: Any
) -> AnalysisResult:
    """An analysis of k trials of 30 people; few of them are led as where there is no prior."""
    shown = {"estimate": estimate, "ci_low": low, "ci_high": high, "p_value": 0.2}
    about = {
        "condition": "blue", "analysis": "mood", "title": "Mood at one week", "outcome": "mood",
        "outcome_title": "mood", "primary": True, "experimental_label": "Ketamine",
        "control_label": "Control", "k": k, "n": 30 * k, "model": "random effects, REML",
        "display": shown if k else {}, "important": 0.5,
        "policy": asdict(policy(k, no_bayes=no_bayes)),
        "pooled": {"method": "REML", "level": 0.95, "i2": 12.0} if k > 1 else None,
        "multiverse": {"questions": [{}]},
        "trust": {"missing_effect": {"reason": "none"}, "next_trial": {"reason": "none"}},
    }  # fmt: skip
    result = analysis_result(**(about | changes))
    return replace(result, verdict=verdict(result))


def studies(k: int, **changes: Any) -> pd.DataFrame:
    """Several trials, told apart by name."""
    rows = [STUDY | {"trial_id": f"T{i}", "study": f"Trial {i}", "n": 30.0} for i in range(k)]
    return pd.DataFrame([row | changes for row in rows], columns=list(STUDY))


def missing(*rows: dict[str, Any]) -> pd.DataFrame:
    """Missing trials, each a change of Fir 2021."""
    return pd.DataFrame([MISSING | row for row in rows], columns=list(MISSING))


def varied(*limits: tuple[float, float]) -> pd.DataFrame:
    """A sensitivity table: the protocol first, then other choices."""
    rows = [
        {"group": "data" if i else "protocol", "label": f"choice {i}" if i else "protocol", "k": 3,
         "estimate": (low + high) / 2, "ci_low": low, "ci_high": high, "p_value": 0.1,
         "tau2": 0.0, "i2": 0.0, "model": "m", "note": None}
        for i, (low, high) in enumerate(limits)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def held(result: AnalysisResult, **parts: Any) -> AnalysisTables:
    """An analysis around a model."""
    empty = pd.DataFrame(columns=["effect_id", "trial_id", "study", "reason"])
    own: dict[str, Any] = {"studies": studies(result.k), "missing": missing(),
                           "sensitivity": varied((-1.0, 0.5)), "selection": empty,
                           "figures": FIGURES.frame([FOREST])}  # fmt: skip
    return AnalysisTables(result=result, **(own | parts))


def test_three_trials_that_are_too_imprecise() -> None:
    """The house sentence: trials, people, estimate, interval, and what it cannot tell."""
    told = sentences.answer(made(3, -0.61, -1.72, 0.5), studies(3), missing())
    assert told == (
        "Three trials (n = 90) put the standardised mean difference (SMD) in mood at −0.61 "
        "(95 % CI −1.72 to 0.50): lower with ketamine, but the interval includes no difference; "
        "too imprecise to tell whether ketamine helps."
    )


def test_six_trials_that_exclude_no_difference() -> None:
    """A result is called what its interval says, without an adjective."""
    told = sentences.answer(made(6, -0.6, -0.9, -0.3), studies(6), missing())
    assert told.endswith("): lower with ketamine, and the interval excludes no difference.")


def test_two_trials_say_that_they_share_one_effect() -> None:
    """With two trials the model is part of the answer."""
    told = sentences.answer(made(2, -0.6, -0.9, -0.3), studies(2), missing())
    assert told.startswith("Two trials (n = 60), taken to share one true effect, put the ")


def test_one_trial_is_not_pooled() -> None:
    """One trial is named, and said to be one."""
    model = made(1, -12.7, -22.5, -2.9, measure="MD")
    told = sentences.answer(model, studies(1, instrument="IES-R"), missing())
    assert told == (
        "One trial (Trial 0, n = 30) found a mean difference in mood of −12.70 points on the "
        "IES-R (95 % CI −22.50 to −2.90): lower with ketamine, and the interval excludes no "
        "difference. One trial cannot be pooled."
    )


def test_no_trial_names_those_that_are_known() -> None:
    """Nothing to show is said, with the trials that could have shown it."""
    model = made(0, 0, 0, 0)
    assert sentences.answer(model, studies(0), missing({}, {"study": "Oak 2022"})) == (
        "No trial has usable numbers; two eligible trials without them are known: "
        "Fir 2021 (n = 138) and Oak 2022 (n = 138)."
    )
    none = sentences.answer(model, studies(0), missing())
    assert none == "No trial has usable numbers, and none is known to have measured this."


@pytest.mark.parametrize(
    ("better", "low", "high", "tail"),
    [
        ("lower", 1.3, 11.0, "frequent with ketamine, and the interval excludes no difference"),
        ("lower", 0.5, 11.0, "the interval includes no difference; too imprecise to tell "
         "whether it is more or less frequent with ketamine"),
        ("lower", 0.97, 5.5, "includes no difference, and also 5.50 times the risk"),
        ("lower", 0.9, 1.2, "the interval includes no difference"),
        ("higher", 0.5, 11.0, "includes no difference; too imprecise to tell whether ketamine "
         "helps"),
    ],
)  # fmt: skip
def test_ratios_for_harm_and_for_benefit(better: str, low: float, high: float, tail: str) -> None:
    """A drug may help with a response; a harm is more or less frequent with it."""
    model = made(3, 1.15, low, high, measure="RR", scale="log", better=better)
    assert sentences.answer(model, studies(3), missing()).endswith(f"{tail}.")


def test_a_limit_never_looks_like_no_difference_that_it_is_not() -> None:
    """Marchi 2022's upper limit is 0.003: rounded to 0.00 it could be read either way."""
    model = made(6, -0.42, -0.84, 0.003)
    assert "−0.84 to 0.003)" in sentences.answer(model, studies(6), missing())
    ratio = made(3, 1.96, 1.004, 3.8, measure="RR", scale="log")
    assert phrases.interval(ratio, 1.004, 3.8) == "1.004 to 3.80"


def test_an_estimate_shown_as_zero_has_no_direction() -> None:
    """0.001 is printed as 0.00 and points nowhere."""
    assert sentences.interval_says(made(3, 0.001, -0.2, 0.2)).startswith(
        "no difference in the estimate;"
    )


def test_counts_are_summed_for_events_only() -> None:
    """Absolute numbers stand beside a ratio, and nothing stands beside a score."""
    events = {"event_experimental": 4, "totaln_experimental": 10, "event_control": 1,
              "totaln_control": 9}  # fmt: skip
    model = made(2, 2.0, 0.5, 8.0, measure="RR", scale="log")
    assert sentences.counts(model, studies(2, **events)) == (
        "In these trials together it was seen in 8 of 20 people with ketamine and in 2 of 18 "
        "with control."
    )
    assert sentences.counts(made(2, 0, -1, 1), studies(2)) == ""


LARGEST = {"trial_id": "Fir", "study": "Fir 2021", "n": 138.0, "reported": "no difference",
           "larger_than_any_included": True, "estimate": -0.26, "ci_low": -0.63,
           "ci_high": 0.1}  # fmt: skip


def test_the_largest_missing_trial_stands_with_its_what_if() -> None:
    """What is missing, what it is said to have found, and what that would do."""
    model = made(3, -0.61, -1.72, 0.5, largest_missing=LARGEST)
    assert sentences.largest_missing(model, missing({})) == (
        "The largest trial, Fir 2021 (n = 138), is missing: published without usable numbers, "
        "reported as “no difference”. If it had found nothing, the estimate would be −0.26 "
        "(95 % CI −0.63 to 0.10)."
    )
    planned = {"trial_id": "Oak", "n_experimental": None, "n_control": None, "n_total": 200.0}
    told = sentences.largest_missing(model, missing({}, planned | {"what_if": "no"}))
    assert told.startswith("A trial larger than any included, Fir 2021 (n = 138), is missing")
    assert sentences.largest_missing(made(3, 0, -1, 1), missing()) == ""


def test_the_joint_what_if_needs_two_missing_trials() -> None:
    """One missing trial has its own sentence already."""
    joint = {"trials": ["Fir", "Oak"], "k": 5, "estimate": -0.2, "ci_low": -0.5, "ci_high": 0.1}
    model = made(3, -0.61, -1.72, 0.5, what_if=joint)
    told = sentences.joint_missing(model, missing({}, {"trial_id": "Oak"}))
    assert told.startswith(
        "If the two missing trials that can be added (Fir 2021 and Fir 2021; n = 276) had"
    )
    alone = made(3, -0.61, -1.72, 0.5, what_if=joint | {"trials": ["Fir"]})
    assert sentences.joint_missing(alone, missing({})) == ""


def test_missing_trials_outside_the_what_if_keep_their_reason() -> None:
    """A trial that cannot be added is named, with why."""
    rows = missing({}, {"study": "Oak 2022", "what_if": "no", "what_if_reason": "size not known"})
    assert sentences.left_out(made(3, -0.61, -1.72, 0.5), rows) == (
        "Missing too, and not part of this what-if: Oak 2022 (n = 138), size not known."
    )


def test_a_result_that_tips_names_the_choices() -> None:
    """Which choices decide whether the interval excludes no difference."""
    turned = {"other_choices": {"tried": 2, "turned": ["choice 1"]}}
    tips = held(made(3, -0.5, -1.0, 0.5, trust=turned))
    found = {c.name: c.text for c in caveats(tips, None)}["Other choices"]
    assert found == (
        "This depends on the choices. The interval includes no difference as the protocol has it, "
        "but excludes it under 1 of 2 other choices: choice 1."
    )
    said = "Under 1 of 2 other choices the interval excludes no difference."
    assert tipping(tips.result) == said
    firm = made(3, -0.5, -1.0, 0.5, trust={"other_choices": {"tried": 1, "turned": []}})
    assert tipping(firm) == ""
    one = {c.name: c.text for c in caveats(held(firm), None)}["Other choices"]
    assert one == (
        "The interval includes no difference as the protocol has it, and under 1 other choice as "
        "well."
    )


def test_every_threat_in_the_tables_becomes_a_caveat() -> None:
    """Imputed, flagged, second-hand, mixed: each is said, with the trials it concerns."""
    table = studies(2)
    table.loc[0, ["imputed", "flags", "confidence", "design", "comparator_class"]] = [
        "r assumed 0.5", "the SD may be a standard error", "secondary",
        "crossover, as parallel", "active_placebo",
    ]  # fmt: skip
    bias = pd.DataFrame({"trial_id": ["T0"], "domain": ["overall"], "judgement": ["high"]})
    posterior = {"mu": -0.4, "mu_lb": -0.9, "mu_ub": 0.1, "prior": "mu flat"}
    model = made(2, -0.5, -1.0, 0.5, posterior=posterior, cautions=["tau2 is at its bound"])
    found = {c.name: c.text for c in caveats(held(model, studies=table), bias)}
    assert found["Imputed values"] == "Trial 0: r assumed 0.5."
    assert found["Flagged data"] == (
        "Marked by checks on the raw data for a second look: "
        "Trial 0 (the SD may be a standard error)."
    )
    assert found["Sources"] == "Known only from another review’s table: Trial 0."
    assert found["Crossover trials"].startswith("Trial 0: counted as if the two conditions")
    assert "active placebo in Trial 0; placebo in Trial 1" in found["Comparators"]
    assert found["Risk of bias"] == "Overall judgement high in Trial 0; not assessed in Trial 1."
    assert "No prediction interval: k = 2: needs at least 5 trials." in found[
        "Differences between trials"
    ]  # fmt: skip
    assert "the same in both" in found["Few trials"]
    assert found["Model"] == "Tau2 is at its bound."


def test_a_flagged_trial_stands_with_and_without() -> None:
    """Each flag comes with what the analysis gives without the trial, or read another way."""
    table = studies(2)
    table["flags"] = ["the SD may be a standard error", "the mean may not fit n"]
    rows = varied((-1.0, 0.0), (-0.8, 0.4), (-0.9, 0.3)).assign(
        group=["protocol", "flagged data", "flagged data"],
        label=["as in the protocol", "without Trial 0", "without flagged results"], k=[3, 2, 0],
    )  # fmt: skip
    result = made(2, -0.5, -1.0, 0.0)
    for model, told in (
        (result.model, ""),
        ("common effect, normal quantile", ", common effect"),
        ("Bayesian random effects, half-normal(0.5) prior of tau", ", Bayesian random effects"),
    ):
        analysis = held(result, studies=table, sensitivity=rows.assign(model=model))
        found = {c.name: c.text for c in caveats(analysis, None)}["Flagged data"]
        assert found.endswith(
            f"Without Trial 0 it gives −0.20 (−0.80 to 0.40; k = 2{told}); "
            "without flagged results no trial is left."
        )


POSTERIOR = {
    "mu": -0.6, "mu_lb": -1.3, "mu_ub": 0.1, "p_below_zero": 0.955,
    "prior": "mu flat, tau half-normal(0.5)",
}  # fmt: skip
BESIDE = {"method": "REML", "level": 0.95, "i2": 12.0, "beta": -0.61, "ci_lb": -1.72, "ci_ub": 0.5}


@pytest.mark.parametrize("k", [2, 4])
def test_a_posterior_that_leads_says_its_probability_and_what_stands_beside_it(k: int) -> None:
    """Its interval is credible, the protocol's is one of confidence, by the model that it names."""
    result = made(k, -0.6, -1.3, 0.1, no_bayes="", posterior=POSTERIOR,
                   pooled=BESIDE,
                   model="Bayesian random effects",
                   beside="random effects, REML, a test")  # fmt: skip
    told = sentences.answer(result, studies(k), missing())
    assert told.endswith(
        "at −0.60 (95 % CrI −1.30 to 0.10): lower with ketamine, but the interval includes no "
        "difference; the probability of this direction is 96 %."
    )
    few = {c.name: c.text for c in caveats(held(result), None)}["Few trials"]
    assert few.endswith(
        "so a Bayesian interval leads, which takes that to be tau half-normal(0.5) beforehand. "
        "The protocol’s own model beside it gives −0.61 (95 % CI −1.72 to 0.50): random effects, "
        "REML, a test."
    )
    assert "common effect" not in few


@pytest.mark.parametrize(("k", "no_bayes"), [(3, UNITS), (5, "")])
def test_where_no_posterior_leads_no_probability_is_said(k: int, no_bayes: str) -> None:
    """Though there be one beside the result; its interval is one of confidence."""
    result = made(k, -0.6, -1.3, 0.1, no_bayes=no_bayes, posterior=POSTERIOR, pooled=BESIDE)
    told = sentences.answer(result, studies(k), missing())
    assert "(95 % CI −1.30 to 0.10)" in told
    assert "probability" not in told
    few = {c.name: c.text for c in caveats(held(result), None)}["Few trials"]
    assert "Bayesian" not in few


def test_an_estimate_without_a_direction_has_no_probability_of_one() -> None:
    """An estimate that is shown as no difference."""
    centred = POSTERIOR | {"mu": 0.0, "p_below_zero": 0.501}
    result = made(3, -0.001, -0.4, 0.4, no_bayes="", posterior=centred, pooled=BESIDE)
    assert sentences.probability(result) == ""


def test_a_trial_with_several_effects_is_named_once() -> None:
    """Two of its effects carry one flag, a third another: one trial, both flags."""
    table = studies(3).assign(study="Trial 0", trial_id="T0", imputed="r assumed 0.5")
    table["flags"] = ["the SD is small", "the SD is small", "the mean is that of day 0"]
    found = {c.name: c.text for c in caveats(held(made(1, -0.5, -1.0, 0.0), studies=table), None)}
    assert found["Flagged data"].endswith(
        "a second look: Trial 0 (the SD is small; the mean is that of day 0)."
    )
    assert found["Imputed values"] == "Trial 0: r assumed 0.5."


def test_a_table_that_the_protocol_prefers_is_not_the_only_source() -> None:
    """Of a superseded row of the trial's own report nothing is denied."""
    table = studies(2)
    table.loc[0, "confidence"] = "secondary"
    order: dict[str, Any] = {
        "specification": {"confidence_order": ["secondary", "primary", "abstract"]}
    }
    told = {
        c.name: c.text
        for c in caveats(held(made(2, -0.5, -1.0, 0.0, **order), studies=table), None)
    }
    assert told["Sources"] == "Known from another review’s table: Trial 0."


@pytest.mark.parametrize(
    ("used", "names"),
    [(["RR"], ["RR"]), (["SMD", "OR"], ["SMD", "OR"]), (["OR", "MD", "RR"], ["MD", "RR, OR"]),
     (["ZCOR", "IRR"], ["IRR", "r"]), ([], [])],
)  # fmt: skip
def test_the_measures_in_use_are_explained_and_no_others(used: list[str], names: list[str]) -> None:
    told = pages.explained_measures(used, "ketamine")
    assert [name for name, _ in told] == names
    words = dict(told)
    assert words.get("RR", "Risk ratio: how many times").startswith("Risk ratio: how many times")
    assert words.get("RR, OR", "Risk ratio and odds").startswith("Risk ratio and odds")


def test_words_of_judgement_stay_out() -> None:
    """No adjective that the numbers do not carry, whatever the numbers."""
    for estimate, low, high in ((-2.0, -2.5, -1.5), (0.1, -0.1, 0.3), (3.0, 0.5, 9.0)):
        for better in ("lower", "higher"):
            for k in (1, 2, 3, 6, 12):
                model = made(k, estimate, low, high, better=better)
                told = sentences.answer(model, studies(k), missing())
                assert not re.search(r"signific|prove|effective|promising|trend", told)


REVIEW: dict[str, Any] = {
    "title": "Made up", "question": "Does it help?", "licence": "", "version": "1",
    "data_until": "never",
    "experimental": "ketamine", "control": "control", "notice": "No advice.",
    "built_from": ["nothing"], "outcomes": {"mood": {"title": "mood"}},
    "conditions": {"blue": {"title": "Blue", "question": "Why?", "scope": "", "target": None,
                            "side_by_side": None, "analyses": {"mood": {"target": None}}}},
}  # fmt: skip
FOREST = {"figure": "forest", "shows": "Forest plot", "drawn": "yes", "width": 300, "height": 150}


def processed() -> dict[str, pd.DataFrame]:
    """The cleaned tables of a condition with one trial."""
    columns = {
        "arms": ["trial_id", "arm", "role", "dose", "n_randomised"],
        "risk_of_bias": ["trial_id", "domain", "judgement", "reason", "source_url"],
        "missing_results": ["trial_id", "outcome"],
        "excluded": ["study", "year"],
        "search": ["source", "what", "date", "n_records", "source_url", "notes"],
        "dropped": ["table", "row", "trial_id", "outcome", "rule", "reason"],
        "flags": ["table", "row", "trial_id", "column", "value", "check", "words", "rule", "fix"],
    }
    trial = {"trial_id": "T0", "study": "Trial 0", "year": 2011, "design": "parallel",
             "population": "people", "diagnosis": "blues", "country": None, "n_randomised": 60,
             "doi": "10.1/x", "pmid": None, "registration": None,
             "source_url": "javascript:alert(1)"}  # fmt: skip
    account = {"table": "results", "rows_in": 3, "rows_used": 2, "rows_dropped": 1}
    out = {name: pd.DataFrame(columns=held) for name, held in columns.items()}
    return out | {"trials": pd.DataFrame([trial]), "rows": pd.DataFrame([account])}


# a single extraction, and nothing known to be missing
ONCE = {
    "agreement": agreement(TwoExtractions()),
    "disagreements": disagreements(TwoExtractions()),
    "evidence": EVIDENCE.frame(),
    "judgements": JUDGEMENTS.frame(),
    "certainty": CERTAINTY.frame(),
    "findings": SUMMARY_OF_FINDINGS.frame(),
    "others": OTHER_REVIEWS.frame(),
}


def all_pages(analysis: AnalysisTables) -> dict[str, str]:
    """A condition's pages around one analysis, with spaces that break."""
    row = {"condition": "blue", "analysis": "mood", "k": analysis.result.k, "n": 90,
           **asdict(analysis.result.display), "i2": None, "tau2": None, "certainty": None,
           "certainty_basis": "proposed"}  # fmt: skip
    held = processed() | ONCE | {"summary": pd.DataFrame([row])}
    made = pages.condition_pages(REVIEW, [analysis], held, {"blue": "Blue", "red": "Red"})
    return {name: text.replace("\u00a0", " ") for name, text in made.items()}


def html_pages(analysis: AnalysisTables) -> dict[str, str]:
    """Those for a browser."""
    return {name: text for name, text in all_pages(analysis).items() if name.endswith("html")}


@pytest.mark.parametrize("k", [0, 1, 2, 3, 6])
def test_pages_stand_for_any_number_of_trials(k: int) -> None:
    """No k is an error; the answer leads both pages of a result, a row for each trial follows."""
    made_pages = all_pages(held(made(k, -0.61, -1.72, 0.5)))
    assert set(made_pages) == {"index.html", "tables.html", "README.md", "mood/index.html"}
    answer = sentences.answer(made(k, -0.61, -1.72, 0.5), studies(k), missing())
    for name in ("index.html", "mood/index.html"):
        text = made_pages[name]
        assert f'<p class="lead">{answer}</p>' in text
        body = re.findall(r'<tbody class="trials">(.*?)</tbody>', text, re.S)[0]
        assert body.count("<tr") == k
        assert body.count("<path") == k
        assert text.index(answer) < text.index('<table class="forest')


@pytest.mark.parametrize(("k", "whole"), [(60, True), (61, False)])
def test_with_many_trials_a_row_is_its_drawing_and_its_effect(k: int, whole: bool) -> None:
    """All trials stay on the page, without the columns that the tables beside it hold."""
    text = all_pages(held(made(k, -0.61, -1.72, 0.5)))["mood/index.html"]
    body = re.findall(r'<tbody class="trials">(.*?)</tbody>', text, re.S)[0]
    assert body.count("<tr") == k
    assert ('class="wide' in body) is whole
    assert re.search(r"The first 6 of 61 rows", text) is None or not whole


@pytest.mark.parametrize(("k", "here"), [(30, True), (31, False)])
def test_a_trial_tells_its_details_on_the_page_of_a_result(k: int, here: bool) -> None:
    """The forest plot leads to them; of many trials it leads to the page of each."""
    text = all_pages(held(made(k, -0.61, -1.72, 0.5)))["mood/index.html"]
    assert (text.count('<dl id="trial-T') == k) is here
    assert ('<a href="#trial-T0">' in text) is here
    assert '<a href="../../trials/T0.html">' in text


def test_the_first_plots_stand_on_the_condition_page() -> None:
    """What is left of 150 lines decides; the rest lead to their own pages."""
    lines = [made(k, -0.61, -1.72, 0.5) for k in (147, 1)]
    drawn = [
        '<table class="forest' in all_pages(held(model))["index.html"]
        for model in (lines[1], lines[0], made(148, -0.61, -1.72, 0.5), made(150, -0.6, -1.7, 0.5))
    ]
    assert drawn[0]
    assert not drawn[-1]
    far = all_pages(held(made(150, -0.6, -1.7, 0.5)))
    assert '<a href="mood/index.html">The forest plot</a>' in far["index.html"]
    assert '<table class="forest' in far["mood/index.html"]


def test_each_page_leads_to_all_others() -> None:
    """From where it stands; the one a reader is on is marked."""
    for name, text in html_pages(held(made(3, -0.61, -1.72, 0.5))).items():
        root = "../" * (name.count("/") + 1)
        bar = re.findall(r"<nav.*?</nav>", text, re.S)[0]
        assert f'href="{root}index.html"' in bar
        assert f'href="{root}red/index.html">Red<' in bar
        assert f'href="{root}blue/index.html" aria-current="page">Blue<' in bar


@pytest.mark.parametrize(
    ("text", "unbroken"),
    [
        ("(k = 3, p < 0.01)", "(k_=_3, p_<_0.01)"),
        ("95 % CI", "95_%_CI"),
        ("rank = 3, k = many, 5 of 9, x % CIs", "rank = 3, k = many, 5 of 9, x % CIs"),
    ],
)
def test_a_number_stays_with_its_sign(text: str, unbroken: str) -> None:
    """A line may not break inside `k = 3` or `95 % CI`; elsewhere it may."""
    assert rendering.unbroken(text) == unbroken.replace("_", "\u00a0")


def test_pages_are_the_same_bytes_twice() -> None:
    """Nothing random and no date stands in a page."""
    model = made(3, -0.61, -1.72, 0.5, largest_missing=LARGEST)
    analysis = held(model, missing=missing({}))
    assert all_pages(analysis) == all_pages(analysis)


HOSTILE = "<script>alert(1)</script>\u202e"


def test_text_from_tables_is_escaped() -> None:
    """A name in a table is text, never markup, turns no text; an address that is none no link."""
    for text in all_pages(held(made(3, -0.6, -1, 0.5), studies=studies(3, study=HOSTILE))).values():
        assert "<script>alert" not in text
        assert "\u202e" not in text
        assert "javascript:" not in text
    result = all_pages(held(made(3, -0.6, -1, 0.5), studies=studies(3, study=HOSTILE)))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in result["mood/index.html"]


def test_a_page_asks_nothing_of_a_network() -> None:
    """All it needs is inside or beside it, and a policy says so to the browser."""
    for text in html_pages(held(made(3, -0.6, -1, 0.5))).values():
        sources = re.findall(r'(?:src|<link[^>]*href)="([^"]*)"', text)
        assert sources
        assert not [source for source in sources if source.startswith(("http", "//"))]
        assert "@import" not in text
        assert "url(" not in text
        policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[0]
        assert policy.startswith("default-src 'none';")
        for script in re.findall(r"<script>(.*?)</script>", text, re.S):
            digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
            assert f"script-src 'sha256-{digest}'" in policy


def test_a_repository_shows_the_answers_and_the_plots() -> None:
    """Each result with its verdict and its plot; a name is text there as well."""
    readme = all_pages(held(made(3, -0.6, -1, 0.5, title="Mood | *at* <b>once</b>")))["README.md"]
    assert "## Mood \\| \\*at\\* &lt;b>once&lt;/b>" in readme
    assert "](mood/forest.svg)" in readme
    assert "**Verdict.** " in readme
    rows = [line for line in readme.splitlines() if line.startswith("| [")]
    assert len(rows) == 1
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 7
    assert "> No advice. Built from: nothing." in readme


def test_each_analysis_links_its_trace_and_says_how_to_print_it() -> None:
    """From the page to the raw cells is one step."""
    text = all_pages(held(made(3, -0.6, -1, 0.5)))["mood/index.html"]
    assert '<a href="trace.csv">trace.csv</a>' in text
    assert "<code>trialpool trace results/blue/mood</code>" in text


def test_a_single_extraction_is_said_plainly() -> None:
    """Nobody should take one reading for two."""
    text = all_pages(held(made(3, -0.6, -1, 0.5)))["tables.html"]
    assert f"<p>{agreement_tables.SINGLE}</p>" in text


def test_the_first_page_answers_before_all_else() -> None:
    """The answer and its interval, then the notice, then every outcome, then what it rests on."""
    analysis = held(made(3, -0.6, -1, 0.5))
    of_blue = {"blue": {"certainty": CERTAINTY.frame(), "findings": SUMMARY_OF_FINDINGS.frame()}}
    made_pages = pages.first_pages(REVIEW, [analysis], of_blue, CLAIMS.frame(), {"blue": "Blue"})
    text = made_pages["index.html"]
    places = [
        text.index(part)
        for part in ('<section class="card"', "<svg", "No advice.", '<table class="glance"')
    ]
    assert places == sorted(places)
    assert places[-1] < text.index('id="built"') < text.index("<li>Nothing.</li>")
    assert '<a href="blue/index.html#mood">' in text


def test_footnotes_share_a_letter_for_a_shared_reason() -> None:
    """A blank cell always has its reason, said once."""
    rows = [{"x": "", "why": "a reason"}, {"x": "", "why": "another"}, {"x": "", "why": "a reason"},
            {"x": "7", "why": "unused"}]  # fmt: skip
    made = grid.table("t", rows, [grid.text("x", lambda row: grid.or_why(row["x"], row["why"]))])
    assert [row[0].mark for row in made.rows] == ["a", "b", "a", ""]
    assert made.notes == (("a", "a reason"), ("b", "another"))


def test_a_blank_number_has_the_footnote_of_its_row_only_where_asked() -> None:
    rows = [{"x": None, "note": "why"}, {"x": 1, "note": "why"}]
    columns = [grid.number("x", "x"), grid.text("word", "x")]
    asked = grid.table("t", rows, columns, blank="note")
    assert [[cell.mark for cell in row] for row in asked.rows] == [["a", ""], ["", ""]]
    assert grid.table("t", rows, columns).notes == ()


def test_groups_of_rows_have_a_row_over_them() -> None:
    rows = [{"of": of} for of in ("A", "A", "B")]
    made = grid.table(
        "t", rows, [grid.text("of", "of")] * 2, under=lambda row: grid.cell(row["of"])
    )
    assert [len(row) for row in made.rows] == [1, 2, 2, 1, 2]
    assert [row[0].lines[0] for row in made.rows if len(row) == 1] == ["A", "B"]


def test_a_remark_stands_under_a_table_with_rows_only() -> None:
    columns = [grid.text("x", "x")]
    assert grid.table("t", [{"x": "1"}], columns, remark="said").notes == (("", "said"),)
    assert grid.table("t", [], columns, remark="said").notes == ()


def test_results_stand_together_and_apart() -> None:
    rows = [
        {"moderator": "drug", "kind": "level", "level": "esketamine", "k": 2, "estimate": -0.5,
         "ci_low": -0.9, "ci_high": -0.1, "method": "of two"},
        {"moderator": "drug", "kind": "level", "level": "ketamine", "k": 1, "estimate": -0.2,
         "ci_low": -0.7, "ci_high": 0.3, "method": "of one"},
        {"moderator": "dose", "kind": "level", "level": "high", "k": 3, "method": "another"},
    ]  # fmt: skip
    why = {"moderator": "drug", "kind": "withheld", "note": "one drug in all 3 trials"}
    apart, alike = (
        held(
            replace(made(3, -0.4, -0.8, 0.0), analysis=name),
            trust={"subgroups": SUBGROUPS.frame(lines)},
        )
        for name, lines in (("apart", rows), ("alike", [why]))
    )
    shown = side_by_side([apart, alike], "drug")
    headings = [column.heading for column in shown.columns]
    assert headings == ["Outcome", "All", "Esketamine", "Ketamine"]
    first, second = ([cell.lines for cell in row[1:]] for row in shown.rows)
    assert first == [
        ("SMD −0.40 (−0.80 to 0.00)", "three trials"),
        ("−0.50 (−0.90 to −0.10)", "two trials"),
        ("−0.20 (−0.70 to 0.30)", "one trial"),
    ]
    assert second[1:] == [("–",), ("–",)]
    assert "one drug in all 3 trials" in dict(shown.notes).values()
    assert side_by_side([apart], None).rows == ()
