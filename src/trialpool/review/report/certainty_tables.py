"""How certain the evidence is (GRADE), as pages show it."""

from __future__ import annotations

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.review.report.grid import Cell, Grid, Row, cell, number, or_why, prose, table, text
from trialpool.terms import OVERALL

DOMAIN_TITLES = {
    "risk_of_bias": "Risk of bias",
    "inconsistency": "Inconsistency",
    "indirectness": "Indirectness",
    "imprecision": "Imprecision",
    "missing_results": "Missing results",
    OVERALL: "All together",
}


def certainty(frame: pd.DataFrame, analysis: str) -> Grid:
    """The domains of one analysis: by how much each lowers the certainty, and why.

    Parameters
    ----------
    frame : certainty.csv of its condition
    """

    def change(row: Row) -> Cell:
        shown = w.short(row["change"])
        if row["domain"] == OVERALL and (level := w.text(row["level"])):
            return cell(w.capital(level), shown)
        return or_why(shown, "not judged")

    def why(row: Row) -> Cell:
        proposed = w.sentence(w.text(row["reason"]))
        decided = w.text(row["decision_reason"])
        if not decided:
            return cell(proposed)
        rule = f"By rule {w.short(row['proposed'])}: {proposed}"
        return cell(w.sentence(decided), rule)

    def standing(row: Row) -> Cell:
        who = " ".join(filter(None, (w.text(row["decided_by"]), w.text(row["decided_on"]))))
        return cell(w.capital(w.text(row["basis"])), who)

    rows = tables.records(frame[frame["analysis"] == analysis])
    return table("Certainty of the evidence", rows, [
        text("Domain", lambda row: DOMAIN_TITLES[row["domain"]]),
        number("Levels", change),
        prose("Why", why),
        text("Standing", standing),
    ])  # fmt: skip


def level(row: Row) -> Cell:
    """The certainty of an analysis in a row of summary.csv, and what it rests on."""
    shown = w.capital(w.text(row["certainty"]))
    return cell(shown, w.text(row["certainty_basis"])) if shown else or_why("", "no trial")
