"""Values that share a cell: what is written is read back, and what could not be is refused."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialpool.results import TrialpoolError
from trialpool.review.extraction.cells import typed
from trialpool.review.schema.packed import (
    ADDRESSES,
    ARM_IDS,
    EFFECT_IDS,
    FACTS,
    FLAG_NAMES,
    RAW_CELLS,
    RAW_ROWS,
    Identity,
    Packed,
    RawCell,
    RawRow,
    VariantName,
)
from trialpool.review.schema.raw import CONDITION_TABLES

# All signs that stand between values somewhere, and some that do not.
LETTERS = "ab+;|: \\.v"
NAMES = st.text(LETTERS, min_size=1, max_size=6).map(str.strip).filter(bool)
ROW = st.builds(RawRow, st.sampled_from(["results", "contrasts"]), st.integers(2, 40))
CELL = st.builds(RawCell, ROW, st.sampled_from(["n", "mean", "sd", "p_value"]))


@given(st.lists(NAMES, unique=True, max_size=4).map(tuple))
@pytest.mark.parametrize("form", [ARM_IDS, FLAG_NAMES, ADDRESSES, EFFECT_IDS])
def test_names_come_back_or_are_refused(form: Packed[str], names: tuple[str, ...]) -> None:
    """Never other names than were written, and refused only where one holds the sign between."""
    try:
        cell = form.write(names)
    except TrialpoolError:
        assert any(sign in name for name in names for sign in form.between.strip())
    else:
        assert form.read(cell) == names


@given(st.lists(ROW, unique=True).map(tuple), st.lists(CELL, unique=True).map(tuple))
def test_rows_and_cells_come_back(rows: tuple[RawRow, ...], cells: tuple[RawCell, ...]) -> None:
    assert RAW_ROWS.read(RAW_ROWS.write(rows)) == rows
    assert RAW_CELLS.read(RAW_CELLS.write(cells)) == cells


PARTS = st.text(LETTERS, max_size=6).map(str.strip)
IDENTITIES = st.builds(Identity, **{field.name: PARTS for field in fields(Identity)})


@given(st.lists(IDENTITIES, unique=True, min_size=1, max_size=3))
def test_identities_come_back_alone_and_together(identities: list[Identity]) -> None:
    """A bar in a definition is escaped; so ` || ` stands between identities and nowhere else."""
    assert [Identity.read(str(each)) for each in identities] == identities
    together = EFFECT_IDS.read(EFFECT_IDS.write(map(str, identities)))
    assert [Identity.read(each) for each in together] == identities


@given(st.dictionaries(st.sampled_from(["condition", "multi_arm", "detail"]), PARTS))
def test_facts_come_back_but_for_blank_ones(facts: dict[str, str]) -> None:
    """Whatever signs they hold: bars, colons and backslashes."""
    assert FACTS.read(FACTS.write(facts)) == {name: fact for name, fact in facts.items() if fact}


def test_facts_are_told_from_words_and_refused_where_they_would_not_come_back() -> None:
    """What a person wrote in the cell is no fact; a name of two words could not be told from it."""
    assert (
        FACTS.write({"condition": "TAU", "detail": "a | b"}) == r"condition: TAU | detail: a \| b"
    )
    assert FACTS.read("n of the paper; the registry: 55") == {}
    for facts in ({"two words": "x"}, {"detail": "x "}):
        with pytest.raises(TrialpoolError, match="cannot share a cell as facts by name"):
            FACTS.write(facts)


@given(st.sampled_from(["medians", "several arms"]), NAMES)
def test_a_variant_comes_back(choice: str, level: str) -> None:
    """The name of a set of participants may hold a colon, the name of a choice does not."""
    assert VariantName.read(str(VariantName(choice, level))) == VariantName(choice, level)


def test_the_texts_are_those_of_the_tables() -> None:
    """Worked by hand: what a reader of effects.csv sees."""
    first, second = RawRow("results", 14), RawRow("contrasts", 3)
    assert ARM_IDS.write(["low", "high", "low"]) == "low+high"
    assert FLAG_NAMES.write(["grim", "grimmer"]) == "grim; grimmer"
    assert RAW_ROWS.write([first, second]) == "results.csv:14;contrasts.csv:3"
    cells = (*first.cells("n", "mean", "sd"), *second.cells("t"))
    assert RAW_CELLS.write(cells) == "results.csv:14 n mean sd; contrasts.csv:3 t"
    assert ADDRESSES.write(["https://a.b", "https://c.d"]) == "https://a.b ; https://c.d"
    whole = Identity(
        trial_id="Ash", arms="low+high v saline", outcome="mood", instrument="SCALE",
        definition="a|b", day="day 7", period="whole", outcome_type="msd", participants="",
        reported="", measure="SMD",
    )  # fmt: skip
    assert str(whole) == r"Ash|low+high v saline|mood|SCALE|a\|b|day 7|whole|msd|||SMD"


def test_cells_of_several_effects_are_each_there_once() -> None:
    """Two comparisons with one control: its cells are not told twice."""
    cells = ["results.csv:2 n mean; results.csv:4 n", "results.csv:3 n; results.csv:4 n sd"]
    assert RAW_CELLS.union(cells) == (
        "results.csv:2 n mean; results.csv:4 n; results.csv:3 n; results.csv:4 sd"
    )
    assert ARM_IDS.union(["low+high", None, "low+top"]) == "low+high+top"


@pytest.mark.parametrize("cell", ["", None, float("nan")])
@pytest.mark.parametrize("form", [ARM_IDS, FLAG_NAMES, RAW_ROWS, RAW_CELLS, ADDRESSES, EFFECT_IDS])
def test_a_blank_cell_holds_nothing(form: Any, cell: object) -> None:
    assert form.read(cell) == ()
    assert form.write(()) == ""


def test_a_name_with_the_sign_between_is_refused_in_words() -> None:
    """It says which names, and which sign."""
    with pytest.raises(TrialpoolError, match=r"'a\+b', 'c' cannot share a cell: `\+` stands"):
        ARM_IDS.write(["a+b", "c"])
    with pytest.raises(TrialpoolError, match="cannot share a cell"):
        FLAG_NAMES.write(["grim", ""])


@pytest.mark.parametrize("name", ["low+high", "Ash || Birch", "Ash;Birch", "Ash; Birch", "a|b"])
def test_raw_data_refuse_such_names_where_they_are_typed(name: str) -> None:
    """The ids of trials, arms and instruments: one error of form, before anything is packed."""
    ids = [c for table in CONDITION_TABLES for c in table.columns if c.kind == "id"]
    assert {"trial_id", "arm_id", "experimental_arm", "instrument"} <= {c.name for c in ids}
    for column in ids:
        value, fault = typed(name, column)
        assert value is None
        assert fault is not None
        assert fault.rule == "not a valid short name"
