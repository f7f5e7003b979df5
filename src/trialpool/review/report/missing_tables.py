"""The tables of missing evidence of a condition: which results are there, and what follows."""

from __future__ import annotations

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.review.report.grid import Cell, Column, Grid, Notes, cell, to
from trialpool.terms import (
    AVAILABLE,
    NOT_KNOWN,
    OTHER,
    OUTSIDE,
    RESULT,
    UNCLEAR,
    UNUSABLE,
)

# status of a result: sign in the table, and what the sign stands for
_SIGNS = {
    AVAILABLE: "✓",
    UNUSABLE: "u",
    RESULT: "✗",
    OTHER: "o",
    UNCLEAR: "?",
    NOT_KNOWN: "",
    OUTSIDE: "·",
}


def evidence(table: pd.DataFrame) -> Grid:
    """Which trial gives a result to which analysis, as signs; after ROB-ME (Page 2023)."""
    rows = tables.records(table)
    titles = {row["analysis"]: w.text(row["title"]) for row in rows}
    trials: dict[str, dict[str, Cell]] = {}
    names = {row["trial_id"]: w.text(row["study"]) for row in rows}
    for row in rows:
        sign, detail = _SIGNS[row["status"]], w.text(row["detail"])
        told = f"{row['status']}: {detail}" if detail else row["status"]
        shown = Cell(lines=(sign,), title=told) if sign else Cell(lines=("\u2007",), title=told)
        trials.setdefault(row["trial_id"], {})[row["analysis"]] = shown
    body = [
        (to(names[trial], f"#trial-{trial}"), *(cells[analysis] for analysis in titles))
        for trial, cells in trials.items()
        if any(c.lines != ("\u2007",) for c in cells.values())
    ]
    return Grid(
        caption="Results that are there and results that are missing",
        columns=(
            Column(heading="Trial"),
            *(Column(heading=t, kind="sign") for t in titles.values()),
        ),
        rows=tuple(body),
        notes=tuple((sign, told) for told, sign in _SIGNS.items() if sign),
        empty="No trial.",
    )


def judgements(table: pd.DataFrame) -> Grid:
    """The proposed judgement of each analysis, its reason, and that a person decides."""
    notes, body = Notes(), []
    for row in tables.records(table):
        decided = w.text(row["decided"])
        body.append((
            to(w.text(row["title"]), f"#{row['analysis']}"),
            cell(w.capital(w.text(row["proposed"]))),
            cell(w.sentence(w.text(row["reason"])) if w.text(row["reason"]) else ""),
            cell(decided) if decided else notes.blank("no person has decided yet"),
        ))  # fmt: skip
    return Grid(
        caption="Risk of bias due to missing evidence, proposed by rule",
        columns=(
            Column(heading="Analysis"),
            Column(heading="Proposed"),
            Column(heading="Why", kind="prose"),
            Column(heading="Decided"),
        ),
        rows=tuple(body),
        notes=notes.listed(),
    )
