"""What leaves the review for manuscripts: workbooks, and references."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import load_workbook

from trialpool.review.report.references import GUIDANCE, bibtex, csl, csl_json
from trialpool.review.report.workbook import write_workbook
from trialpool.review.schema.findings import CLAIMS
from trialpool.review.schema.results import CHARACTERISTICS

CLAIM = {"claim_id": "one", "claim": "=1+1", "answer": "not shown", "reason": "a\x07b"}


def test_a_workbook_holds_the_tables_and_says_what_their_columns_are(tmp_path: Path) -> None:
    """A name that begins as a formula is text; letters that no cell may hold are left out."""
    path = tmp_path / "blue.xlsx"
    write_workbook(path, {"claims": CLAIMS.frame([CLAIM]), "claims two": CLAIMS.frame()}, "Blue")
    book = load_workbook(path)
    assert book.sheetnames == ["README", "claims", "claims two"]
    rows = list(book["claims"].iter_rows(values_only=True))
    assert rows[0] == CLAIMS.names
    shown = dict(zip(rows[0], rows[1], strict=True))
    assert (shown["claim"], shown["reason"], shown["note"]) == ("=1+1", "ab", None)
    assert book["claims"]["B2"].data_type == "s"
    about = {row[:2]: row[2] for row in book["README"].iter_rows(min_row=2, values_only=True)}
    assert about["claims", "claim"] == CLAIMS["claim"].meaning


def test_a_workbook_is_the_same_bytes_twice(tmp_path: Path) -> None:
    """Also a second later: no time of saving stands in it."""
    one, two = tmp_path / "one.xlsx", tmp_path / "two.xlsx"
    write_workbook(one, {"claims": CLAIMS.frame([CLAIM])}, "Blue")
    time.sleep(1.1)
    write_workbook(two, {"claims": CLAIMS.frame([CLAIM])}, "Blue")
    assert one.read_bytes() == two.read_bytes()


def trials(**changes: Any) -> pd.DataFrame:
    row = {
        "trial_id": "Ash2011",
        "study": "Ash 2011",
        "year": 2011,
        "citation": "Ash A. 5 % & more",
        "doi": "10.1/x",
        "pmid": "77.0",
        "registration": "NCT1",
        "source_url": "https://a.org",
    }
    return CHARACTERISTICS.frame([row | changes])


def test_references_say_what_is_known() -> None:
    """Letters that LaTeX takes for commands are written as letters; guidance follows."""
    items = csl(trials())
    assert items[0] == {
        "id": "Ash2011", "type": "article-journal", "title": "Ash A. 5 % & more", "DOI": "10.1/x",
        "PMID": "77", "note": "Ash 2011; NCT1", "issued": {"date-parts": [[2011]]},
    }  # fmt: skip
    assert [item["id"] for item in items[1:]] == list(GUIDANCE)
    text = bibtex(items)
    assert "@article{Ash2011,\n  title = {Ash A. 5 \\% \\& more}," in text
    assert "  year = {2011}\n}" in text
    assert text.count("@") == len(items)
    assert json.loads(csl_json(items)) == items


def test_what_is_blank_is_left_out() -> None:
    bare = csl(trials(year=None, citation=None, doi=None, pmid=None, registration=None))[0]
    assert bare == {
        "id": "Ash2011", "type": "document", "title": "Ash 2011", "URL": "https://a.org",
        "note": "Ash 2011",
    }  # fmt: skip
    assert "@misc{Ash2011" in bibtex([bare])
