"""Results of other reviews: a table of its own beside the instruments, checked when it is there."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from small import SmallReview

from trialpool.cli import main
from trialpool.review.extraction.other_reviews import trials_in_common
from trialpool.review.schema.raw import OTHER_REVIEWS

FILE = "data/raw/other_reviews.csv"
ROW = {
    "review": "Rowan 2020", "year": "2020", "condition": "blue", "outcome": "mood",
    "analysis": "mood", "pooled": "adults, one week", "k": "3", "measure": "SMD",
    "contrast": "experimental-control", "estimate": "-0.5", "ci_low": "-0.9", "ci_high": "-0.1",
    "trials": "Ash; Birch", "confidence": "abstract",
    "source_url": "https://www.example.org/rowan", "locator": "abstract",
}  # fmt: skip


def put(small: SmallReview, *rows: dict[str, str]) -> None:
    path: Path = small.folder / FILE
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, OTHER_REVIEWS.names, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def test_a_row_in_order_says_nothing(small: SmallReview) -> None:
    assert small.problems() == []  # a review may do without the table
    put(small, ROW)
    assert small.problems() == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"condition": "red"}, "condition = red: no such condition in the protocol"),
        ({"outcome": "weather", "analysis": ""}, "outcome = weather: not declared under outcomes"),
        ({"analysis": "mood_year"}, "analysis = mood_year: no such analysis of blue"),
        ({"outcome": "harm"}, "outcome = harm: the analysis is of mood"),
        ({"trials": "Ash;Otter"}, "trials = Ash;Otter: Otter: no such trial in trials.csv"),
        ({"estimate": "0.5"}, "estimate = 0.5: outside its interval, -0.9 to -0.1"),
        ({"estimate": "-0.91"}, "estimate = -0.91: outside its interval"),
        ({"measure": "PLO"}, "measure = PLO: "),
        ({"k": "0"}, "k = 0: "),
        ({"pooled": ""}, "pooled: "),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    change: dict[str, str], told: str, small: SmallReview
) -> None:
    put(small, ROW, ROW | {"review": "Sorrel 2021"} | change)
    (problem,) = small.problems()
    assert problem.startswith(f"{FILE} row 3, {told}"), problem


@pytest.mark.parametrize("change", [{"estimate": "-0.9"}, {"estimate": "-0.1"}, {"analysis": ""},
                                    {"trials": ""}, {"ci_low": "", "estimate": "-2"}])  # fmt: skip
def test_what_is_just_inside_is_not_told(change: dict[str, str], small: SmallReview) -> None:
    put(small, ROW | change)
    assert small.problems() == []


def test_the_same_result_twice_is_told(small: SmallReview) -> None:
    put(small, ROW, ROW | {"pooled": "adults, two weeks"}, ROW)
    (problem,) = small.problems()
    assert problem.startswith(f"{FILE} row 4, review = Rowan 2020: the same as row 2")


def test_the_command_tells_it_too(small: SmallReview, capsys: pytest.CaptureFixture[str]) -> None:
    put(small, ROW | {"trials": "Otter"})
    config, raw = small.folder / "config/review.yaml", small.folder / "data/raw"
    assert main(["check", "--config", str(config), "--raw", str(raw)]) == 1
    assert "Otter: no such trial in trials.csv of blue" in capsys.readouterr().out


def test_trials_in_common_are_read_one_by_one() -> None:
    assert trials_in_common({"trials": " Ash ;Birch; "}) == ["Ash", "Birch"]
    assert trials_in_common({"trials": None}) == []
