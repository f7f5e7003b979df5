"""Workbooks hold the raw tables as they were typed, and are read as strictly as CSV."""

from __future__ import annotations

import csv
import shutil
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell
from small import ROOT, SMALL

from trialpool.results import TrialpoolError
from trialpool.review.exchange.formats import FORMATS, Export, ImportOptions
from trialpool.review.exchange.imported import Imported
from trialpool.review.exchange.store import cells_of
from trialpool.review.exchange.xlsx.cells import got, put
from trialpool.review.exchange.xlsx.write import CODE_BOOK
from trialpool.review.extraction.codebook import code_book
from trialpool.review.extraction.problems import DataError
from trialpool.review.protocol.protocol import read_protocol
from trialpool.review.schema.raw import CONDITION_TABLES, INSTRUMENTS, RESULTS

XLSX = FORMATS["xlsx"]
SHIPPED = sorted(folder.name for folder in (ROOT / "data" / "raw").iterdir() if folder.is_dir())
BLUE = ImportOptions(condition="blue")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """The made-up condition `blue` as a workbook."""
    path = tmp_path / "blue.xlsx"
    XLSX.write(path, Export(raw=SMALL / "data" / "raw", condition="blue"))
    return path


def changed(path: Path, change: Callable[[Workbook], object]) -> Path:
    loaded = load_workbook(path)
    change(loaded)
    loaded.save(path)
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(DataError) as caught:
        XLSX.read(path, BLUE)
    return [str(problem) for problem in caught.value.problems]


def cell_of(book: Workbook, column: str, row: int = 2) -> Cell:
    sheet = book["results"]
    found = sheet.cell(row=row, column=RESULTS.names.index(column) + 1)
    assert isinstance(found, Cell)
    return found


@pytest.mark.parametrize("condition", SHIPPED)
def test_the_shipped_tables_come_back_cell_by_cell(condition: str, tmp_path: Path) -> None:
    """CSV to workbook to CSV: not one character differs, instruments included.

    A workbook has every column; an optional one that a table lacks comes back blank.
    """
    raw, added = ROOT / "data" / "raw", read_protocol(ROOT / "config/review.yaml").added
    XLSX.write(tmp_path / "book.xlsx", Export(raw=raw, condition=condition, added=added))
    options = ImportOptions(condition=condition, added=added)
    XLSX.read(tmp_path / "book.xlsx", options).write(tmp_path, condition)
    names = ["instruments.csv", *(f"{condition}/{t.name}.csv" for t in CONDITION_TABLES)]
    for name in names:
        before, after = cells_of(raw / name), cells_of(tmp_path / name)
        further = dict.fromkeys(set(after[0]) - set(before[0]), "") if before else {}
        assert after == [row | further for row in before], name


FORMS = ["5.50", "0", "-0", "0.10", "-8.74", "007", "1e-3", "+5", ".5", "12345678901234567",
         "0.1234567890123456", "100", "-0.0"]  # fmt: skip


@pytest.mark.parametrize("text", FORMS)
def test_a_number_keeps_its_typed_form(text: str, tmp_path: Path) -> None:
    """As a number with the digits that were typed, or as text where Excel would change it."""
    column = RESULTS["mean"]
    written = Workbook()
    put(_first(written), text, column)
    written.save(tmp_path / "one.xlsx")
    read = _first(load_workbook(tmp_path / "one.xlsx"))
    assert got(read.value, read.number_format, column) == (text, "")


@pytest.mark.parametrize(("text", "number"), [("5.50", True), ("-8.74", True), ("007", False)])
def test_plain_numbers_are_numbers_in_excel(text: str, number: bool) -> None:
    """So that they can be summed there."""
    cell = _first(Workbook())
    put(cell, text, RESULTS["mean"])
    assert isinstance(cell.value, int | float) == number


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (5.5, "General", "5.5"),
        (0.1 + 0.2, "General", "0.3"),
        (5.501, "0.00", "5.501"),
        (7, "0.00", "7.00"),
        (1e21, "General", "1000000000000000000000"),
        (1e-7, "General", "0.0000001"),
        (None, "General", ""),
        ("3-4", "@", "3-4"),
    ],
)
def test_a_cell_somebody_typed(value: object, number_format: str, text: str) -> None:
    """A format that hides digits hides none from us; Excel's own noise past 15 digits goes."""
    assert got(value, number_format, RESULTS["mean"]) == (text, "")


@pytest.mark.parametrize(
    ("column", "value", "number_format", "words"),
    [
        ("mean", datetime(2026, 4, 3), "d-mmm", "holds a date or time (2026-04-03 00:00:00)"),
        ("notes", date(2026, 4, 3), "d-mmm", "holds a date or time"),
        ("percent", 0.25, "0.0%", "formatted as a percentage: 25 % is shown, 0.25 is stored"),
        ("checked", True, "General", "Excel holds the truth value TRUE"),
        ("extracted_on", datetime(2026, 11, 1), "mmm-yy", "holds a date or time"),
    ],
)
def test_what_excel_made_of_a_cell_is_an_error_with_its_address(
    column: str, value: object, number_format: str, words: str, book: Path
) -> None:
    """A date that was typed as 3-4, a share shown as a percentage, TRUE: never taken over."""

    def change(loaded: Workbook) -> None:
        cell = cell_of(loaded, column)
        cell.value, cell.number_format = value, number_format  # type: ignore[assignment]

    address = cell_of(load_workbook(book), column).coordinate
    found = problems(changed(book, change))
    assert found[0].startswith(f"blue.xlsx, sheet results row 2, cell {address}: ")
    assert words in found[0]
    assert found[0].endswith("Give the cell the format Text and type it again.")


def test_a_day_in_a_column_of_dates_is_a_day(book: Path) -> None:
    """There Excel's date is what was meant."""

    def change(loaded: Workbook) -> None:
        cell = cell_of(loaded, "extracted_on")
        cell.value, cell.number_format = datetime(2026, 11, 23), "yyyy-mm-dd"

    rows = XLSX.read(changed(book, change), BLUE).tables["results"]
    assert rows[0]["extracted_on"] == "2026-11-23"


def test_a_formula_gives_its_stored_result_or_an_error(book: Path) -> None:
    """A file that Excel saved holds the result; one that a program wrote does not."""

    def change(loaded: Workbook) -> None:
        cell_of(loaded, "mean").value = "=2*3"

    address = cell_of(load_workbook(book), "mean").coordinate
    found = problems(changed(book, change))
    assert found == [
        f"blue.xlsx, sheet results row 2, cell {address}: a formula without a stored result. "
        "Open the file in Excel and save it, or type the value."
    ]
    _store_result(book, b"6")
    read = XLSX.read(book, BLUE)
    assert read.tables["results"][0]["mean"] == "6.0"
    assert read.assumed == ("1 formulas: the results stored in the file were taken",)


def _store_result(path: Path, value: bytes) -> None:
    """What Excel does when it saves: the result beside the formula."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    formula = b"<f>2*3</f>"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            bare = data.replace(formula + b"<v />", formula).replace(formula + b"<v></v>", formula)
            archive.writestr(name, bare.replace(formula, formula + b"<v>" + value + b"</v>"))


def test_an_error_of_excel_and_merged_cells(book: Path) -> None:
    """Neither is a value."""

    def change(loaded: Workbook) -> None:
        cell = cell_of(loaded, "mean")
        cell.value, cell.data_type = "#DIV/0!", "e"
        loaded["arms"].merge_cells("C2:C3")

    found = problems(changed(book, change))
    assert any("sheet arms row 2, cell C2:C3: cells are merged" in line for line in found)
    assert any("an error of Excel (#DIV/0!)" in line for line in found)


def test_the_reader_of_csv_judges_the_same_cells(book: Path) -> None:
    """Same rules, same row numbers; a blank row counts as a row and is skipped."""

    def change(loaded: Workbook) -> None:
        loaded["results"].insert_rows(2)
        cell_of(loaded, "sd", row=3).value = "1,5"
        loaded["arms"]["D2"].value = "treatment"

    assert problems(changed(book, change)) == [
        "blue.xlsx, sheet arms row 2, role = treatment: unknown value. Use one of experimental, "
        "control.",
        "blue.xlsx, sheet results row 3, sd = 1,5: a decimal comma. Write 1.5.",
    ]


def test_blank_rows_are_skipped(book: Path) -> None:
    """Between and after the rows."""
    before = XLSX.read(book, BLUE).tables["results"]

    def change(loaded: Workbook) -> None:
        loaded["results"].insert_rows(4)
        cell_of(loaded, "notes", row=60).value = "  "

    assert XLSX.read(changed(book, change), BLUE).tables["results"] == before


def test_sheets_and_columns_that_are_missing_or_too_many(book: Path) -> None:
    """A sheet of one's own is listed and left; everything else is an error."""

    def change(loaded: Workbook) -> None:
        loaded.create_sheet("my notes")["A1"] = "x"

    (left,) = XLSX.read(changed(book, change), BLUE).left
    assert (left.where, left.what, left.why) == ("my notes", "sheet", "not a raw table")

    def spoil(loaded: Workbook) -> None:
        del loaded["search"]
        loaded["arms"]["A1"].value = "trial"
        loaded["trials"].cell(row=2, column=40, value="stray")

    found = "\n".join(problems(changed(book, spoil)))
    assert "sheet search: the sheet is missing" in found
    assert "sheet arms row 1, trial_id: the column is missing" in found
    assert "sheet arms row 1, trial: unknown column" in found
    assert "sheet trials row 2, cell AN2: a cell beyond the last column of the header" in found


@pytest.mark.parametrize("content", [b"", b"study,year\n", b"PK\x03\x04 not a workbook"])
def test_a_file_that_is_no_workbook(content: bytes, tmp_path: Path) -> None:
    """One sentence, no traceback."""
    path = tmp_path / "no.xlsx"
    path.write_bytes(content)
    with pytest.raises(
        TrialpoolError, match=r"no\.xlsx: (not a workbook that can be read|the file is empty)"
    ):
        XLSX.read(path, BLUE)


def test_a_workbook_has_every_table_and_the_code_book(book: Path) -> None:
    """The code book sheet names each column that the generated page names."""
    loaded = load_workbook(book)
    tables = (INSTRUMENTS, *CONDITION_TABLES)
    assert loaded.sheetnames == [*(table.name for table in tables), CODE_BOOK]
    rows = list(loaded[CODE_BOOK].iter_rows(min_row=2, values_only=True))
    assert [row[:2] for row in rows] == [(t.name, n) for t in tables for n in t.names]
    page = code_book()
    assert all(str(row[6]).replace("|", "\\|") in page for row in rows)
    assert {row[5] for row in rows if row[1] == "percent"} == {"at least 0, at most 100"}


def test_text_that_looks_like_a_formula_stays_text(book: Path, tmp_path: Path) -> None:
    """`=` and `+` at the start of a note are words."""
    raw = _copy(tmp_path)
    _set(raw / "blue" / "results.csv", "notes", "=SUM(A1:A2)")
    XLSX.write(book, Export(raw=raw, condition="blue"))
    assert cell_of(load_workbook(book), "notes").data_type == "s"
    assert XLSX.read(book, BLUE).tables["results"][0]["notes"] == "=SUM(A1:A2)"


def test_a_text_no_workbook_can_hold_is_refused(tmp_path: Path) -> None:
    """With the address of the cell."""
    raw = _copy(tmp_path)
    _set(raw / "blue" / "results.csv", "notes", "x" * 32768)
    with pytest.raises(TrialpoolError, match="32768 characters; a cell holds") as caught:
        XLSX.write(tmp_path / "no.xlsx", Export(raw=raw, condition="blue"))
    assert str(caught.value).startswith("results!")


def test_tables_that_cannot_be_read_are_not_exported(tmp_path: Path) -> None:
    """The problems are those `trialpool check` lists."""
    raw = _copy(tmp_path)
    _set(raw / "blue" / "results.csv", "sd", "wide")
    with pytest.raises(DataError, match="sd = wide: must be a number"):
        XLSX.write(tmp_path / "no.xlsx", Export(raw=raw, condition="blue"))
    assert not (tmp_path / "no.xlsx").exists()


def test_an_empty_import_has_all_tables(tmp_path: Path) -> None:
    """Tables without rows come back as tables without rows."""
    Imported(tables={}).write(tmp_path, "none")
    XLSX.write(tmp_path / "none.xlsx", Export(raw=tmp_path, condition="none"))
    read = XLSX.read(tmp_path / "none.xlsx", ImportOptions(condition="none"))
    assert {name: len(rows) for name, rows in read.tables.items()} == dict.fromkeys(
        [INSTRUMENTS.name, *(table.name for table in CONDITION_TABLES)], 0
    )


def _first(book: Workbook) -> Cell:
    cell = book.worksheets[0]["A1"]
    assert isinstance(cell, Cell)
    return cell


def _copy(folder: Path) -> Path:
    raw = folder / "raw"
    shutil.copytree(SMALL / "data" / "raw", raw)
    return raw


def _set(path: Path, column: str, value: str) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    rows[1][rows[0].index(column)] = value
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
