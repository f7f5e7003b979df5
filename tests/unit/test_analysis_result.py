"""Results as JSON: the classes are the format, their schema is shipped, the results follow it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from math import isnan
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from small import ROOT

from trialpool import tables, typed_json
from trialpool.analysis_result import AnalysisResult
from trialpool.results import PooledCounts, TrialpoolError
from trialpool.review.schema.json_schemas import FOLDER, SCHEMAS
from trialpool.trust_facts import CovariateFacts, MissingEffectFacts, SubgroupFacts, Unanswered

SHIPPED = sorted(ROOT.glob("results/*/*/model.json"))
MANY = ROOT / "results/depression/symptoms/model.json"


@cache
def validator() -> Draft202012Validator:
    shipped = FOLDER / "analysis_result.schema.json"
    return Draft202012Validator(json.loads(shipped.read_text(encoding="utf-8")))


def read(value: Mapping[str, Any]) -> AnalysisResult:
    return typed_json.from_json(AnalysisResult, value, "model.json")


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_shipped_schema_is_that_of_the_classes(name: str) -> None:
    """After a change of a class: `python -m trialpool.review.schema.json_schemas`."""
    shipped = (FOLDER / name).read_text(encoding="utf-8")
    assert shipped == typed_json.schema_text(SCHEMAS[name])
    Draft202012Validator.check_schema(json.loads(shipped))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parts[-3]}/{path.parts[-2]}")
def test_a_shipped_result_follows_the_schema_and_comes_back_byte_by_byte(
    path: Path, tmp_path: Path
) -> None:
    """Reading leaves nothing out and adds nothing."""
    validator().validate(tables.read_json(path))
    typed_json.write(tmp_path / "again.json", typed_json.read(path, AnalysisResult))
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def parts(value: Any) -> Iterator[Any]:
    """A result object and all objects inside it."""
    if is_dataclass(value):
        yield value
        inside: Any = [getattr(value, f.name) for f in fields(value)]
    else:
        inside = value.values() if isinstance(value, Mapping) else value
    if isinstance(inside, list | tuple) or not isinstance(inside, str | int | float | None):
        for part in inside:
            if is_dataclass(part) or isinstance(part, tuple | Mapping):
                yield from parts(part)


def test_a_missing_number_is_nan_in_memory_and_null_in_json() -> None:
    """Where the type says a number; None where it says that there may be none."""
    one = typed_json.read(ROOT / "results/anxiety/response/model.json", AnalysisResult)
    assert isnan(one.display.pi_low)
    assert one.pooled is None
    assert typed_json.to_json(one)["pooled"] is None
    assert tables.plain(typed_json.to_json(one.display))["pi_low"] is None


def test_a_union_is_read_as_the_class_whose_fields_are_there() -> None:
    """What only some analyses have: counts, covariates, missing trials that can be added."""
    by_kind: dict[type[Any], int] = {}
    for path in SHIPPED:
        for part in parts(typed_json.read(path, AnalysisResult)):
            by_kind[type(part)] = by_kind.get(type(part), 0) + 1
    counts = json.loads("[" + ",".join(p.read_text(encoding="utf-8") for p in SHIPPED) + "]")
    moderators = [each for one in counts for each in one["trust"]["moderators"]]
    gone = [one["trust"]["missing_effect"] for one in counts]
    assert by_kind[SubgroupFacts] == sum(each["kind"] == "group" for each in moderators) > 0
    assert by_kind[CovariateFacts] == sum(each["kind"] == "covariate" for each in moderators) > 0
    assert by_kind[MissingEffectFacts] == sum(len(each) > 1 for each in gone) > 0
    assert by_kind[Unanswered] == sum(len(each) == 1 for each in gone) > 0
    assert by_kind[PooledCounts] == sum("tests" in (one["pooled"] or {}) for one in counts) > 0


def drop(*keys: str | int) -> Callable[[Any], None]:
    def change(value: Any) -> None:
        for key in keys[:-1]:
            value = value[key]
        del value[keys[-1]]

    return change


def put(new: Any, *keys: str | int) -> Callable[[Any], None]:
    def change(value: Any) -> None:
        for key in keys[:-1]:
            value = value[key]
        value[keys[-1]] = new

    return change


WRONG = {
    "title: a field is missing": (drop("title"), "model.json, title: the field is missing"),
    "deep down": (drop("trust", "weights"), "model.json, trust, weights: the field is missing"),
    "in a list": (
        drop("multiverse", "questions", 0, "most"),
        "model.json, multiverse, questions[0], most: the field is missing",
    ),
    "unknown": (put(1, "forrest"), "model.json, forrest: the field is not known"),
    "unknown in a union": (
        put("x", "pooled", "sigma"), "model.json, pooled, sigma: the field is not known",
    ),
    "text for a number": (
        put("0.5", "display", "estimate"),
        'model.json, display, estimate: a number is needed, not "0.5"',
    ),
    "true for a number": (put(True, "display", "estimate"), "a number is needed, not true"),
    "a fraction for a count": (put(1.5, "k"), "model.json, k: a whole number is needed, not 1.5"),
    "true for a count": (put(True, "k"), "model.json, k: a whole number is needed, not true"),
    "no count": (put(None, "k"), "model.json, k: a whole number is needed, not null"),
    "a number for text": (put(7, "title"), "model.json, title: text is needed, not 7"),
    "text for yes": (put("yes", "primary"), "primary: true or false is needed, not \"yes\""),
    "another word": (put("up", "better"), "better: 'lower' or 'higher' is needed, not \"up\""),
    "a list of words": (
        put(["lower"], "better"), "better: 'lower' or 'higher' is needed, not [\"lower\"]",
    ),
    "another gravity": (
        put("light", "verdict", "threats", 0, "gravity"),
        "threats[0], gravity: 'caution' or 'could' or 'turns' is needed, not \"light\"",
    ),
    "an object for a list": (put({}, "cautions"), "model.json, cautions: a list is needed, not {}"),
    "a list for an object": (put([], "display"), "model.json, display: an object is needed"),
    "three ends of a range": (
        put([1, 2, 3], "trust", "next_trial", "searched"),
        "trust, next_trial, searched: a list of 2 is needed, not [1, 2, 3]",
    ),
    "null for what is left out": (
        put(None, "several"), "model.json, several: an object is needed, not null",
    ),
    "text among weights": (put("a", "pooled", "weights", 0), "pooled, weights[0]: a number is"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_result_is_refused_with_the_field(name: str) -> None:
    """By the reader, and by the schema that is shipped for others."""
    change, words = WRONG[name]
    value = tables.read_json(MANY)
    validator().validate(value)
    change(value)
    with pytest.raises(TrialpoolError) as caught:
        read(value)
    assert words in str(caught.value)
    assert not validator().is_valid(value)


def test_a_whole_number_may_stand_for_a_number() -> None:
    """Other writers of JSON leave out the .0."""
    value = tables.read_json(MANY)
    put(1, "display", "estimate")(value)
    assert read(value).display.estimate == 1.0
    assert isinstance(read(value).display.estimate, float)


def test_a_field_that_may_be_absent_is_left_out_while_it_has_no_value() -> None:
    """As `several`, of several effects per trial; null is not a second way to say so."""
    value = tables.read_json(MANY)
    assert "several" not in value
    assert read(value).several is None
    assert "several" not in typed_json.to_json(read(value))
    value["multiverse"]["withheld"] = "why"
    assert typed_json.to_json(read(value))["multiverse"]["withheld"] == "why"
    assert validator().is_valid(value)


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    """The file comes first, as in every error."""
    path = tmp_path / "model.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(TrialpoolError, match=r"model\.json: not readable \(Expecting"):
        typed_json.read(path, AnalysisResult)
