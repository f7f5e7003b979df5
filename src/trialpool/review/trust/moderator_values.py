"""What each row of an analysis has for a declared moderator: a level, a number, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialpool.review.case import Case
from trialpool.review.protocol.settings import MODERATOR_COLUMNS, Moderator
from trialpool.review.schema.packed import ARM_IDS
from trialpool.risk_of_bias import NOT_ASSESSED
from trialpool.terms import UNKNOWN

Values = pd.Series  # a level or a number for each row of studies, blank where not known


def values_of(
    moderator: Moderator, studies: pd.DataFrame, case: Case
) -> tuple[Values, dict[str, str]]:
    """A moderator's value in each row, and why it is blank where it is.

    Parameters
    ----------
    studies : rows of an analysis; with a moderator of arms also `experimental_arms`
    case : the analysis

    Returns
    -------
    Floats of a covariate or names of levels, in the rows' order; and the reason by the name of
    each trial without a value in some row
    """
    cells, why = _raw(moderator, studies, case)
    if moderator.kind == "group":
        to = {value: name for name, values in moderator.levels.items() for value in values}
        for name, value in zip(studies["study"], cells, strict=True):
            if to and value is not None and value not in to:
                spoken = "" if moderator.column == "trial_id" else f"{value.replace('_', ' ')}, "
                why[str(name)] = f"{spoken}in no level"
        levels = [
            None if value is None else to.get(value) if to else value.replace("_", " ")
            for value in cells
        ]
        return pd.Series(levels, index=studies.index, dtype=object), why
    numbers = [np.nan if value is None else float(value) for value in cells]
    return pd.Series(numbers, index=studies.index, dtype=float), why


def levels_in_order(moderator: Moderator, values: Values) -> list[str]:
    """The levels that some row has: as declared, as the schema lists them, or by name."""
    present = {str(level) for level in values.dropna()}
    # Of a column that the protocol adds, `Moderator` has made levels of its choices.
    _, allowed = MODERATOR_COLUMNS[moderator.table].get(moderator.column, (False, ()))
    declared = list(moderator.levels) or [code.replace("_", " ") for code in allowed]
    return [level for level in declared or sorted(present) if level in present]


def unknown_row(studies: pd.DataFrame, why: Mapping[str, str]) -> list[dict[str, Any]]:
    """A row that names the trials without a value, and why; none where every trial has one."""
    if not why:
        return []
    some = studies[studies["study"].astype(str).isin(list(why))]
    k, trials = some["trial_id"].nunique(), ", ".join(dict.fromkeys(map(str, some["study"])))
    return [{"kind": UNKNOWN, "k": k, "trials": trials, "note": _by_reason(why)}]


def _by_reason(why: Mapping[str, str]) -> str:
    names: dict[str, list[str]] = {}
    for name, reason in why.items():
        names.setdefault(reason, []).append(name)
    return "; ".join(f"{reason}: {', '.join(trials)}" for reason, trials in names.items())


def _raw(
    moderator: Moderator, studies: pd.DataFrame, case: Case
) -> tuple[list[str | None], dict[str, str]]:
    column, names = moderator.column, studies["study"].astype(str)
    why: dict[str, str] = {}
    if moderator.table == "arms":
        return _of_arms(column, studies, case.tables.arms)
    blank = "not stated"
    if moderator.table == "studies":
        cells = [_cell(value) for value in studies[column]]
    elif moderator.table == "trials":
        by_trial = _by_trial(case.tables.trials, column)
        cells = [_cell(by_trial.get(trial)) for trial in studies["trial_id"]]
    else:
        blank = NOT_ASSESSED
        cells = [None if judged == blank else judged for judged in case.judged(studies, column)]
    why |= {name: blank for name, value in zip(names, cells, strict=True) if value is None}
    return cells, why


def _by_trial(table: pd.DataFrame, column: str) -> dict[str, object]:
    if column not in table:
        return {}
    return dict(zip(table["trial_id"], table[column], strict=True))


def _of_arms(
    column: str, studies: pd.DataFrame, arms: pd.DataFrame
) -> tuple[list[str | None], dict[str, str]]:
    """The value that all experimental arms of a row share; arms that differ have none."""
    keys = zip(arms["trial_id"], arms["arm_id"], strict=True)
    by_arm = dict(zip(keys, arms[column], strict=True)) if column in arms else {}
    out: list[str | None] = []
    why: dict[str, str] = {}
    rows = zip(studies["trial_id"], studies["study"], studies["experimental_arms"], strict=True)
    for trial, name, given in rows:
        cells = [_cell(by_arm.get((trial, arm))) for arm in ARM_IDS.read(given)]
        known = list(dict.fromkeys(cell for cell in cells if cell is not None))
        same = len(known) == 1 and None not in cells
        out.append(known[0] if same else None)
        if len(known) > 1:
            why[str(name)] = f"its arms differ ({', '.join(known)})"
        elif not same:
            why[str(name)] = "not stated"
    return out, why


def _cell(value: Any) -> str | None:
    if pd.isna(value):
        return None
    return f"{value:.10g}" if isinstance(value, float) else str(value)
