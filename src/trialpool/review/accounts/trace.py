"""From a pooled number back to the raw cells: one long table, as it is written and printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.analysis_result import AnalysisResult
from trialpool.columns import Column
from trialpool.effects import measure_of
from trialpool.effects.scales import IDENTITY
from trialpool.results import TrialpoolError
from trialpool.review.extraction.read import Row, Sheet, read_table
from trialpool.review.schema.added import Added, with_added
from trialpool.review.schema.packed import RAW_CELLS, RAW_ROWS, RawRow
from trialpool.review.schema.raw import CONTRASTS, INSTRUMENTS, RESULTS
from trialpool.review.schema.results import TRACE
from trialpool.typed_json import to_json

_DISPLAY = ("estimate", "ci_low", "ci_high", "p_value", "pi_low", "pi_high")
# What of an effect is shown: its numbers, then what was done to them.
_NUMBERS = (
    "n_experimental", "mean_experimental", "sd_experimental", "n_control", "mean_control",
    "sd_control", "standardiser", "event_experimental", "totaln_experimental", "event_control",
    "totaln_control",
)  # fmt: skip
_WORDS = ("design", "variant", "reason", "imputed", "derived", "flags")
# Beside the numbers of a raw row: which arm, which way round, and what the extractor remarked.
_BESIDE = frozenset({
    "arm_id", "experimental_arm", "control_arm", "effect_measure", "contrast", "p_bound",
    "adjusted_for", "checked", "derived", "notes",
})  # fmt: skip
_SOURCE = ("source_url", "locator", "confidence", "extracted_by", "extracted_on")

Line = dict[str, Any]


def raw_tables(folder: Path, added: Added) -> dict[str, Sheet]:
    """The raw tables with numbers that effects are made of, cells as typed.

    Parameters
    ----------
    folder : the condition's folder of raw data
    added : the columns the protocol adds

    Raises
    ------
    TrialpoolError
        naming a table that is missing or cannot be read
    """
    raw = {}
    tables_of = [(folder, RESULTS), (folder, CONTRASTS), (folder.parent, INSTRUMENTS)]
    for place, table in tables_of:
        sheet, problems = read_table(place / f"{table.name}.csv", with_added(table, added))
        if not sheet.readable:
            raise TrialpoolError(str(problems[0]))
        raw[table.name] = sheet
    return raw


def chain(
    result: AnalysisResult,
    studies: pd.DataFrame,
    records: pd.DataFrame,
    raw: Mapping[str, Sheet],
) -> pd.DataFrame:
    """Everything behind one analysis, from the pooled estimate down to the typed cells.

    Parameters
    ----------
    result, studies : model.json and studies.csv of the analysis
    records : records.csv of the condition
    raw : `raw_tables` of the condition

    Returns
    -------
    One line per number or remark. `level` is pooled, effect, record (a number that
    cleaning computed because the cell is blank) or raw cell, with the cell as typed in `value`;
    `file`, `row` and `column` say where it stands. `how` marks the raw cells the effect used.
    """
    condition = result.condition
    folder = f"results/{condition}/{result.analysis}"
    lines = list(_pooled(result, f"{folder}/model.json"))
    lines += _effects(studies, f"{folder}/studies.csv", condition, records, raw)
    return TRACE.frame(lines)


def effect_chain(
    effects: pd.DataFrame, condition: str, records: pd.DataFrame, raw: Mapping[str, Sheet]
) -> pd.DataFrame:
    """The same for effects that need not be in any analysis.

    Parameters
    ----------
    effects : rows of effects.csv, with the index they have in it
    """
    file = f"data/processed/{condition}/effects.csv"
    lines = _effects(effects, file, condition, records, raw)
    return TRACE.frame(lines)


def _pooled(result: AnalysisResult, file: str) -> Iterator[Line]:
    # Rounded as in model.json, so that the table is the same from memory and from the file.
    rounded = tables.plain(to_json(result))
    words, scale = result.model, measure_of(result.measure).scale
    back = f"{words}; back-transformed from the {scale.name} scale"
    back = words if scale is IDENTITY else back
    for name in _DISPLAY:
        value = rounded["display"][name]
        how = words if name == "p_value" else back
        if value is None:
            how = _why_not(name, result)
        yield _line("pooled", name, value, how=how, file=file, column=f"display.{name}")
    if rounded["pooled"]:
        tau2, how = rounded["pooled"]["tau2"], result.beside or words
        yield _line("pooled", "tau2", tau2, how=how, file=file, column="pooled.tau2")
    yield _line("pooled", "k", rounded["k"], how=rounded["policy"]["rule"], file=file, column="k")
    how = "people in these trials" if result.n is not None else "not known for every trial"
    yield _line("pooled", "n", rounded["n"], how=how, file=file, column="n")


def _why_not(name: str, result: AnalysisResult) -> str:
    """Why a number of the pooled result is missing."""
    fields = ("pi", "pi_lb") if name.startswith("pi_") else (name, "beta", "se")
    reasons = (result.reasons.get(field) for field in (*fields, "pooled"))
    return str(next((why for why in reasons if why), result.policy.rule))


def _effects(
    effects: pd.DataFrame,
    file: str,
    condition: str,
    records: pd.DataFrame,
    raw: Mapping[str, Sheet],
) -> Iterator[Line]:
    clean = by_raw_row(records)
    for index, effect in zip(effects.index, tables.records(effects), strict=True):
        about = {"study": effect["study"], "effect_id": effect["effect_id"]}
        for line in _effect(effect, file, int(index) + 2):
            yield about | line
        used = {(cell.at, cell.column) for cell in RAW_CELLS.read(effect["cells"])}
        for at in RAW_ROWS.read(effect["records"]):
            if at.table == INSTRUMENTS.name:
                yield about | _reference_sd(at, raw[at.table])
                continue
            for line in _raw_row(at, condition, clean.get(at), raw[at.table]):
                if line["level"] == "raw cell" and (at, line.get("column")) in used:
                    line["how"] = "used"
                yield about | line


def by_raw_row(records: pd.DataFrame) -> dict[RawRow, tuple[int, Line]]:
    """Each record and its row in records.csv, by the raw row it was made of."""
    return {
        RawRow(row["table"], int(row["row"])): (i, row)
        for i, row in enumerate(tables.records(records), start=2)
    }


def _effect(effect: Line, file: str, row: int) -> Iterator[Line]:
    formula = effect["formula"]
    hows = {
        "yi": formula,
        "vi": formula,
        "weight": "share of the pooled estimate, %",
        "standardiser": "in points",
    }
    for name in ("yi", "vi", "weight", *_NUMBERS, *_WORDS):
        value = effect.get(name)
        if tables.cell(value):
            yield _line("effect", name, value, how=hows.get(name), file=file, row=row, column=name)


def _raw_row(
    at: RawRow, condition: str, record: tuple[int, Line] | None, sheet: Sheet
) -> Iterator[Line]:
    """The cells of one raw row, after what cleaning computed where a cell is blank."""
    typed = raw_row(sheet, at.row)
    file = f"data/raw/{condition}/{at.table}.csv"
    if typed is None:
        yield _line("raw cell", "row", None, how="no such row any more", file=file, row=at.row)
        return
    source = {name: typed[name] for name in _SOURCE}
    if record is not None:
        where = {"file": f"data/processed/{condition}/records.csv", "row": record[0]}
        for column in computed(sheet, typed, record[1]):
            value, how = record[1][column.name], computed_how(record[1])
            yield _line("record", column.name, value, how=how, column=column.name, **where)
    for column in sheet.table.columns:
        cell = sheet.text(typed, column.name)
        if cell and (_is_number(column) or column.name in _BESIDE):
            name = column.name
            yield _line("raw cell", name, cell, file=file, row=at.row, column=name, **source)


def _reference_sd(at: RawRow, sheet: Sheet) -> Line:
    """The reference SD of an instrument, which a difference was divided by."""
    typed, column = raw_row(sheet, at.row), "reference_sd"
    where = {"file": f"data/raw/{at.table}.csv", "row": at.row, "column": column}
    if typed is None:
        return _line("raw cell", column, None, how="no such row any more", **where)
    source = typed["reference_sd_source"]
    return _line("raw cell", column, sheet.text(typed, column), how="used", locator=source, **where)


def raw_row(sheet: Sheet, row: int) -> Row | None:
    """A row of a raw table by its number; None when it is not there."""
    return next((each for each in sheet.rows if each["row"] == row), None)


def computed(sheet: Sheet, typed: Row, record: Mapping[str, Any]) -> list[Column]:
    """The number columns that cleaning filled in, because the raw cell is blank."""
    return [
        column
        for column in sheet.table.columns
        if _is_number(column)
        and typed[column.name] is None
        and tables.cell(record.get(column.name))
    ]


def computed_how(record: Mapping[str, Any]) -> str:
    """How cleaning computed what was not reported; blank where it computed nothing."""
    return tables.cell(record.get("computed"))


def _is_number(column: Column) -> bool:
    return column.kind in ("number", "integer")


def _line(level: str, quantity: str, value: Any, **rest: Any) -> Line:
    return {"level": level, "quantity": quantity, "value": tables.cell(value), **rest}
