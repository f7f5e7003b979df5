"""Summary of findings and claims: each rule at its limits, what cannot be told, the checks."""

from __future__ import annotations

import csv
from typing import Any

import pandas as pd
import pytest
from filled import analysis_result
from small import SmallReview

from trialpool.analysis_result import AnalysisResult
from trialpool.effects.absolute import absolute_effect, number_needed
from trialpool.question_answer import DoseFacts, FittedDose
from trialpool.review.accounts.rob_me import Written
from trialpool.review.findings.baseline import baseline
from trialpool.review.findings.claims import Speaking, answer, answer_all
from trialpool.review.findings.statements import statement
from trialpool.review.findings.summary_of_findings import (
    number_needed_words,
    summary_of_findings,
)
from trialpool.review.protocol.problems import ProtocolError
from trialpool.review.schema.raw import RAW_TABLES
from trialpool.terms import (
    BETTER,
    CONTRADICTED,
    IS_NOT_KNOWN,
    NO_TRIAL,
    NOT_SHOWN,
    OUT_OF_SCOPE,
    OVERALL,
    SCOPE,
    SUPPORTED,
    WORSE,
)

NAN = float("nan")
NO_TRIALS = pd.DataFrame({"trial_id": ["A", "B"], "diagnosis": ["ptsd", "mdd"]})


def result(estimate: float, low: float, high: float, **changes: Any) -> AnalysisResult:
    about = {
        "condition": "blue", "analysis": "mood", "title": "Mood", "k": 2, "n": 80,
        "important": 0.5, "better": "lower", "scale": "identity", "outcome_title": "low mood",
        "experimental_label": "Ketamine", "control_label": "Control", "measure": "SMD",
        "display": {"estimate": estimate, "ci_low": low, "ci_high": high},
    }  # fmt: skip
    return analysis_result(**(about | changes))


def studies(**columns: Any) -> pd.DataFrame:
    about = {
        "trial_id": ["A", "B"], "instrument": ["SCALE", "OTHER"], "weight": [40.0, 60.0],
        "event_control": [NAN, NAN], "totaln_control": [NAN, NAN],
    }  # fmt: skip
    return pd.DataFrame(about | columns)


def finding(about: AnalysisResult, level: str = "low", **given: Any) -> dict[str, Any]:
    """The row of findings of one analysis."""
    rated = pd.DataFrame(
        {"analysis": ["mood"], "domain": [OVERALL], "level": [level], "basis": ["proposed"]}
    )
    table = given.get("studies", studies())
    written = [Written(about, table, pd.DataFrame(), pd.DataFrame())]
    declared = {"mood": given.get("declared")}
    frame = summary_of_findings(written, NO_TRIALS, rated, declared, given.get("sds", {}))
    (row,) = frame.to_dict("records")
    return {str(name): value for name, value in row.items()}


# -- statements --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("high", "Ketamine reduces low mood."),
        ("moderate", "Ketamine probably reduces low mood."),
        ("low", "Ketamine may reduce low mood."),
        ("very low", "The evidence is very uncertain about the effect of ketamine on low mood."),
    ],
)
def test_the_level_gives_the_verb(level: str, said: str) -> None:
    assert statement(result(-0.6, -0.9, -0.3), level) == said


def test_trials_without_an_estimate_are_not_no_trial() -> None:
    said = statement(result(NAN, NAN, NAN, k=3), "very low")
    assert said == "The effect of ketamine on low mood cannot be estimated from three trials."
    none = statement(result(NAN, NAN, NAN, k=0), "")
    assert none == "No trial shows the effect of ketamine on low mood."


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (-0.51, "may reduce"), (-0.5, "may reduce"), (-0.49, "may make little or no difference to"),
        (0.0, "may make little or no difference to"), (0.49, "may make little or no difference to"),
        (0.5, "may increase"),
    ],
)  # fmt: skip
def test_the_estimate_is_held_against_what_matters(estimate: float, said: str) -> None:
    assert statement(result(estimate, -1, 1), "low") == f"Ketamine {said} low mood."


@pytest.mark.parametrize(
    ("estimate", "said"),
    [(-0.1, "reduces"), (0.1, "increases")],
)
def test_without_a_threshold_the_side_of_the_interval_decides(estimate: float, said: str) -> None:
    about = result(estimate, estimate - 0.09, estimate + 0.09, important=None)
    assert statement(about, "high") == f"Ketamine {said} low mood."
    reaching = result(estimate, estimate - 0.1, estimate + 0.1, important=None)
    assert statement(reaching, "high").startswith("It is open whether ketamine changes low mood")


# -- baseline risks ----------------------------------------------------------------------------


def test_the_median_of_the_controls_unless_one_is_declared() -> None:
    counted = studies(event_control=[1.0, 3.0], totaln_control=[10.0, 10.0])
    start = baseline("mood", {"mood": counted}, None)
    assert (start.risk, start.low, start.high) == pytest.approx((0.2, 0.1, 0.3))
    assert start.source == "median risk of the controls of two trials"
    risk = {"risk": 0.4, "source": "a register", "analysis": None}
    declared = baseline("mood", {"mood": counted}, risk)
    assert (declared.risk, declared.low, declared.source) == (0.4, 0.1, "declared: a register")
    other = {"risk": None, "source": "", "analysis": "response"}
    of_others = baseline("mood", {"mood": studies(), "response": counted}, other)
    assert of_others.risk == pytest.approx(0.2)
    assert of_others.source == "median risk of the controls of two trials of response"


@pytest.mark.parametrize(("events", "usable"), [(0.0, False), (1.0, True), (9.0, True),
                                                (10.0, False)])  # fmt: skip
def test_nobody_and_everybody_are_no_risk_to_start_from(events: float, usable: bool) -> None:
    counted = studies(event_control=[events] * 2, totaln_control=[10.0] * 2)
    start = baseline("mood", {"mood": counted}, None)
    assert (start.risk == start.risk) is usable
    assert ("no other one is declared" in start.source) is not usable


# -- the row of an analysis --------------------------------------------------------------------


def test_a_ratio_becomes_people() -> None:
    """20 of 100 on control; a ratio of 2 (0.5 to 4) is 40 (10 to 80), and 1 / 0.2 = 5 to treat."""
    row = finding(
        result(2.0, 0.5, 4.0, measure="RR", scale="log", important=0.2, outcome_title="nausea"),
        studies=studies(event_control=[2.0, 2.0], totaln_control=[10.0, 10.0]),
    )
    names = ("per", "control", "experimental", "experimental_low", "experimental_high")
    assert [row[name] for name in names] == [100, 20, 40, 10, 80]
    assert [row[f"difference{end}"] for end in ("", "_low", "_high")] == [20, -10, 60]
    assert row["number_needed"] == "NNTH 5 (NNTB 10 to infinity to NNTH 2)"
    assert (row["nnt_kind"], row["nnt"]) == ("NNTH", pytest.approx(5))
    assert row["nntb_low"] == pytest.approx(10)
    assert (row["event"], row["studied"]) == ("nausea", "mdd (1), ptsd (1)")
    assert row["statement"] == "Ketamine may increase nausea."


def test_a_score_becomes_responders_and_points() -> None:
    """Half respond; half a unit of the normal curve further on it is 69 %."""
    row = finding(
        result(-0.5, -1.0, 0.0),
        declared={"risk": 0.5, "source": "assumed", "analysis": None},
        sds={"SCALE": 10.0},
    )
    assert (row["event"], row["control"], row["experimental"]) == (
        "response, computed from the score",
        50,
        69,
    )
    assert (row["experimental_low"], row["experimental_high"]) == (50, 84)
    assert (row["instrument"], row["reference_sd"], row["points"]) == ("SCALE", 10.0, -5.0)
    assert (row["points_low"], row["points_high"]) == (-10.0, 0.0)
    assert row["note"] == ""


def test_of_several_scales_that_of_most_weight_is_taken() -> None:
    row = finding(result(-0.5, -1.0, 0.0), sds={"SCALE": 10.0, "OTHER": 4.0})
    assert (row["instrument"], row["points"]) == ("OTHER", -2.0)
    assert row["note"] == "no baseline risk is declared or known from controls"


def test_a_scale_asked_for_stands_in_where_no_trial_used_one_that_is_known() -> None:
    asked = result(-0.5, -1.0, 0.0, specification={"instruments": ["NEW", "KNOWN"]})
    assert finding(asked, sds={"KNOWN": 2.0})["points"] == -1.0
    row = finding(result(-0.5, -1.0, 0.0))
    assert row["points"] is None or row["points"] != row["points"]
    assert "no scale of these trials has a reference SD" in row["note"]


def test_points_are_told_as_they_are() -> None:
    about = result(-2.5, -4.0, -1.0, measure="MD")
    row = finding(about, studies=studies(instrument=["SCALE", "SCALE"]))
    assert (row["instrument"], row["points"], row["points_low"]) == ("SCALE", -2.5, -4.0)
    assert row["note"] == "no number of people follows from this measure alone"


def test_an_analysis_without_a_trial_says_so() -> None:
    none = studies().iloc[:0]
    row = finding(result(NAN, NAN, NAN, k=0, n=0), "", studies=none)
    assert (row["note"], row["studied"]) == ("no trial", "")
    assert row["statement"].startswith("No trial shows")


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        ((-0.1, -0.2, -0.05), "NNTB 10 (5 to 20)"),
        ((-0.1, -0.2, 0.0), "NNTB 10 (5 to infinity)"),
        ((0.0, 0.0, 0.0), "no difference"),
        ((-0.15, -0.2, -0.1), "NNTB 7 (5 to 10)"),
    ],
)
def test_numbers_needed_in_words(effect: tuple[float, float, float], said: str) -> None:
    absolute = absolute_effect("RD", *effect, baseline=0.5)
    assert number_needed_words(number_needed(absolute, desirable=False)) == said


# -- answers to claims -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "level", "expected", "said"),
    [
        ((-0.6, -0.9, -0.01), "low", BETTER, SUPPORTED),
        ((-0.6, -0.9, 0.0), "low", BETTER, NOT_SHOWN),
        ((-0.6, -0.9, -0.01), "very low", BETTER, NOT_SHOWN),
        # A harm counts however uncertain its size.
        ((0.6, 0.01, 0.9), "very low", WORSE, SUPPORTED),
        ((0.6, 0.0, 0.9), "high", WORSE, NOT_SHOWN),
        ((0.6, 0.01, 0.9), "low", BETTER, CONTRADICTED),
        ((0.6, 0.01, 0.9), "very low", BETTER, NOT_SHOWN),
        ((-0.6, -0.9, -0.01), "low", WORSE, CONTRADICTED),
        # No difference that matters is left; at its limit one is.
        ((0.0, -0.49, 0.49), "low", BETTER, CONTRADICTED),
        ((0.0, -0.5, 0.49), "low", BETTER, NOT_SHOWN),
        ((0.0, -0.49, 0.49), "very low", BETTER, NOT_SHOWN),
    ],
)
def test_an_analysis_answers_by_interval_and_certainty(
    interval: tuple[float, float, float], level: str, expected: str, said: str
) -> None:
    assert answer(result(*interval), level, expected) == said


def test_where_more_is_better_the_sides_change_places() -> None:
    about = result(0.6, 0.1, 0.9, better="higher")
    assert answer(about, "low", BETTER) == SUPPORTED
    assert answer(about, "low", WORSE) == CONTRADICTED


def speaking(estimate: float, low: float, high: float, k: int = 2) -> Speaking:
    level = "low" if k else ""
    about = result(estimate, low, high, k=k)
    return Speaking(name="blue/mood", result=about, finding={"certainty": level}, lowered=())


GOOD, BAD, OPEN = speaking(-1, -2, -0.1), speaking(1, 0.1, 2), speaking(0, -1, 1)
EMPTY = speaking(NAN, NAN, NAN, 0)
BLANK = speaking(NAN, NAN, NAN)


@pytest.mark.parametrize(
    ("each", "expected", "said"),
    [
        ([], BETTER, NO_TRIAL), ([EMPTY], BETTER, NO_TRIAL), ([GOOD, EMPTY], BETTER, SUPPORTED),
        ([GOOD, OPEN], BETTER, NOT_SHOWN), ([GOOD, BAD], BETTER, NOT_SHOWN),
        ([BAD, BAD], BETTER, CONTRADICTED), ([], OUT_OF_SCOPE, SCOPE),
        ([OPEN], IS_NOT_KNOWN, SUPPORTED), ([EMPTY], IS_NOT_KNOWN, SUPPORTED),
        # Trials without an interval, as of a harm nobody had without treatment, show no ignorance.
        ([BLANK], IS_NOT_KNOWN, NOT_SHOWN), ([BLANK, OPEN], IS_NOT_KNOWN, NOT_SHOWN),
        ([BLANK], WORSE, NOT_SHOWN),
        ([OPEN, GOOD], IS_NOT_KNOWN, CONTRADICTED), ([BAD], IS_NOT_KNOWN, CONTRADICTED),
    ],
)  # fmt: skip
def test_several_analyses_must_agree(each: list[Speaking], expected: str, said: str) -> None:
    assert answer_all(each, expected) == said


def dose(p_slope: float) -> FittedDose:
    return FittedDose(
        estimable=True, reason="", unit="mg/kg", levels={"0.3": 2, "0.5": 2}, k=4, knots=(),
        shape="linear", words="linear", p_slope=p_slope, p_nonlinear=None, tau2=(0.0,),
        cautions=(),
    )  # fmt: skip


UNTOLD = DoseFacts(estimable=False, reason="one dose", unit="mg/kg", levels={"0.5": 2}, k=2)


@pytest.mark.parametrize(
    ("doses", "said"),
    [
        ([UNTOLD], SUPPORTED), ([dose(0.05)], SUPPORTED), ([dose(0.0499)], CONTRADICTED),
        ([UNTOLD, dose(0.0499)], CONTRADICTED), ([], NO_TRIAL),
    ],
)  # fmt: skip
def test_what_is_not_known_of_doses_is_asked_of_their_questions(
    doses: list[DoseFacts], said: str
) -> None:
    assert answer_all([], IS_NOT_KNOWN, doses) == said


# -- the table of claims, and the protocol's key -----------------------------------------------

CLAIM = {"claim_id": "mood", "claim": "Mood improves.", "made_in": "a talk", "expected": "better",
         "analyses": "blue/mood; blue/harm"}  # fmt: skip


def put(small: SmallReview, *rows: dict[str, str]) -> None:
    with (small.folder / "data/raw/claims.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, RAW_TABLES["claims"].names, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def test_claims_in_order_say_nothing(small: SmallReview) -> None:
    assert small.problems() == []  # a review may do without the table
    put(small, CLAIM, CLAIM | {"claim_id": "how", "analyses": "", "expected": "out_of_scope"})
    assert small.problems() == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"analyses": "blue/moood"}, "analyses = blue/moood: blue/moood: the protocol has no such"),
        ({"analyses": "mood"}, "analyses = mood: mood: the protocol has no such analysis"),
        ({"questions": "blue/time_mood"}, "questions = blue/time_mood: "),
        ({"expected": "good"}, "expected = good: "),
        ({"expected": "out_of_scope"}, "analyses = blue/mood; blue/harm: what analyses speak to"),
        ({"claim_id": "mood"}, "claim_id = mood: the same as row 2"),
        ({"made_in": ""}, "made_in: "),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    change: dict[str, str], told: str, small: SmallReview
) -> None:
    put(small, CLAIM, CLAIM | {"claim_id": "other"} | change)
    (problem,) = small.problems()
    assert problem.startswith(f"data/raw/claims.csv row 3, {told}"), problem


@pytest.mark.parametrize(("risk", "taken"), [("0.001", True), ("0.999", True), ("0", False),
                                             ("1", False)])  # fmt: skip
def test_a_declared_risk_lies_between_none_and_all(
    risk: str, taken: bool, small: SmallReview
) -> None:
    key = f"baseline_risk: {{risk: {risk}, source: a register}}"
    small.rewrite("measure: RR}", f"measure: RR, {key}}}")
    if not taken:
        with pytest.raises(ProtocolError, match="baseline_risk"):
            _ = small.review
        return
    assert small.review.baseline_risks("blue") == {
        "mood": None, "harm": {"risk": float(risk), "source": "a register", "analysis": None}
    }  # fmt: skip


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("{analysis: harm_odds}", "is no response to a score"),
        ("{analysis: mood}", "is not an analysis of green that compares counts of people"),
        ("{analysis: other}", "is not an analysis of green that compares counts of people"),
        ("{analysis: harm_odds, risk: 0.2, source: a register}", "not both"),
        ("{risk: 0.2}", "give a risk with its source"),
        ("{source: a register}", "give a risk with its source"),
    ],
)
def test_a_risk_has_one_place_it_comes_from(declared: str, told: str, small: SmallReview) -> None:
    small.rewrite("outcome: mood, ", f"outcome: mood, baseline_risk: {declared}, ")
    with pytest.raises(ProtocolError, match=told):
        _ = small.review


def test_controls_that_had_a_harm_are_no_responders(small: SmallReview) -> None:
    """The shipped test review counts a harm only, of which less is better."""
    green = "outcome: mood, measure: MD, "
    small.rewrite(green, f"{green}baseline_risk: {{analysis: harm_odds}}, ")
    with pytest.raises(ProtocolError, match="any harm is no response to a score"):
        _ = small.review
    small.rewrite(
        "title: any harm, kind: binary, better: lower",
        "title: response, kind: binary, better: higher",
    )
    assert small.review.baseline_risks("green")["mood"] == {
        "risk": None, "source": "", "analysis": "harm_odds"
    }  # fmt: skip
