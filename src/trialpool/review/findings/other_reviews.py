"""What other reviews pooled, beside the result of the analysis here that comes nearest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from trialpool import words as w
from trialpool.review.accounts.rob_me import Written
from trialpool.review.extraction.other_reviews import trials_in_common
from trialpool.review.extraction.read import raise_errors, read_table
from trialpool.review.schema import raw_elsewhere
from trialpool.review.schema.findings import OTHER_REVIEWS
from trialpool.review.schema.raw_elsewhere import WITHIN_PEOPLE, is_ratio

Row = Mapping[str, Any]
_ENDS = ("estimate", "ci_low", "ci_high")
_TAKEN = ("review", "year", "doi", "outcome", "analysis", "pooled", "k", "people", "measure",
          "confidence", "source_url", "locator")  # fmt: skip


def read_other_reviews(paths: Iterable[Path | str]) -> list[Row]:
    """The rows of other_reviews.csv, none without the file.

    Raises
    ------
    DataError
        listing all that is wrong with the table
    """
    rows: list[Row] = []
    for path in paths:
        sheet, problems = read_table(Path(path), raw_elsewhere.OTHER_REVIEWS)
        raise_errors(problems)
        rows += sheet.rows
    return rows


def other_reviews(condition: str, rows: Iterable[Row], written: Iterable[Written]) -> pd.DataFrame:
    """Results of other reviews, other_reviews.csv of a condition.

    Parameters
    ----------
    rows : of data/raw/other_reviews.csv, checked
    written : the analyses of the condition

    Returns
    -------
    OTHER_REVIEWS in the order of the rows. Every contrast is experimental minus control, or their
    ratio, whichever way its source subtracts; `note` says where it was turned
    """
    ours = {each.result.analysis: each for each in written}
    return OTHER_REVIEWS.frame(
        {**{name: row[name] for name in _TAKEN}, **_turned(row), **_beside(row, ours)}
        for row in rows
        if row["condition"] == condition
    )


def _turned(row: Row) -> dict[str, Any]:
    numbers = {name: w.number(row[name]) for name in _ENDS}
    notes = [w.text(row["notes"])]
    if row["measure"] != WITHIN_PEOPLE and row["contrast"] == "control-experimental":
        ratio = is_ratio(row["measure"])
        turned = {name: 1 / value if ratio else -value for name, value in numbers.items()}
        numbers = dict(zip(_ENDS, (turned[name] for name in _ENDS[:1] + _ENDS[:0:-1]), strict=True))
        notes.append("turned: the source gives control against experimental")
    return numbers | {"note": "; ".join(filter(None, notes))}


def _beside(row: Row, ours: Mapping[str, Written]) -> dict[str, Any]:
    each = ours.get(str(row["analysis"]))
    if each is None:
        return {}
    result, theirs = each.result, trials_in_common(row)
    here = set(each.studies["trial_id"])
    shown = {f"our_{name}": getattr(result.display, name) for name in _ENDS}
    common = [trial for trial in theirs if trial in here]
    return {
        "our_measure": result.measure, "our_k": result.k, **shown,
        "in_common": len(common) if theirs else None, "trials_in_common": "; ".join(common),
    }  # fmt: skip
