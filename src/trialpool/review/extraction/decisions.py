"""People's decisions on the certainty of the evidence: read and checked, where there are any."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from trialpool.review.extraction.problems import Problem
from trialpool.review.extraction.read import Row, Sheet, raise_errors, read_table
from trialpool.review.extraction.second import duplicates
from trialpool.review.schema.raw import CERTAINTY


def decisions(
    paths: Iterable[Path | str], analyses: Collection[str]
) -> tuple[list[Row], list[Problem]]:
    """The decisions of a condition, none without a file, and what is wrong with them.

    Parameters
    ----------
    paths : the file of the table, if there is one
    analyses : the names that the protocol gives its analyses; none if it cannot be read
    """
    rows: list[Row] = []
    problems: list[Problem] = []
    for path in paths:
        sheet, faults = read_table(Path(path), CERTAINTY)
        problems += [*faults, *duplicates(sheet), *_of_no_analysis(sheet, analyses)]
        rows += sheet.rows
    return rows, problems


def load_decisions(paths: Iterable[Path | str], analyses: Collection[str]) -> list[Row]:
    """The decisions of a condition, none without a file.

    Raises
    ------
    DataError
        listing all that is wrong with them
    """
    rows, problems = decisions(paths, analyses)
    raise_errors(problems)
    return rows


def _of_no_analysis(sheet: Sheet, analyses: Collection[str]) -> Iterator[Problem]:
    for row in sheet.rows if analyses else ():
        name = row["analysis"]
        if name is None or name in analyses:
            continue
        near = get_close_matches(str(name), analyses, n=1)
        fix = f"Write {near[0]}" if near else f"Its analyses are {', '.join(analyses)}"
        rule = "the protocol has no such analysis of this condition"
        yield sheet.problem(row, "analysis", rule, fix, "certainty")
