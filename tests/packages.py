"""A data package against its files, by the standard library alone: what does not agree."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
WHOLE = re.compile(r"[+-]?\d+")


def faults(folder: Path) -> list[str]:
    """Where `datapackage.json` and the CSV files of a folder disagree, a line each."""
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    listed = Counter(resource["path"] for resource in package["resources"])
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.csv")}
    wrong = [f"{path}: listed {times} times" for path, times in listed.items() if times > 1]
    wrong += [f"{path}: not listed" for path in sorted(there - set(listed))]
    wrong += [f"{path}: no such file" for path in sorted(set(listed) - there)]
    names = Counter(resource["name"] for resource in package["resources"])
    wrong += [f"{name}: names {times} tables" for name, times in names.items() if times > 1]
    for resource in package["resources"]:
        schema = resource["schema"]
        if isinstance(schema, str):
            schema = json.loads((folder / schema).read_text(encoding="utf-8"))
        if resource["path"] in there:
            found = _table_faults(folder / resource["path"], schema)
            wrong += [f"{resource['path']}{fault}" for fault in found]
    return wrong


def _table_faults(path: Path, schema: Mapping[str, Any]) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    names = [field["name"] for field in schema["fields"]]
    if header != names:
        yield f": the header is {header}, the fields are {names}"
        return
    for number, row in enumerate(rows, start=2):
        for field, cell in zip(schema["fields"], row, strict=True):
            if why := _cell_fault(field, None if cell in schema["missingValues"] else cell):
                yield f" row {number}, {field['name']} = {cell}: {why}"
    keys = [schema["primaryKey"]] if "primaryKey" in schema else schema.get("uniqueKeys", [])
    for key in keys:
        yield from _key_faults(key, [dict(zip(header, row, strict=True)) for row in rows])


def _key_faults(key: Sequence[str], rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    for values, times in Counter(tuple(row[name] for name in key) for row in rows).items():
        if times > 1:
            yield f": {times} rows have {key} = {values}"


def _cell_fault(field: Mapping[str, Any], cell: str | None) -> str:
    rules = field.get("constraints", {})
    if cell is None:
        return "blank" if rules.get("required") else ""
    kind = field["type"]
    if kind == "boolean":
        return "" if cell in field["trueValues"] + field["falseValues"] else "not a boolean"
    if kind in ("number", "integer"):
        if not (NUMBER if kind == "number" else WHOLE).fullmatch(cell) or not isfinite(float(cell)):
            return f"not a {kind}"
        if not rules.get("minimum", -1e300) <= float(cell) <= rules.get("maximum", 1e300):
            return "beyond its limits"
    elif kind != "string":
        return f"{kind} is no type of ours"
    if "enum" in rules and cell not in rules["enum"]:
        return f"not one of {rules['enum']}"
    if "pattern" in rules and not re.fullmatch(rules["pattern"], cell):
        return f"not like {rules['pattern']}"
    return ""
