"""A file in the Metapsy data standard as raw tables."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from trialpool.review.exchange.check_rows import errors_of
from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.imported import Cells, Imported, Left
from trialpool.review.exchange.metapsy.direction import find_direction
from trialpool.review.exchange.metapsy.facts import Facts
from trialpool.review.exchange.metapsy.notes import rows_of
from trialpool.review.exchange.metapsy.results import Results
from trialpool.review.exchange.metapsy.source import read_source
from trialpool.review.extraction.problems import DataError, Problem

_WITH_NUMBERS = ("results", "contrasts")


def read(path: Path, options: ImportOptions) -> Imported:
    """Read a Metapsy file.

    Every row of the file becomes rows of `results` or `contrasts`, or stands in `left` with the
    reason; so does every column that is not read.

    Parameters
    ----------
    path : CSV with commas and decimal points, or with semicolons and decimal commas
    options : the condition, the name of the outcome of scores, the address to name as source, and
        which way `.g` is subtracted where the file does not show it

    Raises
    ------
    TrialpoolError
        when the file is not in the standard

    References
    ----------
    Metapsy data standard, docs.metapsy.org/data-preparation/format
    """
    source = read_source(path, options.rob_codes)
    direction = find_direction(source.lines, options.g_is)
    facts = Facts(source, options, direction)
    results = Results(facts)
    results.collect()
    tables = {
        "instruments": facts.instrument_rows(),
        "trials": facts.trial_rows(),
        "arms": facts.arm_rows(),
        "results": results.rows(),
        "contrasts": results.contrasts(),
        "risk_of_bias": facts.bias_rows(),
    }
    outcomes = _outcomes(tables, direction.events)
    sound, faulty = _sound(tables, options.condition, outcomes)
    assumed = [
        *source.assumed,
        *direction.assumed,
        *results.assumed,
        *facts.assumed,
        "time_days is 7 times time_weeks, which the standard counts from randomisation",
    ]
    taken = frozenset(
        number
        for table in _WITH_NUMBERS
        for row in sound[table]
        if row.get("outcome_type") != "baseline"
        for number in rows_of(row["locator"])
    )
    lines = len(source.lines) + sum(entry.what == "study" for entry in source.left)
    left = [*source.left, *facts.left, *results.left, *faulty]
    return Imported(
        tables=sound,
        assumed=tuple(dict.fromkeys(assumed)),
        left=tuple(_marked(left, taken)),
        outcomes=outcomes,
        effects_in=lines,
        effects_taken=len(taken),
    )


def _marked(left: Iterable[Left], taken: Collection[int]) -> Iterator[Left]:
    """With a mark at what says why a row of the file gives no effect: once for each row."""
    marked: set[int] = set()
    for entry in left:
        row = re.match(r"row (\d+)\b", entry.where)
        number = int(row[1]) if row else 0
        lost = number > 0 and number not in taken and number not in marked
        if lost and entry.what in ("row", "study", "condition_arm1", "condition_arm2", ".g",
                                   "precalc_g"):  # fmt: skip
            marked.add(number)
            yield replace(entry, effect=True)
        else:
            yield entry


def _outcomes(
    tables: Mapping[str, list[Cells]], events: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """What the tables measure: scores by their instruments, everything else is counted."""
    scores = {row["outcome"]: row["better"] for row in tables["instruments"]}
    outcomes = {row["outcome"] for name in _WITH_NUMBERS for row in tables[name]}
    out = {name: {"kind": "continuous", "better": better} for name, better in scores.items()}
    return out | {
        name: {"kind": "binary", "better": events.get(name, "higher")}
        for name in outcomes - set(out)
    }


def _sound(
    tables: dict[str, list[Cells]], condition: str, outcomes: Mapping[str, Mapping[str, str]]
) -> tuple[dict[str, list[Cells]], list[Left]]:
    """The tables without the cells and rows that break a rule, each of which is listed.

    Raises
    ------
    DataError
        when what is left still breaks one
    """
    left: list[Left] = []
    errors = errors_of(tables, condition, outcomes, {})
    while errors:
        doomed: dict[str, set[int]] = {}
        for problem in errors:
            if problem.row is None or problem.file == "arms":
                raise DataError(errors)
            place = problem.row - 2
            row = tables[problem.file][place]
            left.append(_broken(problem, row))
            if problem.file == "instruments" and problem.column == "name":
                # A name that cannot stand loses itself, not the effects on the scale.
                tables["instruments"][place] = {**row, "name": row["instrument"]}
            elif problem.file in ("trials", "instruments"):
                if not row.get(problem.column):
                    raise DataError(errors)
                tables[problem.file][place] = {**row, problem.column: ""}
            else:
                doomed.setdefault(problem.file, set()).add(place)
        for name, places in doomed.items():
            tables[name] = [row for i, row in enumerate(tables[name]) if i not in places]
        errors = errors_of(tables, condition, outcomes, {})
    return tables, left


def _broken(problem: Problem, row: Cells) -> Left:
    where = row.get("locator") or row.get("trial_id", "")
    who = row.get("arm_id") or row.get("study") or row.get("instrument", "")
    return Left(f"{where}, {who}, {problem.column}", problem.file, problem.value, f"{problem.rule}")
