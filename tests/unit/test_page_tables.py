"""The tables of the pages, cell by cell: rows in which no two columns hold the same."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from filled import analysis_result
from question_answers import dose_answer, network_answer, time_answer

from trialpool import terms
from trialpool.analysis_result import AnalysisResult
from trialpool.question_answer import QuestionAnswer
from trialpool.review.questions.answered import AnsweredQuestion
from trialpool.review.report import (
    charts,
    condition_tables,
    missing_tables,
    moderator_tables,
    result_tables,
    sections,
    summary,
    trust_tables,
)
from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.grid import Cell, Grid
from trialpool.review.report.question_tables import question_grids
from trialpool.review.schema.results import CERTAINTY, FIGURES

NONE = pd.DataFrame()
SHOWN = {"estimate": -0.6, "ci_low": -0.9, "ci_high": -0.3}


def made(**changes: Any) -> AnalysisResult:
    about = {"condition": "blue", "analysis": "mood", "title": "Mood", "outcome": "mood",
             "measure": "SMD", "better": "lower", "k": 6, "n": 200, "display": SHOWN,
             "experimental_label": "Ketamine", "control_label": "Control",
             "multiverse": {"questions": [{}]}}  # fmt: skip
    return analysis_result(**(about | changes))


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def analysis(result: AnalysisResult | None = None, **parts: Any) -> AnalysisTables:
    empty: dict[str, Any] = {"studies": NONE, "missing": NONE, "sensitivity": NONE}
    return AnalysisTables(result=result or made(), **(empty | parts))


def said(cell: Cell) -> str:
    """The words of a cell, its links as [words](address), and its footnote's letter."""
    links = " ".join(f"[{link.text}]({link.href})" for link in cell.links)
    return " ".join(filter(None, (" / ".join(cell.lines), links, cell.mark and f"({cell.mark})")))


def row(grid: Grid, i: int = 0) -> dict[str, str]:
    """A row by the headings of its columns, without its drawing."""
    cells = zip(grid.columns, grid.rows[i], strict=True)
    return {c.heading: said(x) for c, x in cells if c.kind != "plot"}


# -- an analysis --------------------------------------------------------------------------------


STUDY: dict[str, Any] = {
    "effect_id": "x", "trial_id": "Ash", "study": "Ash 2011", "comparison": "ketamine v saline",
    "comparator_class": "active_placebo", "instrument": "SCALE", "definition": "remission",
    "timepoint": "one week", "time_days": 7.0, "n_experimental": 20.0, "n_control": 19.0,
    "mean_experimental": 18.0, "sd_experimental": 8.0, "mean_control": 24.0, "sd_control": 9.25,
    "event_experimental": None, "totaln_experimental": None, "event_control": None,
    "totaln_control": None, **SHOWN, "weight": 33.34, "formula": "g", "basis": "arms",
    "design": "parallel", "imputed": "r = 0.5", "derived": "SD from SE", "notes": "as told",
    "flags": "a flag", "confidence": "abstract", "locator": "table 2",
    "records": "results.csv:2;results.csv:3;arms.csv:4",
    "source_url": "https://www.example.org/a ; told by mail",
}  # fmt: skip


def test_trials_with_their_scores() -> None:
    grid = result_tables.trials(analysis(studies=frame(STUDY)))
    assert row(grid) == {
        "Trial": "[Ash 2011](../../trials/Ash.html)",
        "Compared": "ketamine v saline / active placebo",
        "Measured": "SCALE / one week",
        "Ketamine: people": "20", "Ketamine: mean (SD)": "18.00 (8.00)",
        "Control: people": "19", "Control: mean (SD)": "24.00 (9.25)",
        "SMD (95 % CI)": "−0.60 (−0.90 to −0.30)",
        "Weight": "33.3 %",
    }  # fmt: skip


def test_trials_with_their_events() -> None:
    counts = {"event_experimental": 3.0, "totaln_experimental": 21.0, "event_control": 5.0,
              "totaln_control": 22.0, "instrument": None, "timepoint": None,
              "weight": None}  # fmt: skip
    told = {"event_experimental": None, "totaln_experimental": None, "time_days": None}
    grid = result_tables.trials(analysis(studies=frame(STUDY | counts, STUDY | counts | told)))
    first, second = row(grid), row(grid, 1)
    assert first["Measured"] == "remission / day 7"
    assert (first["Ketamine: events / people"], first["Control: events / people"]) == (
        "3 / 21", "5 / 22",
    )  # fmt: skip
    assert "Ketamine: people" not in first
    assert second["Measured"] == "remission"
    assert (first["Weight"], second["Ketamine: events / people"]) == ("– (a)", "– (b)")
    assert dict(grid.notes) == {
        "a": "one trial: nothing is pooled",
        "b": "the source gives the difference between groups only",
    }


@pytest.mark.parametrize(
    ("events", "day", "words", "when"),
    [
        (3.0, None, None, "during treatment"),
        (3.0, None, "maintenance phase", "during treatment (maintenance phase)"),
        (3.0, 1.0, "24 h after infusion", "24 h after infusion"),
        (3.0, 1.0, None, "day 1"),
        (None, None, "end of treatment", "end of treatment"),
        (None, None, None, ""),
    ],
)
def test_events_of_no_day_were_counted_during_treatment(
    events: float | None, day: float | None, words: str | None, when: str
) -> None:
    """A symptom that lasts hours is never said to be of the last day it was asked for."""
    told = {"event_experimental": events, "time_days": day, "timepoint": words}
    measured = row(result_tables.trials(analysis(studies=frame(STUDY | told))))["Measured"]
    assert measured == " / ".join(filter(None, ("SCALE", when)))


def test_contrasts_alone_have_people_only() -> None:
    none = dict.fromkeys(("mean_experimental", "sd_experimental", "n_control"))
    grid = result_tables.trials(analysis(studies=frame(STUDY | none)))
    assert [c.heading for c in grid.columns][3:5] == ["Ketamine: people", "Control: people"]
    assert dict(grid.notes) == {"a": "number of people not known"}


RATES = ("rate_events_experimental", "rate_time_experimental", "rate_events_control",
         "rate_time_control")  # fmt: skip


def test_columns_of_rates_stand_where_a_trial_has_a_rate() -> None:
    """With one analysis of rates in a condition the others have its columns too, all blank."""
    rate = dict(zip(RATES, (9.0, 210.5, 3.0, 190.0), strict=True))
    blank, none = dict.fromkeys(RATES), {"mean_experimental": None}
    scores = result_tables.trials(analysis(studies=frame(STUDY | blank, STUDY | blank)))
    assert not [c.heading for c in scores.columns if "events / time" in c.heading]
    assert dict(scores.notes) == {}
    mixed = (STUDY | none | blank, STUDY | none | rate)
    grid = result_tables.trials(analysis(studies=frame(*mixed)))
    assert row(grid)["Ketamine: events / time"] == "– (a)"
    assert row(grid, 1)["Ketamine: events / time"] == "9 / 210.5"
    assert row(grid, 1)["Control: events / time"] == "3 / 190"
    assert dict(grid.notes) == {"a": "the source gives the difference between groups only"}


def test_where_numbers_come_from() -> None:
    grid = result_tables.provenance(analysis(studies=frame(STUDY, STUDY | {"basis": "contrast"})))
    assert row(grid) == {
        "Trial": "Ash 2011", "Effect computed as": "g / parallel",
        "Imputed or derived": "imputed: r = 0.5 / derived: SD from SE", "Notes": "as told",
        "Flags": "a flag",
        "Source": "abstract only / table 2 [results.csv:2, results.csv:3]"
        "(../../../data/raw/blue/results.csv) [arms.csv:4](../../../data/raw/blue/arms.csv) "
        "[example.org](https://www.example.org/a)",
    }  # fmt: skip
    assert row(grid, 1)["Effect computed as"] == "g / from a reported difference / parallel"


def test_other_choices_and_what_they_say() -> None:
    choice = {"label": "without imputed values", "group": "data", "k": 5, **SHOWN,
              "p_value": 0.0123, "i2": 44.0, "model": "REML", "note": "one trial less"}  # fmt: skip
    bayes = {"label": "Bayesian", "group": "model", "p_value": None, "i2": None, "ci_high": 0.0}
    none = {"estimate": None, "ci_low": None, "ci_high": None, "p_value": None}
    rows = choice | {"group": "protocol"}, choice, choice | bayes, choice | none
    grid = result_tables.sensitivity(analysis(sensitivity=frame(*rows)))
    assert row(grid, 1) == {
        "Choice": "Without imputed values", "Kind": "Data", "Trials": "5",
        "SMD (95 % interval)": "−0.60 (−0.90 to −0.30)", "No difference": "outside",
        "p": "p = 0.012", "I²": "44 %", "Note": "one trial less",
    }  # fmt: skip
    assert row(grid)["Note"] == "REML / one trial less"
    assert [row(grid, i)["No difference"] for i in (2, 3)] == ["inside", "–"]
    assert [row(grid, i)["p"] for i in (2, 3)] == ["– (a)", "– (c)"]
    assert dict(grid.notes) == {
        "a": "no p-value in a Bayesian analysis",
        "b": "the model has no I²: Mantel-Haenszel, Bayesian, or fewer than two trials",
        "c": "nothing to test",
    }


MISSING: dict[str, Any] = {
    "trial_id": "Fir", "study": "Fir 2021", "status": "completed_unpublished",
    "n_experimental": 70.0, "n_control": 68.0, "n_total": None, "reported": "no difference",
    "reason": "no numbers", "what_if": "yes", "what_if_reason": None, "estimate_if_null": -0.26,
    "ci_low_if_null": -0.63, "ci_high_if_null": 0.1, "source_url": "https://example.org/f",
    "outcome": "mood",
}  # fmt: skip
UNKNOWN_EFFECT = dict.fromkeys(("estimate_if_null", "ci_low_if_null", "ci_high_if_null"))


def test_trials_without_numbers_and_what_each_would_do() -> None:
    other = UNKNOWN_EFFECT | {"n_total": 100.0, "status": "no_longer_listed"}
    why = {**UNKNOWN_EFFECT, "n_control": None, "what_if_reason": "another drug"}
    grid = result_tables.missing(analysis(missing=frame(MISSING, MISSING | other, MISSING | why)))
    assert row(grid) == {
        "Trial": "[Fir 2021](../../trials/Fir.html)", "People": "138",
        "Status": "completed, no results found", "What is reported": "no difference",
        "Why there is no number": "no numbers [example.org](https://example.org/f)",
        "SMD had it found nothing": "−0.26 (−0.63 to 0.10)",
    }  # fmt: skip
    second, third = row(grid, 1), row(grid, 2)
    assert (second["People"], second["Status"]) == ("100", "no longer listed")
    assert second["SMD had it found nothing"] == "– (a)"
    assert (third["People"], third["SMD had it found nothing"]) == ("– (b)", "– (c)")
    assert dict(grid.notes) == {
        "a": "No estimate to add it to", "b": "number of people not known", "c": "Another drug",
    }  # fmt: skip


def test_the_summary_says_why_a_number_is_blank() -> None:
    line = {"condition": "blue", "analysis": "mood", "k": 6, "n": 200.0, **SHOWN, "p_value": 0.2,
            "pi_low": -1.5, "pi_high": 0.4, "i2": 41.0, "tau2": 0.0123, "certainty": "very low",
            "certainty_basis": "proposed"}  # fmt: skip
    blank = {"k": 0, **dict.fromkeys(("estimate", "ci_low", "ci_high", "p_value", "pi_low",
                                      "pi_high", "i2", "tau2", "certainty"))}  # fmt: skip
    why = {"policy": {"withheld": {"prediction interval": "too few"}}, "reasons": {"i2": "no Q"}}
    own = result_tables.summary(frame(line), [made()])
    assert row(own) == {
        "Analysis": "[Mood](index.html#mood)", "Trials": "6", "People": "200", "Measure": "SMD",
        "Estimate (95 % CI)": "−0.60 (−0.90 to −0.30)", "Certainty": "Very low / proposed",
        "p": "p = 0.20",
        "Prediction interval": "−1.50 to 0.40", "I²": "41 %", "τ²": "0.012",
    }  # fmt: skip
    led = made(policy={"bayesian": True})
    assert "Estimate (95 % CrI)" in row(result_tables.summary(frame(line), [led]))
    assert "Estimate (95 % CI or CrI)" in row(result_tables.summary(frame(line), [made(), led]))
    over_all = result_tables.summary(frame(line | blank), [made(**why)], {"blue": "Feeling blue"})
    assert said(over_all.rows[0][0]) == "[Feeling blue](blue/index.html)"
    assert row(over_all, 1)["Analysis"] == "[Mood](blue/index.html#mood)"
    assert dict(over_all.notes) == {
        "a": "no trial", "b": "too few", "c": "no Q",
        "d": "nothing is pooled from fewer than two trials",
    }  # fmt: skip


def test_verdicts_name_the_greatest_threat() -> None:
    verdict = {"conclusion": "lower with ketamine", "robust": "no", "threats": [
        {"name": "a single trial", "gravity": "turns", "text": "without A it would be 0"},
        {"name": "few trials", "gravity": "caution", "text": "four trials"},
    ]}  # fmt: skip
    assert row(trust_tables.verdicts([made(verdict=verdict)])) == {
        "Analysis": "[Mood](index.html#mood)", "Estimate (95 % CI)": "SMD −0.60 (−0.90 to −0.30)",
        "Trials": "6", "Conclusion": "Lower with ketamine", "Robust": "No",
        "Greatest threat": "A single trial / Without A it would be 0.",
    }  # fmt: skip
    led = made(policy={"bayesian": True})
    assert "Estimate (95 % CI or CrI)" in row(trust_tables.verdicts([made(), led]))
    none = trust_tables.verdicts([made(k=0)], {"blue": "Feeling blue"})
    assert said(none.rows[0][0]) == "[Feeling blue](blue/index.html)"
    first = row(none, 1)
    assert (first["Estimate (95 % CI)"], first["Greatest threat"]) == ("–", "–")


def test_what_is_withheld_is_grouped_by_its_reason() -> None:
    """A thing that the policy withholds has that reason only; a number that is there has none."""
    policy = {"withheld": {"funnel plot": "k = 4", "subgroups": "k = 4", "τ²": "one effect"}}
    reasons = {"tau2": "not estimated", "pi_lb": "no tau2", "i2": ""}
    withheld = sections.withheld(made(k=4, policy=policy, reasons=reasons))
    assert withheld == (
        ("Funnel plot and subgroups", "k = 4"), ("τ²", "one effect"),
        ("Prediction interval", "no tau2"),
    )  # fmt: skip
    alone = sections.withheld(made(k=1, policy=policy, reasons=reasons))
    assert [why for _, why in alone] == ["k = 4", "one effect"]


# -- how far to trust it ------------------------------------------------------------------------


TRUST = {
    "influence": {"study": "Ash", **SHOWN, "i2": 40.0, "rstudent": 1.25, "dffits": 0.5,
                  "cook_d": 0.26, "cov_r": 1.1, "hat": 0.2, "dfbetas": 0.48,
                  "influential": "yes"},
    "weights": {"by": "risk of bias", "level": "some_concerns", "k": 2, "weight": 30.0,
                "trials": "Ash, Birch"},
    "small_studies": {"method": "Egger", **SHOWN, "statistic": -1.234, "df": 8, "p_value": 0.06,
                      "note": "few", "reference": "Egger 1997"},
    "priors": {"prior": "half-normal", "mu": -0.55, "mu_low": -1.0, "mu_high": -0.1, "tau": 0.2,
               "new_low": -1.4, "new_high": 0.3, "p_benefit": 0.98, "p_important": 0.6,
               "p_harm_important": 0.01, "reference": "Röver 2021"},
    "coverage": {"method": "REML", "shown": "yes", "interval": "confidence", "tau2": 0.04,
                 "tau2_is": "estimate", "coverage": 0.9512, "width_mean": 1.234,
                 "sampling": "normal"},
    "next_trial": {"finds": "the estimate", "effect": -0.65, "target": terms.EXCLUDES,
                   "n_total": 120, **SHOWN, "note": "why"},
}  # fmt: skip
WORDS = {
    "Each trial left out in turn": {
        "Without": "Ash", "SMD (95 % interval)": "−0.60 (−0.90 to −0.30)", "I²": "40 %",
        "Studentised residual": "1.2", "DFFITS": "0.50", "Cook’s distance": "0.26",
        "Covariance ratio": "1.1", "Hat": "0.20", "DFBETAS": "0.48", "Influential": "yes",
    },
    "What the weight rests on": {
        "By": "Risk of bias", "Level": "some concerns", "Trials": "2", "Weight": "30 %",
        "Which": "Ash, Birch",
    },
    "Small-study effects: tests and estimates that allow for them": {
        "Method": "Egger", "SMD (95 % interval)": "−0.60 (−0.90 to −0.30)", "Statistic": "−1.23",
        "df": "8", "p": "p = 0.060", "Note": "few", "Reference": "Egger 1997",
    },
    "The Bayesian result under each prior": {
        "Prior of the heterogeneity": "half-normal", "SMD": "−0.55",
        "95 % CrI": "−1.00 to −0.10", "τ": "0.20", "A new trial": "−1.40 to 0.30",
        "P(benefit)": "0.98", "P(benefit that matters)": "0.60", "P(harm that matters)": "0.01",
        "Reference": "Röver 2021",
    },
    "Real coverage of the intervals": {
        "Model": "REML", "Shown": "yes", "Interval": "confidence", "τ²": "0.040",
        "τ² is": "estimate", "Coverage": "0.951", "Mean width": "1.23", "Drawn as": "normal",
    },
    "What each choice moves": {
        "Choice": "Test", "Kind": "U", "Share of the variance of the estimates": "30 %",
        "Largest shift of the mean": "0.40", "Between": "z and t",
        "Share of intervals it turns": "25 %",
    },
    "The next trial": {
        "If it finds": "The estimate", "SMD": "−0.65", "So that the": terms.EXCLUDES,
        "People needed": "120", "Result with it: SMD (95 % interval)": "−0.60 (−0.90 to −0.30)",
        "Why not": "why",
    },
}  # fmt: skip


def factor(eta2: float, swing: float) -> dict[str, Any]:
    return {"factor": "Test", "kind": "U", "eta2": eta2, "shift": 0.4, "from_level": "z",
            "to_level": "t", "swing": swing}  # fmt: skip


def grids(*factors: dict[str, Any], **changed: dict[str, Any]) -> dict[str, Grid]:
    trust = {name: frame(line | changed.get(name, {})) for name, line in TRUST.items()}
    questions = [{"factors": list(factors)}]
    return trust_tables.trust_grids(
        analysis(made(multiverse={"questions": questions}), trust=trust)
    )


def test_every_table_of_trust_has_its_numbers_in_their_columns() -> None:
    shown = grids(factor(0.3, 0.25))
    assert {title: row(grid) for title, grid in shown.items()} == WORDS
    assert list(shown) == list(WORDS)
    captions = [grid.caption for grid in shown.values()]
    assert captions[2] == "Small-study effects"


def test_tables_of_trust_leave_out_what_is_not_known() -> None:
    shown = grids(
        factor(0.0, 0.0), weights={"weight": None}, priors={"mu": None},
        coverage={"coverage": None}, next_trial={"effect": None},
    )  # fmt: skip
    assert list(shown) == list(WORDS)[:3:2]
    assert len(grids(factor(0.1, 0.0), factor(0.0, 0.1))["What each choice moves"].rows) == 2


def test_a_blank_number_of_trust_says_why() -> None:
    grid = grids(next_trial={"n_total": None, "note": "no size"})["The next trial"]
    assert row(grid)["People needed"] == "– (a)"
    assert grid.notes == (("a", "no size"),)


# -- kinds of trials ----------------------------------------------------------------------------


LINE = {"moderator": "setting", "title": "setting", "kind": terms.LEVEL, "level": "at home",
        "k": 4, "n": 90, **SHOWN, "tau2": 0.03, "statistic": None, "df": None, "ddf": None,
        "p_value": None, "r2": None, "trials": "Ash, Birch", "note": None, "method": "REML",
        "shown": None}  # fmt: skip
TESTED = {"kind": terms.TEST, "level": None, "k": 9, "n": None, "method": "F, one tau2",
          "shown": "yes", "statistic": 4.567, "df": 1, "ddf": 7, "p_value": 0.07, "r2": 33.0,
          "note": "with tau2", "tau2": 0.02}  # fmt: skip
NOT_KNOWN = {"kind": terms.UNKNOWN, "k": 2, "note": "Cedar, Elm", "level": None}
WITHHELD = {"moderator": "design", "title": "design", "kind": terms.WITHHELD, "k": 9,
            "note": "all alike"}  # fmt: skip
SLOPE = {"moderator": "dose", "title": "dose", "kind": terms.SLOPE, "k": 10, **SHOWN,
         "p_value": 0.04, "p_permutation": 0.06, "tau2": 0.01, "r2": 20.0, "vif": 1.5,
         "note": "one tau2", "ddf": 8}  # fmt: skip


def by_kind(*others: dict[str, Any]) -> dict[str, Grid]:
    dose = {"name": "dose", "kind": "covariate", "per": 0.1, "unit": "mg/kg", "k": 10}
    tests = (LINE | TESTED, LINE | TESTED | {"shown": "no", "df": None, "ddf": None})
    trust = {
        "subgroups": frame(LINE, *others, *tests, LINE | NOT_KNOWN, LINE | WITHHELD),
        "regressions": frame(SLOPE, SLOPE | {"kind": terms.UNKNOWN, "note": "Fir"}),
    }
    return moderator_tables.moderator_grids(
        analysis(made(trust={"moderators": [dose]}), trust=trust)
    )


def test_results_by_kind_of_trial() -> None:
    grid = by_kind()["The result by kind of trial"]
    assert said(grid.rows[0][0]) == "Setting"
    assert row(grid, 1) == {
        "Level or test": "at home", "Trials": "4", "People": "90",
        "SMD (95 % CI)": "−0.60 (−0.90 to −0.30) (a)", "τ²": "0.030", "Statistic": "–",
        "p": "–", "R²": "–", "Which trials, or how": "Ash, Birch",
    }  # fmt: skip
    assert grid.notes == (("a", "REML"),)
    test = row(grid, 2)
    assert test["Level or test"] == "F, one τ² (shown)"
    few = LINE | {"k": 3, "method": "Bayesian random effects, half-normal(0.5) prior of tau"}
    mixed = by_kind(few)["The result by kind of trial"]
    assert "SMD (95 % CI or CrI)" in row(mixed, 1)
    assert ("b", "Bayesian random effects, half-normal(0.5) prior of τ") in mixed.notes
    assert (test["SMD (95 % CI)"], test["Statistic"]) == ("–", "4.57 (df 1, 7)")
    assert (test["p"], test["R²"], test["Which trials, or how"]) == (
        "p = 0.070", "33 %", "with τ²",
    )  # fmt: skip
    assert (row(grid, 3)["Level or test"], row(grid, 3)["Statistic"]) == ("F, one τ²", "4.57")
    assert row(grid, 4)["Level or test"] == "Not known"
    assert len(grid.rows) == 5


def test_effects_against_covariates() -> None:
    assert row(by_kind()["Effects against covariates"]) == {
        "Covariate": "Dose", "Per": "0.1 mg/kg", "Trials": "10",
        "Slope (95 % CI)": "−0.60 (−0.90 to −0.30)", "p": "p = 0.040",
        "Permutation p": "p = 0.060", "τ² left": "0.010", "R²": "20 %", "VIF": "1.50",
        "Note": "One τ². / Fir.",
    }  # fmt: skip


def test_kinds_that_could_not_be_compared() -> None:
    grid = by_kind()["Kinds of trials that could not be compared"]
    assert [row(grid, i) for i in range(len(grid.rows))] == [
        {"Kind": "Design", "Trials": "9", "Why not": "All alike.", "Not known for": "–"}
    ]


# -- a condition --------------------------------------------------------------------------------


TRIALS = frame(
    {"trial_id": "Elm", "study": "Elm 2015", "year": 2015.0, "design": "parallel",
     "population": "adults", "diagnosis": "mdd", "country": "Chile", "n_randomised": None,
     "doi": None, "pmid": None, "registration": "ACTRN1", "source_url": None},
    {"trial_id": "Ash", "study": "Ash 2011", "year": 2011.0, "design": "crossover",
     "population": None, "diagnosis": "ptsd", "country": None, "n_randomised": 41.0,
     "doi": "10.1/x", "pmid": "77.0", "registration": "NCT1", "source_url": "https://a.org/1"},
    {"trial_id": "Fir", "study": "Fir", "year": None, "design": "parallel",
     "population": "adults in Peru", "diagnosis": "blues", "country": "Peru",
     "n_randomised": 10.0, "doi": None, "pmid": None, "registration": None, "source_url": None},
)  # fmt: skip
ARMS = frame(
    {"trial_id": "Ash", "arm": "saline", "role": "control", "dose": None, "n_randomised": 20.0},
    {"trial_id": "Ash", "arm": "ketamine", "role": "experimental", "dose": "0.5 mg/kg",
     "n_randomised": None},
    {"trial_id": "Elm", "arm": "ketamine 1 mg", "role": "experimental", "dose": "1 mg",
     "n_randomised": 11.0},
)  # fmt: skip
BIAS = frame(
    {"trial_id": "Elm", "domain": "overall", "judgement": "high", "reason": "worst",
     "source_url": "https://a.org/2"},
    {"trial_id": "Elm", "domain": "D2", "judgement": "some_concerns", "reason": "open",
     "source_url": None},
    {"trial_id": "Ash", "domain": "DS", "judgement": "low", "reason": "long wash-out",
     "source_url": None},
)  # fmt: skip


def test_eligible_trials_by_year_with_their_arms() -> None:
    used = analysis(studies=frame({"trial_id": "Ash"}))
    grid = condition_tables.trials(TRIALS, ARMS, [used, used])
    assert row(grid) == {
        "Trial": "[Ash 2011](../trials/Ash.html)", "Design": "crossover", "Population": "PTSD",
        "Arms": "ketamine: 0.5 mg/kg / saline, n = 20", "Randomised": "41",
        "Used in": "[Mood](index.html#mood) [Mood](index.html#mood)",
        "Links": "[DOI](https://doi.org/10.1/x) [PubMed](https://pubmed.ncbi.nlm.nih.gov/77/) "
        "[NCT1](https://clinicaltrials.gov/study/NCT1) [source](https://a.org/1)",
    }  # fmt: skip
    elm, fir = row(grid, 1), row(grid, 2)
    assert (elm["Trial"], fir["Trial"]) == (
        "[Elm 2015](../trials/Elm.html)",
        "[Fir](../trials/Fir.html)",
    )
    assert (elm["Population"], fir["Population"]) == ("adults (Chile)", "adults in Peru")
    assert (elm["Arms"], elm["Randomised"], elm["Links"]) == (
        "ketamine 1 mg, n = 11", "– (a)", "ACTRN1",
    )  # fmt: skip
    assert (elm["Used in"], fir["Links"]) == ("– (b)", "–")


def test_a_trial_that_is_in_no_analysis_says_why() -> None:
    """A filter or another question leaves usable numbers out; others have no such number."""
    asked = {"include": {"design": ["crossover"]}, "exclude": {}}
    left = frame(
        {"trial_id": "Elm", "rule": "filter", "reason": "design is parallel, not crossover"},
        {"trial_id": "Ash", "rule": "time_days", "reason": "day 3 is outside day 5 to 9"},
        {"trial_id": "Ash", "rule": "no_number", "reason": "sd1i is missing"},
    )
    none = frame({"trial_id": "Oak"})
    filters = analysis(made(specification=asked), studies=none, selection=left.iloc[:1])
    times = analysis(
        made(specification=asked | {"include": {}}),
        studies=none,
        selection=pd.concat(
            [left.iloc[1:], frame({"trial_id": "Fir", "rule": "no_number", "reason": "no SD"})]
        ),
    )
    grid = condition_tables.trials(TRIALS, ARMS, [filters, times])
    notes = dict(grid.notes)
    why = {grid.rows[i][0].links[0].text: row(grid, i)["Used in"].strip("– ()") for i in range(3)}
    assert {trial: notes[mark] for trial, mark in why.items()} == {
        "Ash 2011": "left out: day 3 is outside day 5 to 9",
        "Elm 2015": "left out: design is parallel, not crossover",
        "Fir": "no usable number for any analysis",
    }


def test_judgements_of_bias_are_signs() -> None:
    grid = condition_tables.risk_of_bias(BIAS, TRIALS, {})
    assert [c.heading for c in grid.columns] == ["Trial", "D2", "DS", "Overall"]
    assert [row(grid, i) for i in range(2)] == [
        {"Trial": "Ash 2011", "D2": "", "DS": "+", "Overall": ""},
        {"Trial": "Elm 2015", "D2": "–", "DS": "", "Overall": "×"},
    ]
    titles = [[cell.title for cell in cells[1:]] for cells in grid.rows]
    assert titles == [
        ["not assessed", "low", "not assessed"],
        ["some concerns", "not asked by RoB 2", "high"],
    ]
    ((_, remark),) = grid.notes
    assert remark == (
        "RoB 2 and RoB 2 for crossover trials. D2 deviations from intended interventions; "
        "DS period and carry-over effects (crossover). Signs: + low, – some concerns, × high, "
        "? no information; blank: not assessed. Not assessed: Fir."
    )


def test_reasons_of_judgements_follow_the_trials_and_the_domains() -> None:
    grid = condition_tables.bias_reasons(BIAS, TRIALS, {})
    assert [list(row(grid, i).values()) for i in range(3)] == [
        ["Ash 2011", "DS period and carry-over effects (crossover)", "low", "long wash-out"],
        ["Elm 2015", "D2 deviations from intended interventions", "some concerns", "open"],
        ["Elm 2015", "Overall", "high", "worst [a.org](https://a.org/2)"],
    ]


def test_missing_trials_of_a_condition() -> None:
    why = {"what_if": "no", "what_if_reason": "another drug", "trial_id": "Oak", "outcome": "x_y"}
    grid = condition_tables.missing(
        frame(MISSING, MISSING | why), TRIALS, {"mood": "Mood at one week"}
    )
    assert list(row(grid).values()) == [
        "Fir", "Mood at one week", "138", "completed, no results found", "no difference",
        "no numbers [example.org](https://example.org/f)", "yes",
    ]  # fmt: skip
    other = row(grid, 1)
    assert (other["Trial"], other["Outcome"]) == ("Oak", "x y")
    assert other["In the what-if"] == "no / another drug"


def test_accounts_of_a_condition() -> None:
    rows = frame({"table": "results", "rows_in": 9, "rows_used": 7, "rows_dropped": 2})
    assert list(row(condition_tables.accounts(rows)).values()) == ["results.csv", "9", "7", "2"]
    gone = frame({"table": "results", "row": 4, "trial_id": "Ash", "outcome": "mood",
                  "rule": "other_drug", "reason": "esketamine"})  # fmt: skip
    assert list(row(condition_tables.dropped(gone, {"mood": "Mood"})).values()) == [
        "results.csv row 4", "Ash", "Mood", "Other drug", "esketamine",
    ]  # fmt: skip
    flag = frame({"table": "arms", "row": 5, "trial_id": "Ash", "column": "n", "value": "3",
                  "rule": "too few", "fix": "look"})  # fmt: skip
    assert list(row(condition_tables.flags(flag)).values()) == [
        "arms.csv row 5", "Ash", "n = 3", "Too few.", "Look.",
    ]  # fmt: skip


def test_what_was_searched_and_what_was_excluded() -> None:
    search = {"source": "PubMed", "what": "ketamine", "notes": "all years", "date": "2026-01-01",
              "n_records": 12, "source_url": "https://p.org/q"}  # fmt: skip
    grid = condition_tables.search(frame(search, search | {"date": None, "n_records": None}))
    assert list(row(grid).values()) == [
        "PubMed [p.org](https://p.org/q)", "ketamine / all years", "2026-01-01", "12",
    ]  # fmt: skip
    assert grid.notes == (("a", "not recorded"),)
    report = {"study": "Oak 2010", "citation": "Oak A. Title", "year": 2010, "reason": "no control",
              "reason_class": "not_randomised", "doi": "10.1/o", "source_url": None}  # fmt: skip
    same = report | {"citation": "Oak 2010", "year": 2009, "doi": None}
    grid = condition_tables.excluded(frame(report, same))
    assert [list(row(grid, i).values()) for i in range(2)] == [
        ["Oak 2010", "Not randomised", "no control", "–"],
        ["Oak 2010 / Oak A. Title", "Not randomised", "no control",
         "[DOI](https://doi.org/10.1/o)"],
    ]  # fmt: skip


# -- missing evidence ---------------------------------------------------------------------------


def evidence(trial: str, analysis: str, status: str, detail: str = "") -> dict[str, str]:
    return {"trial_id": trial, "study": f"{trial} 2011", "analysis": analysis,
            "title": analysis.capitalize(), "status": status, "detail": detail}  # fmt: skip


def test_results_that_are_there_are_signs_and_words() -> None:
    grid = missing_tables.evidence(frame(
        evidence("Ash", "mood", terms.AVAILABLE), evidence("Ash", "sleep", terms.RESULT, "told"),
        evidence("Elm", "mood", terms.NOT_KNOWN), evidence("Elm", "sleep", terms.NOT_KNOWN),
        evidence("Fir", "mood", terms.NOT_KNOWN), evidence("Fir", "sleep", terms.UNCLEAR),
    ))  # fmt: skip
    assert [row(grid, i) for i in range(len(grid.rows))] == [
        {"Trial": "[Ash 2011](../trials/Ash.html)", "Mood": "✓", "Sleep": "✗"},
        {"Trial": "[Fir 2011](../trials/Fir.html)", "Mood": "\u2007", "Sleep": "?"},
    ]
    assert [cell.title for cell in grid.rows[0][1:]] == [
        terms.AVAILABLE, f"{terms.RESULT}: told",
    ]  # fmt: skip
    assert ("✗", terms.RESULT) in grid.notes
    assert len(grid.notes) == 6


@pytest.mark.parametrize(("decided", "shown"), [("low", "low"), (None, "– (a)")])
def test_a_judgement_is_proposed_until_a_person_decides(decided: str | None, shown: str) -> None:
    line = {"analysis": "mood", "title": "Mood", "proposed": "high", "reason": "one trial is out",
            "decided": decided}  # fmt: skip
    assert row(missing_tables.judgements(frame(line))) == {
        "Analysis": "[Mood](index.html#mood)", "Proposed": "High", "Why": "One trial is out.",
        "Decided": shown,
    }  # fmt: skip


# -- charts -------------------------------------------------------------------------------------


def figure(name: str, shows: str, **rest: Any) -> dict[str, Any]:
    return {"figure": name, "shows": shows, "drawn": "no" if "reason" in rest else "yes", **rest}


def test_a_page_shows_what_is_drawn_and_says_why_the_rest_is_not() -> None:
    """Each as large as the list says, 96 pixels to 72 points; one line for each reason."""
    listed = FIGURES.frame([
        figure("forest", "Forest plot", width=300, height=150),
        figure("gosh", "Subsets", reason="too few"),
        figure("funnel", "Funnel", width=72, height=30),
        figure("next_trial", "Next trial", reason="no trial"),
        figure("baujat", "Baujat", width=72, height=36.4),
        figure("bubble", "Bubbles", reason="too few"),
    ])  # fmt: skip
    drawn = charts.charts(listed, "Mood")
    assert [(chart.name, chart.caption) for chart in drawn] == [
        ("funnel", "Funnel"), ("baujat", "Baujat"),
    ]  # fmt: skip
    assert [chart.figure for chart in drawn] == [
        charts.Figure(alt="Funnel. Mood.", width=96, height=40),
        charts.Figure(alt="Baujat. Mood.", width=96, height=49),
    ]
    assert charts.not_drawn(listed) == (("too few", "Subsets; Bubbles"), ("no trial", "Next trial"))


# -- questions ----------------------------------------------------------------------------------


def test_the_tables_of_questions_have_their_numbers_in_their_columns() -> None:
    course = {"study": "Ash", "comparison": "a v b", "instrument": "SCALE", "day": 7.0, "n": 40.0,
              **SHOWN, "in_model": "yes"}  # fmt: skip
    dose = {"study": "Elm", "arms": "a; b", "dose": 0.5, **SHOWN, "in_model": "no",
            "reason": "other route"}  # fmt: skip
    network = {
        "nodes": frame({"treatment": "drug_a", "trials": 3, "people": None, "note": "not known"}),
        "p_scores": frame({"treatment": "drug_a", "p_score": 0.7512}),
        "left_out": frame({"study": "Fir", "reason": "no link"}),
    }

    def shown(answer: QuestionAnswer, tables: dict[str, pd.DataFrame]) -> dict[str, list[str]]:
        found = question_grids(AnsweredQuestion(answer=answer, tables=tables))
        return {title: list(row(grid).values()) for title, grid in found.items()}

    assert shown(time_answer(), {"time_points": frame(course)}) == {
        "All times of all trials": [
            "Ash", "a v b", "SCALE", "7.00", "40", "−0.60 (−0.90 to −0.30)", "yes",
        ],
    }  # fmt: skip
    assert shown(dose_answer(), {"dose_points": frame(dose)}) == {
        "Trials and doses": ["Elm", "a; b", "0.500", "−0.60 (−0.90 to −0.30)", "no", "other route"],
    }
    assert shown(network_answer(), network) == {
        "Treatments": ["drug a", "3", "– (a)"], "P-scores": ["drug a", "0.751"],
        "Trials left out": ["Fir", "no link"],
    }  # fmt: skip
    assert shown(time_answer(), {"time_points": frame(course).iloc[:0]}) == {}


# -- the summary --------------------------------------------------------------------------------


def test_a_row_of_the_summary_holds_the_result_and_its_verdict() -> None:
    pooled = {"method": "REML", "level": 0.95, "tau2": 0.1, "tau2_ci_lb": 0.01, "tau2_ci_ub": 0.9,
              "i2": 40.0, "q": 9.0, "q_df": 5, "q_pval": 0.11}  # fmt: skip
    verdict = {"conclusion": "lower", "robust": "no", "line": "SMD: lower", "threats": [
        {"name": "a single trial", "gravity": "turns", "text": "t"},
        {"name": "few trials", "gravity": "caution", "text": "t"},
    ]}  # fmt: skip
    display = SHOWN | {"pi_low": -1.4, "pi_high": 0.2, "p_value": 0.02}
    level = {"analysis": "mood", "domain": "overall", "level": "low", "basis": "proposed"}
    other = {"analysis": "mood", "domain": "imprecision", "change": -2, "basis": "decided"}
    rated = {"blue": CERTAINTY.frame([other, level])}
    line = summary.summary_row(made(pooled=pooled, verdict=verdict, display=display), rated)
    assert (line["certainty"], line["certainty_basis"]) == ("low", "proposed")
    limits = {"pi_low": -1.4, "pi_high": 0.2}
    assert {name: line[name] for name in (*SHOWN, *limits)} == SHOWN | limits
    names = ("tau2", "tau2_ci_low", "tau2_ci_high", "i2", "q", "q_df", "q_p_value")
    assert [line[name] for name in names] == [0.1, 0.01, 0.9, 40.0, 9.0, 5, 0.11]
    assert (line["k"], line["n"], line["measure"]) == (6, 200, "SMD")
    assert [line[name] for name in ("conclusion", "robust", "threat", "verdict")] == [
        "lower", "no", "a single trial", "SMD: lower",
    ]  # fmt: skip
    bare = summary.numbers([made(verdict=verdict | {"threats": []})], rated)
    assert (bare["blue.mood.threat"], bare["blue.mood.tau2"]) == ("", None)
    assert bare["blue.mood.ci_high"] == -0.3
    assert not {"blue.mood.condition", "blue.mood.analysis", "blue.mood.outcome"} & set(bare)
