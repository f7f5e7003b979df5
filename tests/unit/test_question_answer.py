"""Answers to questions as JSON: the classes are the format, their schema is shipped."""

from __future__ import annotations

import json
import re
from functools import cache
from math import isnan
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from question_answers import dose_answer, network_answer, time_answer
from small import ROOT

from trialpool import tables, typed_json
from trialpool.question_answer import (
    DoseFacts,
    FittedCourse,
    FittedDose,
    FittedNetwork,
    NetworkFacts,
    QuestionAnswer,
    TimeFacts,
)
from trialpool.results import TrialpoolError
from trialpool.review.questions import answered
from trialpool.review.questions.answered import AnsweredQuestion
from trialpool.review.report.question_words import KINDS
from trialpool.review.schema.json_schemas import FOLDER
from trialpool.review.schema.questions import ANSWER, QUESTION_TABLES, files_of

SHIPPED = sorted(ROOT.glob(f"results/*/questions/*/{ANSWER}"))
WHY = "not estimable: too few trials"
# Each kind with a model and without one, and the class of its facts.
EVERY = [
    (time_answer(), FittedCourse),
    (time_answer(WHY), TimeFacts),
    (time_answer(first_day=None), FittedCourse),
    (dose_answer(), FittedDose),
    (dose_answer(WHY), DoseFacts),
    (dose_answer(shape="spline", knots=[0.1, 0.3, 0.5], p_slope=None, p_nonlinear=0.2), FittedDose),
    (network_answer(), FittedNetwork),
    (network_answer(WHY), NetworkFacts),
]


@cache
def validator() -> Draft202012Validator:
    shipped = FOLDER / "question_answer.schema.json"
    return Draft202012Validator(json.loads(shipped.read_text(encoding="utf-8")))


def read(value: Any) -> QuestionAnswer:
    answer: QuestionAnswer = typed_json.from_json(QuestionAnswer, value, ANSWER)
    return answer


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parts[-4]}/{path.parts[-2]}")
def test_a_shipped_answer_follows_the_schema_and_comes_back_byte_by_byte(
    path: Path, tmp_path: Path
) -> None:
    """So do its tables. Reading leaves nothing out and adds nothing."""
    validator().validate(tables.read_json(path))
    question = answered.read(path.parent)
    again = answered.write(tmp_path / "questions", question)
    assert again.name == path.parent.name
    names = {file.name for file in again.iterdir()}
    assert names == {*files_of(again.name)}
    for name in names:
        assert (again / name).read_bytes() == (path.parent / name).read_bytes()


@pytest.mark.parametrize(("answer", "facts"), EVERY)
def test_an_answer_is_read_as_it_was_written(
    answer: QuestionAnswer, facts: type[Any], tmp_path: Path
) -> None:
    """Of every kind, with a model and without: equal, and facts of the same class."""
    folder = answered.write(tmp_path / "questions", AnsweredQuestion(answer=answer, tables={}))
    again = answered.read(folder).answer
    assert again == answer
    assert type(again) is type(answer)
    assert type(again.facts) is type(answer.facts) is facts
    validator().validate(tables.read_json(folder / ANSWER))


def test_a_missing_number_of_a_network_is_null() -> None:
    """Q between designs has no p value without a loop."""
    value = tables.plain(typed_json.to_json(network_answer(q_between_pval=None)))
    assert value["facts"]["q_between_pval"] is None
    again = read(value)
    assert isinstance(again.facts, FittedNetwork)
    assert isnan(again.facts.q_between_pval)


def test_every_kind_has_its_tables_and_its_heading() -> None:
    """What is declared by kind, of the same kinds and in the same order."""
    fewest = (TimeFacts, DoseFacts, NetworkFacts)
    kinds = [answer.kind for answer, facts in EVERY if facts in fewest]
    assert len(kinds) == len(get_args(QuestionAnswer))
    assert list(KINDS) == list(QUESTION_TABLES) == kinds


TIME, DOSE, NETWORK = time_answer(), dose_answer(), network_answer()
# What is wrong: the answer, the path to a field, its new value (or GONE), and the refusal.
GONE = object()
A_KIND = " or ".join(map(repr, QUESTION_TABLES))
WRONG: dict[str, tuple[QuestionAnswer, tuple[str, ...], Any, str]] = {
    "no kind": (TIME, ("kind",), GONE, "answer.json, kind: the field is missing"),
    "another kind": (
        TIME, ("kind",), "tyme",
        f"answer.json, kind: {A_KIND} is needed, not \"tyme\"",
    ),
    "a list of kinds": (TIME, ("kind",), ["time"], f"{A_KIND} is needed, not [\"time\"]"),
    "the kind of another answer": (DOSE, ("kind",), "time", "answer.json, facts, "),
    "no title": (DOSE, ("title",), GONE, "answer.json, title: the field is missing"),
    "more than an answer has": (NETWORK, ("page",), 1, "answer.json, page: the field is not known"),
    "a course without its largest effect": (
        TIME, ("facts", "largest"), None,
        "answer.json, facts, largest: an object is needed, not null",
    ),
    "half an interval": (
        TIME, ("facts", "largest", "ci_low"), GONE,
        "answer.json, facts, largest, ci_low: the field is missing",
    ),
    "text for a day": (
        TIME, ("facts", "first_day"), "1",
        'answer.json, facts, first_day: a number is needed, not "1"',
    ),
    "a dose-response without its shape": (
        DOSE, ("facts", "shape"), GONE, "answer.json, facts, shape: the field is missing",
    ),
    "another shape": (
        DOSE, ("facts", "shape"), "flat",
        "answer.json, facts, shape: 'linear' or 'spline' is needed, not \"flat\"",
    ),
    "half a trial": (
        DOSE, ("facts", "levels", "0.3"), 1.5,
        "answer.json, facts, levels, 0.3: a whole number is needed, not 1.5",
    ),
    "a network without its tau2": (
        NETWORK, ("facts", "tau2"), GONE, "answer.json, facts, tau2: the field is missing",
    ),
    "a question that is no scale": (
        NETWORK, ("question", "scale"), "cubic", "answer.json, question, scale: 'identity' or",
    ),
    "more than a network has": (
        NETWORK, ("facts", "pooled"), 0.1, "answer.json, facts, pooled: the field is not known",
    ),
}  # fmt: skip


def changed(answer: QuestionAnswer, path: tuple[str, ...], new: Any) -> dict[str, Any]:
    value: dict[str, Any] = tables.plain(typed_json.to_json(answer))
    assert validator().is_valid(value)
    part = value
    for name in path[:-1]:
        part = part[name]
    if new is GONE:
        del part[path[-1]]
    else:
        part[path[-1]] = new
    return value


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_answer_is_refused_with_the_field(name: str, tmp_path: Path) -> None:
    """By the reader, which names the file, and by the schema that is shipped for others."""
    answer, path, new, words = WRONG[name]
    value = changed(answer, path, new)
    assert not validator().is_valid(value)
    with pytest.raises(TrialpoolError) as caught:
        read(value)
    assert words in str(caught.value)
    tables.write_json(tmp_path / ANSWER, value)
    with pytest.raises(TrialpoolError, match=re.escape(f"{tmp_path / ANSWER}, ")):
        answered.read(tmp_path)
