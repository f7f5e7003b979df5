"""Missing evidence: the status of each trial's result, and the rules of the proposed judgement."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from cases import case, tables
from filled import analysis_result

from trialpool import terms as t
from trialpool.analysis_result import AnalysisResult
from trialpool.review.accounts import rob_me as r
from trialpool.review.protocol.specs import Analysis
from trialpool.review.schema.results import EVIDENCE, JUDGEMENTS

NAN = float("nan")
TRIALS = pd.DataFrame(
    {"trial_id": ["A", "B", "C", "D"], "study": ["Ash", "Beech", "Cedar", "Dill"],
     "year": [2001.0, 2002.0, 2003.0, NAN], "diagnosis": ["ptsd", "ptsd", "gad", "ptsd"]}
)  # fmt: skip
NO_SELECTION = pd.DataFrame(columns=["effect_id", "trial_id", "study", "reason"])
NO_RESULTS = pd.DataFrame(columns=["trial_id", "outcome"])


def result(**changes: Any) -> AnalysisResult:
    about = {
        "analysis": "mood", "title": "Mood", "outcome": "mood", "k": 1, "n": 50,
        "specification": {"include": {}, "exclude": {}},
        "display": {"ci_low": -1.0, "ci_high": -0.1},
    }  # fmt: skip
    return analysis_result(**(about | changes))


def gone(trial: str = "B", **changes: Any) -> dict[str, Any]:
    return {
        "trial_id": trial, "status": "published_without_numbers", "reported": None, "reason": "why",
        "what_if_reason": None, "n_experimental": NAN, "n_control": NAN, "n_total": 20.0,
    } | changes  # fmt: skip


def missing(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(gone()))


STUDIES = pd.DataFrame({"trial_id": ["A"]})


def status(
    trial: str,
    *,
    about: AnalysisResult | None = None,
    absent: pd.DataFrame | None = None,
    selection: pd.DataFrame = NO_SELECTION,
    results: pd.DataFrame = NO_RESULTS,
) -> tuple[str, str]:
    absent = missing() if absent is None else absent
    written = r.Written(about or result(), STUDIES, selection, absent)
    lines = r.availability(written, TRIALS, results)
    assert [line["trial_id"] for line in lines] == list(TRIALS["trial_id"])
    (one,) = [line for line in lines if line["trial_id"] == trial]
    return one["status"], one["detail"]


def proposal(absent: pd.DataFrame, **changes: Any) -> dict[str, Any]:
    written = r.Written(result(**changes), STUDIES, NO_SELECTION, absent)
    _, proposals = r.rob_me([written], TRIALS, NO_RESULTS)
    return {str(name): value for name, value in proposals.iloc[0].items()}


# -- the status of a result --------------------------------------------------------------------


def test_a_trial_that_is_used_and_one_of_which_nothing_is_known() -> None:
    assert status("A") == (t.AVAILABLE, "")
    assert status("B") == (t.NOT_KNOWN, "")


def test_a_filter_comes_before_what_is_missing() -> None:
    about = result(specification={"include": {"diagnosis": ["ptsd"]}, "exclude": {}})
    found = status("C", about=about, absent=missing(gone("C")))
    assert found == (t.OUTSIDE, "diagnosis is gad, not ptsd")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, t.UNCLEAR),
        ({"reported": "no significant differences", "reason": "BAI without values"}, t.RESULT),
        ({"reported": "The groups did not differ", "reason": "no values"}, t.RESULT),
        ({"reported": "differences were non-significant", "reason": "no values"}, t.RESULT),
        # The reviewers read an abstract: the numbers may well be published.
        ({"reported": "no significant interaction", "reason": "only the abstract"}, t.UNCLEAR),
        ({"reported": "no clinically significant symptoms", "reason": "no counts"}, t.UNCLEAR),
        ({"reported": "lower", "what_if_reason": "reported an effect; assuming none would "
          "contradict it"}, t.OTHER),
        ({"status": "completed_unpublished"}, t.UNCLEAR),
        ({"status": "status_unknown"}, t.UNCLEAR),
        ({"status": "ongoing", "reported": "no significant"}, t.OTHER),
    ],
)  # fmt: skip
def test_why_a_result_is_missing_as_far_as_its_row_says(row: dict[str, Any], expected: str) -> None:
    found, detail = status("B", absent=missing(gone(**row)))
    assert found == expected
    assert str(row.get("reason", "why")) in detail
    assert str(row.get("reported", "")) in detail


def test_an_effect_left_out_is_unusable_or_of_another_question() -> None:
    """The reasons are those that `select` gives; an unusable one says more than another time."""
    cases: list[tuple[str, dict[str, Any]]] = [
        ("B", {"instrument": "T"}),
        ("B", {"comparator_class": "ect"}),
        ("B", {"time_days": NAN}),
        ("B", {"time_days": 90.0}),
        ("B", {"outcome_type": "change"}),
        ("C", {"time_days": 90.0}),
        ("C", {"yi": NAN, "reason": "sd is missing"}),
    ]
    usual: dict[str, Any] = {
        "study": "x", "year": 2000.0, "part": 0, "outcome": "mood", "measure": "SMD",
        "variant": None, "instrument": "S", "comparator_class": "placebo", "time_days": 7.0,
        "outcome_type": "msd", "yi": 0.1, "vi": 0.1, "reason": None, "event_control": NAN,
    }  # fmt: skip
    effects = pd.DataFrame(
        [
            usual | {"effect_id": f"e{i}", "trial_id": trial} | changes
            for i, (trial, changes) in enumerate(cases)
        ]
    )
    analysis = Analysis(
        title="Mood",
        outcome="mood",
        measure="SMD",
        instruments=("S",),
        time_days=(5, 16),
        outcome_types=("msd",),
    )
    held = tables(effects=effects, trials=TRIALS)
    rejected = case(analysis, tables=held).chosen().rejected
    assert len(rejected) == 7
    for i in range(5):
        one = rejected[rejected["effect_id"] == f"e{i}"]
        assert status("B", selection=one)[0] == t.OUTSIDE
    assert status("C", selection=rejected) == (t.UNUSABLE, "sd is missing")


def test_a_missing_result_of_another_question_is_outside() -> None:
    results = pd.DataFrame({"trial_id": ["B", "D"], "outcome": ["mood", "other"]})
    assert status("B", results=results)[0] == t.OUTSIDE
    assert status("D", results=results)[0] == t.NOT_KNOWN


# -- the proposal ------------------------------------------------------------------------------


RESULT = {"reported": "no significant difference", "reason": "no values"}


def test_nothing_of_concern_is_low() -> None:
    found = proposal(missing(gone(status="ongoing")))
    assert (found["proposed"], found["other_reason"], found["n_of_concern"]) == ("low", 1, 0)
    assert found["reason"].endswith("; 1 trial missing for another reason")
    assert (found["standing"], found["decided"]) == (r.STANDING, "")


def test_a_missing_result_raises_some_concerns() -> None:
    found = proposal(missing(gone(**RESULT), gone("C")))
    assert found["proposed"] == "some concerns"
    assert (found["because_of_result"], found["unclear"], found["n_of_concern"]) == (1, 1, 40)
    assert found["reason"] == (
        "2 trials missing (1 presumably because of the result, 1 unclear why; n = 40)"
    )


def test_as_many_people_as_in_the_analysis_is_high() -> None:
    found = proposal(missing(gone(n_total=49.0)))
    assert found["proposed"] == "some concerns"
    found = proposal(missing(gone(n_total=50.0), gone("C", n_total=NAN)))
    assert found["proposed"] == "high"
    assert "size of 1 not known" in found["reason"]
    assert found["size_not_known"] == 1


def test_of_an_unknown_number_of_people_none_is_as_many() -> None:
    """What is known to be missing is not compared with nobody."""
    assert proposal(missing(gone(n_total=50.0)), n=50)["proposed"] == "high"
    assert proposal(missing(gone(n_total=50.0)), n=None)["proposed"] == "some concerns"


@pytest.mark.parametrize(
    ("measure", "now", "added", "changes"),
    [
        ("SMD", (-1.0, -0.1), (-0.9, 0.1), "yes"),
        ("SMD", (-1.0, -0.1), (-0.9, -0.01), "no"),
        ("SMD", (-1.0, 0.5), (-0.6, -0.1), "yes"),
        ("RR", (0.4, 0.9), (0.6, 1.1), "yes"),
        ("RR", (0.4, 1.2), (0.6, 1.1), "no"),
    ],
)
def test_a_conclusion_that_would_change_is_high(
    measure: str, now: tuple[float, float], added: tuple[float, float], changes: str
) -> None:
    found = proposal(
        missing(gone(**RESULT)),
        measure=measure,
        display=dict(zip(("ci_low", "ci_high"), now, strict=True)),
        what_if=dict(zip(("ci_low", "ci_high"), added, strict=True)),
    )
    assert found["conclusion_changes"] == changes
    assert found["proposed"] == ("high" if changes == "yes" else "some concerns")


def test_an_analysis_without_a_trial_is_not_judged() -> None:
    found = proposal(missing(gone()), k=0, n=0)
    assert found["proposed"] == ""
    assert found["reason"] == "no trial is in the analysis: there is no result to judge"


def test_what_cannot_be_tested_is_said() -> None:
    found = proposal(missing(), policy={"withheld": {"asymmetry tests": "k = 1: needs 10"}})
    assert found["reason"].endswith("small-study effects cannot be tested, k = 1: needs 10")


def test_the_tables_of_a_condition() -> None:
    one = r.Written(result(), STUDIES, NO_SELECTION, missing(gone(**RESULT)))
    two = r.Written(result(analysis="sleep", k=0), STUDIES.iloc[:0], NO_SELECTION, missing())
    matrix, proposals = r.rob_me([one, two], TRIALS, NO_RESULTS)
    assert tuple(matrix.columns) == EVIDENCE.names
    assert tuple(proposals.columns) == JUDGEMENTS.names
    assert len(matrix) == 2 * len(TRIALS)
    assert list(matrix["status"].iloc[:2]) == [t.AVAILABLE, t.RESULT]
    assert list(proposals["analysis"]) == ["mood", "sleep"]


def test_no_analysis_gives_empty_tables() -> None:
    matrix, proposals = r.rob_me([], TRIALS, NO_RESULTS)
    assert (len(matrix), len(proposals)) == (0, 0)
    assert tuple(matrix.columns) == EVIDENCE.names
