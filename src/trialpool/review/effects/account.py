"""The account of effects: which records make none, and why."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from trialpool import tables
from trialpool.review.effects.records import Records
from trialpool.review.schema.packed import RAW_ROWS
from trialpool.review.schema.processed import NOT_ASKED
from trialpool.words import text

BASELINE = "a baseline, which is no effect; changes are worked out from it where one is asked for"
OUTCOME = "no analysis asks for this outcome"
MEASURE = "no analysis asks for a measure that is made of it"


def not_asked(records: Records, effects: pd.DataFrame, outcomes: Collection[str]) -> pd.DataFrame:
    """The records of which no effect is made, each with the reason.

    Every effect is in the result or in selection.csv of each analysis of its outcome and measure;
    together with this table no number of a trial is lost.

    Parameters
    ----------
    outcomes : those that analyses ask for
    """
    used = {(at.table, at.row) for cell in effects["records"] for at in RAW_ROWS.read(cell)}
    lines = []
    for row in tables.records(records.rows):
        if (row["table"], int(row["row"])) in used:
            continue
        reason = MEASURE if row["outcome"] in outcomes else OUTCOME
        if text(row["outcome_type"]) == "baseline" and row["outcome"] in outcomes:
            reason = BASELINE
        lines.append({**{name: row[name] for name in NOT_ASKED.names[:-1]}, "reason": reason})
    return NOT_ASKED.frame(lines)
