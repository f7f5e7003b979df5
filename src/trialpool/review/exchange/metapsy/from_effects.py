"""Rows of a Metapsy file from the pipeline's effects: one per comparison in effects.csv."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan, sqrt
from pathlib import Path
from typing import Any

from trialpool import tables
from trialpool.results import TrialpoolError
from trialpool.review.exchange.imported import Left
from trialpool.review.exchange.metapsy.columns import RESULT_CELLS
from trialpool.review.exchange.metapsy.rows import Out, RowsOut, effect, number
from trialpool.review.extraction.read import Row
from trialpool.review.schema import files
from trialpool.review.schema.packed import ARM_IDS, RAW_ROWS
from trialpool.review.schema.raw import INSTRUMENTS
from trialpool.words import number as as_number
from trialpool.words import text

_SAME = ("trial_id", "experimental_arms", "control_arm", "outcome", "instrument", "definition",
         "time_days", "outcome_type", "analysis_set", "design", "basis", "records")  # fmt: skip
_COLUMN = {"SMD": ".g", "RR": ".log_rr"}
_SUMMARY = {"mean": "mean", "sd": "sd", "n": "n", "event": "event", "totaln": "totaln"}
Effect = Mapping[str, Any]


def from_effects(rows: RowsOut, path: Path) -> tuple[list[Out], list[str], list[Left]]:
    """One row per comparison: the arms' numbers, `.g` from its SMD, `.log_rr` from its RR.

    Effects of an alternative handling (`variant`) are left, and so are measures the standard has
    no column for.

    Raises
    ------
    TrialpoolError
        when the effects were not made from these raw tables
    """
    left: list[Left] = []
    groups: dict[tuple[str, ...], list[Effect]] = {}
    for each in tables.records(files.read(path)):
        if why := _unfit(each):
            left.append(
                Left(str(each["effect_id"]), str(each["measure"]), tables.cell(each["yi"]), why)
            )
        if not (isinstance(each["variant"], str) and each["variant"]):
            groups.setdefault(tuple(str(each[name]) for name in _SAME), []).append(each)
    out: list[Out] = []
    formulas: dict[str, int] = {}
    for same in groups.values():
        usable = [each for each in same if not _unfit(each)]
        if not usable and _without_place(same[0]):
            continue
        row = _row(rows, next(filter(_alone, same), same[0]), path)
        for one in usable:
            column = _COLUMN[one["measure"]]
            row |= effect(column, float(one["yi"]), sqrt(float(one["vi"])))
            formulas[str(one["formula"])] = formulas.get(str(one["formula"]), 0) + 1
            if column == ".g" and _alone(one):
                row |= effect("precalc_g", float(one["yi"]), sqrt(float(one["vi"])))
                row["outcome_type"] = "precalc_g"
        out.append(row)
    said = [f"effects as in {path.name}: {text} ({n})" for text, n in sorted(formulas.items())]
    return out, said, left


def _without_place(each: Effect) -> bool:
    """Whether no cell of the file can hold what an effect without a column was made of."""
    contrast = str(each["basis"]).startswith("contrast")
    return contrast or each["outcome_type"] not in RESULT_CELLS or not text(each["control_arm"])


def _unfit(each: Effect) -> str:
    """Why an effect has no column; blank where it has one."""
    if isinstance(each["variant"], str) and each["variant"]:
        return f"an alternative handling ({each['variant']})"
    if each["measure"] not in _COLUMN:
        return "the standard has no column for this measure"
    if isnan(each["yi"]) or isnan(each["vi"]):
        return str(each["reason"])
    return ""


def _alone(each: Effect) -> bool:
    """Effects that cannot be computed from two arms alone.

    Reported ones, those within people, and changes, which an SD of scores divides.
    """
    divided = not isnan(as_number(each.get("standardiser")))
    contrast = str(each["basis"]).startswith("contrast")
    return contrast or divided or each["design"] == "crossover, paired"


def _row(rows: RowsOut, each: Effect, path: Path) -> Out:
    records = _records(rows, each, path)
    experimental = list(ARM_IDS.read(each["experimental_arms"]))
    row: Out = rows.described(records[0], experimental, str(each["control_arm"]))
    if str(each["basis"]).startswith("contrast"):
        rows.used.add(("contrasts", int(records[0]["row"] or 0)))
        return row
    kind = str(each["outcome_type"])
    if _alone(each):
        rows.used |= {("results", int(result["row"] or 0)) for result in records}
        return row
    if len(experimental) == 1:
        for result in records:
            row |= rows.numbers(result, "2" if result["arm_id"] == each["control_arm"] else "1")
        return row
    for side, name in (("1", "experimental"), ("2", "control")):
        for theirs, ours in RESULT_CELLS[kind].items():
            row[f"{theirs}_arm{side}"] = number(float(each[f"{_SUMMARY[ours]}_{name}"]))
    rows.used |= {("results", int(result["row"] or 0)) for result in records}
    return row


def _records(rows: RowsOut, each: Effect, path: Path) -> list[Row]:
    """The raw rows of its trial that an effect was made from."""
    out = []
    for at in RAW_ROWS.read(each["records"]):
        if at.table == INSTRUMENTS.name:
            continue
        row = next((row for row in rows.raw[at.table].rows if row["row"] == at.row), None)
        if row is None or row["trial_id"] != each["trial_id"]:
            raise TrialpoolError(
                f"{path.as_posix()}, {each['effect_id']}: {at} is not that trial's row in the "
                "raw tables; make the effects anew"
            )
        out.append(row)
    return out
