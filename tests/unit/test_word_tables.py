"""Tables as Word documents: the words of the grid, a page a journal takes, the same bytes."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from docx import Document
from docx.oxml.ns import qn

from trialpool import words as w
from trialpool.review.report.grid import Grid, number, or_why, prose, table, text
from trialpool.review.report.word_tables import with_fixed_dates, write_word_table

ROWS = [{"study": "Ash <b>& Co</b>\u202e\x07", "n": 12.0}, {"study": "Birch", "n": float("nan")}]


def grid(rows: list[dict[str, object]]) -> Grid:
    return table("Trials", rows, [
        text("Trial", "study"),
        number("People", lambda row: or_why(w.whole(row["n"]), "unsaid")),
        prose("Words", lambda row: "long " * 60),
    ], empty="No trial.")  # fmt: skip


def written(tmp_path: Path, rows: list[dict[str, object]]) -> bytes:
    path = tmp_path / "table.docx"
    write_word_table(path, grid(rows), "Somebody")
    return path.read_bytes()


def test_the_document_holds_the_cells(tmp_path: Path) -> None:
    """Hostile names are text; what turns text or is no letter of XML is gone; notes stand below."""
    document = Document(BytesIO(written(tmp_path, ROWS)))
    (made,) = document.tables
    cells = [[cell.text for cell in row.cells] for row in made.rows]
    assert [row[0] for row in cells] == ["Trial", "Ash <b>& Co</b>", "Birch"]
    assert cells[1][1] == "12"
    mark = grid(ROWS).rows[1][1].mark
    assert cells[2][1].endswith(f"({mark})")
    assert f"{mark} unsaid" in [paragraph.text for paragraph in document.paragraphs]


def test_the_page_lies_and_the_headings_return(tmp_path: Path) -> None:
    document = Document(BytesIO(written(tmp_path, ROWS)))
    (section,) = document.sections
    assert (section.page_width or 0) > (section.page_height or 0)
    (made,) = document.tables
    assert made.rows[0]._tr.get_or_add_trPr().find(qn("w:tblHeader")) is not None
    asked = (section.page_width, section.left_margin, section.right_margin)
    width, left, right = (length or 0 for length in asked)
    space = width - left - right
    widths = [cell.width for cell in made.rows[1].cells]
    assert sum(width or 0 for width in widths) <= space
    assert (widths[2] or 0) > (widths[1] or 0)


def test_a_table_without_rows_says_so(tmp_path: Path) -> None:
    document = Document(BytesIO(written(tmp_path, [])))
    assert document.tables == []
    assert [paragraph.text for paragraph in document.paragraphs] == ["Trials", "No trial."]


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    """No date of the run stands in the file, neither in the zip nor in the properties."""
    content = written(tmp_path, ROWS)
    assert content == written(tmp_path, ROWS) == with_fixed_dates(content)
    assert {info.date_time for info in ZipFile(BytesIO(content)).infolist()} == {
        (1980, 1, 1, 0, 0, 0)
    }
    said = Document(BytesIO(content)).core_properties
    assert (said.created, said.modified) == (said.modified, said.created)
    assert (said.title, said.author) == ("Trials", "Somebody")
    assert said.created is not None
    assert said.created.year == 2000
