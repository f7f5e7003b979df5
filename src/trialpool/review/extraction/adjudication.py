"""Decisions on what two extractors read differently: do they fit, are they followed, which lack?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trialpool.review.extraction.pairs import (
    KINDS,
    Double,
    Kind,
    RowPair,
    decimal,
    key_of,
    named,
    now,
    same,
)
from trialpool.review.extraction.problems import Problem
from trialpool.review.extraction.read import Row, Sheet, Value
from trialpool.review.schema.raw import ABSENT, PRESENT, WHOLE_ROW

# The check an undecided disagreement warns under; the effect it reaches is flagged with it.
OPEN = "extractors_disagree"


def misruled(doubles: Sequence[Double], sheet: Sheet) -> Iterator[Problem]:
    """Errors in the decisions: their address, their readings, or that nobody follows them.

    Parameters
    ----------
    doubles : the tables that were extracted twice
    sheet : adjudication.csv
    """
    by_name = {double.name: double for double in doubles}
    for ruling in sheet.rows:
        double = by_name.get(str(ruling["table"]))
        if double is not None:
            yield from _fits(double, ruling, sheet)
            continue
        yield sheet.problem(
            ruling,
            "table",
            f"there is no second/{ruling['table']}.csv to differ from",
            "Add the second extractor's table, or remove the row",
            "adjudication",
        )


def _fits(double: Double, ruling: Row, sheet: Sheet) -> Iterator[Problem]:
    """What is wrong with one decision."""
    column, key = str(ruling["column"]), key_of(ruling, double.first.table.key)
    mine = next((row for row in double.first.rows if double.key(row) == key), None)
    theirs = next((row for row in double.second.rows if double.key(row) == key), None)
    names = {c.name: KINDS[c.kind] for c in double.compared()}
    kind = names.get(column, "row")

    def wrong(where: str, rule: str, fix: str) -> Problem:
        return sheet.problem(ruling, where, rule, fix, "adjudication")

    if column not in (*names, WHOLE_ROW):
        allowed = f"Use `{WHOLE_ROW}` or one of {', '.join(names)}"
        yield wrong("column", f"not a column of {double.name}.csv that is compared", allowed)
        return
    if column != WHOLE_ROW and (mine is None or theirs is None):
        missing = double.first.file if mine is None else double.second.file
        yield wrong("trial_id", f"no such row in {missing}", "Copy the key columns from the row")
        return
    bad = [name for name in ("first", "second", "decision") if not _valid(ruling[name], kind)]
    for name in bad:
        what = f"must be {PRESENT} or {ABSENT}" if kind == "row" else "must be a number or blank"
        yield wrong(name, what, "Copy it from the table")
    if bad:
        return
    first, second, decision = (str(ruling[n] or "") for n in ("first", "second", "decision"))
    read = now(double.second, theirs, column)
    if not same(second, read, kind):
        yield wrong("second", f"{double.second.file} has {read or 'a blank'}", "Copy it from there")
    if same(first, second, kind):
        yield wrong("first", "both extractors read the same", "Remove the row")
    current = now(double.first, mine, column)
    if not same(decision, current, kind):
        named = f"{sheet.file} row {ruling['row']}"
        yield Problem(
            file=double.first.file,
            row=None if mine is None else int(mine["row"] or 0),
            column=double.first.table.key[0] if kind == "row" else column,
            value=str(key[0]) if kind == "row" else current,
            rule=f"adjudicated as {decision or 'blank'} ({named})",
            fix=_follow(kind, decision),
            check="adjudication",
        )


def _follow(kind: Kind, decision: str) -> str:
    if kind == "row":
        what = "Add the row" if decision == PRESENT else "Remove the row"
    else:
        what = f"Write {decision} here" if decision else "Leave the cell blank"
    return f"{what}, or correct the decision"


def undecided(double: Double, pairs: Sequence[RowPair]) -> Iterator[Problem]:
    """Disagreements without a decision, as warnings on the rows of the table of record."""
    for pair in pairs:
        if pair.table != double.name or pair.agree or pair.ruling is not None:
            continue
        where = f"{double.second.file} row {pair.second_row}"
        if pair.kind == "row":
            column, value = double.first.table.key[0], pair.trial
            rule = (
                f"the second extractor has no such row in {double.second.file}"
                if pair.second_row is None
                else f"only the second extractor has this row ({where}: {named(pair)})"
            )
        else:
            column, value = pair.column, pair.first
            rule = f"the second extractor read {pair.second or 'a blank'} ({where})"
        yield Problem(
            file=double.first.file,
            row=pair.row,
            column=column,
            value=value,
            rule=rule,
            fix="Go back to the source and write the decision to adjudication.csv",
            check=OPEN,
            severity="warning",
        )


def _valid(value: Value, kind: Kind) -> bool:
    if kind == "row":
        return value in (PRESENT, ABSENT)
    return kind != "number" or value is None or decimal(str(value)) is not None
