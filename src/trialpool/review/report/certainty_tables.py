"""How certain the evidence is (GRADE), as pages show it."""

from __future__ import annotations

from math import isnan, nan

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.review.certainty.body import PART
from trialpool.review.certainty.indirectness import other_people
from trialpool.review.report.grid import Cell, Grid, Row, cell, number, or_why, prose, table, text
from trialpool.terms import INDIRECTNESS, OVERALL

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


def share_of_others(frame: pd.DataFrame, analysis: str) -> float:
    """How much of an analysis' weight is of people other than asked about, in percent; or NaN.

    Parameters
    ----------
    frame : certainty.csv
    """
    rows = frame[(frame["analysis"] == analysis) & (frame["domain"] == INDIRECTNESS)]
    return next(map(other_people, rows["numbers"]), nan)


def of_other_people(frame: pd.DataFrame, whom: str) -> str:
    """How far the trials of a condition, or of one analysis, are of people other than asked about.

    Parameters
    ----------
    frame : certainty.csv, or its rows of an analysis
    whom : the people asked about

    Returns
    -------
    A sentence; blank where most of the weight of every analysis is of the people asked about
    """
    rows = frame[frame["domain"] == INDIRECTNESS]
    shares = [s for s in map(other_people, rows["numbers"]) if not isnan(s)]
    rest = [share for share in shares if share < 100]
    if not shares or max(shares) < PART:
        return ""
    if not rest:
        return f"No trial here is of {whom}."
    lowest, highest = min(rest) / 100, max(rest) / 100
    reach = w.part(lowest, highest) if lowest else f"up to {w.part(highest)}"
    if len(rest) == len(shares):
        return f"{w.capital(reach)} of the weight is of people other than {whom}."
    gone = len(shares) - len(rest)
    others = f"{reach} of the weight is of other people" if highest else "all trials are"
    lead = f"In {w.count(gone, 'analysis')} of {len(shares)} no trial is of {whom}"
    return f"{lead}; in the others {others}."


def level(row: Row) -> Cell:
    """The certainty of an analysis in a row of summary.csv, and what it rests on."""
    shown = w.capital(w.text(row["certainty"]))
    return cell(shown, w.text(row["certainty_basis"])) if shown else or_why("", "no trial")
