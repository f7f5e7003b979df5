"""The raw tables checked: errors stop a run, warnings become the rows of flags.csv.

The checks run when a run is planned, once. What they say travels on as data, so that no step
depends on their code: `effects` takes the names of the warnings, figures and pages their words.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from trialpool.review.extraction.checks import flags, run_checks
from trialpool.review.extraction.decisions import decisions
from trialpool.review.extraction.problems import Problem
from trialpool.review.extraction.read import (
    Outcomes,
    RawData,
    optional_file,
    raise_errors,
    read_condition,
)
from trialpool.review.extraction.screening import screening
from trialpool.review.extraction.second import compare
from trialpool.review.schema.added import Added


def load(
    folder: Path,
    condition: str,
    outcomes: Outcomes,
    confidence_order: Sequence[str],
    added: Added,
) -> tuple[RawData, list[Problem]]:
    """Read and check the raw data of a condition.

    Parameters
    ----------
    confidence_order : kinds of source, the preferred one first; warnings name the one that is used
    added : the columns the protocol adds

    Returns
    -------
    The raw data, and the warnings.

    Raises
    ------
    DataError
        listing all errors of form and content
    """
    raw, problems = _checked(folder, condition, outcomes, confidence_order, added)
    return raw, raise_errors(problems)


def _checked(
    folder: Path,
    condition: str,
    outcomes: Outcomes,
    confidence_order: Sequence[str],
    added: Added,
    *,
    elsewhere: Sequence[RawData] = (),
) -> tuple[RawData, list[Problem]]:
    """The raw data, with what is wrong in them and in a second extraction of them."""
    raw, problems = read_condition(folder, condition, added)
    raw = raw.under(outcomes)
    _, second_problems = compare(folder, condition, raw.sheets)
    return raw, problems + run_checks(raw, outcomes, confidence_order, elsewhere) + second_problems


def look_at_all(
    folder: Path,
    analyses: Mapping[str, Collection[str]],
    outcomes: Outcomes | None,
    confidence_order: Sequence[str],
    added: Added,
) -> dict[str, tuple[RawData, list[Problem]]]:
    """Read and check the raw data of all conditions.

    Parameters
    ----------
    analyses : the names of the analyses of each condition
    outcomes : None when they are not known; then only the form of the tables is looked at

    Returns
    -------
    For each condition its raw data and what is wrong with them, errors and warnings
    """
    looked: dict[str, tuple[RawData, list[Problem]]] = {}
    for name, asked in analyses.items():
        if outcomes is None:
            looked[name] = read_condition(folder, name, added)
            continue
        before = [
            tables
            for tables, _ in looked.values()
            if all(s.readable for s in tables.sheets.values())
        ]
        raw, problems = _checked(folder, name, outcomes, confidence_order, added, elsewhere=before)
        decided = decisions(optional_file(Path(folder) / name, "certainty"), asked)[1]
        counts = [raw.sheets[table].rows for table in ("search", "excluded")]
        stages = screening(
            optional_file(Path(folder) / name, "screening"), counts[0], len(counts[1])
        )[1]
        looked[name] = raw, problems + decided + stages
    return looked


def problems_in(looked: Mapping[str, tuple[RawData, Sequence[Problem]]]) -> list[Problem]:
    """Every problem; one in the instruments, which all conditions share, is told once."""
    return list(dict.fromkeys(each for _, problems in looked.values() for each in problems))


def flag_rows(raw: RawData, warnings: Sequence[Problem]) -> list[list[Any]]:
    """The rows of flags.csv: every warning of a condition, with its words for a reader."""
    meaning = flags()
    by_file = {sheet.file: sheet for sheet in raw.sheets.values()}
    rows = {(sheet.file, row["row"]): row for sheet in raw.sheets.values() for row in sheet.rows}
    lines = []
    for warning in sorted(warnings, key=lambda w: (w.file, w.row or 0, w.column)):
        sheet, row = by_file[warning.file], rows.get((warning.file, warning.row), {})
        words = meaning.get(warning.check, warning.check.replace("_", " "))
        place = [sheet.table.name, warning.row, row.get("trial_id"), warning.column, warning.value]
        lines.append([*place, warning.check, words, warning.rule, warning.fix])
    return lines
