"""The made-up review of tests/fixtures/small, copied to a folder a test may spoil."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from trialpool.columns import Table
from trialpool.results import TrialpoolError
from trialpool.review.analysis import Analysed, analyse
from trialpool.review.case import Case, Tables
from trialpool.review.effects.comparisons import build_effects
from trialpool.review.effects.records import Records
from trialpool.review.effects.universes import build_universes
from trialpool.review.extraction.checking import flag_rows, load
from trialpool.review.extraction.clean import Cleaned, clean
from trialpool.review.extraction.problems import DataError, Problem
from trialpool.review.extraction.read import RawData
from trialpool.review.extraction.ready import check
from trialpool.review.protocol.protocol import Review, read_protocol
from trialpool.review.protocol.settings import Defaults
from trialpool.review.schema.added import Added, with_added
from trialpool.review.schema.processed import FLAGS, PROCESSED
from trialpool.review.schema.results import RESULT_TABLES
from trialpool.tables import read_table, write_table

DECLARED = (*PROCESSED.values(), *RESULT_TABLES.values())
ROOT = Path(__file__).resolve().parents[1]
SMALL = ROOT / "tests" / "fixtures" / "small"
TABLES = ("studies", "selection", "missing", "sensitivity")  # of an analysis, beside its trust
_FOLDER = TemporaryDirectory()  # of this process
_FILE = Path(_FOLDER.name) / "table.csv"
_PROTOCOLS: dict[bytes, Review] = {}
_RESULTS: dict[tuple[object, ...], Analysed] = {}
_CLEAN: dict[tuple[object, ...], dict[str, pd.DataFrame]] = {}


class SmallReview:
    """A review in a temporary folder whose tables and protocol can be changed cell by cell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(SMALL, folder, dirs_exist_ok=True)

    @property
    def review(self) -> Review:
        """The protocol as it stands; the same text is read once."""
        text = self._protocol()
        if text not in _PROTOCOLS:
            _PROTOCOLS[text] = read_protocol(self.folder / "config" / "review.yaml")
        return _PROTOCOLS[text]

    def rewrite(self, old: str, new: str) -> None:
        """Change one place of the protocol's text, which must be there."""
        path = self.folder / "config" / "review.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def _protocol(self) -> bytes:
        return (self.folder / "config" / "review.yaml").read_bytes()

    def _raw(self, condition: str) -> tuple[tuple[Path, bytes], ...]:
        """The raw tables of a condition, and those of all, by their places."""
        raw = self.folder / "data" / "raw"
        files = sorted(p for p in [*raw.glob("*"), *(raw / condition).rglob("*")] if p.is_file())
        return tuple((path.relative_to(raw), path.read_bytes()) for path in files)

    def path(self, table: str, condition: str = "blue") -> Path:
        raw = self.folder / "data" / "raw"
        return (
            raw / "instruments.csv" if table == "instruments" else raw / condition / f"{table}.csv"
        )

    def rows(self, table: str, condition: str = "blue") -> list[list[str]]:
        with self.path(table, condition).open(encoding="utf-8", newline="") as stream:
            return list(csv.reader(stream))

    def write(self, table: str, rows: list[list[str]], condition: str = "blue") -> None:
        with self.path(table, condition).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)

    def set(self, table: str, row: int, column: str, value: str, condition: str = "blue") -> None:
        """Change one cell; `row` counts as a spreadsheet does."""
        rows = self.rows(table, condition)
        rows[row - 1][rows[0].index(column)] = value
        self.write(table, rows, condition)

    def problems(self) -> list[str]:
        """What the checks say, errors only; file names without the temporary folder."""
        review = self.review
        raw = self.folder / "data" / "raw"
        try:
            check(review, raw)
        except DataError as error:
            return [str(p).replace(f"{self.folder.as_posix()}/", "") for p in error.problems]
        return []

    def cleaned(self, condition: str = "blue") -> Cleaned:
        """The clean tables of a condition, as the cleaning step makes them."""
        return clean(self.checked(condition)[0], self.review.confidence_order)

    def cleaned_tables(self, condition: str = "blue") -> dict[str, pd.DataFrame]:
        """Those, and what the checks warn about."""
        return cleaned_tables(*self.checked(condition), self.review.confidence_order)

    def checked(self, condition: str = "blue") -> tuple[RawData, list[Problem]]:
        """The raw tables, and the warnings."""
        review = self.review
        return load(
            self.folder / "data" / "raw",
            condition,
            review.outcome_rules(),
            review.confidence_order,
            review.added,
        )

    def flags(self, condition: str = "blue") -> pd.DataFrame:
        """What the checks warn about, as in flags.csv."""
        return flag_table(*self.checked(condition))

    def records(self, condition: str = "blue") -> Records:
        """The clean records of a condition, as written and read again."""
        tables = self.cleaned_tables(condition)
        names = ("trials", "arms", "records", "flags")
        return Records(*(through_csv(tables[name], self.review.added) for name in names))

    def effects(self, condition: str = "blue", **defaults: object) -> pd.DataFrame:
        """The effects of a condition, as written and read again."""
        return through_csv(
            build_effects(
                self.records(condition),
                self.review.measures(condition),
                Defaults.model_validate(defaults) if defaults else self.review.defaults,
                self.review.changes(condition),
            )
        )

    def result(self, condition: str, analysis: str) -> Analysed:
        """One analysis, as the pooling step makes it; of the same files it is made once.

        A test that changes the library, not the files, calls `analyse` with `case`.
        """
        key = (condition, analysis, self._protocol(), self._raw(condition))
        if key not in _RESULTS:
            _RESULTS[key] = analyse(self.case(condition, analysis))
        made = _RESULTS[key]
        own = {name: getattr(made, name).copy() for name in TABLES}
        return replace(made, **own, trust={name: rows.copy() for name, rows in made.trust.items()})

    def case(self, condition: str, analysis: str) -> Case:
        """One analysis in its context, as the pooling step makes it."""
        return Case.of(self.review, condition, analysis, self.tables(condition))

    def tables(self, condition: str = "blue") -> Tables:
        """What the pooling step reads; what is clean is made once of the same raw tables."""
        review = self.review
        rules = (review.outcome_rules(), review.confidence_order, review.added)
        key = (condition, repr(rules), self._raw(condition))
        if key not in _CLEAN:
            tables = self.cleaned_tables(condition)
            _CLEAN[key] = {name: through_csv(tables[name], review.added) for name in tables}
        return _tables(review, condition, {name: rows.copy() for name, rows in _CLEAN[key].items()})


def flag_table(raw: RawData, warnings: Sequence[Problem]) -> pd.DataFrame:
    """The table flags.csv, as its step makes it."""
    return FLAGS.frame(flag_rows(raw, warnings))


def cleaned_tables(
    raw: RawData, warnings: Sequence[Problem], order: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """The clean tables of a condition by the names of their files, with flags."""
    return clean(raw, order).all_tables() | {"flags": flag_table(raw, warnings)}


def tables_of(review: Review, condition: str, cleaned: Mapping[str, pd.DataFrame]) -> Tables:
    """A condition's tables for its analyses, from its clean ones, each written and read again."""
    clean = {name: through_csv(table, review.added) for name, table in cleaned.items()}
    return _tables(review, condition, clean)


def _tables(review: Review, condition: str, clean: Mapping[str, pd.DataFrame]) -> Tables:
    records = Records(*(clean[name] for name in ("trials", "arms", "records", "flags")))
    defaults, measures = review.defaults, review.measures(condition)
    changes, universes = review.changes(condition), review.universes(condition)
    return Tables(
        effects=through_csv(build_effects(records, measures, defaults, changes)),
        universes=through_csv(build_universes(records, measures, defaults, universes, changes)),
        trials=clean["trials"],
        arms=clean["arms"],
        missing_results=clean["missing_results"],
        risk_of_bias=clean["risk_of_bias"],
    )


def through_csv(rows: pd.DataFrame, added: Added | None = None) -> pd.DataFrame:
    """A table as the next step reads it: the declared one that has these columns."""
    known = [with_added(table, added or {}) for table in DECLARED]
    table = next(table for table in known if _has(table, rows))
    write_table(_FILE, rows, table)
    return read_table(_FILE, table)


def _has(table: Table, rows: pd.DataFrame) -> bool:
    try:
        table.of_header(list(rows.columns))
    except TrialpoolError:
        return False
    return table.further is None
