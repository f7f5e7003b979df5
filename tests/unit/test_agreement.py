"""Two extractors compared: cells, decisions, agreement worked by hand, and bad second tables."""

from __future__ import annotations

import csv
import shutil
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy import stats
from small import SmallReview, through_csv

from trialpool import tables
from trialpool.review.extraction.agreement import agreement, cohen_kappa, disagreements, wilson
from trialpool.review.extraction.pairs import KINDS, RowPair
from trialpool.review.extraction.second import TwoExtractions, load, second_files
from trialpool.review.report import agreement_tables
from trialpool.review.schema.raw import ADJUDICATION, RESULTS

SECOND = "second/results"
CELL: dict[str, str] = {
    "table": "results", "trial_id": "Ash", "arm_id": "experimental", "outcome": "mood",
    "instrument": "SCALE", "period": "whole", "time_days": "7", "outcome_type": "msd",
    "source": "paper", "column": "mean", "reason": "table 2 has it",
    "adjudicated_by": "a third person", "adjudicated_on": "2026-11",
}  # fmt: skip


@pytest.fixture
def double(small: SmallReview) -> SmallReview:
    """The made-up review with a second extraction of blue that is a copy of the first."""
    folder = small.folder / "data/raw/blue"
    (folder / "second").mkdir()
    for name in ("results", "contrasts"):
        shutil.copy(folder / f"{name}.csv", folder / "second" / f"{name}.csv")
    return small


def adjudicate(small: SmallReview, **changes: str) -> None:
    """One decision, on the first row's mean unless changed."""
    path = small.folder / "data/raw/blue/adjudication.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ADJUDICATION.names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerow(CELL | changes)


def compared(small: SmallReview) -> TwoExtractions:
    return load(small.folder / "data/raw", "blue", {})


def line(small: SmallReview, table: str, column: str) -> dict[str, Any]:
    """One line of agreement.csv, as written and read again."""
    found = through_csv(agreement(compared(small)))
    hit = found[(found["table"] == table) & (found["column"] == column)]
    return tables.records(hit)[0]


def differences(small: SmallReview) -> list[tuple[Any, ...]]:
    """Row, column, first, second, decision and status of every disagreement."""
    found = disagreements(compared(small))
    names = ["table", "row", "column", "first", "second", "decision", "status"]
    lines = found[names].astype(object).where(found[names].notna(), None)
    return list(lines.itertuples(index=False, name=None))


def test_without_a_second_extraction_the_tables_are_empty(small: SmallReview) -> None:
    """Single extraction: headers only, and no file to depend on."""
    assert second_files(small.folder / "data/raw", "blue") == []
    assert agreement(compared(small)).empty
    assert disagreements(compared(small)).empty


def test_two_equal_extractions_agree_in_every_cell(double: SmallReview) -> None:
    """17 rows of results and 1 contrast; a blank on both sides is no cell."""
    folder = double.folder / "data/raw/blue"
    assert [Path(p).name for p in second_files(folder.parent, "blue")] == [
        "results.csv", "contrasts.csv",
    ]  # fmt: skip
    assert differences(double) == []
    rows = line(double, "results", "rows")
    assert (rows["compared"], rows["agreed"], rows["only_first"]) == (17, 17, 0)
    # 11 scores of n, mean, sd; 6 counts of event, totaln; confidence in all 17. The contrast has
    # estimate, two limits, two n, contrast and confidence (effect_measure is part of the key).
    cells = line(double, "all", "cells")
    assert cells["compared"] == cells["agreed"] == 11 * 3 + 6 * 2 + 17 + 7
    assert cells["percent_agreed"] == 100
    assert line(double, "results", "mean")["compared"] == 11
    assert double.problems() == []


def test_seven_typed_with_decimals_is_seven(double: SmallReview) -> None:
    """A key or a number typed 7.0, 20.0 or 18 matches 7, 20 and 18.0."""
    double.set(SECOND, 2, "time_days", "7.0")
    double.set(SECOND, 2, "n", "20.0")
    double.set(SECOND, 2, "mean", "18")
    assert differences(double) == []


def test_one_digit_that_differs_is_an_open_disagreement(double: SmallReview) -> None:
    """It is listed as typed, and flags the row and the effect made of it."""
    double.set(SECOND, 2, "mean", "18.5")
    assert differences(double) == [("results", 2, "mean", "18.0", "18.5", None, "open")]
    mean = line(double, "results", "mean")
    assert (mean["compared"], mean["agreed"], mean["agreed_rounded"]) == (11, 10, 10)
    flags = double.flags()
    path = double.folder.as_posix()
    told = [str(cell).replace(f"{path}/", "") for cell in flags.iloc[0]]
    assert told == [
        "results", "2", "Ash", "mean", "18.0", "extractors_disagree",
        "extractors disagree",
        "the second extractor read 18.5 (data/raw/blue/second/results.csv row 2)",
        "Go back to the source and write the decision to adjudication.csv",
    ]  # fmt: skip
    studies = double.result("blue", "mood").studies
    assert studies["flags"].dropna().to_dict() == {0: "extractors_disagree"}


@pytest.mark.parametrize(
    ("first", "second", "exact", "rounded"),
    [
        ("12.3", "12.34", False, True),
        ("12.3", "12.36", False, False),
        ("12.30", "12.3", True, True),
        ("12", "12.5", False, True),
        ("20", "21", False, False),
        ("-0.5", "0.5", False, False),
        ("5", "", False, False),
        ("", "5", False, False),
    ],
)
def test_agreement_within_printed_rounding(
    first: str, second: str, exact: bool, rounded: bool
) -> None:
    """Not further apart than half a unit of the last digit of the one with fewer decimals."""
    pair = RowPair(table="results", key=("Ash",), column="mean", kind="number", first=first,
                second=second, row=2, second_row=2)  # fmt: skip
    assert (pair.agree, pair.agree_rounded) == (exact, rounded)


def test_a_blank_beside_a_number_is_a_disagreement(double: SmallReview) -> None:
    """Not read and read are two readings."""
    double.set(SECOND, 3, "sd", "")
    assert differences(double) == [("results", 3, "sd", "9.0", "", None, "open")]


def test_free_text_is_not_compared(double: SmallReview) -> None:
    """Notes, locator and time point are worded by each reader."""
    for column in ("notes", "locator", "timepoint", "extracted_by"):
        double.set(SECOND, 2, column, "in other words")
    assert differences(double) == []


def test_a_row_of_one_extractor_only(double: SmallReview) -> None:
    """A key column that differs leaves a row without a partner on each side."""
    double.set(SECOND, 4, "time_days", "8")
    assert differences(double) == [
        ("results", 4, "row", "present", "absent", None, "open"),
        ("results", None, "row", "absent", "present", None, "open"),
    ]
    rows = line(double, "results", "rows")
    assert (rows["compared"], rows["agreed"], rows["only_first"], rows["only_second"]) == (
        18, 16, 1, 1,
    )  # fmt: skip
    assert line(double, "results", "n")["compared"] == 10
    flags = double.flags()
    assert flags["row"].fillna(0).tolist() == [0, 4]
    assert flags["rule"][0].startswith("only the second extractor has this row")
    assert "arm_id experimental, outcome mood, instrument SCALE" in flags["rule"][0]


def test_a_trial_the_second_extractor_left_out_is_single_extraction(double: SmallReview) -> None:
    """A second reading of some trials says nothing of the others, and flags none of them."""
    rows = double.rows(SECOND)
    double.write(SECOND, [rows[0], *(row for row in rows[1:] if row[0] in ("Ash", "Birch"))])
    assert differences(double) == []
    trials = line(double, "all", "trials")
    assert (trials["compared"], trials["agreed"], trials["only_first"]) == (4, 2, 2)
    assert line(double, "results", "rows")["compared"] == 9


def test_a_decision_keeps_the_disagreement_on_record(double: SmallReview) -> None:
    """The second was right: the table of record is corrected, the agreement stays as it was."""
    double.set("results", 2, "mean", "18.5")
    double.set(SECOND, 2, "mean", "18.5")
    adjudicate(double, first="18.0", second="18.5", decision="18.5")
    assert double.problems() == []
    assert differences(double) == [("results", 2, "mean", "18.0", "18.5", "18.5", "adjudicated")]
    assert line(double, "results", "mean")["agreed"] == 10
    assert double.flags().empty
    found = disagreements(compared(double)).iloc[0]
    assert found[["reason", "adjudicated_by", "adjudicated_on"]].tolist() == [
        "table 2 has it", "a third person", "2026-11",
    ]  # fmt: skip


def test_a_decision_for_the_first_and_for_neither(double: SmallReview) -> None:
    """A decision may keep the first reading, or be a third one."""
    double.set(SECOND, 2, "mean", "18.5")
    adjudicate(double, first="18", second="18.5", decision="18.00")
    assert double.problems() == []
    double.set("results", 2, "mean", "18.2")
    adjudicate(double, first="18", second="18.5", decision="18.2")
    assert double.problems() == []
    assert differences(double) == [("results", 2, "mean", "18", "18.5", "18.2", "adjudicated")]


@pytest.mark.parametrize(
    ("decision", "kept"), [("present", True), ("absent", False)], ids=["kept", "removed"]
)
def test_a_decision_on_a_whole_row(double: SmallReview, decision: str, kept: bool) -> None:
    """A row only the first had stays in, or goes; either way it counts as a difference."""
    for table in ("results", SECOND) if not kept else (SECOND,):
        rows = double.rows(table)
        double.write(table, [*rows[:17], *rows[18:]])  # Birch at 30 days
    adjudicate(double, trial_id="Birch", time_days="30", column="row", first="present",
               second="absent", decision=decision)  # fmt: skip
    assert double.problems() == []
    rows_line = line(double, "results", "rows")
    assert (rows_line["compared"], rows_line["only_first"]) == (17, 1)
    assert [found[-1] for found in differences(double)] == ["adjudicated"]
    assert double.flags().empty


COMPARED = [c.name for c in RESULTS.columns if c.kind in KINDS and c.name not in RESULTS.key]
A, R, S = (f"data/raw/blue/{name}.csv" for name in ("adjudication", "results", "second/results"))
WRONG: dict[str, tuple[dict[str, str], str]] = {
    "not followed": (
        {"decision": "18.5"},
        f"{R} row 2, mean = 18.0: adjudicated as 18.5 ({A} row 2). Write 18.5 here, or correct "
        "the decision.",
    ),
    "blank not followed": (
        {"decision": ""},
        f"{R} row 2, mean = 18.0: adjudicated as blank ({A} row 2). Leave the cell blank, or "
        "correct the decision.",
    ),
    "unknown row": (
        {"trial_id": "Ashe"},
        f"{A} row 2, trial_id = Ashe: no such row in {R}. Copy the key columns from the row.",
    ),
    "unknown column": (
        {"column": "notes"},
        f"{A} row 2, column = notes: not a column of results.csv that is compared. Use `row` or "
        f"one of {', '.join(COMPARED)}.",
    ),
    "other second reading": (
        {"second": "18.6"},
        f"{A} row 2, second = 18.6: {S} has 18.5. Copy it from there.",
    ),
    "nothing to decide": (
        {"first": "18.50"},
        f"{A} row 2, first = 18.50: both extractors read the same. Remove the row.",
    ),
    "no number": (
        {"first": "about 18"},
        f"{A} row 2, first = about 18: must be a number or blank. Copy it from the table.",
    ),
    "no such state": (
        {"column": "row", "first": "yes", "second": "absent", "decision": "present"},
        f"{A} row 2, first = yes: must be present or absent. Copy it from the table.",
    ),
    "row to be removed": (
        {"column": "row", "first": "absent", "second": "present", "decision": "absent"},
        f"{R} row 2, trial_id = Ash: adjudicated as absent ({A} row 2). Remove the row, or "
        "correct the decision.",
    ),
    "row to be added": (
        {"time_days": "9", "column": "row", "first": "present", "second": "absent",
         "decision": "present"},
        f"{R}, trial_id = Ash: adjudicated as present ({A} row 2). Add the row, or correct the "
        "decision.",
    ),
    "no reason": (
        {"reason": ""},
        f"{A} row 2, reason: must not be blank. Fill it in: why.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_decision_that_does_not_fit_is_an_error(double: SmallReview, name: str) -> None:
    """File, row, column, value, rule, fix, as for any other cell."""
    changes, message = WRONG[name]
    double.set(SECOND, 2, "mean", "18.5")
    adjudicate(double, **{"first": "18.0", "second": "18.5", "decision": "18.0"} | changes)
    assert message in double.problems()


def test_a_decision_without_a_second_table(small: SmallReview) -> None:
    """There is nothing it could be about."""
    adjudicate(small, first="18.0", second="18.5", decision="18.0")
    assert small.problems() == [
        f"{A} row 2, table = results: there is no second/results.csv to differ from. Add the "
        "second extractor's table, or remove the row."
    ]


def test_a_bad_second_table_is_reported_like_any_other(double: SmallReview) -> None:
    """All at once, with problems of the first; nothing is compared before they are mended."""
    double.set(SECOND, 3, "mean", "24,0")
    double.set("second/contrasts", 2, "contrast", "drug-placebo")
    double.set("results", 4, "sd", "-1")
    rows = double.rows(SECOND)
    double.write(SECOND, [*rows, rows[1]])
    assert double.problems() == [
        f"{R} row 4, sd = -1: must be at least 0. A standard deviation cannot be negative; check "
        "the sign in the source.",
        "data/raw/blue/second/contrasts.csv row 2, contrast = drug-placebo: unknown value. Use one "
        "of experimental-control, control-experimental.",
        f"{S} row 3, mean = 24,0: a decimal comma. Write 24.0.",
        f"{S} row 19, trial_id = Ash: the same as row 2. Remove one row, or tell them apart in a "
        "key column.",
    ]


def test_kappa_by_hand() -> None:
    """Ten judgements: both low 4, both high 3, low-high 2, high-low 1.

    po = 7/10. The first says low 6 times, the second 5 times: pe = 0.6 x 0.5 + 0.4 x 0.5 = 0.5.
    kappa = (0.7 - 0.5) / (1 - 0.5) = 0.4.
    """
    pairs = [("low", "low")] * 4 + [("high", "high")] * 3 + [("low", "high")] * 2
    kappa, reason = cohen_kappa([*pairs, ("high", "low")])
    assert kappa == pytest.approx(0.4)
    assert reason == ""


@pytest.mark.parametrize(
    ("pairs", "why"),
    [([], "nothing to compare"), ([("a", "a")] * 5, "both extractors used one value only")],
)
def test_kappa_is_missing_with_a_reason(pairs: list[tuple[str, str]], why: str) -> None:
    """Where chance alone would agree always, kappa is 0/0."""
    kappa, reason = cohen_kappa(pairs)
    assert isnan(kappa)
    assert reason == why


def test_kappa_and_percent_in_the_table(double: SmallReview) -> None:
    """Confidence: 16 rows primary-primary, one primary-abstract; pe = 1 x 16/17, so kappa = 0."""
    assert line(double, "results", "confidence")["reason"] == "both extractors used one value only"
    double.set(SECOND, 2, "confidence", "abstract")
    found = line(double, "results", "confidence")
    assert found["kappa"] == 0
    assert found["percent_agreed"] == pytest.approx(100 * 16 / 17, rel=1e-5)
    low, high = (found[name] / 100 for name in ("ci_low", "ci_high"))
    assert (low, high) == pytest.approx(wilson(16, 17), rel=1e-5)


def test_wilson_by_hand() -> None:
    """9 of 10: centre (0.9 + 3.841/20)/1.3841, half 1.96 sqrt(0.009 + 3.841/400)/1.3841."""
    assert wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert wilson(10, 10)[1] == 1
    assert wilson(0, 10)[0] == 0
    assert all(isnan(limit) for limit in wilson(0, 0))


@pytest.mark.parametrize(("hits", "n"), [(0, 3), (1, 3), (16, 17), (50, 50), (300, 700)])
def test_wilson_is_that_of_scipy(hits: int, n: int) -> None:
    """A second program's interval."""
    other = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits, n) == pytest.approx((other.low, other.high), rel=1e-12, abs=1e-12)


def test_an_empty_second_table_has_nothing_to_compare(double: SmallReview) -> None:
    """A header alone: no percentage, and the reason why."""
    for name in (SECOND, "second/contrasts"):
        double.write(name, double.rows(name)[:1])
    cells = line(double, "all", "cells")
    assert cells["compared"] == 0
    assert pd.isna(cells["percent_agreed"])
    assert cells["reason"] == "nothing to compare"


def shown(small: SmallReview) -> tuple[str, list[list[str]], list[list[str]]]:
    """The sentence, the agreement table and the disagreements as a page has them."""
    found = compared(small)
    parts = through_csv(agreement(found)), through_csv(disagreements(found))
    grids = agreement_tables.agreement(parts[0]), agreement_tables.disagreements(parts[1])
    texts = [[["\n".join(cell.lines) for cell in row] for row in grid.rows] for grid in grids]
    return agreement_tables.extraction(*parts), texts[0], texts[1]


def test_the_page_tells_one_extraction_from_two(small: SmallReview) -> None:
    """Without a second reading the section is one plain sentence."""
    assert shown(small) == (agreement_tables.SINGLE, [], [])


def test_the_page_says_how_often_and_what_is_open(double: SmallReview) -> None:
    """The share before any decision, its interval, and each difference with its rows."""
    double.set(SECOND, 2, "mean", "18.5")
    double.set(SECOND, 2, "confidence", "abstract")
    told, grid, rows = shown(double)
    low, high = (100 * limit for limit in wilson(67, 69))
    assert told == (
        "Two extractors: the second read 4 of 4 trials. Before any decision they agree in 67 of "
        f"69 cells (97.1 %, 95 % CI {low:.1f} to {high:.1f}). Two disagreements are open; the "
        "results concerned are flagged."
    )
    assert grid[0][:4] == ["All cells", "all", "69", "67"]
    by_name = {(row[1], row[0]): row for row in grid}
    assert by_name["results.csv", "confidence"][-1] == "0.00"
    assert by_name["contrasts.csv", "contrast"][-1] == "–"
    assert rows[0] == [
        "Ash\narm_id experimental, outcome mood, instrument SCALE, period whole, time_days 7, "
        "outcome_type msd, source paper",
        "results.csv\nrow 2; second: row 2", "mean", "18.0", "18.5", "open", "–",
    ]  # fmt: skip
    double.set(SECOND, 2, "confidence", "primary")
    adjudicate(double, first="18.0", second="18.5", decision="18.0")
    told, _, rows = shown(double)
    assert told.endswith("Every disagreement has been decided.")
    assert rows[0][-2:] == ["18.0", "table 2 has it\na third person, 2026-11"]


def test_one_cell_in_a_thousand_is_not_rounded_away(double: SmallReview) -> None:
    """Only full agreement is shown as 100 %."""
    rows = pd.DataFrame([
        {"table": "all", "column": "cells", "kind": "cells", "compared": 9999, "agreed": 9998,
         "percent_agreed": 99.99, "ci_low": 99.94, "ci_high": 99.998, "only_first": 0,
         "only_second": 0},
        {"table": "all", "column": "trials", "kind": "trials", "compared": 4, "agreed": 4,
         "only_first": 0, "only_second": 0},
    ])  # fmt: skip
    told = agreement_tables.extraction(rows, disagreements(TwoExtractions()))
    assert "(99.9 %, 95 % CI 99.9 to 99.9)" in told
