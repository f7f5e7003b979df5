"""Results of other reviews: a table of its own beside the instruments, checked when it is there."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from filled import analysis_result
from small import SmallReview

from trialpool.cli import main
from trialpool.review.accounts.rob_me import Written
from trialpool.review.extraction.other_reviews import trials_in_common
from trialpool.review.findings.other_reviews import other_reviews
from trialpool.review.schema.raw_elsewhere import OTHER_REVIEWS

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
        ({"estimate": "-0.95", "ci_high": ""}, "estimate = -0.95: outside its interval"),
        ({"estimate": "0", "ci_low": ""}, "estimate = 0: outside its interval"),
        (
            {"measure": "OR", "estimate": "2", "ci_low": "0", "ci_high": "4"},
            "ci_low = 0: a ratio is above 0",
        ),
        (
            {"measure": "RD", "estimate": "0.5", "ci_low": "0.1", "ci_high": "1.01"},
            "ci_high = 1.01: a risk difference is -1 to 1",
        ),
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


# -- beside our own results --------------------------------------------------------------------


def written(measure: str = "SMD") -> Written:
    display = {"estimate": -0.4, "ci_low": -0.8, "ci_high": 0.0}
    result = analysis_result(
        condition="blue", analysis="mood", measure=measure, k=2, display=display
    )
    trials = pd.DataFrame({"trial_id": ["Ash", "Cedar"]})
    return Written(result, trials, pd.DataFrame(), pd.DataFrame())


def row(**changes: Any) -> dict[str, Any]:
    """The line of the table that one row becomes."""
    about = dict.fromkeys(OTHER_REVIEWS.names) | ROW | {"estimate": -0.5, "ci_low": -0.9,
                                                        "ci_high": -0.1} | changes  # fmt: skip
    (line,) = other_reviews("blue", [about], [written()]).to_dict("records")
    return {str(name): value for name, value in line.items()}


def test_a_result_stands_beside_ours_with_the_trials_that_both_pooled() -> None:
    line = row()
    assert (line["estimate"], line["ci_low"], line["ci_high"]) == (-0.5, -0.9, -0.1)
    assert (line["our_estimate"], line["our_k"], line["in_common"]) == (-0.4, 2, 1)
    assert line["trials_in_common"] == "Ash"
    assert line["note"] == ""


@pytest.mark.parametrize(
    ("measure", "numbers", "turned"),
    [("SMD", (0.5, 0.1, 0.9), (-0.5, -0.9, -0.1)), ("OR", (2.0, 0.5, 4.0), (0.5, 0.25, 2.0))],
)
def test_a_contrast_the_other_way_is_turned_and_says_so(
    measure: str, numbers: tuple[float, ...], turned: tuple[float, ...]
) -> None:
    ends = dict(zip(("estimate", "ci_low", "ci_high"), numbers, strict=True))
    line = row(measure=measure, contrast="control-experimental", **ends)
    assert (line["estimate"], line["ci_low"], line["ci_high"]) == turned
    assert line["note"] == "turned: the source gives control against experimental"


def test_a_change_within_people_is_never_turned() -> None:
    line = row(measure="MC", contrast=None, estimate=8.5, ci_low=6.9, ci_high=10.1)
    assert (line["estimate"], line["note"]) == (8.5, "")


def test_what_has_no_analysis_here_stands_alone() -> None:
    line = row(analysis=None, trials=None)
    assert pd.isna(line["our_estimate"])
    assert pd.isna(line["in_common"])
    unseen = row(trials=None)
    assert unseen["our_estimate"] == -0.4
    assert pd.isna(unseen["in_common"])


def test_other_conditions_are_left_out() -> None:
    about = dict.fromkeys(OTHER_REVIEWS.names) | ROW
    assert len(other_reviews("green", [about], [written()])) == 0
