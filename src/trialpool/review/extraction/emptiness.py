"""What is empty, and what reads alike: tables, filters, analyses; titles.

A table of a header only, a filter that matches nothing and an analysis without a trial need not be
wrong in a review that has just begun, but would pass in silence.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from trialpool.review.extraction.problems import Problem
from trialpool.review.extraction.read import RawData, Row
from trialpool.review.extraction.sorting import row_number, sort_rows
from trialpool.review.protocol.eligibility import Eligibility, Filter
from trialpool.review.protocol.labels import titles_alike
from trialpool.review.protocol.protocol import Review
from trialpool.review.protocol.specs import Analysis

# Each needs a row, or one of them does.
_NEEDED = (("trials",), ("arms",), ("results", "contrasts"))
NAMES = {
    "empty_table": "A table that an analysis rests on has rows, not a header only.",
    "filter_without_match": "A value that a filter names is that of some trial.",
    "empty_analysis": "An analysis or a network is left with a result by each of its filters.",
    "titles_alike": "Outcomes, conditions, and within one analyses, questions and moderators, have "
    "titles that a reader can tell apart.",
}


class _Place(NamedTuple):
    """A question of a condition, with the condition's tables and its usable rows."""

    key: str
    asked: Eligibility
    raw: RawData
    usable: list[Row]


def problems(
    config: Path, review: Review, data: Mapping[str, RawData], results: Path
) -> Iterator[Problem]:
    """Everything that is empty or reads alike, as warnings.

    Parameters
    ----------
    config : the protocol's file, for the messages
    results : the folder of results, which need not exist: how many trials an analysis had
    """
    for alike in titles_alike(review):
        key = f"{alike.key} = {alike.value}"
        yield _problem(config.as_posix(), key, alike.rule, "Give each its own", "titles_alike")
    before = _trials_before(results / "summary.csv")
    for condition, raw in data.items():
        asked = review.conditions[condition]
        yield from _tables(raw)
        usable = list(_usable(raw, review))
        for name, analysis in asked.analyses.items():
            key = f"conditions.{condition}.analyses.{name}"
            place = _Place(key, analysis, raw, usable)
            yield from _empty(config, place, before.get((condition, name), 0))
            for subset in analysis.subsets:
                yield from _unmatched(config, f"{key}.subsets.{subset.label}", subset, raw)
        for name, network in asked.networks.items():
            place = _Place(f"conditions.{condition}.networks.{name}", network, raw, usable)
            yield from _empty(config, place, 0)


def _trials_before(path: Path) -> dict[tuple[str, str], int]:
    """How many trials each analysis has in the results on record; none where there are none."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if str(row.get("k")).isdigit()]
    return {(str(r.get("condition")), str(r.get("analysis"))): int(r["k"]) for r in rows}


def _tables(raw: RawData) -> Iterator[Problem]:
    for names in _NEEDED:
        sheets = [raw[name] for name in names]
        if not any(sheet.rows for sheet in sheets):
            files = " and ".join(Path(sheet.file).name for sheet in sheets)
            fix = f"Add rows to {files}, or remove the condition's analyses until there are some"
            yield _problem(sheets[0].file, "", "has a header only", fix, "empty_table")


def _usable(raw: RawData, review: Review) -> Iterator[Row]:
    faults = sort_rows(raw, review.confidence_order)
    for name in ("results", "contrasts"):
        for row in raw[name].rows:
            if row_number(row) not in faults[name] and row.get("outcome_type") != "baseline":
                yield row


def _empty(config: Path, place: _Place, before: int) -> Iterator[Problem]:
    """What empties a question; without that, its filters that match nothing."""
    left = place.usable
    for key, value, keeps in _steps(place):
        kept = [row for row in left if keeps(row)]
        if not kept:
            n = len(left)
            rule = (
                f"none of the {n} usable results is left" if left else "there is no usable result"
            )
            if before:
                rule += f"; the results on record have {before} trial{'s' if before > 1 else ''}"
            fix = "Correct the filter or the rows, or remove the analysis"
            column = f"{place.key}.{key}" + (f" = {value}" if value else "")
            yield _problem(config.as_posix(), column, rule, fix, "empty_analysis")
            return
        left = kept
    yield from _unmatched(config, place.key, place.asked, place.raw)


def _steps(place: _Place) -> Iterator[tuple[str, str, Callable[[Row], bool]]]:
    """The filters of a question in their order: the key, what it says, what it keeps."""
    asked, trials = place.asked, place.raw.trials()

    def has(column: str, values: Sequence[str], wanted: bool) -> Callable[[Row], bool]:
        return lambda row: (str(trials.get(row["trial_id"], {}).get(column)) in values) == wanted

    yield "outcome", asked.outcome, lambda row: row["outcome"] == asked.outcome
    for column, values in asked.include.items():
        yield f"include.{column}", ", ".join(values), has(column, values, True)
    for column, values in asked.exclude.items():
        yield f"exclude.{column}", ", ".join(values), has(column, values, False)
    if asked.instruments:
        words = ", ".join(asked.instruments)
        yield "instruments", words, lambda row: row["instrument"] in asked.instruments
    if window := asked.time_days:
        low, high = window
        words = f"{low:g} to {high:g}"
        yield "time_days", words, lambda r: low <= _number(r["time_days"]) <= high
    if isinstance(asked, Analysis):
        classes = {
            arm["trial_id"]
            for arm in place.raw["arms"].rows
            if arm["comparator_class"] in asked.comparators
        }
        words = ", ".join(asked.comparators)
        yield "comparators", words, lambda row: row["trial_id"] in classes


def _number(value: object) -> float:
    return float("nan") if value is None else float(str(value))


def _unmatched(config: Path, key: str, rule: Filter, raw: RawData) -> Iterator[Problem]:
    """Values of a filter that no trial has; of short names, another check tells as an error."""
    for kind, values in (("include", rule.include), ("exclude", rule.exclude)):
        for column, wanted in values.items():
            present = {str(row[column]) for row in raw["trials"].rows}
            for value in wanted:
                if value not in present and raw["trials"].table[column].kind != "id":
                    words = f"no trial has {value}"
                    yield _unused(config, f"{key}.{kind}.{column}", words)


def _unused(config: Path, key: str, rule: str) -> Problem:
    fix = "Correct it, or remove what matches nothing"
    return _problem(config.as_posix(), key, rule, fix, "filter_without_match")


def _problem(file: str, column: str, rule: str, fix: str, check: str) -> Problem:
    return Problem(
        file=file,
        row=None,
        column=column,
        value="",
        rule=rule,
        fix=fix,
        check=check,
        severity="warning",
    )
