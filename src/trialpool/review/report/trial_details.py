"""All that an analysis uses of one trial, for those who open it from the forest plot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.bias_tools import BIAS_DOMAINS, CODES
from trialpool.review.report import result_tables
from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.grid import Cell, Row, cell
from trialpool.risk_of_bias import RiskOfBias
from trialpool.terms import OVERALL
from trialpool.words import DASH

MOST = 30  # trials on one page; of more each has its own page only


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialDetails:
    """A trial and what is used of it, as pairs of a name and a cell."""

    trial_id: str
    study: str
    facts: tuple[tuple[str, Cell], ...]


def trial_details(analysis: AnalysisTables, bias: pd.DataFrame) -> tuple[TrialDetails, ...]:
    """The trials of an analysis one by one; none where they are too many for one page.

    They are the rows of the tables of trials and of sources, each turned into a list, with the
    reasons of its judgements of bias.
    """
    if len(analysis.studies) > MOST:
        return ()
    made = (result_tables.trials(analysis), result_tables.provenance(analysis))
    judged = RiskOfBias(tables.records(bias))
    out = []
    for place, row in enumerate(tables.records(analysis.studies)):
        facts = [
            (column.heading, shown)
            for grid in made
            for column, shown in list(zip(grid.columns, grid.rows[place], strict=True))[1:]
            if shown.links or shown.lines not in ((), (DASH,))
        ]
        if reasons := dict.fromkeys(_judgements(judged, row, analysis.result.outcome)):
            facts.append(("Risk of bias", cell(*reasons)))
        out.append(
            TrialDetails(
                trial_id=w.text(row["trial_id"]), study=w.text(row["study"]), facts=tuple(facts)
            )
        )
    return tuple(out)


def _judgements(judged: RiskOfBias[dict[str, Any]], trial: Row, outcome: str) -> Iterator[str]:
    """The judgement of the trial's result in each domain, and its reason."""
    for domain in CODES:
        for instrument in w.text(trial["instrument"]).split("; "):
            for row in judged.nearest(trial["trial_id"], domain, outcome, instrument):
                title = "Overall" if domain == OVERALL else BIAS_DOMAINS[domain]
                reason = w.text(row["reason"])
                said = f"{title}: {w.plain(row['judgement'])}"
                yield w.sentence(f"{said}; {reason}" if reason else said)
