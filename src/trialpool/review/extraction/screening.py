"""How many records went through each stage of selection: read and checked, where that is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from trialpool.review.extraction.problems import Problem
from trialpool.review.extraction.read import Row, Sheet, raise_errors, read_table
from trialpool.review.extraction.second import duplicates
from trialpool.review.schema.raw_elsewhere import SCREENING

SEARCHED = "found"  # what all searches found, from search.csv

# A stage, the one that goes into it, and those that leave between the two.
STEPS = (
    ("screened", SEARCHED, ("duplicates", "removed_otherwise")),
    ("sought", "screened", ("excluded_at_screening",)),
    ("assessed", "sought", ("not_retrieved",)),
)


def screening(
    paths: Iterable[Path | str], searches: Sequence[Row], excluded: int
) -> tuple[list[Row], list[Problem]]:
    """The stages of a condition, none without a file, and what is wrong with them.

    Parameters
    ----------
    paths : the file of the table, if there is one
    searches : rows of search.csv
    excluded : how many rows excluded.csv has
    """
    rows: list[Row] = []
    problems: list[Problem] = []
    for path in paths:
        sheet, faults = read_table(Path(path), SCREENING)
        problems += [*faults, *duplicates(sheet)]
        problems += _sums(sheet, searches, excluded)
        rows += sheet.rows
    return rows, problems


def load_screening(paths: Iterable[Path | str]) -> list[Row]:
    """The stages of a condition, none without a file; their sums were checked before the run.

    Raises
    ------
    DataError
        listing all that is wrong with them
    """
    rows, problems = screening(paths, [], 0)
    raise_errors(problems)
    return rows


def in_searches(searches: Sequence[Row]) -> int | None:
    """What all searches found together; None where one did not record it."""
    counts = [_number(row["n_records"]) for row in searches]
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _bounds(
    sheet: Sheet,
    by_stage: Mapping[str, Row],
    counts: Mapping[str, int | None],
    before: str,
    after: Sequence[str],
) -> Iterator[Problem]:
    """Stages that are more than what goes into them, whatever else was not recorded."""
    first = counts.get(before)
    for stage in after:
        given = counts.get(stage)
        if first is not None and given is not None and given > first:
            rule = f"{given} {stage.replace('_', ' ')} of only {first} {before}"
            fix = "Correct the stage that is wrong, or leave blank what was not recorded"
            yield sheet.problem(by_stage[stage], "n", rule, fix, "screening")


def _sums(sheet: Sheet, searches: Sequence[Row], excluded: int) -> Iterator[Problem]:
    """Stages whose number is not what the stage before leaves; a blank one says nothing."""
    by_stage = {str(row["stage"]): row for row in sheet.rows}
    counts: Mapping[str, int | None] = {
        SEARCHED: in_searches(searches),
        **{stage: _number(row["n"]) for stage, row in by_stage.items()},
    }
    for stage, before, leaving in STEPS:
        yield from _bounds(sheet, by_stage, counts, before, (*leaving, stage))
        parts = [counts.get(before), *(counts.get(each) for each in leaving)]
        given = counts.get(stage)
        if given is None or None in parts:
            continue
        first, *rest = (part for part in parts if part is not None)
        if given != first - sum(rest):
            shown = " - ".join(
                f"{part} {name.replace('_', ' ')}"
                for part, name in zip((first, *rest), (before, *leaving), strict=True)
            )
            rule = f"{shown} = {first - sum(rest)}, not {given}"
            fix = "Correct the stage that is wrong, or leave blank what was not recorded"
            yield sheet.problem(by_stage[stage], "n", rule, fix, "screening")
    assessed = counts.get("assessed")
    if assessed is not None and excluded > assessed:
        rule = f"excluded.csv has {excluded} reports, more than the {assessed} assessed"
        fix = "Correct the number, or move reports that were never read out of excluded.csv"
        yield sheet.problem(by_stage["assessed"], "n", rule, fix, "screening")
