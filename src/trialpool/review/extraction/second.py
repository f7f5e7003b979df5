"""A second extractor's tables: read, and compared with the first's.

The first extractor's tables are the tables of record. What the two read differently is decided in
adjudication.csv, which keeps both readings, so that agreement can be measured as it was before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trialpool.review.extraction.adjudication import misruled, undecided
from trialpool.review.extraction.pairs import Double, Key, RowPair, key_of, pairs
from trialpool.review.extraction.problems import Problem
from trialpool.review.extraction.read import Row, Sheet, raise_errors, read_table
from trialpool.review.schema.added import Added, with_added
from trialpool.review.schema.raw import ADJUDICATION, DOUBLE_TABLES


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoExtractions:
    """Two extractions of a condition, cell by cell.

    `tables` are those extracted twice. `first_trials` and `second_trials` are the trials each
    extractor has rows of; a trial the second left alone was extracted once and is not compared.
    """

    tables: tuple[str, ...] = ()
    first_trials: tuple[str, ...] = ()
    second_trials: tuple[str, ...] = ()
    pairs: tuple[RowPair, ...] = ()


def second_files(folder: Path | str, condition: str) -> list[str]:
    """The optional files of a double extraction that exist: second/*.csv, adjudication.csv."""
    home = Path(folder) / condition
    wanted = [home / "second" / f"{table.name}.csv" for table in DOUBLE_TABLES]
    return [p.as_posix() for p in (*wanted, home / "adjudication.csv") if p.exists()]


def compare(
    folder: Path | str, condition: str, first: Mapping[str, Sheet]
) -> tuple[TwoExtractions, list[Problem]]:
    """Compare the two extractions of a condition.

    Parameters
    ----------
    folder : the raw data folder
    first : the tables of record, `results` and `contrasts`, as read

    Returns
    -------
    The comparison, empty without a second extraction; and every problem of the optional files.
    A disagreement nobody has decided is a warning at its row of the table of record.
    """
    doubles, rulings, problems = _read(Path(folder), condition, first)
    sheets = [sheet for double in doubles for sheet in (double.first, double.second)]
    if problems or not all(sheet.readable for sheet in sheets):
        return TwoExtractions(), problems
    second_trials = _trials(double.second for double in doubles)
    compared = tuple(pair for double in doubles for pair in pairs(double, second_trials))
    problems += misruled(doubles, rulings) if rulings else ()
    for double in doubles:
        problems += undecided(double, compared)
    comparison = TwoExtractions(
        tables=tuple(double.name for double in doubles),
        first_trials=_trials(double.first for double in doubles),
        second_trials=second_trials,
        pairs=compared,
    )
    return comparison, problems


def load(folder: Path | str, condition: str, added: Added) -> TwoExtractions:
    """Read and compare the two extractions of a condition.

    Raises
    ------
    DataError
        listing all errors of the optional files, and of the tables of record they refer to
    """
    first, problems = {}, []
    for table in DOUBLE_TABLES:
        path = Path(folder) / condition / f"{table.name}.csv"
        first[table.name], table_problems = read_table(path, with_added(table, added))
        problems += table_problems
    raise_errors(problems)
    comparison, problems = compare(folder, condition, first)
    raise_errors(problems)
    return comparison


def _read(
    folder: Path, condition: str, first: Mapping[str, Sheet]
) -> tuple[list[Double], Sheet | None, list[Problem]]:
    """The tables that are there, and what is wrong with their form."""
    home = folder / condition
    problems: list[Problem] = []
    rulings: Sheet | None = None
    if (home / "adjudication.csv").exists():
        rulings, problems = read_table(home / "adjudication.csv", ADJUDICATION)
        problems += duplicates(rulings)
    doubles = []
    for table in DOUBLE_TABLES:
        path = home / "second" / f"{table.name}.csv"
        if not path.exists():
            continue
        sheet, table_problems = read_table(path, first[table.name].table)
        problems += table_problems + duplicates(sheet)
        table_rulings = [r for r in rulings.rows if r["table"] == table.name] if rulings else []
        doubles.append(
            Double(
                first=first[table.name],
                second=sheet,
                rulings={(key_of(r, table.key), str(r["column"])): r for r in table_rulings},
            )
        )
    return doubles, rulings, problems


def duplicates(sheet: Sheet) -> list[Problem]:
    """Rows that cannot be matched because another has the same key."""
    seen: dict[Key, Row] = {}
    problems = []
    for row in sheet.rows:
        other = seen.setdefault(key_of(row, sheet.table.key), row)
        if other is not row:
            problems.append(
                sheet.problem(
                    row,
                    sheet.table.key[0],
                    f"the same as row {other['row']}",
                    "Remove one row, or tell them apart in a key column",
                    "duplicate_row",
                )
            )
    return problems


def _trials(sheets: Iterable[Sheet]) -> tuple[str, ...]:
    return tuple(sorted({str(row["trial_id"]) for sheet in sheets for row in sheet.rows}))
