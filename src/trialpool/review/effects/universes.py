"""Each effect under every combination of the choices it hangs on: the data of the multiverse."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from math import isfinite
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.effects import measure_of
from trialpool.review.effects import contrasts
from trialpool.review.effects.choices import (
    AXES,
    UNPAIRED_SELECTION,
    Choices,
    levels_of,
    named,
    of_protocol,
)
from trialpool.review.effects.comparisons import Comparison, comparisons, reported, under
from trialpool.review.effects.effect_rows import Effect
from trialpool.review.effects.records import Records
from trialpool.review.protocol.multiverse_spec import MultiverseSpec
from trialpool.review.protocol.settings import Defaults
from trialpool.review.schema.processed import UNIVERSES
from trialpool.words import text

VALUES = ("yi", "vi", "n", "event_experimental", "totaln_experimental", "event_control",
          "totaln_control")  # fmt: skip

_Levels = Mapping[str, Sequence[Any]]


def build_universes(
    records: Records,
    measures: Mapping[str, Sequence[str]],
    defaults: Defaults,
    multiverses: Sequence[MultiverseSpec],
    changes: Collection[str],
) -> pd.DataFrame:
    """The effects of effects.csv that hang on a choice, under all combinations of its levels.

    `variant` rows of effects.csv change one choice at a time; here choices meet. An effect has a
    level only in the columns of choices that change its number; the others are blank. An effect
    that hangs on nothing has no row. Effects of alternative sets of participants have none.

    Parameters
    ----------
    records, measures, defaults, changes : as for `build_effects`
    multiverses : those of the condition's analyses; every level any of them names is worked out

    Returns
    -------
    One row per effect, part and combination of levels, columns of UNIVERSES, sorted. `yi`
    and `vi` are blank where `reason` says why.
    """
    levels = {axis: _levels(axis, defaults, multiverses) for axis in AXES}
    trials = {row["trial_id"]: row for row in tables.records(records.trials)}
    lines: list[dict[str, Any]] = []

    def keep(universes: _Universes) -> None:
        combined, axes = universes
        for key, effects in combined.items():
            for effect in effects:
                row = effect.as_row(trials[effect.about["trial_id"]])
                values = {name: row.get(name) for name in ("effect_id", "part", *VALUES, "reason")}
                lines.append(values | dict(zip(axes, key, strict=True)))

    for comparison in comparisons(records, changes):
        for measure in comparison.measured(measures) if not comparison.alternative else ():
            keep(_of_comparison(records, defaults, levels, measure, comparison))
    for rows, alternative in reported(records):
        asked = measures.get(str(rows[0]["outcome"]), [])
        for measure in asked if not alternative else ():
            if measure_of(measure).unit == "SD":
                keep(_of_contrast(rows, measure, records, defaults, levels))
    frame = UNIVERSES.frame(lines)
    return frame.sort_values(["effect_id", *AXES, "part"], na_position="first", ignore_index=True)


def _levels(axis: str, defaults: Defaults, multiverses: Sequence[MultiverseSpec]) -> list[Any]:
    levels = [level for each in multiverses for level in levels_of(axis, defaults, each)]
    unworked = UNPAIRED_SELECTION if axis == "crossover" else ()
    return [level for level in dict.fromkeys(levels) if level not in unworked]


_Universes = tuple[dict[tuple[str, ...], list[Effect]], list[str]]


def _of_comparison(
    records: Records, defaults: Defaults, levels: _Levels, measure: str, comparison: Comparison
) -> _Universes:
    base = of_protocol(defaults)
    if base.crossover.handling in UNPAIRED_SELECTION:
        base = AXES["crossover"].at(base, base.crossover.correlation)

    def at(how: Choices) -> list[Effect]:
        effects = under(how, records, measure, comparison)
        return [effect.in_set(comparison.participants, alternative=False) for effect in effects]

    # What an effect hangs on can show only under another level: the variance of an SMD of
    # independent groups matters to a crossover that is analysed as if its groups were such.
    main = at(base)
    if not all(effect.has_number for effect in main):
        return {}, []  # nothing is varied that has no number
    hanging = {name for effect in main for name in effect.hangs_on}
    for axis, spec in AXES.items():
        for level in levels[axis]:
            hanging |= {n for effect in at(spec.at(base, level)) for n in effect.hangs_on}
    axes = [
        axis
        for axis, spec in AXES.items()
        if spec.hangs_on & hanging or (axis == "smd_variance" and measure_of(measure).unit == "SD")
    ]
    combined = {}
    for chosen in product(*(levels[axis] for axis in axes)):
        how = base
        for axis, level in zip(axes, chosen, strict=True):
            how = AXES[axis].at(how, level)
        combined[tuple(map(named, chosen))] = at(how)
    return _that_matter(combined, axes)


def _of_contrast(
    rows: Sequence[Mapping[str, Any]],
    measure: str,
    records: Records,
    defaults: Defaults,
    levels: _Levels,
) -> _Universes:
    axis, base = "change_standardised", of_protocol(defaults)
    combined: dict[tuple[str, ...], list[Effect]] = {}
    for level in levels[axis]:
        how = AXES[axis].at(base, level)
        combined[(named(level),)] = [
            contrasts.effect(row, measure, records, how).in_set(
                text(row["analysis_set"]), alternative=False
            )
            for row in rows
        ]
    return _that_matter(combined, [axis])


def _that_matter(combined: dict[tuple[str, ...], list[Effect]], axes: list[str]) -> _Universes:
    """Without the choices that change no number, and nothing where there is no number at all."""
    names = list(axes)
    for axis in axes:
        place = names.index(axis)
        rest: dict[tuple[str, ...], set[Any]] = {}
        for key, effects in combined.items():
            rest.setdefault(_without(key, place), set()).add(tuple(_numbers(effects)))
        if all(len(values) == 1 for values in rest.values()):
            combined = {_without(key, place): e for key, e in reversed(combined.items())}
            names.remove(axis)
    some = any(effect.has_number for effects in combined.values() for effect in effects)
    return (combined, names) if names and some else ({}, [])


def _without(key: tuple[str, ...], place: int) -> tuple[str, ...]:
    return key[:place] + key[place + 1 :]


def _numbers(effects: Sequence[Effect]) -> Iterator[tuple[str, float | None, float | None]]:
    for effect in effects:
        y, v = float(effect.sizes.yi[0]), float(effect.sizes.vi[0])
        # NaN is not equal to itself; two effects without a number are alike.
        yield effect.as_part, y if isfinite(y) else None, v if isfinite(v) else None
