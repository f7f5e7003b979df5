"""A table after an accident is refused in plain words, or every row of it is accounted for."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small import SMALL, SmallReview, flag_table, through_csv

from trialpool.results import TrialpoolError
from trialpool.review.effects.comparisons import build_effects
from trialpool.review.effects.records import Records
from trialpool.review.extraction.checking import load
from trialpool.review.extraction.clean import Cleaned, clean
from trialpool.review.extraction.problems import DataError, Problem
from trialpool.review.extraction.read import RawData
from trialpool.review.protocol.protocol import read_protocol
from trialpool.review.schema.raw import CONDITION_TABLES, CONFIDENCE, INSTRUMENTS

REVIEW = read_protocol(SMALL / "config/review.yaml")
TABLES = [table.name for table in (INSTRUMENTS, *CONDITION_TABLES)]
# Results and contrasts hold the numbers; the others are broken less often.
OFTEN = [*TABLES, *["results"] * 6, *["contrasts"] * 4, "arms", "trials"]
ENCODINGS = ("utf-16", "utf-16-le", "latin-1", "cp1252", "utf-8-sig", "utf-7", "cp437")

Lines = list[list[str]]
Break = Callable[[Lines], Lines]
PLACES = st.integers(0, 10_000)
ODD = st.sampled_from((
    "", " ", "0", "-0", "1", "-1", "0.5", "1e5", "1e-5", "1e99", "-1e99", "1e400", "nan", "inf",
    "-inf", "NA", "0.0", "00", "1.", ".5", "+3", "--3", "1,5", "1 000", "1_000", "0x10", "#REF!",
    "3-Apr", "=1+1", "<0.05", "12 (3)", "9/20", "50%", "yes", "no", "msd", "change", "baseline",
    "event", "first", "both", "whole", "MD", "OR", "RD", "D", "control", "experimental", "primary",
    "secondary", "harm", "mood", "SCALE", "OTHER", "Ash", "Elm", "crossover", "parallel", "\n",
    "\r", "\x00", "\u200b", "\ufffd", '"', ",", ";", "se_typed_as_sd", "grim;grimmer", "2026-11",
    "https://example.org", "999999999", "1e9", "1e-99", "\u0663", "\U0001f600",
))  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-5, 200).map(str),
    st.floats(-100, 100, allow_nan=False).map(lambda x: f"{x:.3g}"),
    st.floats(allow_nan=True).map(repr),
)
CELLS = st.one_of(ODD, NUMBERS, st.text(max_size=6))


def place(line: list[str], at: int) -> int:
    return at % len(line) if line else 0


def set_cell(row: int, column: int, value: str) -> Break:
    def change(lines: Lines) -> Lines:
        line = lines[row % len(lines)]
        if line:
            line[place(line, column)] = value
        return lines

    return change


def swap_cells(row: int, one: int, column: int) -> Break:
    def change(lines: Lines) -> Lines:
        line = lines[row % len(lines)]
        if line:
            a, b = place(line, one), place(line, column)
            line[a], line[b] = line[b], line[a]
        return lines

    return change


def copy_row(row: int, to: int, column: int, value: str) -> Break:
    def change(lines: Lines) -> Lines:
        new = list(lines[row % len(lines)])
        if new:
            new[place(new, column)] = value
        at = to % (len(lines) + 1)
        return [*lines[:at], new, *lines[at:]]

    return change


def delete_row(row: int) -> Break:
    return lambda lines: [line for i, line in enumerate(lines) if i != row % len(lines)] or lines


def shift_columns(row: int, by: int) -> Break:
    def change(lines: Lines) -> Lines:
        line = lines[row % len(lines)]
        lines[row % len(lines)] = line[-by:] + line[:-by]
        return lines

    return change


def cut_row(row: int, at: int) -> Break:
    def change(lines: Lines) -> Lines:
        line = lines[row % len(lines)]
        lines[row % len(lines)] = line[: place(line, at)]
        return lines

    return change


def number_column(column: int, values: list[str]) -> Break:
    """Other numbers down a column."""

    def change(lines: Lines) -> Lines:
        for i, line in enumerate(lines[1:]):
            if line:
                line[place(line, column)] = values[i % len(values)]
        return lines

    return change


BREAKS = st.one_of(
    st.builds(set_cell, PLACES, PLACES, CELLS),
    st.builds(set_cell, PLACES, PLACES, CELLS),
    st.builds(set_cell, PLACES, PLACES, st.just("")),
    st.builds(swap_cells, PLACES, PLACES, PLACES),
    st.builds(copy_row, PLACES, PLACES, PLACES, CELLS),
    st.builds(delete_row, PLACES),
    st.builds(shift_columns, PLACES, st.integers(1, 3)),
    st.builds(cut_row, PLACES, PLACES),
    st.builds(number_column, PLACES, st.lists(NUMBERS, min_size=1, max_size=4)),
)


def broken(content: bytes, breaks: list[Break]) -> bytes:
    """A table after some accidents."""
    lines = list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    for change in breaks:
        lines = change(lines)
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(lines)
    return stream.getvalue().encode("utf-8", "replace")


def inject(content: bytes, at: int, what: bytes) -> bytes:
    """Bytes put anywhere into a file."""
    return content[: at % (len(content) + 1)] + what + content[at % (len(content) + 1) :]


def account(raw: RawData, cleaned: Cleaned) -> None:
    """Rows in = used + dropped, and every row number stands in exactly one place."""
    rows = cleaned.rows
    assert (rows["rows_in"] == rows["rows_used"] + rows["rows_dropped"]).all()
    records, dropped = cleaned.tables["records"], cleaned.dropped
    for table in CONDITION_TABLES:
        name = table.name
        if name in ("results", "contrasts"):
            used = records[records["table"] == name]["row"]
        else:
            used = cleaned.tables[name]["row"]
        held = [*used, *dropped[dropped["table"] == name]["row"]]
        assert sorted(held) == [row["row"] for row in raw[name].rows]


def go_through(small: SmallReview) -> bool:
    """The steps of the pipeline up to the effects: whether the tables were usable."""
    try:
        raw, warnings = load(
            small.folder / "data/raw", "blue", REVIEW.outcome_rules(), CONFIDENCE, {}
        )
    except DataError as error:
        in_plain_words(error.problems)
        return False
    in_plain_words(warnings)
    cleaned = clean(raw, REVIEW.confidence_order)
    account(raw, cleaned)
    tables = cleaned.all_tables() | {"flags": flag_table(raw, warnings)}
    names = ("trials", "arms", "records", "flags")
    records = Records(*(through_csv(tables[name]) for name in names))
    # The one error there may be is one the library raises on purpose.
    with suppress(TrialpoolError):
        build_effects(records, REVIEW.measures("blue"), REVIEW.defaults, ())
    return True


def in_plain_words(problems: Sequence[Problem]) -> None:
    """Each problem says what is wrong and how to mend it, in one line."""
    for problem in problems:
        assert problem.rule
        assert problem.fix
        assert str(problem).splitlines() == [str(problem)]


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@examples(170)
@given(st.lists(st.tuples(st.sampled_from(OFTEN), BREAKS), min_size=1, max_size=4))
def test_broken_rows_and_cells_are_refused_or_accounted_for(
    breaks: list[tuple[str, Break]],
) -> None:
    """Cells swapped, blanked, overwritten; rows copied, cut, shifted, deleted."""
    with tempfile.TemporaryDirectory() as folder:
        small = SmallReview(Path(folder))
        for name in dict.fromkeys(name for name, _ in breaks):
            mine = [change for table, change in breaks if table == name]
            small.path(name).write_bytes(broken(small.path(name).read_bytes(), mine))
        go_through(small)


@examples(70)
@given(
    st.sampled_from(TABLES),
    st.lists(st.tuples(PLACES, st.binary(min_size=1, max_size=4)), max_size=3),
    st.sampled_from(("utf-8", *ENCODINGS)),
)
def test_broken_bytes_are_refused_or_accounted_for(
    name: str, injected: list[tuple[int, bytes]], encoding: str
) -> None:
    """Another encoding, and bytes that do not belong there."""
    with tempfile.TemporaryDirectory() as folder:
        small = SmallReview(Path(folder))
        content = small.path(name).read_bytes().decode("utf-8").encode(encoding)
        for at, what in injected:
            content = inject(content, at, what)
        small.path(name).write_bytes(content)
        go_through(small)


def decimals(low: float, high: float) -> st.SearchStrategy[str]:
    return st.floats(low, high).map(lambda x: f"{x:.1f}")


# What a person might type: most of it can be used, and the steps after reading have work to do.
PLAUSIBLE: dict[str, st.SearchStrategy[str]] = {
    "n": st.integers(1, 40).map(str),
    "mean": decimals(0, 60),
    "sd": decimals(0.1, 25),
    "se": decimals(0.1, 5),
    "ci_low": decimals(0, 20),
    "ci_high": decimals(20, 60),
    "median": decimals(15, 25),
    "q1": decimals(5, 15),
    "q3": decimals(25, 40),
    "minimum": decimals(0, 4),
    "maximum": decimals(41, 60),
    "correlation": decimals(-1, 1),
    "event": st.integers(0, 30).map(str),
    "totaln": st.integers(1, 40).map(str),
    "percent": decimals(0, 100),
    "time_days": st.integers(0, 60).map(str),
    "timepoint": st.sampled_from(("day 7", "24 h", "week 1", "1 month", "later")),
    "period": st.sampled_from(("whole", "both", "first")),
    "arm_id": st.sampled_from(("experimental", "control")),
    "outcome_type": st.sampled_from(("msd", "change", "baseline")),
    "instrument": st.sampled_from(("SCALE", "OTHER")),
    "analysis_set": st.sampled_from(("", "completers")),
    "source": st.sampled_from(("paper", "review", "registry")),
    "confidence": st.sampled_from(("primary", "abstract", "secondary")),
    "exclude_reason": st.sampled_from(("", "printed twice")),
    "derived": st.just("computed"),
}
TYPED = st.one_of(*(st.tuples(st.just(name), kind) for name, kind in PLAUSIBLE.items()))
BLANKED = st.tuples(st.sampled_from(("sd", "mean", "n", "time_days", "event")), st.just(""))


@examples(200)
@given(
    st.lists(
        st.tuples(PLACES, st.booleans(), st.lists(TYPED | BLANKED, min_size=1, max_size=3)),
        min_size=1,
        max_size=4,
    )
)
def test_plausible_results_are_refused_or_accounted_for(
    changes: list[tuple[int, bool, list[tuple[str, str]]]],
) -> None:
    """Other numbers, arms, times and sources, in a row's place or as rows of their own."""
    with tempfile.TemporaryDirectory() as folder:
        small = SmallReview(Path(folder))
        for row, new, cells in changes:
            lines = small.rows("results")
            at = 1 + row % (len(lines) - 1)
            line = list(lines[at])
            for column, value in cells:
                line[lines[0].index(column)] = value
            small.write("results", [*lines, line] if new else [*lines[:at], line, *lines[at + 1 :]])
        go_through(small)


def test_the_untouched_tables_go_all_the_way(small: SmallReview) -> None:
    """The accidents above start from tables in order."""
    assert go_through(small)
