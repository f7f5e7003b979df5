"""Claims, checked: each names analyses and questions that the protocol has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from trialpool.review.extraction.problems import Problem
from trialpool.review.extraction.read import Row, Sheet, raise_errors, read_table
from trialpool.review.extraction.second import duplicates
from trialpool.review.schema.raw_elsewhere import CLAIMS
from trialpool.terms import OUT_OF_SCOPE

# The names that a column of claims may hold.
Known = Mapping[str, Collection[str]]


def known_names(
    analyses: Mapping[str, Collection[str]], questions: Mapping[str, Collection[str]]
) -> Known:
    """What claims may name, from the analyses and the folders of questions of each condition."""
    each = {"analyses": analyses, "questions": questions}
    return {
        column: [f"{condition}/{name}" for condition, names in of.items() for name in names]
        for column, of in each.items()
    }


def names_in(cell: object) -> list[str]:
    """The names in a cell that separates them by `;`."""
    return [name.strip() for name in str(cell or "").split(";") if name.strip()]


def claims(paths: Iterable[Path | str], known: Known) -> tuple[list[Row], list[Problem]]:
    """The claims, none without a file, and what is wrong with them.

    Parameters
    ----------
    paths : the file of the table, if there is one
    known : `known_names` of the protocol
    """
    rows: list[Row] = []
    problems: list[Problem] = []
    for path in paths:
        sheet, faults = read_table(Path(path), CLAIMS)
        problems += [*faults, *duplicates(sheet), *_wrong(sheet, known)]
        rows += sheet.rows
    return rows, problems


def load_claims(paths: Iterable[Path | str], known: Known) -> list[Row]:
    """The claims, none without a file.

    Raises
    ------
    DataError
        listing all that is wrong with them
    """
    rows, problems = claims(paths, known)
    raise_errors(problems)
    return rows


def _wrong(sheet: Sheet, known: Known) -> Iterator[Problem]:
    for row in sheet.rows:
        for column, names in known.items():
            for name in names_in(row[column]):
                if name in names:
                    continue
                near = get_close_matches(name, names, n=1)
                fix = f"Write {near[0]}" if near else "Write the condition, a slash and its name"
                rule = f"{name}: the protocol has no such {_ONE[column]}"
                yield sheet.problem(row, column, rule, fix, "claims")
        if row["expected"] == OUT_OF_SCOPE and row["analyses"]:
            rule = "what analyses speak to is not out of scope"
            fix = "Leave analyses blank, or say in expected what trials would find"
            yield sheet.problem(row, "analyses", rule, fix, "claims")


_ONE = {"analyses": "analysis", "questions": "question"}
