"""Each kind of bad input gives its own message: file, row, column, value, rule, fix."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from small import SmallReview

Spoil = Callable[[SmallReview], None]

R = "data/raw/blue/results.csv"


def cell(table: str, row: int, *changes: str) -> Spoil:
    """Set one or more cells of a row: column, value, column, value, ..."""

    def spoil(small: SmallReview) -> None:
        for column, value in zip(changes[::2], changes[1::2], strict=True):
            small.set(table, row, column, value)

    return spoil


def cell_end(table: str, row: int, ending: str) -> Spoil:
    """Append raw text to a line of the file."""

    def spoil(small: SmallReview) -> None:
        lines = small.path(table).read_text(encoding="utf-8").split("\n")
        lines[row - 1] += ending
        small.path(table).write_text("\n".join(lines), encoding="utf-8")

    return spoil


def without_column(table: str, column: str) -> Spoil:
    def spoil(small: SmallReview) -> None:
        rows = small.rows(table)
        place = rows[0].index(column)
        small.write(table, [row[:place] + row[place + 1 :] for row in rows])

    return spoil


def duplicate(table: str, row: int) -> Spoil:
    def spoil(small: SmallReview) -> None:
        rows = small.rows(table)
        small.write(table, [*rows, rows[row - 1]])

    return spoil


def rewrite(table: str, change: Callable[[str], str]) -> Spoil:
    def spoil(small: SmallReview) -> None:
        path = small.path(table)
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    return spoil


CASES: dict[str, tuple[Spoil, str]] = {
    "missing column": (
        without_column("results", "mean"),
        f"{R} row 1, mean: the column is missing. Add the column mean; cells may be blank.",
    ),
    "unknown column": (
        rewrite("results", lambda t: t.replace(",mean,", ",average,", 1).replace("\n", "\n", 1)),
        f"{R} row 1, average: unknown column. Remove it or fix the spelling "
        "(see data/raw/README.md).",
    ),
    "text in a number column": (
        cell("results", 2, "mean", "about 18"),
        f"{R} row 2, mean = about 18: must be a number. Write digits with a decimal point, or "
        "leave it blank and put the words in notes.",
    ),
    "decimal comma": (
        cell("results", 2, "mean", "18,5"),
        f"{R} row 2, mean = 18,5: a decimal comma. Write 18.5.",
    ),
    "unknown instrument": (
        cell("results", 3, "instrument", "SCALLE"),
        f"{R} row 3, instrument = SCALLE: unknown instrument. Add it to "
        "data/raw/instruments.csv or fix the spelling.",
    ),
    "outside the instrument's range": (
        cell("results", 2, "mean", "61"),
        f"{R} row 2, mean = 61: outside the range of SCALE, 0 to 60. Correct the value, the "
        "instrument or outcome_type.",
    ),
    "negative SD": (
        cell("results", 2, "sd", "-8"),
        f"{R} row 2, sd = -8: must be at least 0. A standard deviation cannot be negative; check "
        "the sign in the source.",
    ),
    "zero SD": (
        cell("results", 2, "sd", "0"),
        f"{R} row 2, sd = 0: must be above 0. Leave it blank if it is not known.",
    ),
    "events above n": (
        cell("results", 10, "event", "21"),
        f"{R} row 10, event = 21: more events than people (20). Correct event or totaln.",
    ),
    "fraction of a person": (
        cell("results", 10, "event", "9.5"),
        f"{R} row 10, event = 9.5: must be a whole number. People with the event cannot be a "
        "fraction; correct it.",
    ),
    "duplicate row": (
        duplicate("results", 4),
        f"{R} row 19, trial_id = Birch: the same as row 4 (trial_id Birch, arm_id experimental, "
        "outcome mood, instrument SCALE, period whole, time_days 7, outcome_type msd, source "
        "paper). Remove one row, or tell them apart in a key column.",
    ),
    "orphan trial": (
        cell("results", 8, "trial_id", "Elmm"),
        f"{R} row 8, trial_id = Elmm: no such trial in trials.csv. Add the trial there or fix the "
        "spelling.",
    ),
    "orphan arm": (
        cell("results", 8, "arm_id", "drug"),
        f"{R} row 8, arm_id = drug: no such arm of this trial in arms.csv. Add the arm there or "
        "fix the spelling.",
    ),
    "unknown outcome": (
        cell("results", 8, "outcome", "moood"),
        f"{R} row 8, outcome = moood: not declared under outcomes in config/review.yaml. Declare "
        "it there or fix the spelling.",
    ),
    "wrong separator": (
        rewrite("results", lambda t: t.replace(",", ";")),
        f"{R} row 1: the columns are separated by semicolons, not by commas. Save the file with "
        "commas (and decimal points).",
    ),
    "unquoted comma": (
        rewrite("results", lambda t: t.replace("day 7", "day 7, evening", 1)),
        f"{R} row 2: 36 cells where the header has 35. Quote cells that hold a comma.",
    ),
    "unknown choice": (
        cell("trials", 2, "design", "cross-over"),
        "data/raw/blue/trials.csv row 2, design = cross-over: unknown value. Use one of parallel, "
        "crossover.",
    ),
    "blank required cell": (
        cell("trials", 2, "study", ""),
        "data/raw/blue/trials.csv row 2, study: must not be blank. Fill in label in figures and "
        "tables, e.g. 'Feder 2014'.",
    ),
    "limits reversed": (
        cell("contrasts", 2, "ci_low", "12"),
        "data/raw/blue/contrasts.csv row 2, ci_low = 12: not below ci_high (9.5). Correct the "
        "limits.",
    ),
    "estimate outside its interval": (
        cell("contrasts", 2, "estimate", "10"),
        "data/raw/blue/contrasts.csv row 2, estimate = 10: outside its own interval, 0.5 to 9.5. "
        "Correct the value or the limits.",
    ),
    "control arm without a class": (
        cell("arms", 3, "comparator_class", ""),
        "data/raw/blue/arms.csv row 3, comparator_class: blank for a control arm. Say what kind "
        "of comparator it is.",
    ),
    "period against design": (
        cell("results", 2, "period", "both"),
        f"{R} row 2, period = both: does not fit the trial's design, parallel. Use `whole` for "
        "parallel trials, `first` or `both` for crossover trials.",
    ),
    "not an address": (
        cell("results", 2, "source_url", "example.org"),
        f"{R} row 2, source_url = example.org: not an address. Write the full address, starting "
        "with https://.",
    ),
    "count for a score": (
        cell("results", 2, "outcome_type", "event"),
        f"{R} row 2, outcome_type = event: does not fit outcome mood, which is continuous. "
        "Correct outcome_type or outcome.",
    ),
    "quote never closed": (
        cell_end("results", 4, '"a note'),
        f"{R}: not readable as CSV (unexpected end of data). Look for a quote that is opened and "
        "never closed.",
    ),
    "line break in a cell": (
        cell("results", 4, "notes", "one\ntwo"),
        f"{R} row 4, notes: the cell holds a line break. Remove it, or close the quote that was "
        "left open.",
    ),
    "not a finite number": (
        cell("results", 2, "n", "1e400"),
        f"{R} row 2, n = 1e400: is too large to be a number. Correct the value.",
    ),
    "instrument of another outcome": (
        cell("instruments", 2, "outcome", "harm"),
        f"{R} row 2, instrument = SCALE: measures harm, not mood. Correct the instrument or the "
        "outcome.",
    ),
    "instrument of the other direction": (
        cell("instruments", 2, "better", "higher"),
        f"{R} row 2, instrument = SCALE: higher is better on it, but lower is better for mood in "
        "config/review.yaml. Record the scale under an outcome of its own direction.",
    ),
    "ratio below zero": (
        cell("contrasts", 2, "effect_measure", "OR", "estimate", "-0.2", "ci_low", "-0.5"),
        "data/raw/blue/contrasts.csv row 2, estimate = -0.2: a ratio (OR) must be above 0. Enter "
        "it as printed, not logged.",
    ),
    "crossover domain of a parallel trial": (
        cell("risk_of_bias", 2, "domain", "DS"),
        "data/raw/blue/risk_of_bias.csv row 2, domain = DS: the crossover domain of a parallel "
        "trial. Remove the row.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gives_its_own_message(small: SmallReview, name: str) -> None:
    """The message is exact, so that a person can mend the cell without reading code."""
    spoil, message = CASES[name]
    assert small.problems() == []
    spoil(small)
    assert message in small.problems()


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


def test_a_byte_order_mark_and_spaces_are_read_as_if_absent(small: SmallReview) -> None:
    """Spreadsheets write a BOM, and people type stray (non-breaking) spaces."""
    path = small.path("results")
    path.write_text("\ufeff" + path.read_text(encoding="utf-8"), encoding="utf-8")
    small.set("results", 2, "mean", "\u00a018 ")
    assert small.problems() == []
