"""The clean tables of a condition, with look-ups by trial, arm and raw row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialpool import tables


@dataclass(frozen=True, slots=True)
class Records:
    """The clean tables of a condition that effects are made of."""

    trials: pd.DataFrame
    arms: pd.DataFrame
    rows: pd.DataFrame
    flags: pd.DataFrame
    _labels: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict, init=False)

    @property
    def results(self) -> pd.DataFrame:
        """The records that are results per arm."""
        return self.rows[self.rows["table"] == "results"]

    @property
    def contrasts(self) -> pd.DataFrame:
        """The records that are reported differences between arms."""
        return self.rows[self.rows["table"] == "contrasts"]

    def arm(self, trial: str, arm: str) -> Mapping[str, Any]:
        """One row of arms.csv."""
        if not self._labels:
            for row in tables.records(self.arms):
                self._labels[str(row["trial_id"]), str(row["arm_id"])] = row
        return self._labels[trial, arm]

    def flag(self, table: str, row: int) -> str:
        """The names of the checks that warned about a raw row."""
        hit = self.flags[(self.flags["table"] == table) & (self.flags["row"] == row)]
        return "; ".join(sorted(set(hit["check"])))
