"""The data sets of one analysis' multiverse: which effects, with which numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from trialpool import tables
from trialpool.diagnostics.multiverse import DataSet
from trialpool.results import NAN, Array
from trialpool.review.case import Case
from trialpool.review.choosing.preference import UndecidedError
from trialpool.review.effects.choices import AXES, UNPAIRED_SELECTION
from trialpool.review.effects.crossover import AS_PARALLEL, FIRST, PAIRED
from trialpool.review.fitting.posterior import COUNTS
from trialpool.review.trust.multiverse_choices import TITLES, Choice, choices_of
from trialpool.review.trust.what_if import what_if

SELECTING = ("comparators", "time_window", "time_point", "instruments", "crossover")
_VALUES = ("yi", "vi", *COUNTS)
# What selection and the missing trials look at.
_SELECTED = (
    "effect_id", "variant", "part", "trial_id", "study", "year", "experimental_arms",
    "control_arm", "comparator_class", "outcome", "instrument", "definition", "time_days",
    "outcome_type", "stratum", "primary", "design", "basis", "measure", "reason", "n", "flags",
    "confidence", *_VALUES,
)  # fmt: skip
_WHOLE = (PAIRED, AS_PARALLEL)
_EVER = (0.0, 1e6)  # days: before and after every time point


class _Unit(NamedTuple):
    """A trial's chosen effect: its rows (rows, VALUES) as the protocol has it."""

    trial: str
    effect: str
    flagged: bool
    high: bool
    rows: Array


class _Worked(NamedTuple):
    """An effect that hangs on choices: which, and its rows for each combination of levels."""

    axes: tuple[str, ...]
    rows: dict[tuple[str, ...], Array]

    def at(self, axis: str, level: str) -> tuple[bytes, ...]:
        """All numbers under a level of one choice, whatever the others are."""
        if axis not in self.axes:
            return ()
        place = self.axes.index(axis)
        return tuple(rows.tobytes() for key, rows in self.rows.items() if key[place] == level)


class MultiverseData:
    """The chosen effects of an analysis under every choice; `choices` are those that matter."""

    def __init__(self, case: Case) -> None:
        known, spec, rules = case.tables, case.spec, case.rules
        effects, missing, worked = known.effects, known.missing_results, known.universes
        mine = (effects["outcome"] == spec.outcome) & (effects["measure"] == spec.measure)
        mine &= effects["variant"].isna()
        candidates = effects.loc[mine, [name for name in _SELECTED if name in effects]]
        kept = [not rules.against(*of) for of in _results(candidates)]
        gone = (missing["outcome"] == spec.outcome) & (missing["what_if"] == "yes")
        self.effects = _light(candidates.loc[kept])
        light = replace(
            known,
            effects=self.effects,
            trials=_light(known.trials),
            arms=_light(known.arms),
            missing_results=_light(missing[gone]),
        )
        self.case = replace(case, tables=light)
        self.rules = rules
        self.worked = _worked(worked[worked["effect_id"].isin(self.effects["effect_id"])])
        full = choices_of(self.case, self.effects)
        # The protocol's own selection for each comparator and window.
        self.studies: dict[tuple[Any, ...], pd.DataFrame] = {}
        self.undecided: tuple[str, ...] = ()
        self.selected = self._selections(full)
        self.choices = {name: self._that_matter(choice) for name, choice in full.items()}

    # --- which effects ---------------------------------------------------------------------------

    def _selections(self, choices: Mapping[str, Choice]) -> dict[tuple[Any, ...], list[_Unit]]:
        """The chosen effects under each combination of what decides the selection.

        A level under which no rule says which of a trial's effects counts is left out, and named.
        """
        axes = [choices[name].values for name in SELECTING]
        axes[-1] = tuple(dict.fromkeys(_mode(level) for level in axes[-1]))
        usual = tuple(values[0] for values in axes)
        units, gone = {}, set()
        for key in product(*axes):
            try:
                units[key] = self._units(*key)
            except UndecidedError:
                if key == usual:
                    raise
                other = [place for place, level in enumerate(key) if level != usual[place]]
                gone.add((other[0], key[other[0]]))
        self.undecided = tuple(_left_out(choices, gone))
        return {key: each for key, each in units.items() if gone.isdisjoint(enumerate(key))}

    def _units(
        self, comparators: Any, window: Any, point: str, instruments: Any, mode: str
    ) -> list[_Unit]:
        chosen = self._select(self._under(comparators, window, point, instruments), mode)
        self.studies.setdefault((comparators, window), chosen)
        units: dict[str, _Unit] = {}
        numbers = chosen[list(_VALUES)].to_numpy(float)
        high = [self._high(*of) for of in _results(chosen)]
        about = zip(chosen["trial_id"], chosen["effect_id"], chosen["flags"].notna(), strict=True)
        for i, (trial, effect, flagged) in enumerate(about):
            if trial in units:  # the control is split among the arms of this trial
                old = units[trial]
                rows = np.vstack([old.rows, numbers[i]])
                units[trial] = old._replace(flagged=old.flagged or flagged, rows=rows)
            else:
                units[trial] = _Unit(trial, effect, flagged, high[i], numbers[i : i + 1])
        return list(units.values())

    def _under(self, comparators: Any, window: Any, point: str, instruments: Any) -> Case:
        days, prefer = window
        ends = days or _EVER
        prefer = {"earliest": ends[0], "latest": ends[1]}.get(point, prefer)
        return self.case.but(
            comparators=comparators, time_days=days, prefer_time=prefer, instruments=instruments
        )

    def _select(self, case: Case, mode: str) -> pd.DataFrame:
        effects = self.effects
        primary = case.defaults.crossover.handling
        if mode == "" and primary in UNPAIRED_SELECTION:
            effects = self._with_crossovers(effects)
        elif mode not in ("", primary):
            out = _WHOLE if mode == "first_period" else (*_WHOLE, FIRST)
            effects = effects[~effects["design"].isin(out)]
        return case.but(effects=effects).chosen().chosen

    def _with_crossovers(self, effects: pd.DataFrame) -> pd.DataFrame:
        """Crossovers that the protocol leaves out have numbers in universes.csv alone."""
        known = {e: next(iter(w.rows.values())) for e, w in self.worked.items()}
        lines = [
            {**row, **dict(zip(_VALUES, known[row["effect_id"]][0], strict=True))}
            if row["design"] in _WHOLE and row["effect_id"] in known
            else row
            for row in tables.records(effects)
        ]
        return pd.DataFrame(lines, columns=effects.columns)

    # --- what matters ----------------------------------------------------------------------------

    def _that_matter(self, choice: Choice) -> Choice:
        """Without levels that leave all data as under the protocol's own level."""
        units = [unit for chosen in self.selected.values() for unit in chosen]
        if choice.name in AXES:
            hanging = any(
                choice.name in self.worked[u.effect].axes for u in units if u.effect in self.worked
            )
            if choice.name == "crossover":
                return self._crossovers(choice, hanging=hanging)
            return self._distinct(choice, units) if hanging else choice.only([])
        if choice.name in SELECTING:
            place = SELECTING.index(choice.name)
            return choice.only(
                i for i, value in enumerate(choice.values) if self._differs(place, choice, value)
            )
        bites = {
            "risk_of_bias": any(unit.high for unit in units),
            "flagged": any(unit.flagged for unit in units),
            "missing": choice.bites and any(self.absent.values()),
        }
        return choice if bites.get(choice.name, True) else choice.only([])

    def _distinct(self, choice: Choice, units: Iterable[_Unit]) -> Choice:
        """Without levels that give every effect the numbers of an earlier level."""
        worked = {u.effect: self.worked[u.effect] for u in units if u.effect in self.worked}
        seen: dict[tuple[Any, ...], int] = {}
        for i, level in enumerate(choice.values):
            numbers = tuple(each.at(choice.name, level) for each in worked.values())
            seen.setdefault(numbers, i)
        return choice.only(seen.values())

    def _differs(self, place: int, choice: Choice, value: Any) -> bool:
        """Whether a level selects other effects than the protocol's own anywhere."""
        for key, units in self.selected.items():
            if key[place] == value:
                primary = (*key[:place], choice.values[0], *key[place + 1 :])
                if {u.effect for u in units} != {u.effect for u in self.selected[primary]}:
                    return True
        return False

    def _crossovers(self, choice: Choice, *, hanging: bool) -> Choice:
        modes = replace(choice, values=tuple(_mode(value) for value in choice.values))
        kept = [
            i
            for i, mode in enumerate(modes.values)
            if (mode == modes.values[0] and hanging) or self._differs(4, modes, mode)
        ]
        remaining = choice.only(kept)
        if not hanging and remaining.bites and _mode(remaining.values[0]) == "":
            # Counts are always compared as if the conditions were independent groups.
            return replace(remaining, words=("both periods", *remaining.words[1:]))
        return remaining

    # --- the data sets ---------------------------------------------------------------------------

    @cached_property
    def absent(self) -> dict[tuple[Any, ...], dict[str, Array]]:
        """The missing trials that can be added to each comparator and window, by trial."""
        out = {}
        primary = next(iter(self.selected))
        for comparators, window in dict.fromkeys(key[:2] for key in self.selected):
            case = self._under(comparators, window, primary[2], primary[3])
            missing = what_if(case, self.studies[comparators, window]).missing
            out[comparators, window] = {
                row["trial_id"]: _added(row)
                for row in tables.records(missing[missing["what_if"] == "yes"])
            }
        return out

    def sets(self, factors: list[Choice]) -> Iterator[DataSet]:
        """The effects under each combination of the levels of the factors."""
        primary = {name: choice.values[0] for name, choice in self.choices.items()}
        absent = self.absent if self.choices["missing"].bites else {}
        for at in product(*(range(len(factor.values)) for factor in factors)):
            level = primary | {f.name: f.values[i] for f, i in zip(factors, at, strict=True)}
            key = (*(level[name] for name in SELECTING[:-1]), _mode(level["crossover"]))
            units = self.selected[key]
            rows = [self._rows(unit, level) for unit in units if self._enters(unit, level)]
            rows = [each for each in rows if len(each)]
            if level["missing"] and rows:
                present = {unit.trial for unit in units}
                rows += [
                    added
                    for trial, added in absent[key[:2]].items()
                    if trial not in present and not (level["risk_of_bias"] and self._high(trial))
                ]
            together = np.concatenate(rows) if rows else np.empty((0, len(_VALUES)))
            yield DataSet(at, together[:, 0], together[:, 1], len(rows), together[:, 2:])

    def _enters(self, unit: _Unit, level: Mapping[str, Any]) -> bool:
        return not ((level["flagged"] and unit.flagged) or (level["risk_of_bias"] and unit.high))

    def _high(self, trial: str, instrument: object = "") -> bool:
        return self.rules.judgement(trial, instrument) == "high"

    def _rows(self, unit: _Unit, level: Mapping[str, Any]) -> Array:
        """A trial's rows under the levels of the choices it hangs on; none without a number."""
        worked = self.worked.get(unit.effect)
        if worked is None:
            return unit.rows
        rows = worked.rows[tuple(level[axis] for axis in worked.axes)]
        return rows if np.isfinite(rows[:, :2]).all() else rows[:0]


def _results(effects: pd.DataFrame) -> Iterator[tuple[str, object]]:
    return zip(effects["trial_id"], effects["instrument"], strict=True)


def _light(table: pd.DataFrame) -> pd.DataFrame:
    """The table with plain Python text: it is gone through row by row, many times."""
    texts = [name for name in table if not pd.api.types.is_float_dtype(table[name])]
    return table.astype(dict.fromkeys(texts, object))


def _mode(level: Any) -> str:
    """How a level of the crossover factor bears on the selection; blank where it does not."""
    return str(level) if level in UNPAIRED_SELECTION else ""


def _added(row: Mapping[str, Any]) -> Array:
    """A missing trial at no effect; it has no counts."""
    return np.array([[row["yi"], row["vi"], *[NAN] * len(COUNTS)]])


def _worked(universes: pd.DataFrame) -> dict[str, _Worked]:
    """universes.csv by effect and levels."""
    out: dict[str, _Worked] = {}
    for effect, group in universes.groupby("effect_id", sort=False):
        axes = tuple(axis for axis in AXES if group[axis].notna().any())
        numbers = group[list(_VALUES)].to_numpy(float)
        rows: dict[tuple[str, ...], Array] = {}
        keys = zip(*(group[axis] for axis in axes), strict=True)
        for i, key in enumerate(keys):
            rows[key] = np.vstack([rows[key], numbers[i]]) if key in rows else numbers[i : i + 1]
        out[str(effect)] = _Worked(axes, rows)
    return out


def _left_out(choices: Mapping[str, Choice], gone: Collection[tuple[int, Any]]) -> Iterator[str]:
    """The levels in words that are left out, from their places in SELECTING and their values."""
    for place, name in enumerate(SELECTING):
        for value, words in zip(choices[name].values, choices[name].words, strict=True):
            if (place, _mode(value) if name == "crossover" else value) in gone:
                yield f"{TITLES[name]}: {words}"
