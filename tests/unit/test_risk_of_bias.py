"""The risk of bias of a result: which judgement is its own, and who asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import filled
import pandas as pd
import pytest
from cases import case, tables
from small import SmallReview
from time_course_cases import analysis, asked, effects

from trialpool.figures import forest
from trialpool.review.case import Case
from trialpool.review.exchange.formats import Export
from trialpool.review.exchange.metapsy import write as metapsy
from trialpool.review.extraction.checks import run_checks
from trialpool.review.extraction.read import read_condition
from trialpool.review.report import condition_tables
from trialpool.review.report.caveats import AnalysisTables, caveats
from trialpool.review.schema.raw import CONFIDENCE
from trialpool.review.schema.results import MISSING, SENSITIVITY
from trialpool.review.trust.influence import weight_shares
from trialpool.review.trust.multiverse import explore
from trialpool.review.trust.what_if import what_if
from trialpool.risk_of_bias import NOT_ASSESSED, RiskOfBias

HEADER = ["trial_id", "domain", "outcome", "instrument", "judgement", "reason", "source_url"]
# What each judgement names, the general one first.
EVERY, OUTCOME, SCALE, BOTH = (None, None), ("mood", None), (None, "BDI"), ("mood", "BDI")


def rows(*judgements: tuple[tuple[str | None, str | None], str]) -> list[dict[str, Any]]:
    return [
        {"trial_id": "A", "domain": "overall", "outcome": outcome, "instrument": instrument,
         "judgement": judgement}
        for (outcome, instrument), judgement in judgements
    ]  # fmt: skip


# -- the rule --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "own"),
    [
        ([(EVERY, "low")], "low"),
        ([(EVERY, "low"), (OUTCOME, "high")], "high"),
        ([(EVERY, "low"), (SCALE, "high")], "high"),
        ([(EVERY, "low"), (OUTCOME, "some_concerns"), (BOTH, "high")], "high"),
        ([(SCALE, "low"), (OUTCOME, "low"), (BOTH, "high")], "high"),
        ([(EVERY, "low"), (("sleep", None), "high")], "low"),
        ([(EVERY, "low"), ((None, "HAM-D"), "high")], "low"),
        ([(EVERY, "low"), (("mood", "HAM-D"), "high")], "low"),
        ([((None, "HAM-D"), "high")], NOT_ASSESSED),
        ([], NOT_ASSESSED),
    ],
)
def test_the_judgement_that_names_most_of_a_result_is_its_own(given: Any, own: str) -> None:
    """Whatever the order of the rows."""
    for order in (given, given[::-1]):
        assert RiskOfBias(rows(*order)).of("A", "overall", "mood", "BDI") == own


def test_a_result_without_an_instrument_takes_none_that_names_one() -> None:
    """Counts and missing results have none."""
    judged = RiskOfBias(rows((EVERY, "low"), (SCALE, "high")))
    for blank in ("", None, float("nan"), pd.NA):
        assert judged.of("A", "overall", "mood", blank) == "low"


def test_other_trials_and_domains_are_others() -> None:
    judged = RiskOfBias(rows((EVERY, "low")))
    assert judged.of("B", "overall", "mood", "BDI") == NOT_ASSESSED
    assert judged.of("A", "D4", "mood", "BDI") == NOT_ASSESSED


def test_a_table_without_the_columns_judges_trials() -> None:
    judged = RiskOfBias([{"trial_id": "A", "domain": "overall", "judgement": "high"}])
    assert judged.of("A", "overall", "mood", "BDI") == "high"


@pytest.mark.parametrize(
    ("one", "other", "worst"),
    [("low", "high", "high"), ("some_concerns", "low", "some_concerns"),
     ("low", None, NOT_ASSESSED), ("some_concerns", None, "some_concerns"), ("low", "low", "low")],
)  # fmt: skip
def test_a_result_of_several_instruments_has_the_worst(
    one: str, other: str | None, worst: str
) -> None:
    given = [(SCALE, one), *([((None, "HAM-D"), other)] if other else [])]
    assert RiskOfBias(rows(*given)).of("A", "overall", "mood", "BDI; HAM-D") == worst


# -- who asks --------------------------------------------------------------------------------------


def judged(*lines: tuple[str, str, str]) -> pd.DataFrame:
    """Overall judgements: trial, instrument (blank = all) and judgement."""
    return pd.DataFrame([
        {"trial_id": trial, "domain": "overall", "outcome": None, "instrument": scale or None,
         "judgement": judgement}
        for trial, scale, judgement in lines
    ])  # fmt: skip


@pytest.fixture
def made() -> Case:
    """Two trials on two scales; A is at high risk on the IES-R alone."""
    known = pd.concat([
        effects([("A", 7.0, -0.5), ("B", 7.0, -0.3)]),
        effects([("A", 7.0, -0.9), ("B", 7.0, -0.4)], instrument="IES-R"),
    ])  # fmt: skip
    bias = judged(("A", "", "low"), ("A", "IES-R", "high"), ("B", "", "low"))
    return asked(analysis(instruments=["CAPS-5", "IES-R"]), known, risk_of_bias=bias)


def test_an_analysis_takes_the_result_that_is_judged_well(made: Case) -> None:
    """A is left out on the scale it is at high risk on, and on no other."""
    low = made.but(risk_of_bias=("low",))
    assert low.chosen().chosen["trial_id"].tolist() == ["A", "B"]
    first = low.but(instruments=("IES-R", "CAPS-5")).chosen()
    assert dict(zip(first.chosen["trial_id"], first.chosen["instrument"], strict=True)) == {
        "A": "CAPS-5", "B": "IES-R",
    }  # fmt: skip
    reasons = dict(zip(first.rejected["effect_id"], first.rejected["reason"], strict=True))
    assert "risk of bias is high" in reasons.values()


@pytest.mark.parametrize(("scale", "k"), [("CAPS-5", {2}), ("IES-R", {1, 2})])
def test_without_high_risk_means_the_result(made: Case, scale: str, k: set[int]) -> None:
    table = explore(made.but(instruments=(scale,))).table
    assert set(table["k"]) == k


def test_weights_hang_on_the_judgement_of_the_result(made: Case) -> None:
    for scale, expected in (("CAPS-5", {"low": 2}), ("IES-R", {"low": 1, "high": 1})):
        one = made.but(instruments=(scale,))
        studies = one.chosen().chosen.assign(weight=50.0)
        shares = weight_shares(studies, one.judged(studies), "SMD")
        bias = shares[shares["by"] == "risk of bias"].set_index("level")
        assert bias["k"].to_dict() == expected


def test_a_missing_result_is_not_judged_by_another_scale() -> None:
    gone = pd.DataFrame([{
        "trial_id": "M", "outcome": "ptsd_symptoms", "what_if": "yes", "what_if_reason": None,
        "time_from_days": 7.0, "time_to_days": 7.0, "period": "whole", "n_experimental": 20.0,
        "n_control": 22.0, "n_total": 42.0,
    }])  # fmt: skip
    trials = pd.DataFrame({"trial_id": ["A", "M"], "study": ["A", "M"], "year": [2001, 2003]})
    for scale, added in (("", []), ("IES-R", ["M"])):
        bias = judged(("A", "", "low"), ("M", scale, "high"))
        known = tables(effects=effects([("A", 7.0, -0.5)]), missing_results=gone,
                       risk_of_bias=bias, trials=trials)  # fmt: skip
        one = case(analysis(risk_of_bias=["low"]), tables=known)
        assert list(what_if(one, one.chosen().chosen).added) == added


def shown(made: Case, scale: str) -> AnalysisTables:
    one = made.but(instruments=(scale,))
    chosen = one.chosen().chosen
    studies = chosen.assign(
        weight=50.0, estimate=chosen["yi"], ci_low=-1.5, ci_high=0.5
    )  # fmt: skip
    result = filled.analysis_result(outcome="ptsd_symptoms", k=2)
    missing, sensitivity = MISSING.frame(), SENSITIVITY.frame()
    return AnalysisTables(result=result, studies=studies, missing=missing, sensitivity=sensitivity)


def test_a_forest_shows_the_judgement_of_the_result(made: Case) -> None:
    bias = made.tables.risk_of_bias
    for scale, signs in (("CAPS-5", ["low", "low"]), ("IES-R", ["high", "low"])):
        one = shown(made, scale)
        body = forest.rows(one.studies, one.result, one.missing, bias).body
        assert body[body["kind"] == "study"]["overall"].tolist() == signs


def test_the_words_tell_the_judgement_of_the_result(made: Case) -> None:
    for scale, words in (
        ("CAPS-5", "Overall judgement low in A 2020 and B 2020."),
        ("IES-R", "Overall judgement high in A 2020; low in B 2020."),
    ):
        said = {c.name: c.text for c in caveats(shown(made, scale), made.tables.risk_of_bias)}
        assert said["Risk of bias"] == words


def test_the_page_has_a_line_for_each_result_that_is_judged_apart() -> None:
    trials = pd.DataFrame({"trial_id": ["A", "B"], "study": ["Ash", "Birch"],
                           "year": [2001, 2002], "design": "parallel"})  # fmt: skip
    rest = {"reason": "why", "source_url": "https://a.org"}
    frame = pd.DataFrame([
        {"trial_id": "A", "domain": "D1", "outcome": None, "instrument": None, "judgement": "low"},
        {"trial_id": "A", "domain": "D4", "outcome": "mood", "instrument": "BDI",
         "judgement": "high"},
        {"trial_id": "B", "domain": "D1", "outcome": None, "instrument": None, "judgement": "high"},
    ]).assign(**rest)  # fmt: skip
    grid = condition_tables.risk_of_bias(frame, trials, {"mood": "Mood"})
    cells = [["".join(cell.lines) for cell in line] for line in grid.rows]
    assert [c.heading for c in grid.columns] == ["Trial", "Results", "D1", "D4"]
    assert cells == [
        ["Ash", "all other results", "+", ""],
        ["Ash", "Mood on BDI", "+", "×"],
        ["Birch", "all results", "×", ""],
    ]
    assert grid.rows[0][3].title == NOT_ASSESSED
    reasons = condition_tables.bias_reasons(frame, trials, {"mood": "Mood"})
    assert [c.heading for c in reasons.columns][1] == "Results"
    assert ["".join(line[1].lines) for line in reasons.rows] == ["all", "Mood on BDI", "all"]


def test_an_exported_row_has_the_judgements_of_its_result(
    small: SmallReview, tmp_path: Path
) -> None:
    """Ash is at low risk but for the blinding of one scale; its other result is a count."""
    header, *lines = judgements(small)
    small.write("risk_of_bias", [header, *lines, line("D4", "high", instrument="SCALE")])
    out = tmp_path / "out.csv"
    export = Export(raw=small.folder / "data/raw", condition="blue", effects=None,
                    decimal_comma=False, added={})  # fmt: skip
    done = metapsy.write(out, export)
    table = pd.read_csv(out, dtype=str, keep_default_na=False)
    ash = table[table["study"].str.startswith("Ash")]
    assert {*ash["instrument"]} >= {"SCALE"}
    of_scale = ash["instrument"] == "SCALE"
    assert set(ash[of_scale]["rob_d4"]) == {"high"}
    assert set(ash[~of_scale]["rob_d4"]) <= {"low"}
    assert not [left for left in done.left if left.where.startswith("risk_of_bias.csv")]


# -- the checks ------------------------------------------------------------------------------------


def line(domain: str, judgement: str, *, outcome: str = "", instrument: str = "") -> list[str]:
    return ["Ash", domain, outcome, instrument, judgement, "made up", "https://example.org/made-up"]


def judgements(small: SmallReview) -> list[list[str]]:
    """The table of the made-up review, with the two columns."""
    old = small.rows("risk_of_bias")
    at = {name: i for i, name in enumerate(old[0])}
    rest = [[row[at[name]] if name in at else "" for name in HEADER] for row in old[1:]]
    return [HEADER, *rest]


def told(small: SmallReview, *further: list[str]) -> list[tuple[str, str, str]]:
    """What checks say of risk_of_bias.csv with further rows: check, column, rule."""
    small.write("risk_of_bias", [*judgements(small), *further])
    raw, problems = read_condition(small.folder / "data/raw", "blue", {})
    assert problems == []
    found = run_checks(raw, small.review.outcome_rules(), CONFIDENCE)
    return [(p.check, p.column, p.rule) for p in found if p.file.endswith("risk_of_bias.csv")]


def test_judgements_apart_are_in_order(small: SmallReview) -> None:
    """Of an outcome, a scale and both; each is of a result that Ash has."""
    assert told(
        small,
        line("D4", "low", outcome="mood"),
        line("D4", "low", outcome="mood", instrument="SCALE"),
        line("D4", "low", instrument="SCALE"),
    ) == []  # fmt: skip


def test_two_judgements_that_say_as_much_are_an_error(small: SmallReview) -> None:
    """One names the outcome, one the scale: the file, both rows, the rule and how to mend it."""
    small.write("risk_of_bias", [
        *judgements(small), line("D4", "low", outcome="mood"),
        line("D4", "low", instrument="SCALE"),
    ])  # fmt: skip
    raw, _ = read_condition(small.folder / "data/raw", "blue", {})
    (problem,) = run_checks(raw, small.review.outcome_rules(), CONFIDENCE)
    last = len(judgements(small))
    assert problem.severity == "error"
    assert str(problem).endswith(
        f"blue/risk_of_bias.csv row {last}, judgement = low: whether this or row {last - 1} is of "
        "mood on SCALE cannot be said: one names the outcome, one the instrument. Judge that "
        "result in a row of its own, which names both."
    )


def test_without_a_result_of_both_they_do_not_meet(small: SmallReview) -> None:
    """The count of harm has no scale."""
    found = told(small, line("D4", "low", outcome="harm"), line("D4", "low", instrument="SCALE"))
    assert "judgement_undecided" not in [check for check, _, _ in found]


@pytest.mark.parametrize(
    ("named", "column", "what"),
    [
        ({"instrument": "OTHER"}, "instrument", "OTHER"),
        ({"outcome": "harm", "instrument": "SCALE"}, "outcome", "harm on SCALE"),
    ],
)
def test_a_judgement_of_no_result_is_a_warning(
    small: SmallReview, named: dict[str, str], column: str, what: str
) -> None:
    found = told(small, line("D4", "low", **named))
    assert ("judgement_without_result", column, f"the trial has no result of {what}") in found


@pytest.mark.parametrize(("domain", "fires"), [("low", False), ("some_concerns", True)])
def test_the_overall_judgement_is_compared_result_by_result(
    small: SmallReview, domain: str, fires: bool
) -> None:
    """Ash is at low risk overall; its result on one scale has a domain of its own."""
    found = told(small, line("D4", domain, instrument="SCALE"))
    assert ("overall_better_than_domain" in [check for check, _, _ in found]) == fires
    own = line("overall", domain, instrument="SCALE")
    assert told(small, own) == []


def test_names_that_are_nowhere_declared_are_errors(small: SmallReview) -> None:
    found = told(small, line("D4", "low", outcome="moood", instrument="SCALLE"))
    assert {("unknown_outcome", "outcome"), ("unknown_instrument", "instrument")} <= {
        (check, column) for check, column, _ in found
    }
