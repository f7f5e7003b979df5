"""The tables of missing evidence of a condition: which results are there, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.review.report.grid import (
    Cell,
    Grid,
    GridColumn,
    Show,
    or_why,
    prose,
    table,
    text,
    to,
)
from trialpool.terms import AVAILABLE, NOT_KNOWN, OTHER, OUTSIDE, RESULT, UNCLEAR, UNUSABLE

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
_NO_SIGN = "\u2007"


def evidence(frame: pd.DataFrame) -> Grid:
    """Which trial gives a result to which analysis, as signs; after ROB-ME (Page 2023)."""
    rows = tables.records(frame)
    titles = {row["analysis"]: w.text(row["title"]) for row in rows}
    trials: dict[str, dict[str, Mapping[str, str]]] = {}
    for row in rows:
        trials.setdefault(row["trial_id"], {})[row["analysis"]] = row

    def sign(analysis: str) -> Show:
        def shown(trial: Mapping[str, Mapping[str, str]]) -> Cell:
            status, detail = trial[analysis]["status"], w.text(trial[analysis]["detail"])
            said = f"{status}: {detail}" if detail else status
            return Cell(lines=(_SIGNS[status] or _NO_SIGN,), title=said)

        return shown

    def study(trial: Mapping[str, Mapping[str, str]]) -> Cell:
        first = next(iter(trial.values()))
        return to(w.text(first["study"]), f"../trials/{first['trial_id']}.html")

    known = [
        trial for trial in trials.values() if any(_SIGNS[row["status"]] for row in trial.values())
    ]
    grid = table(
        "Results that are there and results that are missing",
        known,
        [
            text("Trial", study),
            *(GridColumn(title, sign(name), "sign") for name, title in titles.items()),
        ],
        empty="No trial.",
    )
    return replace(grid, notes=tuple((sign, status) for status, sign in _SIGNS.items() if sign))


def judgements(frame: pd.DataFrame) -> Grid:
    """The proposed judgement of each analysis, its reason, and that a person decides."""
    return table("Risk of bias due to missing evidence, proposed by rule", tables.records(frame), [
        text("Analysis", lambda row: to(w.text(row["title"]), f"index.html#{row['analysis']}")),
        text("Proposed", lambda row: w.capital(w.text(row["proposed"]))),
        prose("Why", lambda row: w.sentence(w.text(row["reason"])) if row["reason"] else ""),
        text("Decided", lambda row: or_why(w.text(row["decided"]), "no person has decided yet")),
    ])  # fmt: skip
