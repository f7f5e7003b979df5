"""How two extractors agree, as it stands on the page of a condition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.review.report.grid import Cell, Column, Grid, Notes, cell

SINGLE = (
    "Single extraction: every number was read by one extractor. How often a number was misread is "
    "not known."
)
_SHOWN = {"cells": "All cells", "trials": "Trials", "rows": "Rows"}


def told(agreement: pd.DataFrame, disagreements: pd.DataFrame) -> str:
    """What was read twice, and how often the two readings are the same."""
    lines = {(row["table"], row["column"]): row for row in tables.records(agreement)}
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
    left = int((disagreements["status"] == "open").sum())
    if left:
        parts.append(
            f"{w.capital(w.count(left, 'disagreement'))} {w.be(left)} open; the results concerned "
            "are flagged."
        )
    elif len(disagreements):
        parts.append("Every disagreement has been decided.")
    return " ".join(parts)


def agreement(table: pd.DataFrame) -> Grid:
    """Agreement over all, per table and per column."""
    notes, body = Notes(), []
    for row in tables.records(table):
        number = row["kind"] in ("number", "cells")
        shown = _percent(row["percent_agreed"])
        limits = f"{_percent(row['ci_low'])} to {_percent(row['ci_high'])}"
        why = w.text(row["reason"])
        body.append((
            cell(_SHOWN.get(row["column"], row["column"])),
            cell("all" if row["table"] == "all" else f"{row['table']}.csv"),
            cell(w.whole(row["compared"])),
            cell(w.whole(row["agreed"])),
            cell(f"{shown} ({limits})") if row["compared"] else notes.blank(why),
            cell(w.whole(row["agreed_rounded"])) if number else cell(),
            _kappa(row, notes),
        ))  # fmt: skip
    heads = ("Compared", "In agreement", "% (95 % CI)", "Within rounding", "Kappa")
    listed = (
        ("", "Cells: those at least one extractor filled in, in rows that both have. Trials and "
             "rows: those either extractor has, and those both have. The interval is Wilson's and "
             "takes cells as independent. Kappa is of choices."),
    ) if body else ()  # fmt: skip
    return Grid(
        caption="Agreement of the two extractors",
        columns=(
            Column(heading="What"),
            Column(heading="Table"),
            *(Column(heading=head, kind="number") for head in heads),
        ),
        rows=tuple(body),
        notes=(*notes.listed(), *listed),
    )


def _kappa(row: Mapping[str, Any], notes: Notes) -> Cell:
    if row["kind"] != "choice":
        return cell()
    kappa = w.number(row["kappa"])
    return cell(w.fixed(kappa, 2)) if kappa == kappa else notes.blank(w.text(row["reason"]))


def disagreements(table: pd.DataFrame) -> Grid:
    """Every disagreement with its decision."""
    body = []
    for row in tables.records(table):
        where = [f"row {w.whole(row[name])}" if row[name] == row[name] else "no such row"
                 for name in ("row", "second_row")]  # fmt: skip
        decided = row["status"] == "adjudicated"
        by = ", ".join(filter(None, (w.text(row[n]) for n in ("adjudicated_by", "adjudicated_on"))))
        body.append((
            cell(w.text(row["trial_id"]), w.text(row["key"])),
            cell(f"{row['table']}.csv", f"{where[0]}; second: {where[1]}"),
            cell(w.text(row["column"])),
            cell(w.text(row["first"]) or "blank"),
            cell(w.text(row["second"]) or "blank"),
            cell(w.text(row["decision"]) or "blank") if decided else cell("open"),
            cell(w.text(row["reason"]), by),
        ))  # fmt: skip
    heads = ("Trial", "Where", "Column", "First", "Second", "Decision", "Reason")
    prose = ("Trial", "Where", "Reason")
    return Grid(
        caption="Disagreements of the two extractors",
        columns=tuple(Column(heading=h, kind="prose" if h in prose else "text") for h in heads),
        rows=tuple(body),
        empty="The two extractors differ nowhere.",
    )


def _percent(value: object) -> str:
    """One decimal, so that a single cell among hundreds is seen; only all is 100."""
    held = w.number(value)
    return f"{held:.0f}" if held in (0, 100) else f"{min(held, 99.9):.1f}"
