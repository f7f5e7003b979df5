"""All reading and writing of tables and JSON: number format, blanks, order, line ends.

Tables hold at most 6 significant digits and JSON at most 10, so that the same inputs give the
same bytes on any machine.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trialpool.review.schema.raw import CONDITION_TABLES, INSTRUMENTS

# Columns that hold numbers; every other column is text, whatever it looks like. A trial called
# 007 or 2021 must not become a number between two steps.
NUMBERS = frozenset(
    column.name
    for table in (INSTRUMENTS, *CONDITION_TABLES)
    for column in table.columns
    if column.kind in ("number", "integer")
) | {
    "row", "yi", "vi", "weight", "k", "p_value", "pi_low", "pi_high", "tau2", "tau2_ci_low",
    "tau2_ci_high", "i2", "q", "q_df", "q_p_value", "mean_experimental", "sd_experimental",
    "mean_control", "sd_control", "event_experimental", "totaln_experimental", "event_control",
    "totaln_control", "estimate_if_null", "ci_low_if_null", "ci_high_if_null", "rows_in",
    "rows_used", "rows_dropped", "trialpool", "statsmodels", "difference", "tolerance",
    # how far to trust it
    "step", "rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "q_del", "hat", "dfbetas",
    "baujat_x", "baujat_y", "statistic", "df", "assumed", "effect", "nominal", "coverage", "mc_se",
    "width_mean", "width_median", "replicates", "failed", "mu", "mu_low", "mu_high", "tau",
    "tau_low", "tau_high", "new_low", "new_high", "p_benefit", "p_important", "p_harm_important",
    "p_new_benefit", "specifications", "set", "n", "because_of_result", "unclear", "other_reason",
    "n_of_concern", "size_not_known", "x", "p_permutation", "arrangements", "ddf", "r2", "vif",
    "second_row", "compared", "agreed", "percent_agreed", "agreed_rounded", "only_first",
    "only_second", "kappa",
}  # fmt: skip

TABLE_DIGITS = 6
JSON_DIGITS = 10


def cell(value: Any) -> str:
    """A value as it stands in a table: blank when missing, whole numbers without a point."""
    if value is None or (isinstance(value, float) and not isfinite(value)) or value is pd.NA:
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating | int | np.integer):
        number = float(value)
        whole = number == round(number) and abs(number) < 1e15
        return str(round(number)) if whole else f"{number:.{TABLE_DIGITS}g}"
    return str(value)


def write_table(path: Path | str, table: pd.DataFrame) -> None:
    """Write a table as CSV, its rows in the order they are in."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(table.columns)
        for row in table.itertuples(index=False, name=None):
            writer.writerow([cell(value) for value in row])


def read_table(path: Path | str) -> pd.DataFrame:
    """Read a table this module wrote: declared number columns as floats, all else as text."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8")
    numbers = [column for column in table.columns if column in NUMBERS]
    return table.astype(dict.fromkeys(numbers, float))


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as dictionaries; a missing cell is NaN or None."""
    names = [str(name) for name in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.itertuples(index=False, name=None)]


def write_json(path: Path | str, value: Mapping[str, Any]) -> None:
    """Write an object as JSON with sorted keys; NaN and infinities become null."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(plain(value), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    target.write_text(text + "\n", encoding="utf-8", newline="\n")


def read_json(path: Path | str) -> dict[str, Any]:
    """Read an object this module wrote."""
    value: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return value


def plain(value: Any) -> Any:
    """A value as JSON knows it, floats rounded, not-a-number as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.{JSON_DIGITS}g}") if isfinite(value) else None
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


def fingerprint(table: pd.DataFrame) -> str:
    """SHA-256 of a table as it would be written; names the inputs of a result."""
    digest = hashlib.sha256(",".join(map(str, table.columns)).encode())
    for row in table.itertuples(index=False, name=None):
        digest.update(("\n" + "\x1f".join(cell(value) for value in row)).encode())
    return digest.hexdigest()
