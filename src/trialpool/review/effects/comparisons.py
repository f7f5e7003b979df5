"""From clean records to effects: one row per trial, comparison, instrument, time and measure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, NamedTuple

import pandas as pd

from trialpool import tables
from trialpool.effects import measure_of
from trialpool.results import TrialpoolError
from trialpool.review.effects import contrasts, crossover, parallel, standardised
from trialpool.review.effects.arms import MeasuredArm
from trialpool.review.effects.choices import Choices, Variant, of_protocol, variants
from trialpool.review.effects.effect_rows import Effect
from trialpool.review.effects.records import Records
from trialpool.review.protocol.settings import Defaults
from trialpool.review.schema.processed import EFFECTS
from trialpool.words import number, text

_GROUP = ["trial_id", "outcome", "instrument", "definition", "period", "time_days", "outcome_type"]
_CONTRAST = ["trial_id", "experimental_arm", "control_arm", "outcome", "instrument", "definition",
             "period", "time_days", "effect_measure"]  # fmt: skip


def build_effects(
    records: Records,
    measures: Mapping[str, Sequence[str]],
    defaults: Defaults,
    changes: Collection[str],
    *,
    vary: bool = True,
) -> pd.DataFrame:
    """All effects the analyses of a condition may choose from.

    Every pair of arms is compared in every measure some analysis of its outcome asks for. Where a
    number hangs on a choice (a crossover's correlation, a median, several arms of one trial), it
    is worked out as the protocol says (`variant` blank) and under each other value of the choice
    (`variant` names it).

    Parameters
    ----------
    measures : the measures asked for, by outcome
    changes : outcomes of which change scores are asked for; those not reported are worked out
        from the scores before and after
    vary : False for the protocol's own choices alone

    Returns
    -------
    One row per effect, columns of EFFECTS, sorted by `effect_id`. `yi` and `vi` are blank
    where `reason` says why. Where the control of several arms is split, an effect has one row for
    each arm, and where people were compared in strata one for each stratum, named in `part`.
    """
    trials = {row["trial_id"]: row for row in tables.records(records.trials)}
    effects: list[Effect] = []
    how = _Ways(of_protocol(defaults), tuple(variants(defaults)) if vary else ())
    for comparison in comparisons(records, changes):
        for measure in comparison.measured(measures):
            effects += _compare(records, how, measure, comparison)
    for rows, alternative in reported(records):
        for measure in measures.get(str(rows[0]["outcome"]), []):
            effects += _reported(rows, measure, records, how, alternative=alternative)
    lines = [effect.as_row(trials[effect.about["trial_id"]]) for effect in effects]
    frame = EFFECTS.frame(lines)
    key = ["effect_id", "variant", "part"]
    twice = frame[frame.duplicated(key)]
    if len(twice):
        raise TrialpoolError(
            "two results cannot be told apart; correct a key column of results.csv or "
            f"contrasts.csv: {', '.join(sorted(set(twice['effect_id'])))}"
        )
    blank = [name for name in EFFECTS.rare if frame[name].isna().all()]
    return frame.drop(columns=blank).sort_values(key, ignore_index=True)


class Stratum(NamedTuple):
    """A control arm and all experimental arms measured alongside it, in some people or in all.

    Without a control arm it is the experimental arms alone, for what is measured in one group.
    """

    experimental: list[MeasuredArm]
    control: MeasuredArm | None

    @property
    def name(self) -> str:
        """Which part of the people it is; blank for all."""
        return text(self.experimental[0].row["stratum"])

    @property
    def arms(self) -> tuple[str, ...]:
        """What is compared: the names of the arms, the control first."""
        beside = [self.control] if self.control else []
        return tuple(str(arm.row["arm_id"]) for arm in (*beside, *self.experimental))


class _Ways(NamedTuple):
    """The protocol's choices, and each other value of one of them."""

    protocol: Choices
    others: tuple[Variant, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same arms compared in one set of participants: in all of it, or in strata of it."""

    strata: tuple[Stratum, ...]
    participants: str
    alternative: bool

    def measured(self, measures: Mapping[str, Sequence[str]]) -> list[str]:
        """Of the measures asked for, by outcome, those that this can be computed in."""
        experimental, control = self.strata[0]
        asked = measures.get(str(experimental[0].row["outcome"]), [])
        groups = 1 if control is None else 2
        return [code for code in asked if measure_of(code).data.groups == groups]


def comparisons(records: Records, changes: Collection[str]) -> Iterator[Comparison]:
    """The experimental arms of each result, alone and with each control arm beside them."""
    rows = [row for row in records.scores_and_counts() if row["outcome_type"] != "baseline"]
    arms = [MeasuredArm(row, records, *records.before_and_after(row)) for row in rows]
    arms += [arm for row in rows if (arm := _unreported_change(row, records, changes))]
    groups: dict[tuple[str, ...], dict[str, dict[str, MeasuredArm]]] = {}
    for arm in arms:
        key = tuple(text(arm.row[column]) for column in (*_GROUP, "stratum"))
        sets = groups.setdefault(key, {})
        # A change that was reported comes before one that was worked out.
        sets.setdefault(text(arm.row["analysis_set"]), {}).setdefault(str(arm.row["arm_id"]), arm)
    same: dict[tuple[Any, ...], list[Stratum]] = {}
    for key in sorted(groups):
        for name, alternative, stratum in _of_group(groups[key]):
            in_strata, alone = bool(key[-1]), stratum.control is None
            of = (*key[:-1], in_strata, alone, stratum.arms, name, alternative)
            same.setdefault(of, []).append(stratum)
    for (*about, name, alternative), strata in same.items():
        # An alternative of some strata stands beside the others as they are.
        main = same.get((*about, "", False), []) if alternative else []
        named = {stratum.name for stratum in strata}
        others = (stratum for stratum in main if stratum.name not in named)
        yield Comparison((*strata, *others), name, alternative)


def _of_group(
    sets: Mapping[str, Mapping[str, MeasuredArm]],
) -> Iterator[tuple[str, bool, Stratum]]:
    """Per set of participants its name, whether it is an alternative, and what is compared."""
    main = sets.get("", {})
    for name, arms in sets.items():
        # An alternative set often changes one arm only; the other is the main set's.
        both = {**main, **arms}.values()
        experimental = [arm for arm in both if arm.role == "experimental"]
        for control in (None, *(arm for arm in both if arm.role == "control")):
            if experimental:
                yield name, bool(name and main), Stratum(experimental, control)


def _unreported_change(
    row: Mapping[str, Any], records: Records, changes: Collection[str]
) -> MeasuredArm | None:
    """The change behind a score and its baseline, where an analysis takes change scores."""
    if row["outcome_type"] != "msd" or row["outcome"] not in changes:
        return None
    change = {**row, "outcome_type": "change", "mean": None, "sd": None, "computed": None}
    before, after = records.before_and_after(change)
    if before is None or after is None or not isfinite(number(before["mean"])):
        return None
    return MeasuredArm(change, records, before, after)


def reported(records: Records) -> Iterator[tuple[list[Mapping[str, Any]], bool]]:
    """Each reported contrast, a row for each stratum, and whether it is an alternative.

    An alternative is of other participants than the main set, which is reported, too.
    """
    for _, group in records.contrasts.groupby(_CONTRAST, dropna=False, sort=True):
        sets: dict[tuple[bool, str], list[Mapping[str, Any]]] = {}
        for row in tables.records(group):
            key = bool(text(row["stratum"])), text(row["analysis_set"])
            sets.setdefault(key, []).append(row)
        for (in_strata, name), rows in sets.items():
            main = sets.get((in_strata, ""), []) if name else []
            named = {text(row["stratum"]) for row in rows}
            others = [row for row in main if text(row["stratum"]) not in named]
            yield [*rows, *others], bool(main)


def _compare(
    records: Records, how: _Ways, measure: str, comparison: Comparison
) -> Iterator[Effect]:
    """The effect as the protocol has it, and under each other value of a choice it hangs on."""
    main = under(how.protocol, records, measure, comparison)
    effects = list(main)
    # Of an alternative set of participants only the protocol's own handling is of interest; and
    # nothing is varied that has no number.
    if not comparison.alternative and all(effect.has_number for effect in main):
        for variant in how.others:
            varied = under(variant.choices, records, measure, comparison)
            hanging = any(variant.choice in effect.hangs_on for effect in (*main, *varied))
            if hanging and all(effect.has_number for effect in varied):
                effects += [replace(effect, variant=variant.name) for effect in varied]
    for effect in effects:
        yield effect.in_set(comparison.participants, alternative=comparison.alternative)


def _reported(
    rows: Sequence[Mapping[str, Any]],
    measure: str,
    records: Records,
    how: _Ways,
    *,
    alternative: bool,
) -> Iterator[Effect]:
    """A reported contrast, and under each other value of a choice it hangs on."""
    main = [contrasts.effect(row, measure, records, how.protocol) for row in rows]
    effects = list(main)
    if all(effect.has_number for effect in main) and not alternative:
        for variant in how.others:
            if any(variant.choice in effect.hangs_on for effect in main):
                varied = [contrasts.effect(row, measure, records, variant.choices) for row in rows]
                effects += [replace(effect, variant=variant.name) for effect in varied]
    for effect in effects:
        yield effect.in_set(text(rows[0]["analysis_set"]), alternative=alternative)


def under(how: Choices, records: Records, measure: str, comparison: Comparison) -> list[Effect]:
    """The effect of a comparison under some choices; several where it comes in parts."""
    return [
        effect
        for stratum in comparison.strata
        for effect in _within(stratum, how, records, measure)
    ]


def _within(stratum: Stratum, how: Choices, records: Records, measure: str) -> list[Effect]:
    experimental, control = stratum
    if control is None:
        return [parallel.alone(measure, experimental, how)]
    if standardised.of_changes(measure, control.row):
        plain = _within(stratum, how, records, standardised.PLAIN)
        return standardised.effects(plain, measure, [*experimental, control], records, how)
    if control.row["period"] == "both":
        return [crossover.effect(measure, experimental, control, records.paired, how)]
    design = "parallel" if control.row["period"] == "whole" else crossover.FIRST
    return parallel.effects(measure, experimental, control, how, design=design)
