"""The flow of PRISMA 2020, its sums, and the checklists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from filled import analysis_result
from small import SmallReview

from trialpool.review.extraction.screening import screening
from trialpool.review.report import prisma
from trialpool.review.report.prisma_items import ITEMS, LIVING, PRISMA
from trialpool.review.schema.results import AGREEMENT

GOOD = {
    "duplicates": 20, "removed_otherwise": 0, "screened": 80, "excluded_at_screening": 50,
    "sought": 30, "not_retrieved": 5, "assessed": 25,
}  # fmt: skip
SEARCHES = [{"n_records": 60}, {"n_records": 40}]


def stages(folder: Path, **changes: Any) -> Path:
    path = folder / "screening.csv"
    lines = [f"{stage},{'' if n is None else n},log," for stage, n in (GOOD | changes).items()]
    path.write_text("\n".join(["stage,n,source,notes", *lines]) + "\n", encoding="utf-8")
    return path


def told(path: Path, searches: Any = SEARCHES, excluded: int = 6) -> list[str]:
    return [str(problem) for problem in screening([path], searches, excluded)[1]]


def test_sums_that_fit_are_silent(tmp_path: Path) -> None:
    assert told(stages(tmp_path)) == []
    assert told(stages(tmp_path), excluded=25) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"screened": 81, "sought": 31, "assessed": 26}, "100 found - 20 duplicates - 0 removed"),
        ({"sought": 31, "assessed": 26}, "80 screened - 50 excluded at screening = 30, not 31"),
        ({"assessed": 24}, "30 sought - 5 not retrieved = 25, not 24"),
    ],
)
def test_a_sum_that_does_not_fit_names_its_numbers(
    tmp_path: Path, change: dict[str, int], said: str
) -> None:
    """One problem, with file, row, column, value, the rule and the fix."""
    (problem,) = told(stages(tmp_path, **change))
    assert said in problem
    assert "screening.csv" in problem
    assert "leave blank what was not recorded" in problem


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"duplicates": None, "screened": 101, "sought": 51, "assessed": 46}, "101 screened of"),
        ({"duplicates": 101, "screened": None}, "101 duplicates of only 100 found"),
        ({"excluded_at_screening": None, "sought": 81, "assessed": 76}, "81 sought of only 80"),
    ],
)
def test_no_stage_is_more_than_what_goes_into_it(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    """Whatever else was not recorded."""
    assert any(said in problem for problem in told(stages(tmp_path, **change)))


def test_more_excluded_than_assessed_is_a_problem(tmp_path: Path) -> None:
    (problem,) = told(stages(tmp_path), excluded=26)
    assert "excluded.csv has 26 reports, more than the 25 assessed" in problem


@pytest.mark.parametrize("blank", ["duplicates", "screened"])
def test_what_is_not_recorded_is_not_summed(tmp_path: Path, blank: str) -> None:
    """A blank is a blank, never 0."""
    assert told(stages(tmp_path, **{blank: None, "assessed": 25})) == []
    assert told(stages(tmp_path), searches=[{"n_records": None}, {"n_records": 1}]) == []


def test_a_run_is_stopped_by_a_sum(tmp_path: Path) -> None:
    """`trialpool check` and the plan of a run look at it."""
    small = SmallReview(tmp_path)
    assert small.problems() == []
    stages(small.path("trials").parent, assessed=24)
    assert any("30 sought - 5 not retrieved = 25, not 24" in each for each in small.problems())


def selection(**changes: Any) -> prisma.Selected:
    whole: dict[str, Any] = {
        "trials": pd.DataFrame({"trial_id": ["A", "B", "C"]}),
        "search": pd.DataFrame({"n_records": [60, 40], "date": ["2026", "2026"]}),
        "excluded": pd.DataFrame({"study": ["X"]}),
        "screening": [{"stage": stage, "n": n, "source": None} for stage, n in GOOD.items()],
        "used": frozenset({"A", "B"}),
    }
    return prisma.Selected(**(whole | changes))


def boxes(of: prisma.Selected) -> dict[str, tuple[Any, str]]:
    rows = prisma.flow({"blue": of}).to_dict("records")
    return {row["box"]: (row["n"], row["basis"]) for row in rows}


def test_the_flow_counts_what_is_there() -> None:
    made = boxes(selection())
    assert made["found"] == (100, "computed")
    assert made["assessed"] == (25, "recorded")
    assert made["excluded"] == (1, "counted")
    assert [made[box][0] for box in ("included", "with_numbers", "without_numbers")] == [3, 2, 1]


def test_the_flow_says_what_was_not_recorded() -> None:
    bare = pd.DataFrame({"n_records": [60, None], "date": [None, None]})
    made = boxes(selection(search=bare, screening=()))
    for box in ("found", "duplicates", "screened", "assessed"):
        assert pd.isna(made[box][0])
        assert made[box][1] == "not recorded"


REVIEW: dict[str, Any] = {
    "title": "A living systematic review", "version": "1", "question": "Why?",
    "licence": "CC BY 4.0", "defaults": {"moderators": {"drug": {}}},
    "conditions": {"blue": {"analyses": {"mood": {"moderators": {}}}}},
}  # fmt: skip


def facts(review: dict[str, Any] | None = None, **changes: Any) -> dict[str, tuple[bool, str]]:
    tried = {"other_choices": {"tried": changes.pop("tried", 3), "turned": []}}
    k = changes.pop("k", 2)
    result = analysis_result(condition="blue", analysis="mood", k=k, trust=tried)
    rated = {"analysis": ["mood"], "domain": ["overall"], "level": [changes.pop("level", "low")]}
    named = {
        "risk_of_bias": [pd.DataFrame({"trial_id": changes.pop("judged", ["A", "B"])})],
        "agreement": [AGREEMENT.frame(changes.pop("agreed", []))],
        "certainty": [pd.DataFrame(rated)],
        "missing_evidence": [pd.DataFrame({"analysis": changes.pop("weighed", ["mood"])})],
        "verification": [pd.DataFrame({"verdict": changes.pop("verdicts", ["agree"])})],
    }
    known = {"blue": selection(**changes)}
    results = changes.pop("results", [result])
    return prisma.facts_of(REVIEW | (review or {}), known, results, named)


@pytest.mark.parametrize(
    ("fact", "change"),
    [
        ("named_review", {"review": {"title": "Ketamine"}}),
        ("named_living", {"review": {"title": "A systematic review"}}),
        ("version", {"review": {"version": ""}}),
        ("question", {"review": {"question": " "}}),
        ("licence", {"review": {"licence": ""}}),
        ("searched", {"search": pd.DataFrame({"n_records": [1], "date": [None]})}),
        ("screened", {"screening": ()}),
        ("judged", {"judged": ["A"]}),
        ("excluded", {"excluded": pd.DataFrame({"study": []})}),
        ("verified", {"verdicts": ["agree", "DISAGREE"]}),
        ("verified", {"verdicts": ["not covered"]}),
        ("judged", {"used": frozenset()}),
        ("trials", {"used": frozenset()}),
        ("grouped", {"review": {"defaults": {"moderators": {}}}}),
        ("varied", {"tried": 0}),
        ("rated", {"level": None}),
        ("missing", {"weighed": []}),
        ("missing", {"k": 0}),
    ],
)
def test_each_fact_can_hold_and_fail(fact: str, change: dict[str, Any]) -> None:
    assert facts()[fact][0]
    assert not facts(**change)[fact][0]


def test_a_second_extraction_is_a_fact() -> None:
    cells = {"table": "all", "column": "cells", "kind": "cells", "compared": 12}
    assert facts(agreed=[cells])["twice"] == (True, "12 cells were typed a second time")
    assert not facts()["twice"][0]


def test_every_item_names_a_fact_that_is_known() -> None:
    assert {item.fact for item in ITEMS} - {""} == set(facts()) - {"version"} | {"version"}


def test_the_checklists_are_filled_from_the_facts() -> None:
    """Every item has a row; one without a fact is text; every fact that is named is known."""
    known = facts()
    table = prisma.checklist(known)
    assert len(table) == len(ITEMS)
    assert set(table["list"]) == {PRISMA, LIVING}
    by_item = {(row["list"], row["item"]): row["status"] for row in table.to_dict("records")}
    assert by_item[PRISMA, "1"] == "pass"
    assert by_item[PRISMA, "9"] == "fail"
    assert by_item[PRISMA, "26"] == "text"
    failed = prisma.checklist({**known, "named_review": (False, "no")})
    assert dict(zip(failed["item"], failed["status"], strict=True))["16b"] == "pass"
    assert failed.iloc[0]["status"] == "fail"
    # All 42 items and sub-items of PRISMA 2020.
    assert sum(item.of == PRISMA for item in ITEMS) == 42
