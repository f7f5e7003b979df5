"""From clean records to effects: one row per trial, comparison, instrument, time and measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.results import TrialpoolError
from trialpool.review import contrasts, crossover
from trialpool.review.effect_rows import EFFECT_COLUMNS, Arm, Effect, arm_effect, text
from trialpool.review.protocol import Defaults
from trialpool.review.records import Records

_GROUP = ["trial_id", "outcome", "instrument", "definition", "period", "time_days",
          "outcome_type"]  # fmt: skip
_CONTRAST = ["trial_id", "experimental_arm", "control_arm", "outcome", "instrument", "definition",
             "period", "time_days", "effect_measure"]  # fmt: skip


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
    for comparison in _comparisons(records):
        for measure in measures.get(str(comparison.control.row["outcome"]), []):
            effects += _compare(records, defaults, measure, comparison)
    for row, alternative in _reported(records):
        for measure in measures.get(str(row["outcome"]), []):
            effect = contrasts.effect(row, measure, records)
            effects.append(effect.in_set(text(row["analysis_set"]), alternative=alternative))
    lines = [effect.as_row(trials[effect.about["trial_id"]]) for effect in effects]
    frame = pd.DataFrame(lines, columns=list(EFFECT_COLUMNS))
    twice = frame[frame.duplicated(["effect_id", "variant"])]
    if len(twice):
        raise TrialpoolError(
            "two results cannot be told apart; correct a key column of results.csv or "
            f"contrasts.csv: {', '.join(sorted(set(twice['effect_id'])))}"
        )
    return frame.sort_values(["effect_id", "variant"], ignore_index=True)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A control arm and all experimental arms measured alongside it in one set of participants."""

    experimental: list[Arm]
    control: Arm
    participants: str
    alternative: bool


def _comparisons(records: Records) -> Iterator[_Comparison]:
    post = records.results[records.results["outcome_type"] != "baseline"]
    for _, group in post.groupby(_GROUP, dropna=False, sort=True):
        sets: dict[str, dict[str, Arm]] = {}
        for row in tables.records(group):
            arms = sets.setdefault(text(row["analysis_set"]), {})
            arms[str(row["arm_id"])] = Arm(row, records)
        main = sets.get("", {})
        for name, arms in sets.items():
            # An alternative set often changes one arm only; the other is the main set's.
            both = {**main, **arms}.values()
            experimental = [arm for arm in both if arm.role == "experimental"]
            for control in (arm for arm in both if arm.role == "control"):
                if experimental:
                    yield _Comparison(experimental, control, name, bool(name and main))


def _reported(records: Records) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Each reported contrast, and whether it is an alternative to the main set's."""
    for _, group in records.contrasts.groupby(_CONTRAST, dropna=False, sort=True):
        rows = tables.records(group)
        main = any(not text(row["analysis_set"]) for row in rows)
        for row in rows:
            yield row, bool(main and text(row["analysis_set"]))


def _compare(
    records: Records, defaults: Defaults, measure: str, comparison: _Comparison
) -> Iterator[Effect]:
    smd, control = defaults.smd, comparison.control
    if control.row["period"] == "both":
        found = crossover.effects(
            measure,
            comparison.experimental,
            control,
            records.contrasts,
            defaults.crossover,
            smd,
        )
    else:
        whole = control.row["period"] == "whole"
        design = "parallel" if whole else "crossover, first period"
        found = iter(
            [arm_effect(measure, comparison.experimental, control, design=design, smd=smd)]
        )
    for effect in found:
        # Of an alternative set of participants only the protocol's own handling is of interest.
        if not (comparison.alternative and effect.variant):
            yield effect.in_set(comparison.participants, alternative=comparison.alternative)
