"""Trials and sources: the same people reported twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from trialpool.review.extraction.checks.index import Index, grouped, half_unit, number
from trialpool.review.extraction.checks.registry import Finding, error, warning
from trialpool.review.extraction.read import Row, Sheet, Value, show
from trialpool.review.schema.raw import CONTRASTS, RESULTS

_NUMBERS = {
    "results": ("n", "mean", "sd", "se", "median", "q1", "q3", "event", "totaln", "percent"),
    "contrasts": ("estimate", "se", "ci_low", "ci_high", "p_value"),
}
_DOI = re.compile(r"10\.\d{4,}/\S+")


@warning(
    "If they report the same people, keep one and list the other in excluded.csv",
    flag="may share participants with another trial",
)
def overlapping_trials(index: Index) -> Iterator[Finding]:
    """No two trials share a registration, a DOI, a PubMed id, or study and year."""
    sheet = index["trials"]
    for column, names in (
        ("registration", _registrations),
        ("doi", _doi),
        ("pmid", _pmid),
        ("study", _label),
    ):
        first: dict[str, Row] = {}
        for row in sheet.rows:
            for name in names(row):
                other = first.setdefault(name, row)
                if other is not row:
                    same = f"the same as {other['trial_id']} (row {other['row']})"
                    yield Finding(sheet, row, column, f"{same}; people may be counted twice")


@warning(
    "Remove the trial here or the report there",
    flag="also stands among the excluded reports",
)
def eligible_and_excluded(index: Index) -> Iterator[Finding]:
    """An eligible trial does not stand among the excluded reports."""
    excluded = {doi: row for row in index["excluded"].rows for doi in _doi(row)}
    for row in index["trials"].rows:
        for doi in _doi(row):
            if doi in excluded:
                rule = f"the DOI of an excluded report (excluded.csv row {excluded[doi]['row']})"
                yield Finding(index["trials"], row, "doi", rule)


def _registrations(row: Row) -> list[str]:
    parts = re.split(r"[;,\s]+", _text(row["registration"]))
    return [part.upper() for part in parts if any(c.isdigit() for c in part)]


def _doi(row: Row) -> list[str]:
    return [doi.rstrip(".,;").lower() for doi in _DOI.findall(_text(row["doi"]))]


def _pmid(row: Row) -> list[str]:
    return re.findall(r"\d{5,}", _text(row["pmid"]))


def _label(row: Row) -> list[str]:
    if row["study"] is None or row["year"] is None:
        return []
    return [f"{' '.join(_text(row['study']).casefold().split())} {row['year']}"]


def _text(value: Value) -> str:
    return "" if value is None else show(value)


@warning(
    "Look both up; the cleaning step uses one source for all arms",
    flag="two sources report this differently",
)
def sources_differ(index: Index) -> Iterator[Finding]:
    """Two sources of one result print the same numbers."""
    for sheet, one, other, differing in _differing(index):
        if not _tied(index, sheet, one, other):
            yield _difference(index, sheet, one, other, differing)


@error("Look both up, and say in exclude_reason of one of them why the other counts")
def sources_tie(index: Index) -> Iterator[Finding]:
    """Of two sources with different numbers one is trusted more, by its kind."""
    for sheet, one, other, differing in _differing(index):
        if _tied(index, sheet, one, other):
            yield _difference(index, sheet, one, other, differing)


def _tied(index: Index, sheet: Sheet, one: Row, other: Row) -> bool:
    name = sheet.table.name
    return index.tied(name, one) or index.tied(name, other)


def _differing(index: Index) -> Iterator[tuple[Sheet, Row, Row, list[str]]]:
    """Each pair of rows of one result, and the columns in which they print other numbers."""
    for name, key in (("results", RESULTS.key), ("contrasts", CONTRASTS.key)):
        sheet = index[name]
        groups = grouped(index.used(name), [column for column in key if column != "source"])
        for rows in groups.values():
            for one, other in combinations(rows, 2):
                differing = [c for c in _NUMBERS[name] if _differ(sheet, one, other, c)]
                if differing:
                    yield sheet, one, other, differing


def _differ(sheet: Sheet, one: Row, other: Row, column: str) -> bool:
    if one[column] is None or other[column] is None:
        return False
    loose = max(half_unit(sheet, one, column), half_unit(sheet, other, column))
    return abs(number(one, column) - number(other, column)) > 1.001 * loose


def _difference(index: Index, sheet: Sheet, one: Row, other: Row, columns: list[str]) -> Finding:
    """The finding stands at the row that is not used, where it is known which one that is."""
    used = index.taken(sheet.table.name, (one, other))
    at, reference = (other, one) if used is one else (one, other)
    values = ", ".join(
        f"{c} {sheet.text(at, c)} against {sheet.text(reference, c)}" for c in columns
    )
    whose = " against ".join(f"{row['source']} ({row['confidence']})" for row in (at, reference))
    end = "dropped.csv says which one is used"
    if _tied(index, sheet, one, other):
        end = "sources of one kind, so that nothing says which counts"
    elif used:
        end = f"the cleaning step takes row {used['row']} (see dropped.csv)"
    rule = f"differs from row {reference['row']}: {values}; {whose}; {end}"
    return Finding(sheet, at, columns[0], rule, others=(reference,))
