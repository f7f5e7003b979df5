"""`datapackage.json`: the tables of a folder as a Frictionless Data Package describes them.

Every type, limit and key follows from the declarations; of a file only its header is read. The
format is version 1 of https://specs.frictionlessdata.io, and what it has no word for, version 2.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from trialpool.columns import PATTERNS, Column, Table
from trialpool.results import TrialpoolError
from trialpool.review.schema import files
from trialpool.review.schema.added import Added, with_added
from trialpool.review.schema.raw import RAW_TABLES

# All other kinds are text.
_TYPES: Mapping[str, Mapping[str, Any]] = {
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "yes_no": {"type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]},
}


def data_package(
    folder: Path, tables: Iterable[Path], about: Mapping[str, str], added: Added
) -> dict[str, dict[str, Any]]:
    """The JSON files that describe the tables of a folder, by their place in it.

    Parameters
    ----------
    folder : `data` or `results`
    tables : the CSV files in it
    about : `title`, `version` and `licence` of the review; a licence by its SPDX name, or blank
    added : the columns of the protocol

    Returns
    -------
    `datapackage.json`, and the schemas it refers to. A file with all its declared columns shares
    the schema of its kind; one that lacks some, or has some named by the data, has it inline.
    """
    made: dict[str, dict[str, Any]] = {}
    resources = []
    for place in sorted(path.relative_to(folder) for path in tables):
        table = _declared(folder, place, added)
        columns = [_column(table, name) for name in _header(folder / place)]
        schema: Any = table_schema(table, columns)
        if columns == [column for column in table.columns if column.name not in table.rare]:
            shared = _schema_of(folder, place)
            made[shared], schema = schema, shared
        resources.append(
            {
                "name": place.with_suffix("").as_posix().replace("/", ".").lower(),
                "path": place.as_posix(),
                "description": table.meaning,
                "profile": "tabular-data-resource",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "schema": schema,
            }
        )
    words = re.findall("[a-z0-9]+", f"{about['title'].lower()} {folder.name}")
    package = {
        "profile": "tabular-data-package",
        "name": "-".join(words),
        "title": f"{about['title']}: {folder.name}",
        "version": about["version"],
        "resources": resources,
    }
    if about["licence"]:
        package["licenses"] = [{"name": about["licence"]}]
    return made | {"datapackage.json": package}


def table_schema(table: Table, columns: Sequence[Column]) -> dict[str, Any]:
    """A table with these columns, as a Table Schema describes it."""
    schema: dict[str, Any] = {
        "fields": [_field(column) for column in columns],
        "missingValues": [""],
    }
    names = {column.name for column in columns}
    key = table.key_of(names)
    if key and {*key} <= names:
        # A part of a primary key is never blank; version 2 has a word for keys that may be.
        filled = all(table[name].required for name in key)
        schema |= {"primaryKey": [*key]} if filled else {"uniqueKeys": [[*key]]}
    return schema


def _field(column: Column) -> dict[str, Any]:
    rules = {
        "required": column.required or None,
        "minimum": column.low,
        "maximum": column.high,
        "enum": [*column.choices] or None,
        "pattern": PATTERNS.get(column.kind),
    }
    constraints = {name: rule for name, rule in rules.items() if rule is not None}
    facts = {
        "name": column.name,
        **_TYPES.get(column.kind, {"type": "string"}),
        "title": column.heading,
        "description": column.meaning,
        "unit": column.unit,
        "constraints": constraints,
    }
    return {name: fact for name, fact in facts.items() if fact}


def _declared(folder: Path, place: PurePath, added: Added) -> Table:
    if _family(folder, place) == "raw":
        return with_added(RAW_TABLES[place.stem], added)
    return files.declared(Path(place), added)


def _schema_of(folder: Path, place: PurePath) -> str:
    return PurePath("schemas", _family(folder, place), f"{place.stem}.json").as_posix()


def _family(folder: Path, place: PurePath) -> str:
    """What tells tables of one name in a folder apart: raw or processed, the kind of question."""
    return place.parts[0] if folder.name == "data" else files.kind_of_question(place)


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [name.strip() for name in next(csv.reader(stream))]


def _column(table: Table, name: str) -> Column:
    if name in table:
        return table[name]
    if table.further is None:
        raise TrialpoolError(f"{table.name}: no column is declared as {name}")
    return replace(table.further, name=name)
