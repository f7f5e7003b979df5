"""Questions of time, dose and networks: declared, answered, put into words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from question_answers import dose_answer, network_answer, time_answer
from small import SmallReview

from trialpool.figures.catalogue import QUESTION_CAPTIONS
from trialpool.question_answer import QuestionAnswer
from trialpool.review.protocol.problems import ProtocolError
from trialpool.review.protocol.protocol import resolve
from trialpool.review.questions import answered
from trialpool.review.questions.answered import AnsweredQuestion
from trialpool.review.questions.questions import answers
from trialpool.review.report import drawing
from trialpool.review.report.question_section import DrawnQuestion, by_kind, read_questions
from trialpool.review.report.question_sheets import question_sheets
from trialpool.review.report.question_tables import question_grids
from trialpool.review.report.question_words import in_words


def review(small: SmallReview, **questions: Any) -> Any:
    config = small.review.model_dump(mode="json")
    config["conditions"]["blue"] |= questions
    return resolve(config)


QUESTIONS: dict[str, Any] = {
    "time_courses": {"mood": {"title": "Mood over time", "analysis": "mood"}},
    "doses": {"mood": {"title": "Mood by dose", "analysis": "mood", "drug": "drug", "route": "IV"}},
}


def asked(small: SmallReview, folder: Path) -> list[tuple[AnsweredQuestion, AnsweredQuestion]]:
    """All answers, and each as a page reads it."""
    spec = review(small, **QUESTIONS)
    made = list(answers(small.tables(), small.records(), spec, "blue"))
    for question in made:
        written = answered.write(folder, question)
        drawing.write(written, question_sheets(question), QUESTION_CAPTIONS)
    read = {each.answered.answer.folder: each.answered for each in drawn(folder)}
    return [(question, read[question.answer.folder]) for question in made]


def drawn(folder: Path) -> list[DrawnQuestion]:
    return read_questions(sorted(folder.iterdir()))


def words(answer: QuestionAnswer, **tables: pd.DataFrame) -> str:
    return in_words(AnsweredQuestion(answer=answer, tables=tables))


def test_every_question_has_words_tables_and_figures(tmp_path: Path) -> None:
    """Few trials: each is not estimable, and says why with its numbers."""
    pairs = asked(SmallReview(tmp_path / "review"), tmp_path / "questions")
    assert [made.answer.folder for made, _ in pairs] == ["time_mood", "dose_mood"]
    for made, read in pairs:
        assert read.answer == made.answer
        assert made.answer.facts.reason
        assert made.answer.facts.reason.rstrip(".").lower() in in_words(read).lower()
        assert question_grids(read)
    page = by_kind(drawn(tmp_path / "questions"))
    assert list(page) == ["How fast, and for how long?", "Which dose?"]


def test_an_estimable_course_says_when() -> None:
    points = pd.DataFrame({"day": [1.0, 7.0, 30.0], "study": ["A", "B", "C"], "estimate": -0.5,
                           "ci_low": -0.9, "ci_high": -0.1})  # fmt: skip
    text = words(time_answer(), time_points=points)
    assert "largest on day 7 (−0.60)" in text
    assert "first excludes no difference on day 1" in text
    assert text.endswith("Beyond day 30 nothing is known.")


def test_a_dose_response_says_what_it_rests_on() -> None:
    text = words(dose_answer())
    assert text.startswith("Six trials with a known dose (0.3 mg/kg in two trials and 0.5 mg/kg in")
    assert "show a trend with dose (p = 0.040; linear). Not random." in text


def test_a_network_names_treatments_that_rest_on_one_trial() -> None:
    effects = pd.DataFrame([{"model": "random", "treatment": "b", "estimate": -0.3,
                             "ci_low": -0.8, "ci_high": 0.2}])  # fmt: skip
    nodes = pd.DataFrame({"treatment": ["a", "b", "c"], "trials": ["3", "1", "2"]})
    text = words(network_answer(reference="a"), effects=effects, nodes=nodes)
    assert text.startswith("Four trials link three treatments. Against a (SMD): b −0.30 (−0.80 to")
    assert "nothing could show a contradiction" in text
    assert "B rests on one trial." in text


def course_points(*rows: tuple[str, float, float, float]) -> pd.DataFrame:
    shown = [{"study": study, "day": day, "estimate": (low + high) / 2, "ci_low": low,
              "ci_high": high} for study, day, low, high in rows]  # fmt: skip
    return pd.DataFrame(shown)


def test_without_a_course_the_trials_that_show_something_are_named() -> None:
    """Each at its day; an interval that ends at no difference includes it."""
    points = course_points(
        ("A", 7.0, -0.9, -0.1), ("B", 1.0, -0.9, 0.0), ("C", 30.0, 0.1, 0.5), ("A", 1.0, -1.0, 0.2)
    )
    text = words(time_answer("too few trials."), time_points=points)
    assert text == (
        "Four trials measured it on days 1, 7 and 30. A course over time is too few trials. Taken "
        "alone, the interval of A on day 7 and C on day 30 excludes no difference. Beyond day 30 "
        "nothing is known."
    )
    silent = words(time_answer("x"), time_points=course_points(("B", 1.0, -0.9, 0.1)))
    assert "Taken alone" not in silent
    assert "measured it on day 1." in silent
    assert words(time_answer("no trial"), time_points=points.iloc[:0]) == (
        "It cannot be told: no trial."
    )


def test_a_course_that_never_excludes_no_difference_says_so() -> None:
    points = course_points(("A", 1.0, -0.9, 0.1))
    text = words(time_answer(first_day=None), time_points=points)
    assert "(−0.60), and on no day does the interval exclude no difference." in text


@pytest.mark.parametrize(("p", "verb"), [(0.0499, ") show "), (0.05, ") do not show ")])
def test_a_trend_with_dose_is_shown_below_five_percent(p: float, verb: str) -> None:
    """Of a straight line its slope is asked, of a curve its bend."""
    assert f"{verb}a trend with dose (p = 0.05" in words(dose_answer(p_slope=p)).replace(
        "0.050", "0.05"
    )
    bent = dose_answer(shape="spline", p_slope=None, p_nonlinear=p)
    assert f"{verb}a bend (" in words(bent)


def test_a_network_says_what_rests_on_one_trial_and_what_could_contradict() -> None:
    rows = [("random", "a", 0.0), ("common", "b", -0.7), ("random", "b", -0.3)]
    effects = pd.DataFrame([{"model": model, "treatment": name, "estimate": estimate,
                             "ci_low": estimate - 0.5, "ci_high": estimate + 0.5}
                            for model, name, estimate in rows])  # fmt: skip
    nodes = pd.DataFrame({"treatment": ["a", "b", "c"], "trials": [1, 1, 2]})
    answer = network_answer(reference="a", q_between_df=1, cautions=["not random"])
    assert words(answer, effects=effects, nodes=nodes) == (
        "Four trials link three treatments. Against a (SMD): b −0.30 (−0.80 to 0.20) (τ² 0.10). "
        "A and b rest on one trial each. Not random."
    )
    none = words(network_answer("two parts"), effects=effects, nodes=nodes)
    assert none == "Treatments cannot be compared in one network: two parts."


@pytest.mark.parametrize(
    ("questions", "message"),
    [
        ({"time_courses": {"x": {"title": "T", "analysis": "no"}}},
         "conditions.blue.time_courses.x.analysis = no: is not an analysis of blue"),
        ({"networks": {"x": {"title": "T", "outcome": "no", "measure": "SMD", "reference": "a",
                             "nodes": {"a": {"drug": ["a"]}, "b": {"drug": ["b"]}}}}},
         "conditions.blue.networks.x.outcome = no: not declared under outcomes"),
        ({"networks": {"x": {"title": "T", "outcome": "mood", "measure": "OR", "reference": "a",
                             "nodes": {"a": {"drug": ["a"]}, "b": {"drug": ["b"]}}}}},
         "conditions.blue.networks.x.measure = OR: does not fit outcome mood"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_named_by_its_key(
    questions: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ProtocolError, match=message.replace(".", r"\.")):
        review(SmallReview(tmp_path), **questions)
