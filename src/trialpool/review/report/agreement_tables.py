"""How two extractors agree, as it stands on the page of a condition."""

from __future__ import annotations

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.review.report.grid import Cell, Grid, Row, cell, number, or_why, prose, table, text

SINGLE = (
    "Single extraction: every number was read by one extractor. How often a number was misread is "
    "not known."
)
_SHOWN = {"cells": "All cells", "trials": "Trials", "rows": "Rows"}
_MEANING = (
    "Cells: those at least one extractor filled in, in rows that both have. Trials and rows: those "
    "either extractor has, and those both have. The interval is Wilson's and takes cells as "
    "independent. Kappa is of choices."
)


def extraction(agreed: pd.DataFrame, disagreed: pd.DataFrame) -> str:
    """What was read twice, and how often the two readings are the same."""
    lines = {(row["table"], row["column"]): row for row in tables.records(agreed)}
    if not lines:
        return SINGLE
    trials, cells = lines["all", "trials"], lines["all", "cells"]
    read = f"{trials['agreed'] + trials['only_second']:.0f} of {trials['compared']:.0f} trials"
    if not cells["compared"]:
        return f"Two extractors: the second read {read}. There is no cell to compare yet."
    share, low, high = (_percent(cells[name]) for name in ("percent_agreed", "ci_low", "ci_high"))
    parts = [
        f"Two extractors: the second read {read}. Before any decision they agree in "
        f"{cells['agreed']:.0f} of {cells['compared']:.0f} cells ({share} %, 95 % CI {low} to "
        f"{high})."
    ]
    rows = [row for row in lines.values() if row["kind"] == "rows"]
    alone = int(sum(row["only_first"] + row["only_second"] for row in rows))
    if alone:
        parts.append(f"{w.capital(w.count(alone, 'row'))} {w.be(alone)} in one reading only.")
    left = int((disagreed["status"] == "open").sum())
    if left:
        parts.append(
            f"{w.capital(w.count(left, 'disagreement'))} {w.be(left)} open; the results concerned "
            "are flagged."
        )
    elif len(disagreed):
        parts.append("Every disagreement has been decided.")
    return " ".join(parts)


def agreement(frame: pd.DataFrame) -> Grid:
    """Agreement over all, per table and per column."""

    def share(row: Row) -> Cell:
        limits = f"{_percent(row['ci_low'])} to {_percent(row['ci_high'])}"
        shown = f"{_percent(row['percent_agreed'])} ({limits})" if row["compared"] else ""
        return or_why(shown, w.text(row["reason"]))

    def rounded(row: Row) -> str:
        return w.whole(row["agreed_rounded"]) if row["kind"] in ("number", "cells") else ""

    def kappa(row: Row) -> Cell:
        chosen = row["kind"] == "choice"
        return or_why(w.fixed(row["kappa"], 2), w.text(row["reason"])) if chosen else cell()

    return table("Agreement of the two extractors", tables.records(frame), [
        text("What", lambda row: _SHOWN.get(row["column"], row["column"])),
        text("Table", lambda row: "all" if row["table"] == "all" else f"{row['table']}.csv"),
        number("Compared", "compared"),
        number("In agreement", "agreed"),
        number("% (95 % CI)", share),
        number("Within rounding", rounded),
        number("Kappa", kappa),
    ], remark=_MEANING)  # fmt: skip


def disagreements(frame: pd.DataFrame) -> Grid:
    """Every disagreement with its decision."""

    def where(row: Row) -> Cell:
        first, second = (
            "no such row" if (n := w.whole(row[name])) == w.DASH else f"row {n}"
            for name in ("row", "second_row")
        )
        return cell(f"{row['table']}.csv", f"{first}; second: {second}")

    def decision(row: Row) -> str:
        return w.text(row["decision"]) or "blank" if row["status"] == "adjudicated" else "open"

    def reason(row: Row) -> Cell:
        by = (w.text(row[name]) for name in ("adjudicated_by", "adjudicated_on"))
        return cell(w.text(row["reason"]), ", ".join(filter(None, by)))

    return table("Disagreements of the two extractors", tables.records(frame), [
        prose("Trial", lambda row: cell(w.text(row["trial_id"]), w.text(row["key"]))),
        prose("Where", where),
        text("Column", "column"),
        text("First", lambda row: w.text(row["first"]) or "blank"),
        text("Second", lambda row: w.text(row["second"]) or "blank"),
        text("Decision", decision),
        prose("Reason", reason),
    ], empty="The two extractors differ nowhere.")  # fmt: skip


def _percent(value: object) -> str:
    """One decimal, so that a single cell among hundreds is seen; only all is 100."""
    share = w.number(value)
    return f"{share:.0f}" if share in (0, 100) else f"{min(share, 99.9):.1f}"
