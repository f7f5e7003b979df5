"""Every table of data/processed and results is declared, column by column."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from small import ROOT

from trialpool import tables
from trialpool.columns import Column, Table
from trialpool.results import TrialpoolError
from trialpool.review.effects.choices import AXES
from trialpool.review.protocol.protocol import read_protocol
from trialpool.review.schema import files
from trialpool.review.schema.processed import AXES as DECLARED_AXES
from trialpool.review.schema.processed import PROCESSED
from trialpool.review.schema.questions import QUESTION_TABLES
from trialpool.review.schema.results import RESULT_TABLES, SUMMARY
from trialpool.review.trust.multiverse_choices import TITLES

ADDED = read_protocol(ROOT / "config/review.yaml").added
WRITTEN = [
    path.relative_to(ROOT).as_posix()
    for folder in ("data/processed", "results")
    for path in sorted((ROOT / folder).rglob("*.csv"))
]
TABLES = [
    *PROCESSED.values(),
    *RESULT_TABLES.values(),
    *(table for tables in QUESTION_TABLES.values() for table in tables.values()),
]


def misfits(column: Column, cells: pd.Series) -> str:
    """What a column holds that its declaration does not allow."""
    filled = cells.dropna()
    if column.numeric:
        low = -float("inf") if column.low is None else column.low
        high = float("inf") if column.high is None else column.high
        off = filled[(filled < low) | (filled > high)]
        if column.kind == "integer":
            off = filled[filled != filled.round()]
    else:
        allowed = ("yes", "no") if column.kind == "yes_no" else column.choices
        off = filled[~filled.isin(allowed)] if allowed else filled.iloc[:0]
    blank = column.required and len(filled) < len(cells)
    return f"{column.name}: {list(off)[:3]}{' blank' if blank else ''}" if blank or len(off) else ""


def test_every_table_that_is_written_is_declared_and_typed() -> None:
    """Each CSV in the repository is read with the declared type of each of its columns.

    A list of numeric names knew none of `dose`, `day`, `p_score`, `share`, `direct_low`, ...
    """
    assert len(WRITTEN) > 500
    for name in WRITTEN:
        table, rows = files.declared(name, ADDED), files.read(ROOT / name, ADDED)
        columns = table.of_header(list(rows.columns))
        for column in columns:
            assert (rows[column.name].dtype == float) == column.numeric, f"{name}: {column.name}"
        assert [told for c in columns if (told := misfits(c, rows[c.name]))] == [], name
        if key := list(table.key_of(rows.columns)):
            assert not rows.duplicated(key).any(), f"{name}: {key}"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_declaration_says_what_each_column_means(table: Table) -> None:
    """Names are not given twice, a key is made of columns, numbers alone have limits and units."""
    assert table.meaning.endswith(".")
    assert len(set(table.names)) == len(table.names)
    assert {*table.key, *table.may_lack} <= set(table.names)
    for column in table.columns:
        assert column.meaning
        assert column.numeric or (column.low is None and column.high is None and not column.unit)
        assert (column.kind == "choice") == bool(column.choices)


def test_choices_of_effects_have_their_columns_and_factors_their_titles() -> None:
    """What computes choices and what declares them name the same, in the same order."""
    assert [axis.name for axis in DECLARED_AXES] == list(AXES)
    assert all(TITLES.values())


THING = Table(
    "thing",
    "Made up.",
    columns=(
        Column("a", "text", "a name"),
        Column("b", "number", "a number", digits=3),
        Column("c", "integer", "a count"),
    ),
    may_lack=("c",),
)


def test_a_table_is_written_and_read_as_declared(tmp_path: Path) -> None:
    """A name that looks like a number stays text; digits are the column's own."""
    rows = pd.DataFrame({"a": ["007", None], "b": [1.23456, 2], "c": [3, None]})
    tables.write_table(tmp_path / "thing.csv", rows, THING)
    assert (tmp_path / "thing.csv").read_text() == "a,b,c\n007,1.23,3\n,2,\n"
    again = tables.read_table(tmp_path / "thing.csv", THING)
    assert again["a"].iloc[0] == "007"
    assert pd.isna(again["a"].iloc[1])
    assert list(again["b"]) == [1.23, 2]
    tables.write_table(tmp_path / "thing.csv", rows[["a", "b"]], THING)
    assert list(tables.read_table(tmp_path / "thing.csv", THING).columns) == ["a", "b"]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (["a", "b", "d"], "thing: no column is declared as d"),
        (["b", "a"], "thing: the columns stand in another order than declared"),
        (["a"], "thing: missing b"),
    ],
)
def test_other_columns_than_declared_are_refused(
    header: list[str], message: str, tmp_path: Path
) -> None:
    """On the way out and on the way in."""
    rows = pd.DataFrame([["1"] * len(header)], columns=header)
    with pytest.raises(TrialpoolError, match=message):
        tables.write_table(tmp_path / "thing.csv", rows, THING)
    rows.to_csv(tmp_path / "thing.csv", index=False)
    with pytest.raises(TrialpoolError, match=message):
        tables.read_table(tmp_path / "thing.csv", THING)


def test_a_file_without_a_declaration_is_refused() -> None:
    """Nothing is read by guessing."""
    with pytest.raises(TrialpoolError, match=r"results/x/y/nothing.csv: no table of this name"):
        files.declared("results/x/y/nothing.csv")


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("data/processed/blue/effects.csv", "variant"),
        ("results/blue/questions/network_mood/effects.csv", "treatment"),
        ("results/blue/network_mood/studies.csv", "comparison"),
    ],
)
def test_a_table_is_known_by_its_place(place: str, name: str) -> None:
    """Two tables may be called effects; an analysis may be called like a question."""
    assert name in files.declared(place, {})


@pytest.mark.parametrize(
    "place", ["data/processed/blue/trials.csv", "data/processed/blue/records.csv", "studies.csv"]
)
def test_what_a_protocol_adds_to_a_table_cannot_be_forgotten(place: str, tmp_path: Path) -> None:
    """Also where the protocol at hand adds nothing; other tables need not be asked."""
    for use in (files.declared, files.read, lambda file: files.write(file, pd.DataFrame())):
        with pytest.raises(TrialpoolError, match=f"{place}: say what the protocol adds to it"):
            use(tmp_path / place)
    assert files.declared(tmp_path / "results/blue/summary.csv") is SUMMARY


@pytest.mark.parametrize("text", ["", "a,b\nx,1,2\n", "a,b\nx,1\ny\n", "a,b\nx,one\n"])
def test_a_table_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    """No header, a row too long or too short, a number that is none."""
    (tmp_path / "thing.csv").write_text(text)
    with pytest.raises(ValueError, match=r"."):
        tables.read_table(tmp_path / "thing.csv", THING)


def test_an_empty_table_keeps_its_columns_and_types(tmp_path: Path) -> None:
    (tmp_path / "thing.csv").write_text("a,b\n")
    read = tables.read_table(tmp_path / "thing.csv", THING)
    assert list(read.columns) == ["a", "b"]
    assert [str(kind) for kind in read.dtypes] == ["str", "float64"]
    assert len(read) == 0
