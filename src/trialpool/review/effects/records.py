"""The clean tables of a condition, with look-ups by trial, arm and raw row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.review.schema.packed import RawRow
from trialpool.review.schema.processed import MARKS, RECORDS
from trialpool.words import text

Row = Mapping[str, Any]


def marked(rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """The warnings of the checks, from rows of raw table, row and name of the check."""
    return pd.DataFrame(rows, columns=list(MARKS))


# What a score and its baseline have in common.
_PEOPLE = (
    "trial_id",
    "arm_id",
    "outcome",
    "instrument",
    "definition",
    "period",
    "stratum",
    "analysis_set",
)


@dataclass(frozen=True)
class Records:
    """The clean tables of a condition that effects are made of.

    `flags` has the warnings of the checks: raw table, row and name of the check (MARKS).
    """

    trials: pd.DataFrame
    arms: pd.DataFrame
    rows: pd.DataFrame
    flags: pd.DataFrame

    def __post_init__(self) -> None:
        # An optional column that no raw table has is blank.
        blank = dict.fromkeys(name for name in RECORDS.may_lack if name not in self.rows)
        object.__setattr__(self, "rows", self.rows.assign(**blank))

    @property
    def results(self) -> pd.DataFrame:
        """The records that are results per arm."""
        return self.rows[self.rows["table"] == "results"]

    @property
    def contrasts(self) -> pd.DataFrame:
        """The records that are reported differences between arms."""
        return self.rows[self.rows["table"] == "contrasts"]

    @cached_property
    def paired(self) -> Sequence[Row]:
        """The reported contrasts between the two conditions of a crossover's participants."""
        return tables.records(self.contrasts[self.contrasts["period"] == "both"])

    def scores_and_counts(self) -> list[Row]:
        """The results per arm as rows."""
        return list(self._results)

    def arm(self, trial: str, arm: str) -> Row:
        """One row of arms.csv."""
        return self._labels[trial, arm]

    def flags_of(self, at: RawRow) -> tuple[str, ...]:
        """The checks that warn about a raw row."""
        return tuple(sorted(self._flagged.get(at, ())))

    def before_and_after(self, change: Row) -> tuple[Row | None, Row | None]:
        """The scores of the same people at baseline and at the time of a change score.

        None where a score is not reported, and for a row that is no change score or has an SD of
        its own.
        """
        if change["outcome_type"] != "change" or text(change["sd"]):
            return None, None
        time = text(change["time_days"])
        after = [
            row
            for row in self._of_people(change)
            if row["outcome_type"] == "msd" and text(row["time_days"]) == time
        ]
        return self.baseline(change), (after[0] if after else None)

    def baseline(self, row: Row) -> Row | None:
        """The baseline of the same people, the last one before treatment; None without one."""
        before = [each for each in self._of_people(row) if each["outcome_type"] == "baseline"]
        return sorted(before, key=_day)[-1] if before else None

    def _of_people(self, row: Row) -> Sequence[Row]:
        return self._scores.get(tuple(text(row[column]) for column in _PEOPLE), [])

    @cached_property
    def _results(self) -> list[dict[str, Any]]:
        return tables.records(self.results)

    @cached_property
    def _labels(self) -> dict[tuple[str, str], Row]:
        rows = tables.records(self.arms)
        return {(str(row["trial_id"]), str(row["arm_id"])): row for row in rows}

    @cached_property
    def _flagged(self) -> dict[RawRow, set[str]]:
        out: dict[RawRow, set[str]] = {}
        for row in tables.records(self.flags):
            if isfinite(row["row"]):
                at = RawRow(str(row["table"]), int(row["row"]))
                out.setdefault(at, set()).add(str(row["check"]))
        return out

    @cached_property
    def _scores(self) -> dict[tuple[str, ...], list[Row]]:
        out: dict[tuple[str, ...], list[Row]] = {}
        for row in self._results:
            out.setdefault(tuple(text(row[column]) for column in _PEOPLE), []).append(row)
        return out


def _day(row: Row) -> float:
    return float(text(row["time_days"]) or "-inf")
