"""The files of data/processed and results: which declared table stands in which file."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from trialpool import tables
from trialpool.columns import Table
from trialpool.results import TrialpoolError
from trialpool.review.schema.added import Added, is_extensible, with_added
from trialpool.review.schema.processed import PROCESSED
from trialpool.review.schema.questions import QUESTION_TABLES
from trialpool.review.schema.results import RESULT_TABLES

if TYPE_CHECKING:
    import pandas as pd


def kind_of_question(path: PurePath) -> str:
    """The kind of the question whose table stands in a file; blank for any other table."""
    kind = path.parent.name.partition("_")[0]
    asked = path.parent.parent.name == "questions" and path.stem in QUESTION_TABLES.get(kind, {})
    return kind if asked else ""


def declared(path: Path | str, added: Added | None = None) -> Table:
    """The table that stands in a file of data/processed or results, by the file's place.

    `added` are the columns of the protocol; only a table that can have none goes without.

    Raises
    ------
    TrialpoolError
        when no such file is declared, or the protocol may add to it and nobody says what
    """
    place = Path(path)
    for known in (QUESTION_TABLES.get(kind_of_question(place), {}), RESULT_TABLES, PROCESSED):
        if place.stem in known:
            table = known[place.stem]
            if added is None and is_extensible(table):
                raise TrialpoolError(f"{place.as_posix()}: say what the protocol adds to it")
            return with_added(table, added or {})
    raise TrialpoolError(f"{place.as_posix()}: no table of this name is declared")


def read(path: Path | str, added: Added | None = None) -> pd.DataFrame:
    """Read a table of data/processed or results, typed as it is declared."""
    return tables.read_table(path, declared(path, added))


def write(path: Path | str, rows: pd.DataFrame, added: Added | None = None) -> None:
    """Write a table of data/processed or results, with the columns it declares."""
    tables.write_table(path, rows, declared(path, added))
