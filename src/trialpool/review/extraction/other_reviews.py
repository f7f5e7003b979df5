"""What other reviews pooled, checked: each row names a condition, an outcome and trials we have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trialpool.review.extraction.problems import Problem
from trialpool.review.extraction.read import RawData, Row, Sheet, read_table, show
from trialpool.review.protocol.protocol import Review
from trialpool.review.schema.raw_elsewhere import OTHER_REVIEWS, is_ratio
from trialpool.words import number

_CHECK = "other_reviews"
_SPELLING = "Add it there or fix the spelling"


def problems(folder: Path, review: Review, data: Mapping[str, RawData]) -> list[Problem]:
    """Everything wrong with `other_reviews.csv`; nothing where a review has no such table.

    Parameters
    ----------
    folder : the raw data folder
    data : the raw tables by condition, for the trials they hold
    """
    path = folder / f"{OTHER_REVIEWS.name}.csv"
    if not path.exists():
        return []
    sheet, faults = read_table(path, OTHER_REVIEWS)
    first: dict[tuple[object, ...], Row] = {}
    for row in sheet.rows:
        key = tuple(row[name] for name in OTHER_REVIEWS.key)
        other = first.setdefault(key, row)
        if other is not row:
            rule = f"the same as row {other['row']}"
            fix = "Remove one row, or say in pooled what tells them apart"
            faults.append(sheet.problem(row, "review", rule, fix, _CHECK))
        faults += _names(sheet, row, review, data)
        faults += _numbers(sheet, row)
    return faults


def trials_in_common(row: Mapping[str, Any]) -> list[str]:
    """The trials of a row that this review has too."""
    names = str(row["trials"] or "").split(";")
    return [name.strip() for name in names if name.strip()]


def _names(
    sheet: Sheet, row: Row, review: Review, data: Mapping[str, RawData]
) -> Iterator[Problem]:
    condition = str(row["condition"])
    if condition not in review.conditions:
        yield sheet.problem(
            row, "condition", "no such condition in the protocol", _SPELLING, _CHECK
        )
        return
    if row["outcome"] not in review.outcomes:
        rule = "not declared under outcomes in the protocol"
        yield sheet.problem(row, "outcome", rule, _SPELLING, _CHECK)
    asked = review.conditions[condition].analyses
    if row["analysis"] is not None and row["analysis"] not in asked:
        rule = f"no such analysis of {condition} in the protocol"
        fix = "Name one of that condition, or leave it blank"
        yield sheet.problem(row, "analysis", rule, fix, _CHECK)
    elif row["analysis"] is not None and asked[str(row["analysis"])].outcome != row["outcome"]:
        rule = f"the analysis is of {asked[str(row['analysis'])].outcome}"
        fix = "Name an analysis of the same outcome, or leave it blank"
        yield sheet.problem(row, "outcome", rule, fix, _CHECK)
    known = data[condition].trials()
    if unknown := [trial for trial in trials_in_common(row) if trial not in known]:
        rule = f"{', '.join(unknown)}: no such trial in trials.csv of {condition}"
        yield sheet.problem(row, "trials", rule, _SPELLING, _CHECK)


def _numbers(sheet: Sheet, row: Row) -> Iterator[Problem]:
    numbers = {name: number(row[name]) for name in ("estimate", "ci_low", "ci_high")}
    estimate, low, high = numbers.values()
    if estimate < low or estimate > high:
        rule = f"outside its interval, {show(row['ci_low'])} to {show(row['ci_high'])}"
        fix = "Check the sign and the limits in the source"
        yield sheet.problem(row, "estimate", rule, fix, _CHECK)
    ratio = is_ratio(row["measure"])
    for name, value in numbers.items():
        if ratio and value <= 0:
            rule, fix = (
                "a ratio is above 0",
                "Give the ratio, not its log; leave a limit of 0 blank",
            )
            yield sheet.problem(row, name, rule, fix, _CHECK)
        elif row["measure"] == "RD" and abs(value) > 1:
            fix = "Give the difference of proportions, not of percentages"
            yield sheet.problem(row, name, "a risk difference is -1 to 1", fix, _CHECK)
