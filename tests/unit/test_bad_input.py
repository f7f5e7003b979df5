"""What holds for all bad input; the broken tables themselves stand in tests/bad_input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small import SmallReview

R = "data/raw/blue/results.csv"


def test_all_problems_are_reported_at_once_across_conditions(small: SmallReview) -> None:
    """Someone who mends a table wants the whole list, not one problem per run."""
    small.set("results", 2, "mean", "61")
    small.set("results", 4, "sd", "-1")
    small.set("results", 10, "event", "99", condition="green")
    found = small.problems()
    assert [line.split(":")[0] for line in found] == [
        f"{R} row 2, mean = 61",
        f"{R} row 4, sd = -1",
        "data/raw/green/results.csv row 10, event = 99",
    ]


def test_a_problem_of_the_instruments_is_said_once(small: SmallReview) -> None:
    """The instruments belong to all conditions; their problems are not repeated per condition."""
    small.set("instruments", 2, "better", "downwards")
    assert len(small.problems()) == 1


def test_a_slip_that_many_rows_share_is_said_once(small: SmallReview) -> None:
    """A trial missing from trials.csv is one thing to mend, wherever it is named."""
    rows = small.rows("trials")
    small.write("trials", [row for row in rows if row[0] != "Ash"])
    assert [line for line in small.problems() if R in line] == [
        f"{R} row 2, trial_id = Ash: no such trial in trials.csv (as in rows 3, 10 and 11). Add "
        "it there or fix the spelling."
    ]
    for row in (2, 3, 5, 7, 8, 9, 16):
        small.set("results", row, "n", "NA")
    assert (
        f"{R} row 2, n = NA: a word for a missing value (as in rows 3, 5, 7 to 9 and 16). Leave "
        "the cell blank, and put the words in notes."
    ) in small.problems()


def test_an_impossible_number_may_stay_on_record_in_an_excluded_row(small: SmallReview) -> None:
    """A source can print one; the row says why it is not used."""
    small.set("results", 2, "mean", "61")
    small.set("results", 2, "exclude_reason", "misprint in the source")
    assert small.problems() == []


def test_missing_and_undecodable_files_are_named(small: SmallReview) -> None:
    """A missing table or one in another encoding is a message, not a traceback."""
    small.path("search").unlink()
    trials = small.path("trials")
    text = trials.read_text(encoding="utf-8")
    trials.write_bytes(text.replace("Ash 2011", "Äsh").encode("cp1252"))
    assert small.problems() == [
        "data/raw/blue/search.csv: the file is missing. Add it; a header line alone is enough.",
        "data/raw/blue/trials.csv row 2: not UTF-8 text. Save the file as CSV UTF-8.",
    ]


def test_a_file_that_may_not_be_read_is_named(
    small: SmallReview, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No permission, a broken disk, a loop of links: whatever the system says is passed on."""
    search, read_bytes = small.path("search"), Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path == search:
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert small.problems() == [
        "data/raw/blue/search.csv: cannot be opened (Permission denied). Check the file and who "
        "may read it."
    ]


def test_rows_that_cannot_be_read_do_not_make_others_look_wrong(small: SmallReview) -> None:
    """One broken line of trials.csv is one message, not one for each row of that trial."""
    small.set("trials", 2, "notes", "one\ntwo")
    assert len(small.problems()) == 1
    small.set("trials", 2, "notes", "")
    small.set("trials", 2, "trial_id", "Äsh")
    assert len(small.problems()) == 1


def reordered(content: str) -> str:
    lines = [line.split(",") for line in content.splitlines()]
    return "\n".join(",".join(reversed(line)) for line in lines) + "\n"


SOUND: dict[str, Callable[[str], str]] = {
    "byte order mark": lambda text: "\ufeff" + text,
    "line ends of another system": lambda text: text.replace("\n", "\r\n"),
    "line ends of an old system": lambda text: text.replace("\n", "\r"),
    "no line end at the end": lambda text: text.rstrip("\n"),
    "blank lines at the end": lambda text: text + "\n\n,,,\n",
    "columns in another order": reordered,
    "quotes around every cell": lambda text: "".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) + "\n" for line in text.splitlines()
    ),
    "spaces around cells": lambda text: text.replace(",", " ,\u00a0"),
}


@pytest.mark.parametrize("name", SOUND)
def test_what_does_no_harm_is_read_as_if_absent(small: SmallReview, name: str) -> None:
    """Spreadsheets and people differ in these, and no number depends on them."""
    before = small.cleaned_tables()
    path = small.path("results")
    path.write_bytes(SOUND[name](path.read_text(encoding="utf-8")).encode("utf-8"))
    assert small.problems() == []
    after = small.cleaned_tables()
    for table, frame in before.items():
        assert frame.equals(after[table]), table
