"""From clean records to effects: one row per trial, comparison, instrument, time and measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.review import contrasts, crossover
from trialpool.review.effect_rows import EFFECT_COLUMNS, Arm, Effect, arm_effect
from trialpool.review.protocol import Defaults

_GROUP = ["trial_id", "outcome", "instrument", "definition", "period", "time_days",
          "outcome_type", "analysis_set"]  # fmt: skip


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


def build_effects(
    records: Records, measures: Mapping[str, Sequence[str]], defaults: Defaults
) -> pd.DataFrame:
    """All effects the analyses of a condition may choose from.

    Every pair of arms is compared in every measure some analysis of its outcome asks for;
    experimental arms of one trial are combined. Crossover results are worked out as the protocol
    says (`variant` blank) and under each alternative it declares (`variant` names it).

    Parameters
    ----------
    measures : the measures asked for, by outcome

    Returns
    -------
    One row per effect, columns EFFECT_COLUMNS, sorted by `effect_id`. `yi` and `vi` are blank
    where `reason` says why.
    """
    trials = {row["trial_id"]: row for row in tables.records(records.trials)}
    effects: list[Effect] = []
    for experimental, control in _pairs(records):
        for measure in measures.get(str(control.row["outcome"]), []):
            effects += _compare(records, defaults, measure, experimental, control)
    for row in tables.records(records.contrasts):
        for measure in measures.get(str(row["outcome"]), []):
            effects.append(contrasts.effect(row, measure, records))
    lines = [effect.as_row(trials[effect.about["trial_id"]]) for effect in effects]
    frame = pd.DataFrame(lines, columns=list(EFFECT_COLUMNS))
    return frame.sort_values(["effect_id", "variant"], ignore_index=True)


def _pairs(records: Records) -> Iterator[tuple[list[Arm], Arm]]:
    """Each control arm with all experimental arms measured alongside it."""
    post = records.results[records.results["outcome_type"] != "baseline"]
    for _, group in post.groupby(_GROUP, dropna=False, sort=True):
        arms = [Arm(row, records) for row in tables.records(group)]
        experimental = [arm for arm in arms if arm.role == "experimental"]
        for control in (arm for arm in arms if arm.role == "control"):
            if experimental:
                yield experimental, control


def _compare(
    records: Records,
    defaults: Defaults,
    measure: str,
    experimental: list[Arm],
    control: Arm,
) -> Iterator[Effect]:
    smd = defaults.smd
    if control.row["period"] != "both":
        whole = control.row["period"] == "whole"
        design = "parallel" if whole else "crossover, first period"
        yield arm_effect(measure, experimental, control, design=design, smd=smd)
        return
    yield from crossover.effects(
        measure, experimental, control, records.contrasts, defaults.crossover, smd
    )
