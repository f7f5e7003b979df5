"""Registry of effect measures: one function each, its required columns declared beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialpool.results import NAN, Array, EffectSizes, TrialpoolError, check_choice

Rule = tuple[NDArray[np.bool_], str]


class Estimate(NamedTuple):
    """What a formula gives back.

    `yi`, `vi` : (k,), anything where undefined. `formula` names what was computed. `rules` say
    (mask, text) where there is no effect, `no_variance` where there is one without a variance;
    the first that holds is the reason. A missing column needs no rule.
    """

    yi: Array
    vi: Array
    formula: str
    rules: Sequence[Rule] = ()
    no_variance: Sequence[Rule] = ()


Formula = Callable[..., Estimate]
Derived = tuple[tuple[str, ...], Callable[..., Array]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """An effect measure: its formula, required columns, and how else they may be given.

    `derived` maps a column to the columns it can be worked out from, and how. `ignores` are
    columns of the same table of data that this measure does not read. `choices` holds the allowed
    values of the options that have a fixed list.
    """

    name: str
    formula: Formula
    needs: tuple[str, ...]
    derived: Mapping[str, Derived] = field(default_factory=dict)
    ignores: tuple[str, ...] = ()
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, Any]:
        """Names of the keyword options the formula takes beside its columns, with defaults."""
        parameters = inspect.signature(self.formula).parameters.values()
        return {p.name: p.default for p in parameters if p.name not in self.needs}


MEASURES: dict[str, Measure] = {}


def measure(
    name: str,
    *,
    needs: tuple[str, ...],
    sums: Mapping[str, tuple[str, str]] | None = None,
    derived: Mapping[str, Derived] | None = None,
    ignores: tuple[str, ...] = (),
    choices: Mapping[str, tuple[Any, ...]] | None = None,
) -> Callable[[Formula], Formula]:
    """Register a formula under `name`.

    `sums` says which required column may be given as two parts, e.g. n1i as ai + bi; the other
    arguments are those of `Measure`.
    """
    worked_out = {total: (parts, np.add) for total, parts in (sums or {}).items()}

    def add(formula: Formula) -> Formula:
        MEASURES[name] = Measure(
            name=name,
            formula=formula,
            needs=needs,
            derived={**worked_out, **(derived or {})},
            ignores=ignores,
            choices=dict(choices or {}),
        )
        return formula

    return add


def compute(name: str, given: Mapping[str, Any]) -> EffectSizes:
    """Check the columns of one call against the measure's declaration, and apply its formula."""
    if name not in MEASURES:
        raise TrialpoolError(f"unknown measure {name!r}: known are {', '.join(sorted(MEASURES))}")
    spec = MEASURES[name]
    given = {key: value for key, value in given.items() if value is not None}
    parts = {part for columns, _ in spec.derived.values() for part in columns}
    defaults = spec.options
    allowed = {*spec.needs, *spec.ignores, *parts, *defaults}
    if unknown := sorted(set(given) - allowed):
        raise TrialpoolError(
            f"{name} does not take {', '.join(unknown)}: columns are {', '.join(spec.needs)}"
            f"; options are {', '.join(defaults) or 'none'}"
        )
    options = {key: value for key, value in given.items() if key in defaults}
    for option, values in spec.choices.items():
        if option in options:
            check_choice(option, options[option], values)
    # Formulas may divide by zero or take the log of one: `_explained` says what became of it.
    with np.errstate(all="ignore"):
        columns = _columns(spec, {k: v for k, v in given.items() if k not in defaults})
        return _explained(name, columns, spec.formula(**columns, **options))


def _columns(spec: Measure, given: Mapping[str, Any]) -> dict[str, Array]:
    """The required columns, all of shape (k,)."""
    columns = _aligned(spec.name, given)
    for name, (parts, rule) in spec.derived.items():
        if all(part in columns for part in parts):
            worked_out = rule(*(columns[part] for part in parts))
            known = columns.get(name, worked_out)
            columns[name] = np.where(np.isnan(known), worked_out, known)
    if missing := [_or_parts(spec, key) for key in spec.needs if key not in columns]:
        raise TrialpoolError(
            f"{spec.name} needs {', '.join(spec.needs)}: missing {', '.join(missing)}"
        )
    return {key: columns[key] for key in spec.needs}


def _or_parts(spec: Measure, column: str) -> str:
    if column not in spec.derived:
        return column
    return f"{column} (or {', '.join(spec.derived[column][0])})"


def _aligned(name: str, given: Mapping[str, Any]) -> dict[str, Array]:
    """Columns as floats of one length; a single number stands for every study."""
    columns = {key: _numbers(key, values) for key, values in given.items()}
    lengths = {key: len(column) for key, column in columns.items() if column.ndim == 1}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{key} {length}" for key, length in lengths.items())
        raise TrialpoolError(f"{name}: columns must have one length, got {listed}")
    k = next(iter(lengths.values()), 1)
    return {key: np.broadcast_to(column, (k,)) for key, column in columns.items()}


def _numbers(name: str, values: Any) -> Array:
    try:
        column = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TrialpoolError(f"{name} must hold numbers only: {error}") from None
    if column.ndim > 1:
        raise TrialpoolError(f"{name} must be one column, got an array of shape {column.shape}")
    return column


def none_of(rules: Sequence[Rule], k: int) -> NDArray[np.bool_]:
    """Studies that no rule forbids, shape (k,)."""
    free = np.ones(k, dtype=np.bool_)
    for mask, _ in rules:
        free &= ~mask
    return free


def _explained(name: str, columns: Mapping[str, Array], estimate: Estimate) -> EffectSizes:
    """Blank what is undefined, and say why.

    An effect that can be computed stays where only its variance is missing: it can stand in a
    table, but not be pooled. A variance of exactly 0 could not be weighted, so it counts as
    undefined.
    """
    k = len(estimate.yi)
    has_effect = none_of(estimate.rules, k) & np.isfinite(estimate.yi)
    complete = has_effect & np.isfinite(estimate.vi) & (estimate.vi > 0)
    complete &= none_of(estimate.no_variance, k)
    rules = [
        *((~np.isfinite(column), f"{key} is missing") for key, column in columns.items()),
        *estimate.rules,
        *estimate.no_variance,
        (~complete, "sampling variance is 0 or undefined"),
    ]
    reason = [""] * k
    for mask, text in reversed(rules):
        for i in np.flatnonzero(mask):
            reason[i] = text
        complete &= ~mask
    return EffectSizes(
        yi=np.where(has_effect, estimate.yi, NAN),
        vi=np.where(complete, estimate.vi, NAN),
        measure=name,
        formula=estimate.formula,
        reason=tuple(reason),
    )
