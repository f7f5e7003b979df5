"""What the house's own checks say of imported tables, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from trialpool.review.exchange.imported import Cells, Imported
from trialpool.review.extraction.checks import run_checks
from trialpool.review.extraction.problems import Problem
from trialpool.review.extraction.read import Outcomes, read_condition
from trialpool.review.schema.added import Added, with_added
from trialpool.review.schema.raw import CONDITION_TABLES, CONFIDENCE

Tables = Mapping[str, Sequence[Cells]]


def problems_of(tables: Tables, condition: str, outcomes: Outcomes, added: Added) -> list[Problem]:
    """Every problem of form and content; `file` is the name of the table.

    `added` are the columns that a protocol adds. A row's number counts as in a file: the first row
    of a table is row 2.
    """
    with TemporaryDirectory() as folder:
        raw = Path(folder)
        headers = {table.name: with_added(table, added).names for table in CONDITION_TABLES}
        Imported(tables=tables, headers=headers).write(raw, condition)
        data, problems = read_condition(raw, condition, added)
        problems += run_checks(data, outcomes, CONFIDENCE)  # an import has no protocol yet
    return [replace(problem, file=Path(problem.file).stem) for problem in problems]


def errors_of(tables: Tables, condition: str, outcomes: Outcomes, added: Added) -> list[Problem]:
    """The problems that would stop a run."""
    return [p for p in problems_of(tables, condition, outcomes, added) if p.severity == "error"]
