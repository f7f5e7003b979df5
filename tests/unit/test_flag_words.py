"""Results name checks; figures and pages say what they mean."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from small import SmallReview

from trialpool.review.extraction.ready import Ready
from trialpool.review.report.flag_words import explained, explained_refits

FLAGS = pd.DataFrame(
    {
        "check": ["n_grows", "sd_small", "n_grows"],
        "words": ["n grows", "the SD is small", "n grows"],
    }
)


def test_a_check_is_named_by_its_meaning_once() -> None:
    studies = pd.DataFrame({"flags": ["n_grows; sd_small", None, "sd_small", "gone"]})
    flags = explained(studies, FLAGS)["flags"]
    assert flags.fillna("").tolist() == ["n grows; the SD is small", "", "the SD is small", "gone"]


def test_only_notes_of_flagged_trials_are_put_in_words() -> None:
    table = pd.DataFrame(
        {
            "group": ["flagged data", "flagged data", "subset"],
            "note": ["n_grows", "without Ash 2011, Elm 2012", "n_grows"],
        }
    )
    notes = explained_refits(table, FLAGS)["note"].tolist()
    assert notes == ["n grows", "without Ash 2011, Elm 2012", "n_grows"]


def test_effects_depend_on_names_of_checks_only(tmp_path: Path) -> None:
    """What `marks` hands on holds no words; without any flag it is empty."""
    small = SmallReview(tmp_path)
    row = ["results", 2, "Ash", "mean", "18", "n_grows", "n grows", "a rule", "a fix"]
    ready = Ready(review=small.review, flags={"blue": [row], "green": []})
    assert ready.marks("blue") == [["results", 2, "n_grows"]]
    assert ready.marks("green") == []
